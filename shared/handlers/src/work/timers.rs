//! Ends that nobody brings about.
//!
//! Timers are checked in the order of what RCE tells, so that whatever was accepted before counts.

use handover_core::conversation::TimerDecision;
use handover_core::ports::{Measured, StoreError};

use super::leave_handover::leave;
use super::outcome::Step;
use super::{Task, deliver};

/// Warns the bot of a timer, or lets it end the handover.
pub(super) async fn check(task: &Task<'_>, epoch: u32) -> Result<Step, StoreError> {
    let stored = task
        .change(|conversation, commit| {
            if deliver::started(task, conversation).is_some() {
                return false;
            }
            match conversation.check_timers(epoch, &task.connection.timers, task.app.now()) {
                TimerDecision::Nothing => false,
                TimerDecision::Warn { epoch, event } => {
                    conversation.number(&task.job.id, epoch, vec![event], false, task.job.accepted_at);
                    false
                }
                TimerDecision::TimedOut { epoch, event } => {
                    let outcome = conversation.handover.as_ref().and_then(|h| h.outcome.clone());
                    let entry = task
                        .entry("handover.timed_out")
                        .with("epoch", epoch)
                        .with("cause", outcome);
                    task.write_down(commit, entry);
                    commit.jobs.extend(leave(task.app, conversation, event));
                    true
                }
            }
        })
        .await?;
    let Some((timed_out, stored)) = stored else {
        return Ok(Step::Done);
    };
    if timed_out {
        let in_queue = stored.conversation.time_in_queue();
        task.count(Measured::HandoverEnded { in_queue });
    }
    deliver::deliver(task, &stored.conversation, None).await
}
