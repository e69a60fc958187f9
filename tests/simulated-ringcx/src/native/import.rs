//! Imports what customers write.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::error::DeskError;
use crate::model::{AuthorKind, Content, Lag, Thread};
use crate::native::{NativeMessage, NativeSource, Privacy};
use crate::state::State;

impl State {
    pub(crate) fn import_native(&mut self, message: NativeMessage) -> Result<String, DeskError> {
        let known = message
            .thread
            .as_deref()
            .and_then(|key| self.thread(key))
            .cloned();
        let by_thread = known.as_ref().map(|thread| thread.source_id.clone());
        let source = self.chosen_source(message.source.as_deref().or(by_thread.as_deref()))?;
        if by_thread.is_some_and(|id| id != source.id) {
            let refused = "the thread belongs to another source".to_owned();
            return Err(DeskError::Conflict(refused));
        }
        let foreign_id = message.foreign_id.clone();
        let foreign_id = foreign_id.unwrap_or_else(|| format!("native-{}", self.ids.next()));
        let key = self.native_key(&source.id, &foreign_id);
        if let Some(known) = self.content_by_foreign.get(&key) {
            return Ok(known.clone());
        }
        let author = self.native_identity(&source.id, &message.customer, &message.customer_name);
        let thread = match known {
            Some(thread) => thread.id,
            None => self.native_thread(&source, &message),
        };
        let content = self.add_native(&source, &thread, &author, &foreign_id, message);
        self.content_by_foreign.insert(key, content.clone());
        self.emit_content("imported", &content, None);
        if self.contents[&content].status == "new" {
            self.customer_wrote(&thread, &content);
        }
        Ok(content)
    }

    fn native_thread(&mut self, source: &NativeSource, message: &NativeMessage) -> String {
        let key = message.thread.clone().unwrap_or_else(|| {
            let own = format!("native-{}", message.customer);
            self.native_key(&source.id, &own)
        });
        if let Some(id) = self.thread_by_foreign.get(&key) {
            return id.clone();
        }
        let title = message.subject.as_ref().or(message.body.as_ref());
        let params = Map::from_iter([("title".to_owned(), json!(title))]);
        self.add_thread(key, &source.id, &params)
    }

    fn add_native(
        &mut self,
        source: &NativeSource,
        thread_id: &str,
        author: &str,
        foreign_id: &str,
        message: NativeMessage,
    ) -> String {
        let name = self.identities[author].screenname.clone();
        let author = (author.to_owned(), AuthorKind::Customer, name);
        let format = if message.html {
            "html"
        } else {
            source.kind.body_format()
        };
        let content = Content {
            foreign_id: Some(foreign_id.to_owned()),
            body: message.body,
            format: format.to_owned(),
            attachments: self.as_attachments(message.attachments),
            structured_reply_payload: message.structured_reply_payload,
            in_reply_to_id: message.in_reply_to,
            private: source.privacy == Privacy::Private,
            headers: message.headers,
            status: if message.ignored { "ignored" } else { "new" },
            ..self.blank(thread_id, author)
        };
        let id = self.add(content);
        if let Some(thread) = self.threads.get_mut(thread_id) {
            thread.customer_id = Some(self.contents[&id].author_id.clone());
        }
        id
    }

    /// A content without anything in it.
    pub(crate) fn blank(&mut self, thread_id: &str, author: (String, AuthorKind, String)) -> Content {
        let id = self.ids.next();
        Content {
            intervention_id: self.open_intervention(thread_id).map(|it| it.id.clone()),
            lag: Lag::new(self.content_index_lag),
            ..Content::new(id, thread_id, author, self.now())
        }
    }

    /// Puts a content into its thread.
    pub(crate) fn add(&mut self, content: Content) -> String {
        let id = content.id.clone();
        let at: Timestamp = content.imported_at;
        if let Some(thread) = self.threads.get_mut(&content.thread_id) {
            thread.content_ids.push(id.clone());
            thread.updated_at = at;
            if content.author_kind == AuthorKind::Customer {
                thread.archived = false;
                thread.typing = None;
            }
        }
        self.contents.insert(id.clone(), content);
        id
    }

    /// Files of the account with everything that the API says of them.
    pub(crate) fn as_attachments(&self, attachments: Vec<Value>) -> Vec<Value> {
        let whole = |attachment: Value| {
            let url = attachment["url"].as_str().unwrap_or_default();
            let id = url.rsplit_once("/attachments/").map(|(_, id)| id.to_owned());
            id.and_then(|id| self.attachment_json(&id)).unwrap_or(attachment)
        };
        attachments.into_iter().map(whole).collect()
    }

    /// The newest content of the thread's customer.
    pub(crate) fn newest_of_customer(&self, thread: &Thread) -> Option<&Content> {
        let mut contents = self.contents(&thread.id).rev();
        contents.find(|content| content.author_kind == AuthorKind::Customer)
    }
}
