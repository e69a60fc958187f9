//! Delivers events that have their numbers.
//!
//! The numbers were stored before the first attempt. Every attempt sends the same ids and numbers, so
//! that a repeat after a crash is recognised by the receiver.

use handover_core::conversation::{Conversation, InFlight};
use handover_core::event::BotEvent;
use handover_core::job::Work;
use handover_core::message::AgentMessage;
use handover_core::ports::{Commit, Delivery, StoreError};
use handover_core::retry::Disposition;

use super::Task;
use super::outcome::Step;

/// The events of this job, if they have their numbers already.
pub(super) fn started<'a>(task: &Task<'_>, conversation: &'a Conversation) -> Option<&'a InFlight> {
    conversation.numbered(&task.job.id)
}

/// Sends what the bot has not taken yet.
pub(super) async fn deliver(
    task: &Task<'_>,
    conversation: &Conversation,
    message: Option<&AgentMessage>,
) -> Result<Step, StoreError> {
    let Some(in_flight) = started(task, conversation) else {
        return Ok(Step::Done);
    };
    let mut events = in_flight.events.clone();
    if in_flight.then_message {
        events.extend(message.map(|message| BotEvent::MessageCreated {
            message: message.clone(),
        }));
    }
    let last = events.len().saturating_sub(1);
    let mut commit = Commit::default();
    for (index, event) in events.into_iter().enumerate().skip(in_flight.delivered) {
        let name = event.name();
        let delivery = Delivery {
            id: format!("evt_{}_{index}", task.job.id),
            conversation: conversation.id.clone(),
            epoch: in_flight.epoch,
            seq: Some(in_flight.first_seq + index as u64),
            at: task.job.accepted_at,
            now: task.app.now(),
            rce_thread: conversation.rce_thread.clone(),
            event,
        };
        let answered = task.app.bots.tell(&task.connection, &delivery).await;
        let now = task.app.now();
        let latency = now.as_millisecond() - task.job.accepted_at.as_millisecond();
        let entry = task
            .entry(if answered.is_ok() {
                "event.delivered"
            } else {
                "event.not_delivered"
            })
            .with("event", name)
            .with("event_id", delivery.id.as_str())
            .with("epoch", delivery.epoch)
            .with("seq", delivery.seq)
            .with("attempt", task.attempt);
        match answered {
            Ok(told) => {
                tracing::info!(
                    conversation.id = %conversation.id, event.id = %delivery.id, event.name = name,
                    status = told.status, duration_ms = latency, "event delivered"
                );
                let entry = entry.with("status", told.status).with("latency_ms", latency);
                task.write_down(&mut commit, entry);
            }
            Err(error) => {
                let entry = entry.with("reason", error.to_string());
                task.write_down(&mut commit, entry);
                if index < last && error.disposition() == Disposition::Reject {
                    // What follows is not to blame and is told all the same; this becomes a job of its own,
                    // which can be put aside and sent again.
                    let (epoch, event) = (delivery.epoch, delivery.event);
                    commit.jobs.push(task.outgoing(Work::Tell {
                        epoch,
                        event,
                        after_tidy_up: false,
                    }));
                    continue;
                }
                remember_progress(task, index, commit).await?;
                return Ok(error.into());
            }
        }
    }
    if conversation.put_aside.is_empty() {
        task.app.store.commit(commit).await?;
    } else {
        task.change(|conversation, change| {
            change.timeline.clone_from(&commit.timeline);
            change.jobs.clone_from(&commit.jobs);
            conversation.taken_up(&task.job.id);
        })
        .await?;
    }
    Ok(Step::Done)
}

/// Notes how many events the bot has taken, so that the next attempt does not repeat them.
async fn remember_progress(task: &Task<'_>, delivered: usize, noted: Commit) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        commit.timeline.clone_from(&noted.timeline);
        commit.jobs.clone_from(&noted.jobs);
        conversation.delivered(&task.job.id, delivered);
    })
    .await?;
    Ok(())
}
