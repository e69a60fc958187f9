//! What happens to contents and threads after they came: edits, deletions, other people, threads that become one.

use crate::error::DeskError;
use crate::model::Content;
use crate::simulated::SimulatedRingcx;
use crate::state::State;

impl SimulatedRingcx {
    /// The author changes a message on the channel: the same content is imported again, with the new body and an event of
    /// its own.
    pub fn edit_message(&self, content: &str, body: &str) -> Result<(), DeskError> {
        self.hub.change(|state| state.edit(content, body))
    }

    /// The author deletes a message on the channel: the same content is imported again, as `remotely_deleted`.
    pub fn delete_message(&self, content: &str) -> Result<(), DeskError> {
        self.hub.change(|state| state.delete(content))
    }

    /// Tells of a content's import once more, as it is now, with an event of its own.
    pub fn repeat_import(&self, content: &str) -> Result<(), DeskError> {
        self.hub.change(|state| state.import_again(content, |_| {}))
    }

    /// The thread now belongs to another person of the channel: what this customer writes from now on goes into it, and
    /// has that author. What is there stays as it is.
    pub fn move_to_identity(&self, thread: &str, customer: &str, name: &str) -> Result<(), DeskError> {
        self.on_thread(thread, |state, thread| {
            state.move_to_identity(thread, customer, name);
            Ok(())
        })
    }

    /// Two threads become one: the contents, cases and tasks of `from` belong to `into` from now on, and `from` is gone.
    /// What is written under its name goes into the other.
    pub fn merge_threads(&self, from: &str, into: &str) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let (from, into) = (state.resolve(from)?, state.resolve(into)?);
            state.merge(&from, &into)
        })
    }
}

impl State {
    pub(crate) fn edit(&mut self, content: &str, body: &str) -> Result<(), DeskError> {
        self.import_again(content, |content| content.body = Some(body.to_owned()))
    }

    pub(crate) fn delete(&mut self, content: &str) -> Result<(), DeskError> {
        self.import_again(content, |content| content.remotely_deleted = true)
    }

    fn import_again(&mut self, content: &str, change: impl FnOnce(&mut Content)) -> Result<(), DeskError> {
        let id = self.content_id(content)?;
        let now = self.now();
        if let Some(content) = self.contents.get_mut(&id) {
            change(content);
            content.updated_at = now;
        }
        self.emit_content("imported", &id, None);
        Ok(())
    }

    pub(crate) fn move_to_identity(&mut self, thread: &str, customer: &str, name: &str) {
        let source = self.source_of(thread).to_owned();
        let identity = self.native_identity(&source, customer, name);
        let key = self.native_key(&source, &format!("native-{customer}"));
        self.thread_by_foreign.insert(key, thread.to_owned());
        if let Some(thread) = self.threads.get_mut(thread) {
            thread.customer_id = Some(identity);
        }
    }

    fn content_id(&self, content: &str) -> Result<String, DeskError> {
        let known = self.content(content).map(|content| content.id.clone());
        known.ok_or_else(|| DeskError::NotFound(format!("no content {content}")))
    }

    pub(crate) fn merge(&mut self, from: &str, into: &str) -> Result<(), DeskError> {
        if from == into {
            return Err(DeskError::Conflict("a thread cannot join itself".to_owned()));
        }
        let Some(gone) = self.threads.remove(from) else {
            return Err(DeskError::NotFound(format!("no thread {from}")));
        };
        for id in &gone.content_ids {
            if let Some(content) = self.contents.get_mut(id) {
                into.clone_into(&mut content.thread_id);
            }
        }
        for id in &gone.intervention_ids {
            if let Some(it) = self.interventions.get_mut(id) {
                into.clone_into(&mut it.thread_id);
            }
        }
        for id in &gone.task_ids {
            if let Some(task) = self.tasks.get_mut(id) {
                into.clone_into(&mut task.thread_id);
            }
        }
        for thread in self.thread_by_foreign.values_mut().filter(|id| *id == from) {
            into.clone_into(thread);
        }
        let now = self.now();
        if let Some(thread) = self.threads.get_mut(into) {
            thread.content_ids.extend(gone.content_ids);
            thread.intervention_ids.extend(gone.intervention_ids);
            thread.task_ids.extend(gone.task_ids);
            // Ids sort by age.
            thread.content_ids.sort();
            thread.intervention_ids.sort();
            thread.task_ids.sort();
            thread.updated_at = now;
        }
        Ok(())
    }
}
