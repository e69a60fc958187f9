//! What agents and supervisors do with a thread outside of their workbin: from the folder view, and by hand.

use crate::error::DeskError;
use crate::state::State;

impl State {
    /// Opens the case by hand, or takes it over. A supervisor sees every thread, whatever its category.
    pub(crate) fn engage_by_hand(&mut self, thread_id: &str, agent_id: &str) -> Result<String, DeskError> {
        self.agent(agent_id)?;
        self.engage(thread_id, agent_id)
    }

    /// Puts the case aside, which opens it if needed. The task is destroyed rather than completed, as nobody had it in
    /// hand.
    pub(crate) fn defer_from_folder(&mut self, thread_id: &str, agent_id: &str) -> Result<(), DeskError> {
        self.agent(agent_id)?;
        let id = match self.open_intervention(thread_id).map(|it| it.id.clone()) {
            Some(open) => open,
            None => self.engage(thread_id, agent_id)?,
        };
        self.put_aside(&id, agent_id);
        self.destroy_task(thread_id);
        Ok(())
    }

    /// Ends the case. The task is destroyed rather than completed.
    pub(crate) fn close_from_folder(&mut self, thread_id: &str, agent_id: &str) -> Result<(), DeskError> {
        self.agent(agent_id)?;
        let Some(id) = self.open_intervention(thread_id).map(|it| it.id.clone()) else {
            return Err(DeskError::Conflict("there is no open intervention".to_owned()));
        };
        self.end_intervention(&id, agent_id);
        self.destroy_task(thread_id);
        Ok(())
    }

    /// Locks or unlocks a thread. The event is about its newest content.
    pub(crate) fn set_closed(&mut self, thread_id: &str, closed: bool, user: Option<&str>) {
        let now = self.now();
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        if thread.closed == closed {
            return;
        }
        thread.closed = closed;
        thread.updated_at = now;
        let newest = thread.content_ids.last().cloned();
        if let Some(content) = newest {
            let action = if closed { "thread_closed" } else { "thread_opened" };
            self.emit_content(action, &content, user);
        }
    }

    /// Nobody writes into a locked thread from inside the platform.
    pub(crate) fn must_be_unlocked(&self, thread_id: &str) -> Result<(), DeskError> {
        if self.thread(thread_id).is_some_and(|thread| thread.closed) {
            return Err(DeskError::Forbidden("the thread is closed".to_owned()));
        }
        Ok(())
    }

    /// Whether the channel has threads that an API may close.
    pub(crate) fn may_close(&self, thread: &str) -> bool {
        self.native_of(thread).is_some_and(|native| native.closes_threads)
    }
}
