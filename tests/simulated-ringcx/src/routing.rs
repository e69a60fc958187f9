//! Categories and tasks: which conversations wait for agents, and who has them.
//!
//! The life cycle of a task and its events follow the platform's diagram of task mode. Where a documented event
//! needs a state that the simulation has no use for (steps, skills), it is left out.

use std::collections::BTreeSet;

use crate::config::AgentStatus;
use crate::error::DeskError;
use crate::model::{AuthorKind, Task, TaskQueue};
use crate::state::State;

impl State {
    /// Replaces the categories of a thread. Whoever enters the Agent category waits for an agent. An open intervention has
    /// its thread's categories.
    pub(crate) fn categorise(&mut self, thread_id: &str, categories: Vec<String>, user: Option<&str>) {
        let before = self.is_with_agents(thread_id);
        let now = self.now();
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        let changed = thread.category_ids != categories;
        thread.category_ids.clone_from(&categories);
        thread.updated_at = now;
        if !changed {
            return;
        }
        if let Some(open) = self.open_intervention(thread_id).map(|it| it.id.clone()) {
            if let Some(it) = self.interventions.get_mut(&open) {
                it.category_ids = categories;
                it.updated_at = now;
            }
            self.emit_intervention("recategorized", &open, user);
        }
        if !self.config.task_mode {
            return;
        }
        let after = self.is_with_agents(thread_id);
        if let Some(task) = self.open_task(thread_id).map(|task| task.id.clone()) {
            self.emit_task("recategorized", &task, None);
        } else if after && !before {
            self.create_task(thread_id);
        }
    }

    /// A customer's message may need somebody's attention.
    pub(crate) fn customer_wrote(&mut self, thread_id: &str, content_id: &str) {
        if self.open_task(thread_id).is_some() || self.open_intervention(thread_id).is_some() {
            return;
        }
        let with_agents = self.is_with_agents(thread_id);
        let closed = self.interventions(thread_id).next_back().map(|it| it.id.clone());
        let reopens = (with_agents || self.config.cases_reopen_anywhere) && !self.config.cases_stay_closed;
        if let Some(closed) = closed.filter(|_| reopens) {
            self.reopen_intervention(&closed, None);
            if let Some(content) = self.contents.get_mut(content_id) {
                content.intervention_id = Some(closed);
            }
        }
        if with_agents && self.config.task_mode {
            self.create_task(thread_id);
        }
    }

    /// Puts a thread into the queue.
    pub(crate) fn create_task(&mut self, thread_id: &str) -> String {
        let id = self.ids.next();
        let now = self.now();
        let content_id = self
            .contents(thread_id)
            .rev()
            .find(|content| content.author_kind == AuthorKind::Customer)
            .or_else(|| self.contents(thread_id).next_back())
            .map(|content| content.id.clone());
        let segment_index = u32::try_from(self.tasks(thread_id).count()).unwrap_or(u32::MAX) + 1;
        let task = Task {
            id: id.clone(),
            thread_id: thread_id.to_owned(),
            content_id,
            intervention_id: self.open_intervention(thread_id).map(|it| it.id.clone()),
            agent_ids: Vec::new(),
            queue: TaskQueue::Global,
            segment_index,
            created_at: now,
            updated_at: now,
            accepted_at: None,
            transferred_at: None,
            completed_at: None,
        };
        self.tasks.insert(id.clone(), task);
        self.waiting.insert(id.clone());
        if let Some(thread) = self.threads.get_mut(thread_id) {
            thread.task_ids.push(id.clone());
        }
        self.emit_task("created", &id, None);
        id
    }

    pub(crate) fn move_task(&mut self, id: &str, queue: TaskQueue) {
        let now = self.now();
        let levels: Vec<(String, &str)> = self
            .agents
            .iter()
            .map(|agent| (agent.id.clone(), self.busyness(&agent.id)))
            .collect();
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        set_member(&mut self.waiting, id, queue == TaskQueue::Global);
        set_member(&mut self.taken, id, matches!(queue, TaskQueue::Workbin(_)));
        task.queue = queue;
        task.updated_at = now;
        for (agent, level) in levels {
            if self.busyness(&agent) != level {
                self.emit_agent("busyness_change", &agent);
            }
        }
    }

    /// An agent takes a waiting thread: proposed to everybody who is free, taken by this one.
    pub(crate) fn take(&mut self, thread_id: &str, agent_id: &str) -> Result<(), DeskError> {
        let ready = self.agent(agent_id)?.status == AgentStatus::Available;
        self.must_be_visible(thread_id)?;
        self.must_be_allowed(agent_id, thread_id, "read")?;
        if !self.config.task_mode {
            self.engage(thread_id, agent_id)?;
            return Ok(());
        }
        let Some(task) = self.open_task(thread_id).cloned() else {
            return Err(DeskError::Conflict("nothing waits on this thread".to_owned()));
        };
        match &task.queue {
            TaskQueue::Workbin(owner) if owner == agent_id => return Ok(()),
            TaskQueue::Workbin(owner) => {
                return Err(DeskError::Conflict(format!("agent {owner} has this thread")));
            }
            TaskQueue::Global | TaskQueue::Undelivered | TaskQueue::History => {}
        }
        let mut proposed: Vec<String> = self
            .agents
            .iter()
            .filter(|agent| agent.status == AgentStatus::Available)
            .map(|agent| agent.id.clone())
            .collect();
        if !ready {
            proposed.push(agent_id.to_owned());
        }
        self.assign_task(&task.id, proposed);
        self.give_task(&task.id, agent_id, if ready { "ring" } else { "request" });
        Ok(())
    }

    pub(crate) fn assign_task(&mut self, task_id: &str, agents: Vec<String>) {
        if let Some(task) = self.tasks.get_mut(task_id) {
            task.agent_ids = agents;
        }
        self.emit_task("assigned", task_id, None);
    }

    pub(crate) fn give_task(&mut self, task_id: &str, agent_id: &str, how: &str) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(task_id) else {
            return;
        };
        task.agent_ids = vec![agent_id.to_owned()];
        task.accepted_at = Some(now);
        let thread_id = task.thread_id.clone();
        self.move_task(task_id, TaskQueue::Workbin(agent_id.to_owned()));
        self.emit_task_taken(task_id, agent_id, how);
        self.emit_agent("accept_task", agent_id);
        if let Some(intervention) = self.open_intervention(&thread_id).map(|it| it.id.clone()) {
            self.change_owner(&intervention, agent_id);
        }
    }

    /// Hands a thread from its agent, or from the queue, to another agent.
    pub(crate) fn transfer(&mut self, thread_id: &str, to: &str, by: Option<&str>) -> Result<(), DeskError> {
        self.agent(to)?;
        self.must_be_visible(thread_id)?;
        let Some(task) = self.open_task(thread_id).cloned() else {
            return Err(DeskError::Conflict(
                "nothing to transfer on this thread".to_owned(),
            ));
        };
        let owner = task
            .agent_ids
            .first()
            .filter(|_| matches!(task.queue, TaskQueue::Workbin(_)))
            .cloned();
        let by = by.map(str::to_owned).or(owner);
        self.move_task(&task.id, TaskQueue::Global);
        let now = self.now();
        if let Some(task) = self.tasks.get_mut(&task.id) {
            task.agent_ids = vec![to.to_owned()];
            task.transferred_at = Some(now);
        }
        self.emit_task("transferred", &task.id, by.as_deref());
        self.assign_task(&task.id, vec![to.to_owned()]);
        self.give_task(&task.id, to, "ring");
        Ok(())
    }

    /// Nobody could take a waiting thread.
    pub(crate) fn undeliver(&mut self, thread_id: &str) -> Result<(), DeskError> {
        let waiting = self
            .open_task(thread_id)
            .filter(|task| task.queue == TaskQueue::Global);
        let Some(task) = waiting.map(|task| task.id.clone()) else {
            return Err(DeskError::Conflict("this thread does not wait".to_owned()));
        };
        self.move_task(&task, TaskQueue::Undelivered);
        self.emit_task("undelivered", &task, None);
        Ok(())
    }

    /// The agent let a taken thread lie: back to the queue.
    pub(crate) fn expire(&mut self, thread_id: &str) -> Result<(), DeskError> {
        let taken = self
            .open_task(thread_id)
            .filter(|task| matches!(task.queue, TaskQueue::Workbin(_)));
        let Some(task) = taken.map(|task| task.id.clone()) else {
            return Err(DeskError::Conflict("no agent has this thread".to_owned()));
        };
        self.move_task(&task, TaskQueue::Global);
        self.emit_task("expired_from_workbin", &task, None);
        Ok(())
    }

    pub(crate) fn complete_task(&mut self, thread_id: &str, user: Option<&str>, action: &str) {
        let Some(task) = self.open_task(thread_id).map(|task| task.id.clone()) else {
            return;
        };
        let intervention = self.interventions(thread_id).next_back().map(|it| it.id.clone());
        let now = self.now();
        if let Some(task) = self.tasks.get_mut(&task) {
            task.completed_at = Some(now);
            task.intervention_id = task.intervention_id.take().or(intervention);
        }
        self.move_task(&task, TaskQueue::History);
        self.emit_task_completed(&task, user, action);
    }

    pub(crate) fn destroy_task(&mut self, thread_id: &str) {
        let Some(task) = self.open_task(thread_id).map(|task| task.id.clone()) else {
            return;
        };
        self.emit_task("destroyed", &task, None);
        self.move_task(&task, TaskQueue::History);
        self.tasks.remove(&task);
        if let Some(thread) = self.threads.get_mut(thread_id) {
            thread.task_ids.retain(|id| *id != task);
        }
    }

    /// Ignores all contents of a thread, which destroys its task.
    pub(crate) fn archive(&mut self, thread_id: &str) {
        let contents: Vec<String> = self
            .contents(thread_id)
            .map(|content| content.id.clone())
            .collect();
        for id in contents {
            if let Some(content) = self
                .contents
                .get_mut(&id)
                .filter(|content| content.status == "new")
            {
                content.status = "ignored";
            }
        }
        let now = self.now();
        if let Some(thread) = self.threads.get_mut(thread_id) {
            thread.archived = true;
            thread.updated_at = now;
        }
        self.destroy_task(thread_id);
    }

    /// Agents see nothing but threads of their category.
    pub(crate) fn must_be_visible(&self, thread_id: &str) -> Result<(), DeskError> {
        if self.is_with_agents(thread_id) {
            return Ok(());
        }
        Err(DeskError::Forbidden(
            "agents only see threads that carry the Agent category".to_owned(),
        ))
    }
}

fn set_member(set: &mut BTreeSet<String>, id: &str, member: bool) {
    if member {
        set.insert(id.to_owned());
    } else {
        set.remove(id);
    }
}
