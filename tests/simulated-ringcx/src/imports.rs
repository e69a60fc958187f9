//! Imports what the bridge sends: people, threads that come into being with their first message, messages.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::model::{AuthorKind, Content, Identity, Lag, Thread};
use crate::state::State;

/// A message older than this at its import belongs to a transcript. Its time is by the bridge's clock, the machine's.
const HISTORY: SignedDuration = SignedDuration::from_secs(3);

impl State {
    /// Creates a person or refreshes the profile; returns the platform's id.
    pub(crate) fn import_user(&mut self, user: &Map<String, Value>) -> String {
        let foreign_id = text(user, "id").unwrap_or_default();
        let now = self.now();
        let known = self.identity_by_foreign.get(&foreign_id).cloned();
        let is_new = known.is_none();
        let id = known.unwrap_or_else(|| self.ids.next());
        let identity = self.identities.entry(id.clone()).or_insert_with(|| Identity {
            id: id.clone(),
            foreign_id: foreign_id.clone(),
            source_id: None,
            screenname: String::new(),
            puppetizable: false,
            profile: Map::new(),
            created_at: now,
            updated_at: now,
        });
        identity.screenname = text(user, "screenname").unwrap_or_default();
        if let Some(puppetizable) = user.get("puppetizable").and_then(Value::as_bool) {
            identity.puppetizable = puppetizable;
        }
        for (key, value) in user {
            identity.profile.insert(key.clone(), value.clone());
        }
        identity.updated_at = now;
        if is_new {
            self.assign_new_identity(&id, &foreign_id);
        }
        self.identity_by_foreign.insert(foreign_id, id.clone());
        id
    }

    /// The identity with this foreign id, which is made up when nobody created it yet.
    pub(crate) fn identity_or_placeholder(&mut self, foreign_id: &str, name: &str) -> String {
        if let Some(id) = self.identity_by_foreign.get(foreign_id) {
            return id.clone();
        }
        let user = Map::from_iter([
            ("id".to_owned(), Value::from(foreign_id)),
            ("screenname".to_owned(), Value::from(name)),
        ]);
        self.import_user(&user)
    }

    /// Imports a checked message. The same id again is the same message.
    pub(crate) fn import_message(&mut self, params: &Map<String, Value>) -> String {
        let foreign_id = text(params, "id").unwrap_or_default();
        if let Some(known) = self.content_by_foreign.get(&foreign_id).cloned() {
            self.repeat_message(&known, params);
            return known;
        }
        let author_id = match params.get("author").and_then(Value::as_object) {
            Some(author) => self.import_user(author),
            None => self.identity_or_placeholder("", ""),
        };
        let thread_id = self.import_thread(params);
        let content_id = self.add_import(foreign_id, &thread_id, &author_id, params);
        self.emit_content("imported", &content_id, None);
        if self.contents[&content_id].author_kind == AuthorKind::Customer {
            self.customer_wrote(&thread_id, &content_id);
        }
        content_id
    }

    fn repeat_message(&mut self, id: &str, params: &Map<String, Value>) {
        let Some(content) = self.contents.get_mut(id) else {
            return;
        };
        content.repeats += 1;
        if content.params.get("body") != params.get("body") {
            let detail = format!(
                "message {} came again with another body",
                content.foreign_id.as_deref().unwrap_or(id)
            );
            self.violate("repeat-differs", detail);
        }
    }

    fn import_thread(&mut self, params: &Map<String, Value>) -> String {
        let foreign_id = text(params, "thread_id").unwrap_or_default();
        let known = self.thread_by_foreign.get(&foreign_id).cloned();
        let id = known.unwrap_or_else(|| {
            let source = self.config.source_id.clone();
            self.add_thread(foreign_id, &source, params)
        });
        let now = self.now();
        if let Some(thread) = self.threads.get_mut(&id) {
            if let Some(context) = params.get("context_data").and_then(Value::as_object) {
                thread.context_data.extend(context.clone());
            }
            thread.archived = false;
            thread.updated_at = now;
        }
        id
    }

    pub(crate) fn add_thread(
        &mut self,
        foreign_id: String,
        source: &str,
        params: &Map<String, Value>,
    ) -> String {
        let author = params.get("author").and_then(|author| author["id"].as_str());
        let author = author
            .and_then(|id| self.identity_by_foreign.get(id))
            .cloned()
            .unwrap_or_default();
        let from_puppet = self.author_kind(&author).0 != AuthorKind::Customer;
        let id = self.ids.next();
        let now = self.now();
        let title = text(params, "title")
            .or_else(|| text(params, "body"))
            .unwrap_or_default();
        let thread = Thread {
            id: id.clone(),
            foreign_id: foreign_id.clone(),
            source_id: source.to_owned(),
            title: title.chars().take(80).collect(),
            category_ids: self.default_categories(source, from_puppet),
            context_data: Map::new(),
            customer_id: None,
            archived: false,
            closed: false,
            content_ids: Vec::new(),
            intervention_ids: Vec::new(),
            task_ids: Vec::new(),
            typing: None,
            created_at: now,
            updated_at: now,
            last_typing: None,
            lag: Lag::new(self.config.index_lag),
        };
        self.threads.insert(id.clone(), thread);
        self.thread_by_foreign.insert(foreign_id, id.clone());
        id
    }

    fn add_import(
        &mut self,
        foreign_id: String,
        thread: &str,
        author: &str,
        params: &Map<String, Value>,
    ) -> String {
        let now = self.now();
        let created_at = text(params, "created_at")
            .and_then(|at| at.parse().ok())
            .unwrap_or(now);
        let (kind, name) = self.author_kind(author);
        let in_reply_to_id = text(params, "in_reply_to_id").and_then(|answered| {
            let known = self.content_by_foreign.get(&answered).cloned();
            if known.is_none() {
                self.violate(
                    "unknown-in-reply-to",
                    format!("message {foreign_id} answers the unknown {answered}"),
                );
            }
            known
        });
        let is_customer = kind == AuthorKind::Customer;
        let content = Content {
            foreign_id: Some(foreign_id.clone()),
            body: text(params, "body"),
            format: text(params, "format").unwrap_or_else(|| "html".to_owned()),
            attachments: params
                .get("attachments")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            structured_content: params
                .get("structured_content")
                .filter(|value| !value.is_null())
                .cloned(),
            in_reply_to_id,
            params: Value::Object(params.clone()),
            status: if is_customer { "new" } else { "user_reply" },
            created_at,
            history: crate::time::now().duration_since(created_at) > HISTORY,
            ..self.blank(thread, (author.to_owned(), kind, name))
        };
        let id = self.add(content);
        self.content_by_foreign.insert(foreign_id, id.clone());
        if is_customer {
            if let Some(thread) = self.threads.get_mut(thread) {
                thread.customer_id.get_or_insert_with(|| author.to_owned());
            }
        } else {
            self.is_seen(&id);
        }
        id
    }

    /// A puppet speaks for the bot or for the agents; anybody else is a customer.
    fn author_kind(&self, identity: &str) -> (AuthorKind, String) {
        let Some(identity) = self.identities.get(identity) else {
            return (AuthorKind::Customer, String::new());
        };
        let kind = if !identity.puppetizable || !self.is_controlled(&identity.foreign_id) {
            AuthorKind::Customer
        } else if self.is_agents_voice(identity) {
            AuthorKind::Agent
        } else {
            AuthorKind::Bot
        };
        (kind, identity.screenname.clone())
    }

    /// The name of a thread's customer.
    pub(crate) fn customer_name(&self, thread: &Thread) -> String {
        let identity = thread.customer_id.as_ref().and_then(|id| self.identities.get(id));
        identity.map_or_else(|| "Customer".to_owned(), |identity| identity.screenname.clone())
    }
}

/// A non-empty string member.
pub(crate) fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    object
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
