//! Whether the person got what the bot said on a channel of RCE's own.
//!
//! RCE takes a message at once and delivers it later. It reports the outcome (`content.exported`); where that does not
//! come it is asked, which is housekeeping.

use std::time::Duration;

use handover_core::conversation::{Conversation, Delivered};
use handover_core::handover::Cause;
use handover_core::ids::{ContentId, ForeignMessageId, MessageId};
use handover_core::job::Work;
use handover_core::message::Message;
use handover_core::ports::{Commit, DeliveryStatus, RingCxError, StoreError, Urgency};
use handover_core::retry::Disposition;
use handover_core::signal::{Signal, SignalKind};
use handover_core::structured::fallback_text;

use super::outcome::{Step, Why};
use super::{Task, reply, silence};

/// When it is looked, after it was said. After the last time it is nobody's knowledge.
const LOOKS: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
];
/// Until then RCE's report is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Marks the name of what is said in place of structured content.
const AS_TEXT: &str = "#as-text";

/// The name by which the bot knows a message.
pub(super) fn named_by_bot(message: &MessageId) -> MessageId {
    let name = message.as_str();
    MessageId::new(name.strip_suffix(AS_TEXT).unwrap_or(name))
}

/// RCE reports that something was delivered, or was not.
pub(super) fn exported(
    task: &Task<'_>,
    conversation: &mut Conversation,
    signal: &Signal,
    commit: &mut Commit,
) {
    let Some(native) = conversation.native.as_mut() else {
        return;
    };
    if let Some(content) = signal.kind.content() {
        native.echoed(content);
    }
    let (content, outcome) = match &signal.kind {
        SignalKind::Exported { content, .. } => (content, Delivered::Yes),
        SignalKind::ExportFailed { content } => (content, Delivered::No),
        _ => return,
    };
    let news = conversation
        .native
        .as_mut()
        .and_then(|native| native.delivered(content, outcome));
    if let Some(message) = news {
        note(task, commit, &message, content, outcome == Delivered::Yes);
    }
}

/// The line of the timeline that tells how it ended.
pub(super) fn note(
    task: &Task<'_>,
    commit: &mut Commit,
    message: &MessageId,
    content: &ContentId,
    delivered: bool,
) {
    let what = if delivered {
        "message.delivered"
    } else {
        "message.not_delivered"
    };
    let entry = task
        .entry(what)
        .with("message_id", message.as_str())
        .with("content_id", content.as_str());
    task.write_down(commit, entry);
}

/// Follows one content of the bot's to its end.
pub(super) async fn confirm(
    task: &Task<'_>,
    content: &ContentId,
    message: &Message,
) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let said = found
        .conversation
        .native
        .as_deref()
        .and_then(|native| native.said(content));
    match said.map(|said| (said.outcome, said.settled)) {
        None | Some((Delivered::Yes, _) | (Delivered::No, true)) => return Ok(Step::Done),
        Some((Delivered::No, false)) => return not_delivered(task, content, message).await,
        Some((Delivered::Unknown, _)) => {}
    }
    let waited = task.since_accepted();
    if waited >= PATIENCE {
        match ask(task, content).await {
            Ok(Some(outcome)) => {
                learnt(task, content, outcome).await?;
                return Ok(Step::Wait {
                    after: Duration::ZERO,
                });
            }
            Ok(None) => {}
            Err(error) => {
                if let Disposition::Wait { after } = error.disposition() {
                    return Ok(Step::Wait { after });
                }
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "RingCX does not say whether a reply was delivered"
                );
            }
        }
    }
    match LOOKS.iter().find(|look| waited < **look) {
        Some(next) => Ok(Step::Wait {
            after: next.saturating_sub(waited),
        }),
        None => unknown(task, content, message).await,
    }
}

async fn ask(task: &Task<'_>, content: &ContentId) -> Result<Option<Delivered>, RingCxError> {
    let read = task
        .app
        .ringcx
        .content(&task.connection, content, Urgency::Idle)
        .await?;
    Ok(match read.delivery {
        DeliveryStatus::Pending => None,
        DeliveryStatus::Delivered => Some(Delivered::Yes),
        DeliveryStatus::Failed => Some(Delivered::No),
    })
}

async fn learnt(task: &Task<'_>, content: &ContentId, outcome: Delivered) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        let news = conversation
            .native
            .as_mut()
            .and_then(|native| native.delivered(content, outcome));
        if let Some(message) = news {
            note(task, commit, &message, content, outcome == Delivered::Yes);
        }
    })
    .await?;
    Ok(())
}

/// The person did not get it. What they were to choose from is said once more as text, because they have seen none of it;
/// else the bot is told and the agents look after them.
async fn not_delivered(task: &Task<'_>, content: &ContentId, message: &Message) -> Result<Step, StoreError> {
    let why = Why::new("not_delivered", "the channel did not deliver it");
    tracing::warn!(
        connection.id = %task.job.connection, thread.foreign_id = %task.job.thread, content.id = %content,
        "a reply did not reach the person; look at the source's status in RingCX's console"
    );
    task.change(|conversation, commit| {
        let Some(native) = conversation.native.as_mut() else {
            return;
        };
        if !native.settle_failure(content) {
            return;
        }
        // Of several parts the first one that fails is news.
        let mut parts = native.said.iter().filter(|said| said.message == message.id);
        if parts.any(|said| said.settled && said.content != *content) {
            return;
        }
        if let Some(structured) = &message.structured {
            let id = MessageId::new(format!("{}{AS_TEXT}", message.id));
            let as_text = Message {
                foreign_id: ForeignMessageId::of(&task.job.thread, &id),
                id,
                text: fallback_text(message.text.as_deref(), structured),
                structured: None,
                ..message.clone()
            };
            let epoch = conversation.epoch();
            commit.jobs.push(task.outgoing(Work::Reply {
                message: as_text,
                epoch,
                notice: false,
            }));
            return;
        }
        reply::tell_failure(task, conversation, commit, message, &why);
        silence::bot_fails(task, conversation, commit, Cause::ReplyRefused);
    })
    .await?;
    Ok(Step::Done)
}

async fn unknown(task: &Task<'_>, content: &ContentId, message: &Message) -> Result<Step, StoreError> {
    let entry = task
        .entry("message.unconfirmed")
        .with("message_id", message.id.as_str())
        .with("content_id", content.as_str());
    task.app.store.commit(task.with_entry(entry)).await?;
    Ok(Step::Done)
}
