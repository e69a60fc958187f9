//! What was said, read over REST (`contents`).

use std::cmp::Reverse;

use handover_core::Timestamp;
use handover_core::files::media_type;
use handover_core::ids::{AgentId, ContentId, EventId, SourceId, ThreadId};
use handover_core::message::Attachment;
use handover_core::ports::{Content, ContentsPage, DeliveryStatus, RingCxError, Urgency};
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use super::threads::quoted;
use crate::answer::Answer;
use crate::json;
use crate::rest::Call;
use crate::webhook::{delivery_status, imported};

pub(super) const CONTENTS: &str = "contents";

/// The largest page (REST API, "Pagination").
const PAGE: usize = 150;

impl RingCxClient {
    pub(super) async fn get_content(
        &self,
        connection: &Connection,
        id: &ContentId,
        urgency: Urgency,
    ) -> Result<Content, RingCxError> {
        let path = [CONTENTS, id.as_str()];
        let call = Call {
            urgency,
            ..Call::new("content", Method::GET, &path)
        };
        let answer = self.rest(connection, call).await?;
        self.content_in(&answer)
    }

    /// What was said last in a thread, newest first. The search may find more than was asked for, so only what names
    /// the thread counts.
    pub(super) async fn search_thread_contents(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        limit: usize,
        urgency: Urgency,
    ) -> Result<Vec<Content>, RingCxError> {
        let search = format!("thread:{} order:created_at.desc", quoted(thread.as_str()));
        let call = Call {
            query: &[("limit", &limit.clamp(1, PAGE).to_string()), ("q", &search)],
            urgency,
            ..Call::new("thread_contents", Method::GET, &[CONTENTS])
        };
        let mut found = self.search_contents(connection, call).await?.contents;
        found.retain(|content| content.imported.thread == *thread);
        Ok(found)
    }

    /// What came in or went out last on a source, newest first, one page of it from `offset` on.
    pub(super) async fn search_source_contents(
        &self,
        connection: &Connection,
        source: &SourceId,
        offset: usize,
    ) -> Result<ContentsPage, RingCxError> {
        let search = format!("source:{} order:created_at.desc", quoted(source.as_str()));
        let (limit, offset) = (PAGE.to_string(), offset.to_string());
        let query = [("limit", &*limit), ("offset", &*offset), ("q", &*search)];
        let call = Call {
            query: &query,
            urgency: Urgency::Idle,
            ..Call::new("recent_contents", Method::GET, &[CONTENTS])
        };
        let mut page = self.search_contents(connection, call).await?;
        page.contents.retain(|content| content.imported.source == *source);
        Ok(page)
    }

    async fn search_contents(
        &self,
        connection: &Connection,
        call: Call<'_>,
    ) -> Result<ContentsPage, RingCxError> {
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        let now = self.clock.now();
        let records = answer.records(&page)?;
        let mut contents: Vec<Content> = records.iter().filter_map(|record| content(record, now)).collect();
        // Stable: what RCE dates by the same second stays in its order.
        contents.sort_by_key(|content| Reverse(content.created_at));
        Ok(ContentsPage {
            contents,
            listed: records.len(),
        })
    }

    /// The content that an answer shows. An answer without one is not RCE speaking.
    pub(super) fn content_in(&self, answer: &Answer) -> Result<Content, RingCxError> {
        content(&answer.json()?, self.clock.now()).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })
    }
}

/// A content as RCE describes it; nothing, if it names no id, thread or source. No event reported it, so its own id
/// stands for one.
fn content(record: &Value, now: Timestamp) -> Option<Content> {
    let object = record.as_object()?;
    let created_at = json::time(record.get("created_at"));
    let event = EventId::new(format!("content-{}", json::id(record.get("id"))?));
    let status = json::text(record.get("synchronization_status"));
    Some(Content {
        imported: imported::content(object, event, created_at.unwrap_or(now))?,
        creator: json::id(record.get("creator_id")).map(AgentId::new),
        attachments: json::items(record.get("attachments"))
            .iter()
            .filter_map(attachment)
            .collect(),
        structured_type: record
            .get("structured_content")
            .and_then(|structured| json::text(structured.get("type")))
            .map(str::to_owned),
        created_at,
        delivery: status.map_or(DeliveryStatus::Pending, delivery_status),
    })
}

fn attachment(record: &Value) -> Option<Attachment> {
    let member = |name: &str| json::text(record.get(name)).map(str::to_owned);
    let (url, filename) = (member("url")?, member("filename"));
    let content_type = media_type(member("content_type").as_deref(), filename.as_deref(), &url);
    Some(Attachment {
        url,
        filename,
        content_type,
    })
}
