//! Interventions: what agents do with the conversations that they have.

use jiff::SignedDuration;
use serde_json::Value;

use crate::error::DeskError;
use crate::model::{AuthorKind, Intervention, TaskQueue};
use crate::state::State;

/// An agent's message.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The text; may be missing beside attachments or structured content.
    pub body: Option<String>,
    /// `text` (the default) or `html`.
    pub format: Option<String>,
    /// Buttons, cards and the like.
    pub structured_content: Option<Value>,
    /// `{url, type, filename}` each.
    pub attachments: Vec<Value>,
    /// The platform's id of the content that it answers; the customer's newest if it does not say.
    pub in_reply_to_id: Option<String>,
    /// Not for everybody to read; an agent's answer to something private always is.
    pub private: bool,
    /// Sent by itself, not by a person.
    pub auto_submitted: bool,
    /// Writes although the thread is not in the Agent category, or belongs to somebody else.
    pub as_supervisor: bool,
}

impl From<&str> for Reply {
    fn from(body: &str) -> Self {
        Self {
            body: Some(body.to_owned()),
            ..Self::default()
        }
    }
}

impl State {
    /// The agent answers. The first answer opens the intervention.
    pub(crate) fn reply(
        &mut self,
        thread_id: &str,
        agent_id: &str,
        reply: Reply,
    ) -> Result<String, DeskError> {
        let name = self.agent(agent_id)?.name.clone();
        if reply.body.is_none() && reply.structured_content.is_none() && reply.attachments.is_empty() {
            return Err(DeskError::Invalid("a reply needs a body".to_owned()));
        }
        self.must_be_unlocked(thread_id)?;
        if !reply.as_supervisor {
            self.must_be_visible(thread_id)?;
            self.must_be_allowed(agent_id, thread_id, "reply")?;
            self.must_have(thread_id, agent_id)?;
        }
        let author_id = self.speaks_as(agent_id, thread_id)?;
        let intervention = self.engage(thread_id, agent_id)?;
        let author = (author_id, AuthorKind::Agent, name);
        let content = self.write(thread_id, author, agent_id, "interface", reply);
        self.count_reply(&intervention, &content);
        self.emit_content("replied", &content, Some(agent_id));
        self.export(&content);
        Ok(content)
    }

    /// A reply belongs to the case that is open.
    pub(crate) fn count_reply(&mut self, intervention: &str, content: &str) {
        let now = self.now();
        if let Some(it) = self.interventions.get_mut(intervention) {
            it.replies += 1;
            it.first_reply.get_or_insert_with(|| (content.to_owned(), now));
            it.updated_at = now;
        }
    }

    /// In task mode an agent answers what is in the own workbin; a closed case may be taken up again.
    fn must_have(&self, thread_id: &str, agent_id: &str) -> Result<(), DeskError> {
        if !self.config.task_mode {
            return Ok(());
        }
        match self.open_task(thread_id).map(|task| &task.queue) {
            Some(TaskQueue::Workbin(owner)) if owner == agent_id => Ok(()),
            Some(TaskQueue::Workbin(owner)) => {
                Err(DeskError::Conflict(format!("agent {owner} has this thread")))
            }
            Some(_) => Err(DeskError::Conflict("take the thread first".to_owned())),
            None if self.interventions(thread_id).next().is_some() => Ok(()),
            None => Err(DeskError::Conflict(
                "nobody asked for an agent on this thread".to_owned(),
            )),
        }
    }

    /// The open intervention of a thread with this agent in charge; opens or reopens one if needed.
    pub(crate) fn engage(&mut self, thread_id: &str, user: &str) -> Result<String, DeskError> {
        if let Some(open) = self.open_intervention(thread_id).map(|it| it.id.clone()) {
            self.change_owner(&open, user);
            return Ok(open);
        }
        let closed = self.interventions(thread_id).next_back().map(|it| it.id.clone());
        let id = match closed.filter(|_| self.open_task(thread_id).is_none()) {
            Some(closed) => {
                self.reopen_intervention(&closed, Some(user));
                closed
            }
            None => self.open_new(thread_id, user)?,
        };
        let task = self.open_task(thread_id).map(|task| task.id.clone());
        if let Some(task) = task.and_then(|task| self.tasks.get_mut(&task)) {
            task.intervention_id = Some(id.clone());
        }
        Ok(id)
    }

    fn open_new(&mut self, thread_id: &str, user: &str) -> Result<String, DeskError> {
        let content_id = self
            .contents(thread_id)
            .rev()
            .find(|content| content.author_kind == AuthorKind::Customer)
            .or_else(|| self.contents(thread_id).next_back())
            .map(|content| content.id.clone())
            .ok_or_else(|| DeskError::Conflict("the thread is empty".to_owned()))?;
        let id = self.ids.next();
        let segment_id = self.ids.next();
        let now = self.now();
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return Err(DeskError::NotFound(format!("no thread {thread_id}")));
        };
        thread.intervention_ids.push(id.clone());
        let intervention = Intervention {
            id: id.clone(),
            thread_id: thread_id.to_owned(),
            content_id,
            identity_id: thread.customer_id.clone(),
            user_id: user.to_owned(),
            category_ids: thread.category_ids.clone(),
            created_at: now,
            updated_at: now,
            closed_at: None,
            deferred_at: None,
            segment_id,
            replies: 0,
            first_reply: None,
            comments: Vec::new(),
            owned_since: now,
        };
        self.interventions.insert(id.clone(), intervention);
        self.emit_intervention("opened", &id, Some(user));
        Ok(id)
    }

    pub(crate) fn reopen_intervention(&mut self, id: &str, user: Option<&str>) {
        let (now, segment) = (self.now(), self.ids.next());
        let Some(it) = self.interventions.get_mut(id) else {
            return;
        };
        it.segment_id = segment;
        it.owned_since = now;
        it.closed_at = None;
        it.deferred_at = None;
        it.updated_at = now;
        if let Some(user) = user {
            user.clone_into(&mut it.user_id);
        }
        self.emit_intervention("reopened", id, user);
    }

    pub(crate) fn change_owner(&mut self, id: &str, user: &str) {
        let (now, segment) = (self.now(), self.ids.next());
        let Some(it) = self.interventions.get_mut(id).filter(|it| it.user_id != user) else {
            return;
        };
        user.clone_into(&mut it.user_id);
        it.segment_id = segment;
        it.owned_since = now;
        it.updated_at = now;
        self.emit_intervention("user_updated", id, Some(user));
    }

    /// Puts the case aside. Deferring before the first answer opens it.
    pub(crate) fn defer(&mut self, thread_id: &str) -> Result<(), DeskError> {
        let user = self.owner(thread_id)?;
        let id = self.engage(thread_id, &user)?;
        self.put_aside(&id, &user);
        self.complete_task(thread_id, Some(&user), "deferred");
        Ok(())
    }

    pub(crate) fn put_aside(&mut self, id: &str, user: &str) {
        let now = self.now();
        if let Some(it) = self.interventions.get_mut(id) {
            it.deferred_at = now.checked_add(SignedDuration::from_hours(2)).ok();
            it.updated_at = now;
        }
        self.emit_intervention("deferred", id, Some(user));
    }

    /// The deferred time is over: the thread waits for an agent again.
    pub(crate) fn reactivate(&mut self, thread_id: &str) -> Result<(), DeskError> {
        let deferred = self
            .open_intervention(thread_id)
            .filter(|it| it.deferred_at.is_some());
        let Some(id) = deferred.map(|it| it.id.clone()) else {
            return Err(DeskError::Conflict("the thread is not deferred".to_owned()));
        };
        let now = self.now();
        if let Some(it) = self.interventions.get_mut(&id) {
            it.deferred_at = None;
            it.updated_at = now;
        }
        self.emit_intervention("reactivated", &id, None);
        if self.config.task_mode && self.open_task(thread_id).is_none() {
            self.create_task(thread_id);
        }
        Ok(())
    }

    /// Ends the case. A thread that was taken but never answered has only its task completed.
    pub(crate) fn close(&mut self, thread_id: &str, user: Option<&str>) -> Result<(), DeskError> {
        let user = user.map_or_else(|| self.owner(thread_id), |user| Ok(user.to_owned()))?;
        if let Some(id) = self.open_intervention(thread_id).map(|it| it.id.clone()) {
            self.end_intervention(&id, &user);
        } else if self.open_task(thread_id).is_none() {
            return Err(DeskError::Conflict("nothing is open on this thread".to_owned()));
        }
        self.complete_task(thread_id, Some(&user), "closed");
        Ok(())
    }

    pub(crate) fn end_intervention(&mut self, id: &str, user: &str) {
        let now = self.now();
        if let Some(it) = self.interventions.get_mut(id) {
            it.closed_at = Some(now);
            it.deferred_at = None;
            it.updated_at = now;
        }
        self.emit_intervention("closed", id, Some(user));
    }

    /// Destroys the case, which is allowed as long as no agent answered.
    pub(crate) fn cancel(&mut self, thread_id: &str, user: Option<&str>) -> Result<(), DeskError> {
        let user = user.map_or_else(|| self.owner(thread_id), |user| Ok(user.to_owned()))?;
        if let Some(it) = self.open_intervention(thread_id).cloned() {
            if it.replies > 0 {
                return Err(DeskError::Forbidden(
                    "an intervention with replies cannot be cancelled".to_owned(),
                ));
            }
            self.emit_intervention("canceled", &it.id, Some(&user));
            self.interventions.remove(&it.id);
            if let Some(thread) = self.threads.get_mut(thread_id) {
                thread.intervention_ids.retain(|id| *id != it.id);
            }
        } else if self.open_task(thread_id).is_none() {
            return Err(DeskError::Conflict("nothing is open on this thread".to_owned()));
        }
        self.destroy_task(thread_id);
        Ok(())
    }

    /// An agent takes up a closed case again.
    pub(crate) fn reopen(&mut self, thread_id: &str, agent_id: &str) -> Result<(), DeskError> {
        self.agent(agent_id)?;
        let last = self
            .interventions(thread_id)
            .next_back()
            .filter(|it| it.closed_at.is_some());
        let Some(id) = last.map(|it| it.id.clone()) else {
            return Err(DeskError::Conflict("there is no closed intervention".to_owned()));
        };
        self.reopen_intervention(&id, Some(agent_id));
        if self.config.task_mode && self.open_task(thread_id).is_none() {
            let task = self.create_task(thread_id);
            self.give_task(&task, agent_id, "request");
        }
        Ok(())
    }

    /// Who has the thread.
    fn owner(&self, thread_id: &str) -> Result<String, DeskError> {
        if let Some(TaskQueue::Workbin(agent)) = self.open_task(thread_id).map(|task| &task.queue) {
            return Ok(agent.clone());
        }
        self.open_intervention(thread_id)
            .map(|it| it.user_id.clone())
            .ok_or_else(|| DeskError::Conflict("no agent has this thread".to_owned()))
    }
}
