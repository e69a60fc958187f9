//! Builds the events of the webhooks, with the metadata members that the platform documents for each.

use std::time::Instant;

use serde_json::{Value, json};

use crate::config::AgentStatus;
use crate::model::{Agent, Content, Intervention, Task, TaskQueue};
use crate::native::NativeKind;
use crate::state::State;
use crate::time::{date, millis, seconds};

/// The default channel group of messaging channels.
pub(crate) const REALTIME_CHANNEL: &str = "5f0c00000000000000c4a100";
/// The other default channel group.
pub(crate) const ASYNC_CHANNEL: &str = "5f0c00000000000000c4a200";
/// The tenant.
pub(crate) const DOMAIN: &str = "5f0c0000000000000d000001";
/// The survey that customers are asked.
pub(crate) const SURVEY: &str = "5f0c00000000000000c5a100";
/// The account behind the REST token.
pub(crate) const TOKEN_USER: &str = "5f0c00000000000000a9b0b0";

impl State {
    pub(crate) fn emit_intervention(&mut self, action: &str, id: &str, user: Option<&str>) {
        if let Some(resource) = self
            .interventions
            .get(id)
            .map(|it| self.intervention_resource(it))
        {
            self.emit(&format!("intervention.{action}"), user, None, resource);
        }
    }

    pub(crate) fn emit_task(&mut self, action: &str, id: &str, user: Option<&str>) {
        if let Some(resource) = self.tasks.get(id).map(|task| self.task_resource(task)) {
            self.emit(&format!("task.{action}"), user, None, resource);
        }
    }

    /// `task.taken`, whose metadata tell how: `ring` or `request`.
    pub(crate) fn emit_task_taken(&mut self, id: &str, user: &str, how: &str) {
        if let Some(mut resource) = self.tasks.get(id).map(|task| self.task_resource(task)) {
            resource["metadata"]["type"] = json!(how);
            self.emit("task.taken", Some(user), None, resource);
        }
    }

    /// `task.completed`, which tells twice whether it was closed or deferred.
    pub(crate) fn emit_task_completed(&mut self, id: &str, user: Option<&str>, action: &str) {
        if let Some(mut resource) = self.tasks.get(id).map(|task| self.task_resource(task)) {
            resource["metadata"]["action"] = json!(action);
            self.emit("task.completed", user, Some(action), resource);
        }
    }

    pub(crate) fn emit_content(&mut self, action: &str, id: &str, user: Option<&str>) {
        let Some(content) = self.contents.get(id) else {
            return;
        };
        let mut resource = self.content_resource(content);
        if action.ends_with("exported") {
            resource["metadata"]["synchronization_status"] = json!(content.synchronization_status.as_str());
        }
        self.emit(&format!("content.{action}"), user, None, resource);
    }

    pub(crate) fn emit_agent(&mut self, action: &str, id: &str) {
        let Ok(agent) = self.agent(id) else { return };
        let metadata = json!({"channels": self.agent_channels(agent), "custom_status": null});
        let resource = json!({"type": "push_agent", "id": id, "metadata": metadata});
        self.emit(&format!("push_agent.{action}"), Some(id), None, resource);
    }

    /// Puts an event into the queue of every webhook that is registered for it, unless all are lost.
    pub(crate) fn emit(&mut self, kind: &str, user: Option<&str>, action: Option<&str>, resource: Value) {
        let event = self.build_event(kind, user, action, resource);
        for webhook in self.webhooks.values() {
            let wanted = webhook.active && webhook.registered_events.iter().any(|name| name == kind);
            if !wanted || webhook.state == crate::model::WebhookState::Disabled {
                continue;
            }
            self.webhook_counts.issued += 1;
            if self.webhook_behaviour.down {
                self.webhook_counts.dropped += 1;
                continue;
            }
            let queue = self.event_queues.entry(webhook.id.clone()).or_default();
            queue.push_back((Instant::now(), event.clone()));
        }
        self.event_log.push(event);
    }

    pub(crate) fn build_event(
        &mut self,
        kind: &str,
        user: Option<&str>,
        action: Option<&str>,
        resource: Value,
    ) -> Value {
        let mut event = json!({
            "type": kind,
            "id": self.ids.next(),
            "issued_at": millis(self.now()),
        });
        event["resource"] = resource;
        if let Some(user) = user {
            event["user_id"] = json!(user);
        }
        if let Some(action) = action {
            event["action"] = json!(action);
        }
        event
    }

    pub(crate) fn intervention_resource(&self, it: &Intervention) -> Value {
        json!({"type": "intervention", "id": it.id, "metadata": {
            "category_ids": it.category_ids,
            "closed_at": it.closed_at.map(seconds),
            "custom_field_values": {},
            "deferred_at": it.deferred_at.map(seconds),
            "identity_id": it.identity_id,
            "source_id": self.source_of(&it.thread_id),
            "thread_id": it.thread_id,
            "user_id": it.user_id,
        }})
    }

    /// The part of an intervention that is under way. Its metadata have names of their own.
    pub(crate) fn segment_resource(&self, it: &Intervention, summary: &str) -> Value {
        json!({"type": "intervention_segment", "id": it.segment_id, "metadata": {
            "content_source_id": self.source_of(&it.thread_id),
            "content_thread_id": it.thread_id,
            "intervention_id": it.id,
            "intervention_segment_id": it.segment_id,
            "summary": summary,
            "user_id": it.user_id,
        }})
    }

    pub(crate) fn task_resource(&self, task: &Task) -> Value {
        let customer = self
            .threads
            .get(&task.thread_id)
            .and_then(|thread| thread.customer_id.as_deref());
        json!({"type": "task", "id": task.id, "metadata": {
            "agent_ids": task.agent_ids,
            "channel_id": REALTIME_CHANNEL,
            "content_id": task.content_id,
            "created_at": seconds(task.created_at),
            "identity_id": customer,
            "intervention_id": task.intervention_id,
            "language": "en",
            "priority": 1.0,
            "queue": task.queue.name(),
            "segment_index": task.segment_index,
            "source_id": self.source_of(&task.thread_id),
            "thread_id": task.thread_id,
        }})
    }

    pub(crate) fn content_resource(&self, content: &Content) -> Value {
        let thread = self.threads.get(&content.thread_id);
        let answered = content
            .in_reply_to_id
            .as_ref()
            .and_then(|id| self.contents.get(id));
        let native = self.native_of(&content.thread_id);
        let kind = native.map_or("sdk/content", |native| native.kind.resource_type());
        let mut resource = json!({"type": kind, "id": content.id, "metadata": {
            "approval_required": false,
            "author_id": content.author_id,
            "body": content.body,
            "body_input_format": content.format,
            "capabilities_supported": self.capabilities_of(&content.thread_id),
            "category_ids": thread.map(|thread| &thread.category_ids),
            "context_data": thread.map(|thread| &thread.context_data),
            "created_from": content.created_from,
            "creator_id": content.creator_id,
            "date": date(content.created_at),
            "first_in_thread": thread.is_some_and(|thread| thread.content_ids.first() == Some(&content.id)),
            "foreign_categories": [],
            "foreign_id": content.foreign_id,
            "has_attachment": !content.attachments.is_empty(),
            "id": content.id,
            "in_reply_to_author_id": answered.map(|content| &content.author_id),
            "in_reply_to_id": content.in_reply_to_id,
            "intervention_id": content.intervention_id,
            "language": "en",
            "private": content.private,
            "source_id": self.source_of(&content.thread_id),
            "source_type": native.map_or("sdk", |native| native.kind.source_type()),
            "status": content.status,
            "thread_id": content.thread_id,
            "thread_title": thread.map(|thread| &thread.title),
            "type": kind,
        }});
        let metadata = &mut resource["metadata"];
        if let Some(payload) = &content.structured_reply_payload {
            metadata["structured_reply_payload"] = json!(payload);
        }
        if native.is_some_and(|native| native.kind == NativeKind::Email) {
            let author = self.identities.get(&content.author_id);
            metadata["from"] = json!(author.map(|author| &author.foreign_id));
            metadata["cc"] = json!([]);
            metadata["bcc"] = json!([]);
        }
        if content.remotely_deleted {
            metadata["remotely_deleted"] = json!(true);
        }
        resource
    }

    /// The types of structured content that the thread's source takes.
    pub(crate) fn capabilities_of(&self, thread: &str) -> Value {
        match self.native_of(thread) {
            Some(native) => json!(native.capabilities),
            None => json!(["select", "rich_link", "template", "carousel"]),
        }
    }

    pub(crate) fn agent_channels(&self, agent: &Agent) -> Value {
        let status = (agent.status != AgentStatus::Disconnected).then(|| agent.status.as_str());
        json!([
            {"id": REALTIME_CHANNEL, "name": "Realtime", "status": status, "busyness": self.busyness(&agent.id)},
            {"id": ASYNC_CHANNEL, "name": "Async", "status": null, "busyness": "unoccupied"},
        ])
    }

    /// How much work an agent has, against the soft and the hard limit.
    pub(crate) fn busyness(&self, agent: &str) -> &'static str {
        let tasks = self.workbin(agent).count();
        let (soft, hard) = self.config.workload;
        match tasks {
            0 => "unoccupied",
            _ if tasks >= hard => "full",
            _ if tasks >= soft => "busy",
            _ => "ok",
        }
    }

    /// The tasks that an agent works on.
    pub(crate) fn workbin(&self, agent: &str) -> impl Iterator<Item = &Task> {
        self.taken
            .iter()
            .filter_map(|id| self.tasks.get(id))
            .filter(move |task| matches!(&task.queue, TaskQueue::Workbin(owner) if owner == agent))
    }
}
