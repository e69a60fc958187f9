//! A bot that does not answer the person on a channel of RCE's own: the agents do.
//!
//! It is decided in a write of the conversation, not in a queue, because the bot's queue is what may be stuck.

use handover_core::conversation::Conversation;
use handover_core::handover::Cause;
use handover_core::job::Work;
use handover_core::ports::{Commit, Measured, StoreError};

use super::Task;

/// The agents have the conversation from now on, unless they have it already.
pub(super) fn bot_fails(
    task: &Task<'_>,
    conversation: &mut Conversation,
    commit: &mut Commit,
    cause: Cause,
) -> bool {
    let begun = conversation.bot_fails(cause, task.app.new_handover_id(), task.app.now());
    let Some((epoch, event)) = begun else {
        return false;
    };
    let start = Work::StartHandover {
        epoch,
        transcript: Vec::new(),
    };
    let tell = Work::Tell {
        epoch,
        event,
        after_tidy_up: false,
    };
    commit.jobs.extend([start, tell].map(|work| task.outgoing(work)));
    let entry = task
        .entry("handover.requested")
        .with("epoch", epoch)
        .with("cause", cause.as_str());
    task.write_down(commit, entry);
    true
}

/// Whether the bot has been silent for too long; then the agents have the conversation. Also plans anew.
pub(super) async fn look(task: &Task<'_>) -> Result<(), StoreError> {
    let stored = task
        .change(|conversation, commit| {
            let timers = &task.connection.timers;
            // Planned anew by the write: the bot may have reacted since.
            conversation.look_at = None;
            conversation.is_bot_silent(timers, task.app.now())
                && bot_fails(task, conversation, commit, Cause::BotSilent)
        })
        .await?;
    if let Some((true, _)) = stored {
        tracing::warn!(
            connection.id = %task.job.connection, thread.foreign_id = %task.job.thread,
            "the bot has not answered; the agents have the conversation"
        );
        task.count(Measured::HandoverRequested);
    }
    Ok(())
}
