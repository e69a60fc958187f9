//! Delivers events that have their numbers.
//!
//! The numbers were stored before the first attempt. Every attempt sends the same ids and numbers, so
//! that a repeat after a crash is recognised by the receiver.

use handover_core::conversation::{Conversation, InFlight};
use handover_core::event::BotEvent;
use handover_core::job::Work;
use handover_core::ports::{
    Answered, BotError, BotSays, Claim, Commit, Delivery, Measured, Side, StoreError, Told,
};
use handover_core::retry::Disposition;
use handover_core::timeline::TimelineEntry;

use super::outcome::Step;
use super::{Task, customer_words};

/// What counts as the answer to a call that may have arrived (202).
const MAY_HAVE_ARRIVED: Told = Told { status: 202 };

/// The message that a job carries, and what is stored with the lines about its delivery: so it costs two writes, not
/// four.
pub(super) struct Words {
    pub(super) event: BotEvent,
    /// The line about the acceptance, written unless an earlier attempt did.
    pub(super) accepted: TimelineEntry,
    /// What makes it happen once from now on. Until then its job, which alone has the events' numbers, does.
    pub(super) claim: Claim,
}

/// The events of this job, if they have their numbers already.
pub(super) fn started<'a>(task: &Task<'_>, conversation: &'a Conversation) -> Option<&'a InFlight> {
    conversation.numbered(&task.job.id)
}

/// Whether words that have their number need not be told any more when the agents have them. A platform's flow would act on
/// old words, and go on about them later; bots of one's own go by `seq` and are told of all that has one.
pub(super) fn may_be_withdrawn(task: &Task<'_>, in_flight: &InFlight) -> bool {
    let untaken = in_flight.delivered == 0 && in_flight.parts == 0 && !in_flight.asking;
    untaken && task.connection.bot.kind.is_platform()
}

/// Sends what the bot has not taken yet.
pub(super) async fn deliver(
    task: &Task<'_>,
    conversation: &Conversation,
    words: Option<Words>,
) -> Result<Step, StoreError> {
    let Some(in_flight) = started(task, conversation) else {
        return Ok(Step::Done);
    };
    let mut commit = Commit::default();
    let mut events = in_flight.events.clone();
    let mut claim = None;
    if let Some(words) = words {
        if !in_flight.noted {
            task.write_down(&mut commit, words.accepted);
        }
        if in_flight.then_message {
            events.push(words.event);
        }
        claim = Some(words.claim);
    }
    let last = events.len().saturating_sub(1);
    for (index, event) in events.into_iter().enumerate().skip(in_flight.delivered) {
        let taken = if index == in_flight.delivered {
            in_flight.parts
        } else {
            0
        };
        let parts = task.app.bots.parts(&task.connection, &event);
        for part in taken..parts {
            let delivery = Delivery {
                id: format!("evt_{}_{index}", task.job.id),
                conversation: conversation.id.clone(),
                epoch: in_flight.epoch,
                seq: Some(in_flight.first_seq + index as u64),
                at: in_flight.at.unwrap_or(task.job.accepted_at),
                now: task.app.now(),
                rce_thread: in_flight.rce_thread.clone(),
                address: conversation.address(),
                part,
                event: event.clone(),
            };
            let in_doubt = in_flight.asking && part == taken && index == in_flight.delivered;
            match tell(task, &delivery, in_doubt).await? {
                Ok(answered) => {
                    note_delivered(task, &mut commit, &delivery, answered.told);
                    let more = index < last || part + 1 < parts;
                    let says = !answered.says.is_empty();
                    if says || more && task.connection.bot.kind.is_platform() {
                        let noted = std::mem::take(&mut commit);
                        remember_progress(task, index, part + 1, noted, (&delivery, &answered.says)).await?;
                    }
                }
                Err(error) => {
                    let entry = attempted(task, &delivery, false).with("reason", error.to_string());
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
                        break;
                    }
                    remember_progress(task, index, part, commit, (&delivery, &[])).await?;
                    return Ok(error.into());
                }
            }
        }
    }
    commit.claims.extend(claim);
    match close(task, conversation, commit).await {
        // Somebody else delivered the same.
        Ok(()) | Err(StoreError::Claimed(_)) => Ok(Step::Done),
        Err(error) => Err(error),
    }
}

/// Tells one part. On a channel of RCE's own it may be answered in the same breath: the person's words, but also that an
/// agent is done.
///
/// Where it must not be told twice, that is noted before. `in_doubt`: an attempt noted it and died, so that it may have
/// arrived; then it is not told again.
async fn tell(
    task: &Task<'_>,
    delivery: &Delivery,
    in_doubt: bool,
) -> Result<Result<Answered, BotError>, StoreError> {
    let (bots, says) = (&task.app.bots, Vec::new());
    if !task.connection.is_native() {
        let told = bots.tell(&task.connection, delivery).await;
        return Ok(told.map(|told| Answered { told, says }));
    }
    if bots.is_told_once(&task.connection, &delivery.event) {
        if in_doubt {
            tracing::warn!(
                connection.id = %task.job.connection, event.id = %delivery.id,
                "a bot may have been asked before the bridge stopped; nobody asks again"
            );
            let told = MAY_HAVE_ARRIVED;
            return Ok(Ok(Answered { told, says }));
        }
        task.change(|conversation, _| conversation.is_being_asked(&task.job.id))
            .await?;
    }
    Ok(bots.ask(&task.connection, delivery).await)
}

fn attempted(task: &Task<'_>, delivery: &Delivery, taken: bool) -> TimelineEntry {
    let what = if taken {
        "event.delivered"
    } else {
        "event.not_delivered"
    };
    let entry = task
        .entry(what)
        .with("event", delivery.event.name())
        .with("event_id", delivery.id.as_str())
        .with("epoch", delivery.epoch)
        .with("seq", delivery.seq)
        .with("attempt", task.attempt);
    if delivery.part > 0 {
        entry.with("part", delivery.part + 1)
    } else {
        entry
    }
}

fn note_delivered(task: &Task<'_>, commit: &mut Commit, delivery: &Delivery, told: Told) {
    let now = task.app.now();
    let latency = now.as_millisecond() - task.job.accepted_at.as_millisecond();
    tracing::info!(
        connection.id = %task.job.connection, conversation.id = %delivery.conversation, event.id = %delivery.id,
        event.name = delivery.event.name(), status = told.status, duration_ms = latency, "event delivered"
    );
    task.count(Measured::Delivered {
        to: Side::Bot,
        latency: task.since_accepted(),
    });
    if !delivery.event.is_fleeting() {
        let entry = attempted(task, delivery, true)
            .with("status", told.status)
            .with("latency_ms", latency);
        task.write_down(commit, entry);
    }
}

async fn close(task: &Task<'_>, conversation: &Conversation, mut commit: Commit) -> Result<(), StoreError> {
    if !conversation.put_aside.is_empty() {
        task.change(|conversation, change| {
            change.timeline.clone_from(&commit.timeline);
            change.jobs.clone_from(&commit.jobs);
            change.claims.clone_from(&commit.claims);
            conversation.taken_up(&task.job.id);
        })
        .await?;
        return Ok(());
    }
    if commit.timeline.is_empty() && commit.jobs.is_empty() && commit.claims.is_empty() {
        return Ok(());
    }
    commit.known = Some(task.subject());
    task.app.store.commit(commit).await
}

/// Notes how many events the bot has taken, so that the next attempt does not repeat them, and what it said to the last.
async fn remember_progress(
    task: &Task<'_>,
    delivered: usize,
    parts: usize,
    noted: Commit,
    (delivery, says): (&Delivery, &[BotSays]),
) -> Result<(), StoreError> {
    let refusal = customer_words::refusal(task, says).await;
    task.change(|conversation, commit| {
        let is_noted = conversation
            .numbered(&task.job.id)
            .is_some_and(|it| (it.delivered, it.parts) == (delivered, parts) && it.noted);
        commit.timeline.clone_from(&noted.timeline);
        commit.jobs.clone_from(&noted.jobs);
        conversation.delivered(&task.job.id, delivered, parts);
        if !is_noted {
            let id = format!("{}-{}", delivery.id, delivery.part);
            let notice = !matches!(delivery.event, BotEvent::CustomerWrote { .. });
            customer_words::take_up(task, conversation, commit, &id, notice, says, refusal);
        }
    })
    .await?;
    Ok(())
}
