//! Contents that are written inside the platform and travel to the customer.

use crate::cases::Reply;
use crate::model::{AuthorKind, Content, SyncStatus};
use crate::state::State;

impl State {
    /// Adds a content that comes from inside the platform.
    pub(crate) fn write(
        &mut self,
        thread_id: &str,
        author: (String, AuthorKind, String),
        creator: &str,
        created_from: &'static str,
        reply: Reply,
    ) -> String {
        let newest = self
            .threads
            .get(thread_id)
            .and_then(|thread| self.newest_of_customer(thread));
        let answered = reply
            .in_reply_to_id
            .or_else(|| newest.map(|content| content.id.clone()));
        let mut answers_private = false;
        if let Some(answered) = answered.as_ref().and_then(|id| self.contents.get_mut(id)) {
            answered.status = "replied";
            answers_private = answered.private;
        }
        let by_agent = author.1 == AuthorKind::Agent;
        let native_format = self
            .native_of(thread_id)
            .map_or("text", |native| native.kind.body_format());
        let content = Content {
            creator_id: Some(creator.to_owned()),
            body: reply.body,
            format: reply.format.unwrap_or_else(|| native_format.to_owned()),
            attachments: reply.attachments,
            structured_content: reply.structured_content,
            in_reply_to_id: answered,
            created_from,
            status: "user_reply",
            private: reply.private || (by_agent && answers_private),
            auto_submitted: reply.auto_submitted,
            synchronization_status: SyncStatus::ExportPending,
            ..self.blank(thread_id, author)
        };
        self.add(content)
    }

    /// Sends a content to where the customer is.
    pub(crate) fn export(&mut self, content_id: &str) {
        let Some(content) = self.contents.get(content_id) else {
            return;
        };
        let thread = content.thread_id.clone();
        let at_once = self.export_delay.is_zero() && !self.exporting.contains(&thread);
        if at_once && self.native_of(&thread).is_some() {
            self.deliver_natively(content_id);
            return;
        }
        self.exports
            .entry(thread.clone())
            .or_default()
            .push_back(content_id.to_owned());
        if self.exporting.insert(thread.clone()) {
            self.exports_to_start.push(thread);
        }
    }

    /// The content arrived, under the id that the bridge or the channel chose.
    pub(crate) fn finish_export(&mut self, content_id: &str, foreign_id: String) {
        let now = self.now();
        let Some(content) = self.contents.get_mut(content_id) else {
            return;
        };
        content.synchronization_status = SyncStatus::Success;
        content.synchronization_error = None;
        content.foreign_id = Some(foreign_id.clone());
        content.updated_at = now;
        let creator = content.creator_id.clone();
        self.content_by_foreign.insert(foreign_id, content_id.to_owned());
        self.is_seen(content_id);
        self.emit_content("exported", content_id, creator.as_deref());
    }

    /// The content did not arrive.
    pub(crate) fn fail_export(&mut self, content_id: &str, status: SyncStatus, reason: String) {
        let now = self.now();
        let Some(content) = self.contents.get_mut(content_id) else {
            return;
        };
        content.synchronization_status = status;
        content.synchronization_error = Some(reason);
        content.updated_at = now;
        let creator = content.creator_id.clone();
        self.emit_content("exported", content_id, creator.as_deref());
    }
}
