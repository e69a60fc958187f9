//! An agent's message → bot.

use handover_core::conversation::AgentMessageDecision;
use handover_core::job::Work;
use handover_core::message::AgentMessage;
use handover_core::ports::{Claim, KEPT_FOR, StoreError};

use super::outcome::{Step, Why};
use super::{Task, deliver};
use crate::source_sdk::message_claim;

pub(super) async fn deliver(task: &Task<'_>, message: &AgentMessage) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Never {
            why: Why::new("unknown_conversation", "the conversation is unknown"),
        });
    };
    if deliver::started(task, &found.conversation).is_some() {
        return deliver::deliver(task, &found.conversation, Some(message)).await;
    }
    let takeover = task.connection.ringcx.agent_takeover;
    let decided = task
        .change(|conversation, commit| {
            let now = task.app.now();
            let decision = conversation.agent_message(message, takeover, task.app.new_handover_id(), now);
            let AgentMessageDecision::Deliver {
                epoch,
                before,
                begins,
            } = decision
            else {
                return false;
            };
            commit.claims.push(Claim {
                key: message_claim(&task.job.connection, &message.id),
                holder: task.job.id.to_string(),
                record: String::new(),
                expires_at: now + KEPT_FOR,
            });
            if begins {
                commit.jobs.push(task.outgoing(Work::StartHandover {
                    epoch,
                    transcript: Vec::new(),
                }));
            }
            let entry = task
                .entry("agent_message.accepted")
                .with("message_id", message.id.as_str())
                .with(
                    "content_id",
                    message
                        .content
                        .as_ref()
                        .map(handover_core::ids::ContentId::as_str),
                )
                .with("epoch", epoch)
                .with("outcome", if begins { "takeover" } else { "queued" })
                .text(message.text.as_deref());
            task.write_down(commit, entry);
            conversation.number(&task.job.id, epoch, before, true);
            true
        })
        .await;
    match decided {
        Ok(Some((true, stored))) => deliver::deliver(task, &stored.conversation, Some(message)).await,
        Ok(Some((false, _))) => Ok(Step::Never {
            why: Why::new("bot_has_it", "the bot has the conversation"),
        }),
        Ok(None) => Ok(Step::Never {
            why: Why::new("unknown_conversation", "the conversation is unknown"),
        }),
        Err(StoreError::Claimed(_)) => {
            tracing::info!(job.id = %task.job.id, message.id = %message.id, "duplicate dropped");
            Ok(Step::Done)
        }
        Err(error) => Err(error),
    }
}

/// The message will not reach the customer: the agent is told in the thread.
pub(super) async fn given_up(task: &Task<'_>, message: &AgentMessage, why: &Why) -> Result<(), StoreError> {
    let entry = task
        .entry("agent_message.not_delivered")
        .with("message_id", message.id.as_str())
        .with("reason", why.detail.as_str());
    let mut commit = task.with_entry(entry);
    commit.jobs.push(task.outgoing(Work::NoteUndelivered {
        message: message.id.clone(),
    }));
    task.put_aside(commit).await
}
