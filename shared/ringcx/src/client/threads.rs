//! Threads over REST (`content_threads`).

use std::collections::BTreeSet;

use handover_core::ids::{CategoryId, ForeignThreadId, SourceId, ThreadId};
use handover_core::ports::{RingCxError, Thread, Urgency};
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

const THREADS: &str = "content_threads";

/// The complete new set of a thread's own categories.
const CATEGORIES_FIELD: &str = "thread_category_ids[]";

impl RingCxClient {
    /// Searches by our id. The search may find more than was asked for, so only a record with exactly
    /// our id and source is a hit.
    pub(super) async fn search_thread(
        &self,
        connection: &Connection,
        wanted: &ForeignThreadId,
    ) -> Result<Option<Thread>, RingCxError> {
        let source = &connection.ringcx.source_id;
        let search = format!(
            "foreign:{} source:{}",
            quoted(wanted.as_str()),
            quoted(source.as_str())
        );
        let found = self.search(connection, &search).await?;
        let is_wanted =
            |thread: &Thread| thread.foreign_id.as_ref() == Some(wanted) && thread.source == *source;
        Ok(found.into_iter().find(is_wanted))
    }

    /// The thread on the connection's source in which something was said last, of those of an identity.
    pub(super) async fn search_thread_by_identity(
        &self,
        connection: &Connection,
        identity: &str,
    ) -> Result<Option<Thread>, RingCxError> {
        let source = &connection.ringcx.source_id;
        let search = format!(
            "identity:{} source:{} order:last_content_at.desc",
            quoted(identity),
            quoted(source.as_str())
        );
        let found = self.search(connection, &search).await?;
        Ok(found.into_iter().find(|thread| thread.source == *source))
    }

    /// The first hits of a search.
    async fn search(&self, connection: &Connection, search: &str) -> Result<Vec<Thread>, RingCxError> {
        let call = Call {
            query: &[("limit", "2"), ("q", search)],
            urgency: Urgency::Soon,
            ..Call::new("find_thread", Method::GET, &[THREADS])
        };
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        Ok(answer.records(&page)?.iter().filter_map(thread).collect())
    }

    pub(super) async fn get_thread(
        &self,
        connection: &Connection,
        id: &ThreadId,
        urgency: Urgency,
    ) -> Result<Thread, RingCxError> {
        let path = [THREADS, id.as_str()];
        let call = Call {
            urgency,
            ..Call::new("thread", Method::GET, &path)
        };
        let answer = self.rest(connection, call).await?;
        thread(&answer.json()?).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })
    }

    /// Replaces the whole set. An answer with another set means that somebody else changed it at the
    /// same time.
    pub(super) async fn put_categories(
        &self,
        connection: &Connection,
        id: &ThreadId,
        categories: &[CategoryId],
    ) -> Result<Thread, RingCxError> {
        let mut form: Vec<(&str, &str)> = categories
            .iter()
            .map(|category| (CATEGORIES_FIELD, category.as_str()))
            .collect();
        if form.is_empty() {
            // Without any field nothing would be said; an empty one says "none".
            form.push((CATEGORIES_FIELD, ""));
        }
        let path = [THREADS, id.as_str(), "update_categories"];
        let call = Call {
            form: Some(&form),
            ..Call::rest_of("set_categories", Method::PUT, &path)
        };
        let answer = self.rest(connection, call).await?;
        let mut changed = thread(&answer.json()?).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })?;
        changed.answered_at = answer.date;
        let is: BTreeSet<&CategoryId> = changed.categories.iter().collect();
        let should_be: BTreeSet<&CategoryId> = categories.iter().collect();
        if is == should_be {
            Ok(changed)
        } else {
            Err(RingCxError::Conflict)
        }
    }

    /// RCE opens by a GET.
    pub(super) async fn get_open(&self, connection: &Connection, id: &ThreadId) -> Result<(), RingCxError> {
        let path = [THREADS, id.as_str(), "open"];
        self.rest(connection, Call::rest_of("open_thread", Method::GET, &path))
            .await
            .map(drop)
    }

    pub(super) async fn put_ignore(&self, connection: &Connection, id: &ThreadId) -> Result<(), RingCxError> {
        let path = [THREADS, id.as_str(), "ignore"];
        self.rest(connection, Call::rest_of("archive", Method::PUT, &path))
            .await
            .map(drop)
    }
}

/// The search syntax documents no way to write a quotation mark.
pub(super) fn quoted(id: &str) -> String {
    format!("\"{}\"", id.replace('"', ""))
}

fn thread(record: &Value) -> Option<Thread> {
    Some(Thread {
        id: ThreadId::new(json::id(record.get("id"))?),
        foreign_id: json::id(record.get("foreign_id")).map(ForeignThreadId::new),
        // A thread that names no source is nobody's; an empty id equals no configured one.
        source: SourceId::new(json::id(record.get("source_id")).unwrap_or_default()),
        categories: json::items(record.get("thread_category_ids"))
            .iter()
            .filter_map(|category| json::id(Some(category)))
            .map(CategoryId::new)
            .collect(),
        closed: record.get("closed").and_then(Value::as_bool).unwrap_or(false),
        changed_at: json::time(record.get("updated_at")),
        answered_at: None,
    })
}
