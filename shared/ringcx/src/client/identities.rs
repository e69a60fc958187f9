//! People over REST (`identities`).

use handover_core::ports::{RingCxError, Thread};
use handover_core::settings::Connection;
use reqwest::Method;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

/// Most identities of one name that are looked at: `source_id` filters by the source's community, within which the
/// name is unique.
const IDENTITIES_MAX: usize = 5;

impl RingCxClient {
    /// The newest thread of a person whom the channel of the connection's source calls so.
    pub(super) async fn search_thread_of(
        &self,
        connection: &Connection,
        person: &str,
    ) -> Result<Option<Thread>, RingCxError> {
        let source = connection.ringcx.source_id.as_str();
        let call = Call {
            query: &[
                ("source_id", source),
                ("foreign_id", person),
                ("limit", &IDENTITIES_MAX.to_string()),
            ],
            ..Call::new("find_identity", Method::GET, &["identities"])
        };
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        let ours =
            |record: &&serde_json::Value| json::id(record.get("foreign_id")).as_deref() == Some(person);
        let found: Vec<String> = answer
            .records(&page)?
            .iter()
            .filter(ours)
            .filter_map(|record| json::id(record.get("id")))
            .take(IDENTITIES_MAX)
            .collect();
        for identity in found {
            let thread = self.search_thread_by_identity(connection, &identity).await?;
            if thread.is_some() {
                return Ok(thread);
            }
        }
        Ok(None)
    }
}
