//! The desk's state as JSON.

use serde_json::{Value, json};

use crate::model::{AuthorKind, Content, Identity, Task, TaskQueue, Thread};
use crate::state::State;
use crate::time::millis;

/// How many of the newest threads a page gets.
const THREADS: usize = 100;
/// How many of the newest messages of each.
const CONTENTS: usize = 200;

impl State {
    /// What `GET /desk/state` answers.
    pub(crate) fn snapshot(&self) -> Value {
        let queue: Vec<Value> = self
            .queue()
            .enumerate()
            .map(|(index, task)| self.waiting(index + 1, task))
            .collect();
        json!({
            "simulated": true,
            "label": "Simulated RCE",
            "account": self.config.account,
            "source_id": self.config.source_id,
            "sources": self.console.sources.iter().map(|source| json!({
                "id": source.id,
                "name": source.name,
                "type": source.kind,
            })).collect::<Vec<_>>(),
            "task_mode": self.config.task_mode,
            "bridge": {
                "base_uri": self.base_uri,
                "capabilities": self.capabilities,
                "webhook_status": self.webhook_state().map(crate::model::WebhookState::as_str),
            },
            "agents": self.agents.iter().map(|agent| json!({
                "id": agent.id,
                "name": agent.name,
                "status": agent.status.as_str(),
                "busyness": self.busyness(&agent.id),
                "threads": self.cases_of(&agent.id),
            })).collect::<Vec<_>>(),
            "puppets": self.puppets(),
            "queue": queue,
            "categories": self.console.categories.iter().filter(|it| !it.unselectable).map(|category| json!({
                "id": category.id,
                "name": category.name,
                "threads": self.threads.values().filter(|thread| thread.category_ids.contains(&category.id)).count(),
            })).collect::<Vec<_>>(),
            "threads": self.threads().rev().take(THREADS).map(|thread| self.thread_card(thread)).collect::<Vec<_>>(),
            "typing": self.threads().filter_map(|thread| self.typing_card(thread)).collect::<Vec<_>>(),
            "counters": self.counters(),
        })
    }

    /// The identities that the platform may speak as, once they are ticked.
    fn puppets(&self) -> Vec<Value> {
        let puppets = self.identities.values().filter(|identity| identity.puppetizable);
        let card = |identity: &Identity| {
            let accounts = self.console.accounts.iter();
            let speaking = accounts.filter(|account| account.identity_ids.contains(&identity.id));
            json!({
                "identity": identity.foreign_id,
                "name": identity.screenname,
                "controlled": self.is_controlled(&identity.foreign_id),
                "agents": speaking.map(|account| &account.id).collect::<Vec<_>>(),
            })
        };
        puppets.map(card).collect()
    }

    fn waiting(&self, position: usize, task: &Task) -> Value {
        let mut card = self
            .threads
            .get(&task.thread_id)
            .map_or(json!({}), |thread| self.card(thread));
        card["position"] = json!(position);
        card["waiting_ms"] = json!(self.elapsed_ms(task.created_at));
        card["estimated_wait_s"] = json!(self.estimated_wait(position, task));
        card
    }

    /// The threads that an agent works on, or put aside.
    fn cases_of(&self, agent: &str) -> Vec<Value> {
        let taken = self.workbin(agent).map(|task| task.thread_id.as_str());
        let open = self.interventions.values().filter(|it| {
            let elsewhere = self.open_task(&it.thread_id).is_some();
            it.user_id == agent && it.closed_at.is_none() && !elsewhere
        });
        let threads = taken
            .chain(open.map(|it| it.thread_id.as_str()))
            .filter_map(|id| self.threads.get(id));
        threads.map(|thread| self.thread_card(thread)).collect()
    }

    fn card(&self, thread: &Thread) -> Value {
        json!({
            "thread_id": thread.id,
            "foreign_id": thread.foreign_id,
            "customer_name": self.customer_name(thread),
        })
    }

    fn thread_card(&self, thread: &Thread) -> Value {
        let it = self.open_intervention(&thread.id);
        let task = self.open_task(&thread.id);
        let mut card = self.card(thread);
        card["title"] = json!(thread.title);
        card["categories"] = thread
            .category_ids
            .iter()
            .map(|id| json!(self.category_name(id).unwrap_or(id)))
            .collect();
        card["context_data"] = json!(thread.context_data);
        card["archived"] = json!(thread.archived);
        card["closed"] = json!(thread.closed);
        card["source_id"] = json!(thread.source_id);
        card["comments"] = self
            .interventions(&thread.id)
            .flat_map(|it| &it.comments)
            .map(|comment| json!({"body": comment.body, "user_id": comment.user_id}))
            .collect();
        card["intervention_id"] = json!(it.map(|it| &it.id));
        card["deferred"] = json!(it.is_some_and(|it| it.deferred_at.is_some()));
        card["can_reopen"] = json!(it.is_none() && self.interventions(&thread.id).next().is_some());
        card["replies"] = json!(it.map_or(0, |it| it.replies));
        card["task_queue"] = json!(task.map(|task| task.queue.name()));
        card["agent_id"] = json!(match task.map(|task| &task.queue) {
            Some(TaskQueue::Workbin(agent)) => Some(agent),
            _ => it.map(|it| &it.user_id),
        });
        let skipped = thread.content_ids.len().saturating_sub(CONTENTS);
        card["contents"] = self.contents(&thread.id).skip(skipped).map(content).collect();
        card
    }

    fn typing_card(&self, thread: &Thread) -> Option<Value> {
        let typing = thread.typing.as_ref()?;
        let mut card = self.card(thread);
        card["preview"] = json!(typing.preview);
        card["since"] = json!(millis(typing.since));
        Some(card)
    }

    fn counters(&self) -> Value {
        json!({
            "threads": self.threads.len(),
            "contents": self.contents.len(),
            "customer_messages": self.count(AuthorKind::Customer),
            "bot_messages": self.count(AuthorKind::Bot),
            "agent_messages": self.count(AuthorKind::Agent),
            "requests": self.request_log.total(),
            "deliveries": self.delivery_log.total(),
            "events": self.event_log.total(),
            "violations": self.violation_log.total(),
            "waiting": self.queue().count(),
        })
    }

    fn count(&self, kind: AuthorKind) -> usize {
        self.contents
            .values()
            .filter(|content| content.author_kind == kind)
            .count()
    }
}

fn content(content: &Content) -> Value {
    json!({
        "id": content.id,
        "foreign_id": content.foreign_id,
        "author_kind": content.author_kind.as_str(),
        "author_name": content.author_name,
        "history": content.history,
        "body": content.body,
        "format": content.format,
        "structured_content": content.structured_content,
        "attachments": content.attachments,
        "created_at": millis(content.created_at),
        "synchronization_status": content.synchronization_status.as_str(),
        "synchronization_error": content.synchronization_error,
        "attempts": content.attempts,
        "read": content.read,
        "private": content.private,
        "auto_submitted": content.auto_submitted,
        "remotely_deleted": content.remotely_deleted,
        "structured_reply_payload": content.structured_reply_payload,
        "seen_by_customer": content.seen.is_some(),
    })
}
