//! An agent's message → bot.

use handover_core::conversation::{AgentMessageDecision, Conversation};
use handover_core::event::BotEvent;
use handover_core::job::Work;
use handover_core::message::AgentMessage;
use handover_core::ports::{Claim, Measured, NEWS_KNOWN_FOR, StoreError};
use handover_core::timeline::TimelineEntry;

use super::deliver::Words;
use super::outcome::{Step, Why};
use super::{Task, deliver, files};
use crate::source_sdk::message_claim;

/// What the claim of a delivered message says; until then it only keeps others away.
const DELIVERED: &str = "delivered";

pub(super) async fn deliver(task: &Task<'_>, message: &AgentMessage) -> Result<Step, StoreError> {
    let key = message_claim(&task.job.connection, &task.job.thread, &message.id);
    let claimed = task.app.store.claimed(&key, task.app.now());
    let (found, claimed) = tokio::try_join!(task.read(), claimed)?;
    let Some(found) = found else {
        return Ok(unknown_conversation());
    };
    if let Some(claimed) = claimed {
        if claimed.holder != task.job.id.as_str() {
            tracing::info!(job.id = %task.job.id, message.id = %message.id, "duplicate dropped");
            task.count(Measured::DuplicateDropped);
            return Ok(Step::Done);
        }
        if claimed.record == DELIVERED {
            return Ok(Step::Done);
        }
    }
    let epoch = found.conversation.epoch();
    if deliver::started(task, &found.conversation).is_some() {
        return say(task, &found.conversation, message, epoch, false).await;
    }
    let takeover = task.connection.ringcx.agent_takeover;
    let decided = task
        .change_from(Some(found), |conversation, commit| {
            if let Some(numbered) = deliver::started(task, conversation) {
                return Some((numbered.epoch, false));
            }
            let now = task.app.now();
            let decision = conversation.agent_message(message, takeover, task.app.new_handover_id(), now);
            let AgentMessageDecision::Deliver {
                epoch,
                before,
                begins,
            } = decision
            else {
                return None;
            };
            if begins {
                commit.jobs.push(task.outgoing(Work::StartHandover {
                    epoch,
                    transcript: Vec::new(),
                }));
            }
            conversation.number(&task.job.id, epoch, before, true, task.job.accepted_at);
            Some((epoch, begins))
        })
        .await?;
    match decided {
        Some((Some((epoch, begins)), stored)) => {
            if begins {
                task.count(Measured::HandoverRequested);
            }
            say(task, &stored.conversation, message, epoch, begins).await
        }
        Some((None, _)) => Ok(Step::Never {
            why: Why::new("bot_has_it", "the bot has the conversation"),
        }),
        None => Ok(unknown_conversation()),
    }
}

/// Delivers the message, its files with it or a word about each that is missing.
async fn say(
    task: &Task<'_>,
    conversation: &Conversation,
    message: &AgentMessage,
    epoch: u32,
    begins: bool,
) -> Result<Step, StoreError> {
    let prepared = match files::for_bot(task, message).await {
        Ok(prepared) => prepared,
        Err(step) => return Ok(step),
    };
    let words = Words {
        event: BotEvent::MessageCreated { message: prepared },
        accepted: accepted(task, message, epoch, begins),
        claim: claim(task, message, DELIVERED),
    };
    deliver::deliver(task, conversation, Some(words)).await
}

fn unknown_conversation() -> Step {
    Step::Never {
        why: Why::new("unknown_conversation", "the conversation is unknown"),
    }
}

fn accepted(task: &Task<'_>, message: &AgentMessage, epoch: u32, begins: bool) -> TimelineEntry {
    task.entry("agent_message.accepted")
        .with("message_id", message.id.as_str())
        .with("epoch", epoch)
        .with("outcome", if begins { "takeover" } else { "queued" })
        .text(message.text.as_deref())
}

fn claim(task: &Task<'_>, message: &AgentMessage, record: &str) -> Claim {
    Claim {
        key: message_claim(&task.job.connection, &task.job.thread, &message.id),
        holder: task.job.id.to_string(),
        record: record.to_owned(),
        expires_at: task.app.now() + NEWS_KNOWN_FOR,
    }
}

/// The message will not reach the customer: the agent is told in the thread. RCE's repeats of it are recognised;
/// the job itself may be sent again.
pub(super) async fn given_up(task: &Task<'_>, message: &AgentMessage, why: &Why) -> Result<(), StoreError> {
    let entry = task
        .entry("agent_message.not_delivered")
        .with("message_id", message.id.as_str())
        .with("reason", why.detail.as_str());
    let mut commit = task.with_entry(entry);
    commit.claims.push(claim(task, message, ""));
    commit.jobs.push(task.outgoing(Work::NoteUndelivered {
        message: message.id.clone(),
    }));
    match task.put_aside(commit).await {
        // Another job delivered it.
        Err(StoreError::Claimed(_)) => Ok(()),
        other => other,
    }
}
