//! Interventions over REST.

use handover_core::Timestamp;
use handover_core::ids::{InterventionId, ThreadId};
use handover_core::ports::{Intervention, RingCxError};
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use super::rest::Call;
use crate::json;

const INTERVENTIONS: &str = "interventions";

/// The largest page (REST API, "Pagination").
const PAGE: usize = 150;

/// Pages that are read at most; a thread seldom has more than a handful of interventions.
const PAGES_MAX: usize = 5;

impl RingCxClient {
    /// All interventions of a thread, newest first. The order of RCE's list is not documented, so they
    /// are sorted here.
    pub(super) async fn list_interventions(
        &self,
        connection: &Connection,
        thread: &ThreadId,
    ) -> Result<Vec<Intervention>, RingCxError> {
        let mut found: Vec<(Option<Timestamp>, Intervention)> = Vec::new();
        let mut offset = 0;
        for _ in 0..PAGES_MAX {
            let (limit, from) = (PAGE.to_string(), offset.to_string());
            let mut query = vec![("thread_id", thread.as_str()), ("limit", &limit)];
            if offset > 0 {
                query.push(("offset", &from));
            }
            let call = Call {
                query: &query,
                ..Call::new("interventions", Method::GET, &[INTERVENTIONS])
            };
            let answer = self.rest(connection, call).await?;
            let page = answer.json()?;
            let records = page
                .get("records")
                .and_then(Value::as_array)
                .ok_or(RingCxError::Unavailable {
                    status: answer.status.as_u16(),
                })?;
            found.extend(records.iter().filter_map(intervention));
            offset += records.len();
            let all = json::count(page.get("count")).and_then(|count| usize::try_from(count).ok());
            if records.is_empty() || all.is_none_or(|all| offset >= all) {
                break;
            }
        }
        found.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        Ok(found.into_iter().map(|(_, intervention)| intervention).collect())
    }

    /// RCE allows this to the intervention's owner, or with the right to edit, once an agent replied.
    pub(super) async fn put_close(
        &self,
        connection: &Connection,
        id: &InterventionId,
    ) -> Result<(), RingCxError> {
        let path = [INTERVENTIONS, id.as_str(), "close"];
        let call = Call::new("close_intervention", Method::PUT, &path);
        self.rest(connection, call).await.map(drop)
    }

    /// RCE allows this as long as no agent replied.
    pub(super) async fn delete_cancel(
        &self,
        connection: &Connection,
        id: &InterventionId,
    ) -> Result<(), RingCxError> {
        let path = [INTERVENTIONS, id.as_str(), "cancel"];
        let call = Call::new("cancel_intervention", Method::DELETE, &path);
        self.rest(connection, call).await.map(drop)
    }
}

/// `status` is a localised label and says nothing; samples show `closed: false` beside a `closed_at`, so
/// either of the two counts.
fn intervention(record: &Value) -> Option<(Option<Timestamp>, Intervention)> {
    let closed = record.get("closed").and_then(Value::as_bool).unwrap_or(false)
        || json::text(record.get("closed_at")).is_some();
    let intervention = Intervention {
        id: InterventionId::new(json::id(record.get("id"))?),
        closed,
        agent_replies: json::count(record.get("user_replies_count")).unwrap_or(0),
    };
    Some((json::time(record.get("created_at")), intervention))
}
