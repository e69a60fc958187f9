//! Contents that are written inside the platform and travel to the customer.

use serde_json::Value;

use crate::cases::Reply;
use crate::config::Channel;
use crate::model::{AuthorKind, Content, SyncStatus};
use crate::state::State;

impl State {
    /// Adds a content that comes from inside the platform.
    pub(crate) fn write(
        &mut self,
        thread_id: &str,
        (author_id, author_kind, author_name): (String, AuthorKind, String),
        creator: &str,
        created_from: &'static str,
        reply: Reply,
    ) -> String {
        let id = self.ids.next();
        let now = self.now();
        let answered = self
            .contents(thread_id)
            .rev()
            .find(|content| content.author_kind == AuthorKind::Customer);
        let in_reply_to_id = answered.map(|content| content.id.clone());
        if let Some(answered) = in_reply_to_id.as_ref().and_then(|id| self.contents.get_mut(id)) {
            answered.status = "replied";
        }
        let content = Content {
            id: id.clone(),
            foreign_id: None,
            thread_id: thread_id.to_owned(),
            author_id,
            author_kind,
            author_name,
            creator_id: Some(creator.to_owned()),
            body: reply.body,
            format: reply.format.unwrap_or_else(|| "text".to_owned()),
            attachments: reply.attachments,
            structured_content: reply.structured_content,
            in_reply_to_id,
            params: Value::Null,
            created_from,
            status: "user_reply",
            intervention_id: self.open_intervention(thread_id).map(|it| it.id.clone()),
            created_at: now,
            imported_at: now,
            history: false,
            synchronization_status: SyncStatus::ExportPending,
            synchronization_error: None,
            attempts: 0,
            repeats: 0,
            read: false,
        };
        self.contents.insert(id.clone(), content);
        if let Some(thread) = self.threads.get_mut(thread_id) {
            thread.content_ids.push(id.clone());
            thread.updated_at = now;
        }
        id
    }

    /// Sends a content to where the customer is.
    pub(crate) fn export(&mut self, content_id: &str) {
        let Some(content) = self.contents.get(content_id) else {
            return;
        };
        if self.config.channel == Channel::Native {
            self.finish_export(content_id, Ok(format!("native-{content_id}")));
            return;
        }
        let thread = content.thread_id.clone();
        self.exports
            .entry(thread.clone())
            .or_default()
            .push_back(content_id.to_owned());
        if self.exporting.insert(thread.clone()) {
            self.exports_to_start.push(thread);
        }
    }

    /// The outcome of an export: the id that the bridge chose, or why it failed.
    pub(crate) fn finish_export(&mut self, content_id: &str, outcome: Result<String, String>) {
        let Some(content) = self.contents.get_mut(content_id) else {
            return;
        };
        let creator = content.creator_id.clone();
        match outcome {
            Ok(foreign_id) => {
                content.synchronization_status = SyncStatus::Success;
                content.synchronization_error = None;
                content.foreign_id = Some(foreign_id.clone());
                self.content_by_foreign.insert(foreign_id, content_id.to_owned());
            }
            Err(reason) => {
                content.synchronization_status = SyncStatus::ExportFailure;
                content.synchronization_error = Some(reason);
            }
        }
        self.emit_content("exported", content_id, creator.as_deref());
    }
}
