//! What stands in a thread and is no customer's word: posts from outside, automatic messages, agents' first words.

use serde_json::{Map, Value, json};

use crate::cases::Reply;
use crate::error::DeskError;
use crate::model::{AuthorKind, Content};
use crate::native::Privacy;
use crate::simulated::SimulatedRingcx;
use crate::state::State;

/// By what a content came to be: `created_from`.
const BY_SYNCHRONISATION: &str = "synchronizer";

impl SimulatedRingcx {
    /// Somebody of the company wrote on the channel itself, not at the desk. Imported like a customer's message, but its
    /// author is the channel's own page or number. Returns the content's id.
    pub fn post_outside(&self, thread: &str, body: &str) -> Result<String, DeskError> {
        self.on_thread(thread, |state, thread| state.post_outside(thread, body))
    }

    /// The account or the channel answered by itself, such as out of hours. `by_api` tells its `created_from`: `api` for
    /// the account's own, `synchronizer` for the channel's. Returns the content's id.
    pub fn automatic_message(&self, thread: &str, body: &str, by_api: bool) -> Result<String, DeskError> {
        self.on_thread(thread, |state, thread| state.automatic(thread, body, by_api))
    }

    /// The account asks the customer how it was, by itself. Returns the content's id.
    pub fn survey_invitation(&self, thread: &str) -> Result<String, DeskError> {
        self.on_thread(thread, State::invite_to_survey)
    }

    /// An agent begins a conversation with somebody who did not write. Returns the content's id.
    pub fn initiate(
        &self,
        source: &str,
        agent: &str,
        customer: &str,
        body: &str,
    ) -> Result<String, DeskError> {
        self.hub
            .change(|state| state.initiate_by_agent(source, agent, customer, body))
    }
}

impl State {
    /// A content whose author is the channel's own page, number or address.
    fn words_of_company(&mut self, thread: &str, body: &str) -> Result<Content, DeskError> {
        let Some(native) = self.native_of(thread).cloned() else {
            let refused = "the thread is on no channel of the platform's own";
            return Err(DeskError::Conflict(refused.to_owned()));
        };
        let id = self.company_identity(&native.id);
        let author = (
            id.clone(),
            AuthorKind::Agent,
            self.identities[&id].screenname.clone(),
        );
        let content = self.blank(thread, author);
        Ok(Content {
            foreign_id: Some(format!("native-{}", content.id)),
            body: Some(body.to_owned()),
            format: native.kind.body_format().to_owned(),
            created_from: BY_SYNCHRONISATION,
            status: "user_reply",
            private: native.privacy == Privacy::Private,
            ..content
        })
    }

    pub(crate) fn post_outside(&mut self, thread: &str, body: &str) -> Result<String, DeskError> {
        let content = self.words_of_company(thread, body)?;
        Ok(self.bring_in(content))
    }

    pub(crate) fn automatic(&mut self, thread: &str, body: &str, by_api: bool) -> Result<String, DeskError> {
        let mut content = self.words_of_company(thread, body)?;
        content.auto_submitted = true;
        if by_api {
            content.created_from = "api";
        }
        Ok(self.bring_in(content))
    }

    pub(crate) fn invite_to_survey(&mut self, thread: &str) -> Result<String, DeskError> {
        let body = "How satisfied are you? https://survey.example/5f0c";
        self.automatic(thread, body, true)
    }

    /// Adds what the customer sees already, and tells of it.
    fn bring_in(&mut self, content: Content) -> String {
        let id = self.add(content);
        self.is_seen(&id);
        self.emit_content("imported", &id, None);
        id
    }

    fn initiate_by_agent(
        &mut self,
        source: &str,
        agent: &str,
        customer: &str,
        body: &str,
    ) -> Result<String, DeskError> {
        let name = self.agent(agent)?.name.clone();
        let source = self.chosen_source(Some(source))?;
        if !source.can_initiate() {
            let refused = "nobody can begin a conversation on this channel";
            return Err(DeskError::Forbidden(refused.to_owned()));
        }
        let thread = self.initiated_thread(&source.id, customer, Some(body));
        let author = (self.speaks_as(agent, &thread)?, AuthorKind::Agent, name);
        let id = self.write(&thread, author, agent, "interface", Reply::from(body));
        self.begin(&id, agent);
        Ok(id)
    }

    /// The thread for words to a customer who did not write.
    pub(crate) fn initiated_thread(&mut self, source: &str, customer: &str, title: Option<&str>) -> String {
        let customer_id = self.native_identity(source, customer, "");
        let key = self.native_key(source, &format!("native-{customer}"));
        let known = self.thread_by_foreign.get(&key).cloned();
        let id = known.unwrap_or_else(|| {
            let params = Map::from_iter([("title".to_owned(), json!(title))]);
            self.add_thread(key, source, &params)
        });
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.customer_id.get_or_insert(customer_id);
        }
        id
    }

    /// Tells of the first words, and sends them.
    pub(crate) fn begin(&mut self, content: &str, user: &str) {
        if let Some(content) = self.contents.get_mut(content) {
            content.status = "user_initiated";
            content.in_reply_to_id = None;
            content.params = Value::Null;
        }
        self.emit_content("discussion_initiated", content, Some(user));
        self.export(content);
    }
}
