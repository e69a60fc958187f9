//! The desk's actions as methods. A thread is named by the bridge's id or by the platform's.

use crate::cases::Reply;
use crate::config::AgentStatus;
use crate::error::DeskError;
use crate::simulated::SimulatedRingcx;
use crate::state::State;

impl SimulatedRingcx {
    /// An agent takes a waiting thread.
    pub fn take(&self, thread: &str, agent: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.take(thread, agent))
    }

    /// An agent answers; returns the platform's id of the content.
    pub fn reply(&self, thread: &str, agent: &str, reply: impl Into<Reply>) -> Result<String, DeskError> {
        self.on_thread(thread, |state, thread| state.reply(thread, agent, reply.into()))
    }

    /// The agent puts the case aside.
    pub fn defer(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, State::defer)
    }

    /// The deferred time is over.
    pub fn reactivate(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, State::reactivate)
    }

    /// Hands the thread to another agent.
    pub fn transfer(&self, thread: &str, to: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.transfer(thread, to, None))
    }

    /// The agent is done.
    pub fn close(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.close(thread, None))
    }

    /// The agent destroys a case without replies.
    pub fn cancel(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.cancel(thread, None))
    }

    /// An agent takes up a closed case again.
    pub fn reopen(&self, thread: &str, agent: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.reopen(thread, agent))
    }

    /// Moves the thread to `bot` or `agent`.
    pub fn move_to(&self, thread: &str, category: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.move_to(thread, category, None))
    }

    /// An agent or a supervisor puts the thread into the Agent category by hand.
    pub fn move_to_agents(&self, thread: &str, user: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.move_to(thread, "agent", Some(user)))
    }

    /// An agent or a supervisor puts the thread into the Bot category by hand.
    pub fn move_to_bot(&self, thread: &str, user: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.move_to(thread, "bot", Some(user)))
    }

    /// Opens or takes over the case by hand, whatever the thread's category; returns the intervention's id.
    pub fn engage(&self, thread: &str, agent: &str) -> Result<String, DeskError> {
        self.on_thread(thread, |state, thread| state.engage_by_hand(thread, agent))
    }

    /// Puts the case aside from the folder view, which destroys the task instead of completing it.
    pub fn defer_from_folder(&self, thread: &str, agent: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.defer_from_folder(thread, agent))
    }

    /// Ends the case from the folder view, which destroys the task instead of completing it.
    pub fn close_from_folder(&self, thread: &str, agent: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.close_from_folder(thread, agent))
    }

    /// Locks the thread itself, as other kinds of channels allow. Its intervention stays as it is.
    pub fn close_thread(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| {
            state.set_closed(thread, true, None);
            Ok(())
        })
    }

    /// Unlocks the thread.
    pub fn open_thread(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| {
            state.set_closed(thread, false, None);
            Ok(())
        })
    }

    /// Dismisses the thread: ignores all contents, which destroys the task.
    pub fn ignore(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| {
            state.archive(thread);
            Ok(())
        })
    }

    /// Nobody could take the waiting thread.
    pub fn undeliver(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, State::undeliver)
    }

    /// The agent let the taken thread lie.
    pub fn expire(&self, thread: &str) -> Result<(), DeskError> {
        self.on_thread(thread, State::expire)
    }

    /// The customer answers the survey: a rating from 1 to 5, maybe some words.
    pub fn survey(&self, thread: &str, rating: i64, said: Option<&str>) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| state.survey(thread, rating, said))
    }

    /// The case gets a summary: generated, or submitted by its agent.
    pub fn summarise(&self, thread: &str, summary: &str, submitted: bool) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| {
            state.summarise(thread, summary, submitted)
        })
    }

    /// Changes an agent's availability.
    pub fn set_availability(&self, agent: &str, status: AgentStatus) -> Result<(), DeskError> {
        self.hub.change(|state| state.set_availability(agent, status))
    }

    /// Sends a failed message again.
    pub fn retry_export(&self, content: &str) -> Result<(), DeskError> {
        self.hub.change(|state| state.retry_export(content))
    }

    pub(crate) fn on_thread<R>(
        &self,
        thread: &str,
        act: impl FnOnce(&mut State, &str) -> Result<R, DeskError>,
    ) -> Result<R, DeskError> {
        self.hub.change(|state| {
            let thread = state.resolve(thread)?;
            act(state, &thread)
        })
    }
}
