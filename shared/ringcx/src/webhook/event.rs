//! One webhook event in our words (Webhooks, "Events" page).

use handover_core::Timestamp;
use handover_core::ids::{AgentId, CategoryId, ContentId, EventId, InterventionId, SourceId, ThreadId};
use handover_core::ports::DeliveryStatus;
use handover_core::signal::{AgentNews, Signal, SignalKind};
use serde_json::Value;

use crate::client::agents::has_room;
use crate::json;

use super::aftermath;

/// Most categories of an intervention that are kept.
const TAGS_MAX: usize = 50;

/// Types that we know and that change nothing about who has the conversation.
const NOTED: [&str; 16] = [
    "content.approved",
    "content.discussion_initiated",
    "content.exported",
    "content.imported",
    "content.replied",
    "content.thread_opened",
    "content.update_exported",
    "intervention.assigned",
    "intervention.custom_fields_updated",
    "intervention_segment.summary_generation_failed",
    "task.assigned",
    "task.completed",
    "task.expired_from_step",
    "task.resume",
    "task.transferred",
    "task.undelivered",
];

/// The signal in `event`; nothing if the event has no id or a type that means nothing to us.
pub(super) fn signal(event: &Value, received_at: Timestamp) -> Option<Signal> {
    let event = Event(event);
    let name = event.name()?;
    let issued_at = json::time(event.0.get("issued_at")).unwrap_or(received_at);
    Some(Signal {
        event: EventId::new(json::id(event.0.get("id"))?),
        name: name.to_owned(),
        kind: event.kind(name, issued_at)?,
        source: event.either("source_id", "content_source_id").map(SourceId::new),
        thread: event.either("thread_id", "content_thread_id").map(ThreadId::new),
        intervention: event.intervention(name).map(InterventionId::new),
        agent: event.agent(name).map(AgentId::new),
        issued_at,
        epoch: None,
        tags: event.categories(name),
    })
}

/// What `event` says about an agent's presence (`push_agent.*`). The page does not show where the agent's id is.
pub(super) fn agent_news(event: &Value) -> Option<AgentNews> {
    let event = Event(event);
    let name = event.name().filter(|name| name.starts_with("push_agent."))?;
    let agent = json::id(event.resource("id")).or_else(|| event.user())?;
    let groups = json::items(event.metadata("channels")).iter();
    let room = groups.filter_map(|group| {
        let id = json::id(group.get("id"))?;
        let room = has_room(event.metadata("channels"), &id)?;
        Some((id, room))
    });
    Some(AgentNews {
        agent: AgentId::new(agent),
        room: room.collect(),
        logged_in: name != "push_agent.disconnected",
    })
}

/// An event, read by name; whatever is odd counts as absent.
struct Event<'a>(&'a Value);

impl<'a> Event<'a> {
    fn name(&self) -> Option<&'a str> {
        self.0.get("type")?.as_str()
    }

    fn resource(&self, member: &str) -> Option<&'a Value> {
        self.0.get("resource")?.get(member)
    }

    fn metadata(&self, member: &str) -> Option<&'a Value> {
        self.resource("metadata")?.get(member)
    }

    /// Segments of interventions call their source and thread otherwise.
    fn either(&self, member: &str, of_segments: &str) -> Option<String> {
        json::id(self.metadata(member)).or_else(|| json::id(self.metadata(of_segments)))
    }

    /// The agent who caused the event; absent when nobody in RCE did.
    fn user(&self) -> Option<String> {
        json::id(self.0.get("user_id"))
    }

    fn kind(&self, name: &str, issued_at: Timestamp) -> Option<SignalKind> {
        let kind = match name {
            "task.created" | "task.expired_from_workbin" => SignalKind::Waiting,
            "task.taken" | "task.supervisor_assigned" | "intervention.opened" => SignalKind::AgentJoined,
            "task.recategorized" | "intervention.recategorized" => SignalKind::Recategorised,
            "intervention.user_updated" => SignalKind::AgentChanged,
            "intervention.closed" | "content.thread_closed" | "content.thread_auto_closed" => {
                SignalKind::Closed
            }
            "intervention.canceled" => SignalKind::Cancelled,
            "intervention.reopened" => SignalKind::Reopened {
                by_agent: self.user().is_some(),
            },
            "intervention.deferred" => SignalKind::Deferred,
            "intervention.reactivated" => SignalKind::Reactivated,
            "task.destroyed" => SignalKind::TaskDestroyed,
            "task.completed" if self.completed_by_closing() => SignalKind::Closed,
            "intervention_segment.summary_generated" => {
                aftermath::summary(self.resource("metadata")?, false)?
            }
            "intervention_segment.summary_submitted" => aftermath::summary(self.resource("metadata")?, true)?,
            "survey_response.imported" => {
                let id = json::id(self.resource("id"));
                aftermath::survey(id, self.resource("metadata")?, issued_at)
            }
            "content.exported" => self.export().unwrap_or(SignalKind::Note),
            "content.replied" => self.reply().unwrap_or(SignalKind::Note),
            _ if NOTED.contains(&name) => SignalKind::Note,
            _ => return None,
        };
        Some(kind)
    }

    /// A task is completed by closing or by deferring. The page lists `action` on the event and in the
    /// metadata; either is read, and if they disagree it was not closed for certain.
    fn completed_by_closing(&self) -> bool {
        let mut actions = [self.0.get("action"), self.metadata("action")]
            .into_iter()
            .filter_map(|action| action?.as_str())
            .peekable();
        actions.peek().is_some() && actions.all(|action| action == "closed")
    }

    fn content(&self) -> Option<ContentId> {
        let id = json::id(self.resource("id")).or_else(|| json::id(self.metadata("id")));
        id.map(ContentId::new)
    }

    /// `content.exported` reports failures too.
    fn export(&self) -> Option<SignalKind> {
        let status = self.metadata("synchronization_status")?.as_str()?;
        let content = self.content()?;
        match delivery_status(status) {
            DeliveryStatus::Failed => Some(SignalKind::ExportFailed { content }),
            DeliveryStatus::Delivered => Some(SignalKind::Exported {
                content,
                by_hand: self.is_by_hand(),
            }),
            DeliveryStatus::Pending => None,
        }
    }

    /// Whether an agent wrote it in RCE's console: what was sent by an interface, or by RCE itself, is no person's voice.
    fn is_by_hand(&self) -> bool {
        let in_console = self.metadata("created_from").and_then(Value::as_str) == Some("interface");
        in_console && !self.is_automatic() && json::id(self.metadata("creator_id")).is_some()
    }

    fn is_automatic(&self) -> bool {
        self.metadata("auto_submitted").and_then(Value::as_bool) == Some(true)
    }

    /// Somebody answered in RCE's console (`interface`). What comes from elsewhere, the bridge's own replies among it, is no
    /// person's voice; how RCE calls those is documented nowhere.
    fn reply(&self) -> Option<SignalKind> {
        let from = self.metadata("created_from").and_then(Value::as_str);
        let by_hand = from == Some("interface");
        let content = self.content()?;
        let may_be_person = self.agent("content.replied").is_some() && (by_hand || from.is_none());
        Some(if may_be_person && !self.is_automatic() {
            SignalKind::AgentWrote { content, by_hand }
        } else {
            SignalKind::ProgramWrote { content }
        })
    }

    fn intervention(&self, name: &str) -> Option<String> {
        if name.starts_with("intervention.") {
            json::id(self.resource("id"))
        } else {
            json::id(self.metadata("intervention_id"))
        }
    }

    fn categories(&self, name: &str) -> Vec<CategoryId> {
        let ends = matches!(name, "intervention.closed" | "intervention.canceled");
        let listed = self.metadata("category_ids").filter(|_| ends);
        let ids = json::items(listed).iter().filter_map(|id| json::id(Some(id)));
        ids.map(CategoryId::new).take(TAGS_MAX).collect()
    }

    fn agent(&self, name: &str) -> Option<String> {
        let only_agent = || match json::items(self.metadata("agent_ids")) {
            [agent] => json::id(Some(agent)),
            _ => None,
        };
        match name {
            "task.taken" => self.user().or_else(only_agent),
            // Here the event's user is the supervisor, not the agent who got the task.
            "task.supervisor_assigned" => only_agent(),
            "content.replied" => json::id(self.metadata("creator_id")).or_else(|| self.user()),
            "content.exported" if self.is_by_hand() => json::id(self.metadata("creator_id")),
            _ if name.starts_with("intervention.") => json::id(self.metadata("user_id")),
            _ => None,
        }
    }
}

/// How far a content got on its way out.
pub(crate) fn delivery_status(status: &str) -> DeliveryStatus {
    if export_failed(status) {
        DeliveryStatus::Failed
    } else if status.starts_with("success") {
        DeliveryStatus::Delivered
    } else {
        DeliveryStatus::Pending
    }
}

/// Whether a message did not leave RCE (export guide, `synchronization_status`). The events page says
/// "successful or unsuccessful" instead, so words like those count too; an aborted like, deletion,
/// unpublication or block of an author is not about the message.
fn export_failed(status: &str) -> bool {
    match status {
        "export_failure" | "export_aborted" => true,
        "export_pending"
        | "like_aborted"
        | "author_block_aborted"
        | "delete_aborted"
        | "unpublish_aborted" => false,
        other => other.starts_with("un") || other.contains("fail") || other.contains("error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_export_counts_as_one() {
        for failed in [
            "export_failure",
            "export_aborted",
            "unsuccessful",
            "error",
            "export_failed",
        ] {
            assert!(export_failed(failed), "{failed}");
        }
        for other in [
            "success",
            "successful",
            "export_pending",
            "delete_aborted",
            "unpublish_aborted",
            "like_aborted",
            "author_block_aborted",
            "",
        ] {
            assert!(!export_failed(other), "{other}");
        }
    }
}
