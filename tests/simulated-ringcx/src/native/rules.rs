//! What a bridge must not do to a customer: answer twice, speak beside an agent, answer a private message in public.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::events::TOKEN_USER;
use crate::log::DeliveryKind;
use crate::model::{SyncStatus, TaskQueue};
use crate::state::State;

/// How long a lost answer forbids the same reply.
const REPEAT: SignedDuration = SignedDuration::from_mins(2);

/// A reply that was accepted, and of which the bridge does not know that.
#[derive(Clone, Debug)]
pub(crate) struct LostReply {
    /// What it says, and to what.
    pub(crate) key: Value,
    pub(crate) at: Timestamp,
    /// The content, once there is one.
    pub(crate) content: Option<String>,
}

impl State {
    /// What is too long ago to forbid anything.
    pub(crate) fn forget_old_losses(&mut self) {
        let now = self.now();
        self.lost_replies
            .retain(|lost| now.duration_since(lost.at) <= REPEAT);
    }

    /// The same reply again, although the first one was accepted: the customer reads it twice. One that did not reach the
    /// customer may be repeated.
    pub(crate) fn must_not_repeat(&mut self, key: &Value) {
        let now = self.now();
        let is_repeat = self.lost_replies.iter().any(|lost| {
            let content = lost.content.as_ref().and_then(|id| self.contents.get(id));
            let failed = content.is_some_and(|content| {
                let status = content.synchronization_status;
                matches!(status, SyncStatus::ExportFailure | SyncStatus::ExportAborted)
            });
            lost.key == *key && !failed && now.duration_since(lost.at) <= REPEAT
        });
        if is_repeat {
            let answered = key["in_reply_to_id"].as_str().unwrap_or("nothing");
            let detail = format!("a reply to {answered} came again after its answer was lost");
            self.violate("repeated-reply", detail);
        }
    }

    /// The agent beside whom a reply on this thread would be heard, if the bridge can know of one.
    pub(crate) fn second_voice(&self, thread_id: &str) -> Option<String> {
        let other = |user: &str| user != TOKEN_USER && !self.is_virtual_agent(user);
        let by_case = self
            .open_intervention(thread_id)
            .filter(|it| other(&it.user_id))
            .map(|it| (it.user_id.clone(), it.owned_since));
        let by_task = self.open_task(thread_id).and_then(|task| match &task.queue {
            TaskQueue::Workbin(agent) if other(agent) => Some((agent.clone(), task.accepted_at?)),
            _ => None,
        });
        let (agent, since) = by_task.or(by_case)?;
        let waited = self.now().duration_since(since).unsigned_abs();
        let is_known = waited >= self.config.two_voices_after || self.bridge_knows_of(thread_id, &agent);
        is_known.then_some(agent)
    }

    /// Whether the bridge acknowledged an event by which the agent has the thread.
    fn bridge_knows_of(&self, thread_id: &str, agent: &str) -> bool {
        let tells = |event: &Value| {
            let kind = event["type"].as_str().unwrap_or_default();
            let metadata = &event["resource"]["metadata"];
            let names = match kind.split_once('.') {
                Some(("intervention", "opened" | "reopened" | "user_updated" | "assigned")) => {
                    metadata["user_id"] == agent
                }
                Some(("task", "taken" | "supervisor_assigned")) => metadata["agent_ids"]
                    .as_array()
                    .is_some_and(|agents| agents.iter().any(|it| it == agent)),
                _ => false,
            };
            names && metadata["thread_id"] == thread_id
        };
        let mut deliveries = self.delivery_log.iter();
        deliveries.any(|delivery| {
            let events = delivery.body["events"].as_array();
            delivery.kind == DeliveryKind::Webhook
                && delivery.status == Some(200)
                && events.is_some_and(|events| events.iter().any(tells))
        })
    }

    /// An answer to something private is private.
    pub(crate) fn must_stay_private(&mut self, content_id: &str) {
        let Some(content) = self.contents.get(content_id).filter(|content| !content.private) else {
            return;
        };
        let answered = content.in_reply_to_id.as_ref();
        if answered
            .and_then(|id| self.contents.get(id))
            .is_some_and(|answered| answered.private)
        {
            let detail = format!("{content_id} answers a private message for everybody to read");
            self.violate("public-reply", detail);
        }
    }
}
