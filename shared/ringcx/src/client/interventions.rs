//! Interventions over REST.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::{AgentId, InterventionId, ThreadId};
use handover_core::ports::{Intervention, RingCxError, Urgency};
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

pub(super) const INTERVENTIONS: &str = "interventions";

/// The largest page (REST API, "Pagination").
const PAGE: usize = 150;

/// Pages that are read at most; a thread seldom has more than a handful of interventions.
const PAGES_MAX: usize = 5;

/// Pages of the whole account that are read at most, as long as they hold something that changed lately.
const RECENT_PAGES: usize = 3;
const LATELY: Duration = Duration::from_mins(10);

/// What changed last in each account, as it was read last.
#[derive(Default)]
pub(super) struct RecentCache(Mutex<HashMap<(String, String), Slot>>);

type Slot = Arc<Mutex<Option<(Timestamp, Arc<[Intervention]>)>>>;

/// One page of a list.
struct Page {
    records: Vec<Record>,
    /// How many it has, unreadable ones included.
    length: usize,
    /// How many there are on all pages.
    all: Option<usize>,
}

/// An intervention with the times by which lists are sorted.
struct Record {
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    intervention: Intervention,
}

impl RingCxClient {
    /// All interventions of a thread, newest first. The order of RCE's list is not documented, so they
    /// are sorted here.
    pub(super) async fn list_interventions(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        urgency: Urgency,
    ) -> Result<Vec<Intervention>, RingCxError> {
        let mut found = Vec::new();
        let mut offset = 0;
        for _ in 0..PAGES_MAX {
            let of_thread = [("thread_id", thread.as_str())];
            let page = self
                .intervention_page(connection, &of_thread, offset, urgency)
                .await?;
            found.extend(page.records);
            offset += page.length;
            if page.length == 0 || page.all.is_none_or(|all| offset >= all) {
                break;
            }
        }
        found.sort_by_key(|record| std::cmp::Reverse(record.created_at));
        Ok(found.into_iter().map(|record| record.intervention).collect())
    }

    pub(super) async fn get_intervention(
        &self,
        connection: &Connection,
        id: &InterventionId,
        urgency: Urgency,
    ) -> Result<Intervention, RingCxError> {
        let path = [INTERVENTIONS, id.as_str()];
        let call = Call {
            urgency,
            ..Call::new("intervention", Method::GET, &path)
        };
        let answer = self.rest(connection, call).await?;
        let record = intervention(&answer.json()?).ok_or(RingCxError::NotFound)?;
        Ok(record.intervention)
    }

    /// What changed last in the account. Who asks while the answer is on its way gets the same.
    pub(super) async fn list_recent_interventions(
        &self,
        connection: &Connection,
        max_age: Duration,
    ) -> Result<Arc<[Intervention]>, RingCxError> {
        let settings = &connection.ringcx;
        let key = (
            settings.api_base.to_string(),
            settings.api_access_token.expose().to_owned(),
        );
        let slot = Arc::clone(self.recent.0.lock().await.entry(key).or_default());
        let mut slot = slot.lock().await;
        let now = self.clock.now();
        if let Some((at, known)) = slot.as_ref()
            && now.duration_since(*at).unsigned_abs() <= max_age
        {
            return Ok(Arc::clone(known));
        }
        let recent: Arc<[Intervention]> = self.read_recent_interventions(connection).await?.into();
        *slot = Some((now, Arc::clone(&recent)));
        Ok(recent)
    }

    /// Pages sorted by their last change, until nothing in them changed lately. Which end of the list is the new
    /// one is not documented; if it is the last, that is where they are read from.
    async fn read_recent_interventions(
        &self,
        connection: &Connection,
    ) -> Result<Vec<Intervention>, RingCxError> {
        let sorted = [("sort", "updated_at")];
        let mut found: Vec<Record> = Vec::new();
        let mut offset = 0;
        for page_number in 0..RECENT_PAGES {
            let page = self
                .intervention_page(connection, &sorted, offset, Urgency::Idle)
                .await?;
            let times: Vec<Timestamp> = page
                .records
                .iter()
                .filter_map(|record| record.updated_at)
                .collect();
            let ascending = times.first() < times.last();
            let lately = times
                .iter()
                .max()
                .zip(times.iter().min())
                .is_some_and(|(newest, oldest)| newest.duration_since(*oldest).unsigned_abs() < LATELY);
            let all = page.all.unwrap_or(0);
            let more = all > offset + page.length;
            found.extend(page.records);
            if ascending && more && page_number == 0 {
                offset = all.saturating_sub(PAGE);
            } else if ascending || !more || !lately {
                break;
            } else {
                offset += page.length;
            }
        }
        found.sort_by_key(|record| std::cmp::Reverse(record.updated_at));
        Ok(found.into_iter().map(|record| record.intervention).collect())
    }

    async fn intervention_page(
        &self,
        connection: &Connection,
        filter: &[(&str, &str)],
        offset: usize,
        urgency: Urgency,
    ) -> Result<Page, RingCxError> {
        let (limit, from) = (PAGE.to_string(), offset.to_string());
        let mut query = filter.to_vec();
        query.push(("limit", &limit));
        if offset > 0 {
            query.push(("offset", &from));
        }
        let call = Call {
            query: &query,
            urgency,
            ..Call::new("interventions", Method::GET, &[INTERVENTIONS])
        };
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        let records = answer.records(&page)?;
        Ok(Page {
            records: records.iter().filter_map(intervention).collect(),
            length: records.len(),
            all: json::count(page.get("count")).and_then(|count| usize::try_from(count).ok()),
        })
    }

    /// RCE allows this to the intervention's owner, or with the right to edit, once an agent replied.
    pub(super) async fn put_close(
        &self,
        connection: &Connection,
        id: &InterventionId,
    ) -> Result<(), RingCxError> {
        let path = [INTERVENTIONS, id.as_str(), "close"];
        let call = Call::rest_of("close_intervention", Method::PUT, &path);
        self.rest(connection, call).await.map(drop)
    }

    /// RCE allows this as long as no agent replied.
    pub(super) async fn delete_cancel(
        &self,
        connection: &Connection,
        id: &InterventionId,
    ) -> Result<(), RingCxError> {
        let path = [INTERVENTIONS, id.as_str(), "cancel"];
        let call = Call::rest_of("cancel_intervention", Method::DELETE, &path);
        self.rest(connection, call).await.map(drop)
    }
}

/// The intervention that an answer shows.
pub(super) fn read(record: &Value) -> Option<Intervention> {
    intervention(record).map(|record| record.intervention)
}

/// `status` is a localised label and says nothing; samples show `closed: false` beside a `closed_at`, so
/// either of the two counts.
fn intervention(record: &Value) -> Option<Record> {
    let closed_at = json::time(record.get("closed_at"));
    let updated_at = json::time(record.get("updated_at"));
    let closed = record.get("closed").and_then(Value::as_bool).unwrap_or(false)
        || json::text(record.get("closed_at")).is_some();
    let intervention = Intervention {
        id: InterventionId::new(json::id(record.get("id"))?),
        thread: json::id(record.get("thread_id")).map(ThreadId::new),
        agent: json::id(record.get("user_id")).map(AgentId::new),
        closed,
        as_of: closed_at.filter(|_| closed).or(updated_at),
        agent_replies: json::count(record.get("user_replies_count")).unwrap_or(0),
    };
    Some(Record {
        created_at: json::time(record.get("created_at")),
        updated_at,
        intervention,
    })
}
