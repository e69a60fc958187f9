//! Asks RCE how a handover stands, in case its news got lost, and lets the timers be checked.
//!
//! What is found out is applied as if RCE had reported it, in the order of what RCE tells: so each rule about what
//! is an end, and what is old news, is in one place. One answer of RCE about the interventions that changed last serves
//! all conversations that are looked after at the same moment; only what it does not tell is asked for each.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Control, Conversation};
use handover_core::ids::{EventId, InterventionId, ThreadId};
use handover_core::job::Work;
use handover_core::ports::{Intervention, RingCxError, StoreError, Urgency};
use handover_core::signal::{Signal, SignalKind};

use super::outcome::Step;
use super::start_handover::is_set;
use super::{Task, own_intervention, silence, tidy_up};

/// How old an answer about all conversations may be at most.
const OVERVIEW_MAX_AGE: Duration = Duration::from_secs(20);

pub(super) async fn look(task: &Task<'_>) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let Some(conversation) = &tidy_up::look(task, found).await? else {
        return Ok(Step::Done);
    };
    if !conversation.is_under_way(conversation.epoch()) {
        own_intervention::end_if_quiet(task, conversation).await?;
        silence::look(task).await?;
        return Ok(Step::Done);
    }
    let (epoch, timers, now) = (conversation.epoch(), &task.connection.timers, task.app.now());
    let mut finding = None;
    if conversation.is_under_way(epoch) {
        // Before a timer ends it, RCE has the last word: an agent may have taken it.
        if conversation.runs_out(timers, now) {
            finding = ask(task, conversation, Urgency::Now).await;
        } else if conversation.is_to_be_reconciled(timers, now) {
            finding = ask(task, conversation, Urgency::Idle).await;
        }
    }
    let stored = task.change(|conversation, commit| {
        if !conversation.is_under_way(epoch) {
            return;
        }
        // In this order, so that a timer sees what was found.
        let report = finding.clone().map(|signal| task.news(signal));
        let checks = conversation.looked(timers, now);
        // What is applied in an order of its own comes first: the next look checks.
        let is_apart = matches!(report, Some(Work::ApplyNews { .. }));
        let check = (checks && !is_apart).then_some(Work::CheckTimers { epoch });
        let works = report.into_iter().chain(check);
        commit.jobs.extend(works.map(|work| task.outgoing(work)));
    });
    stored.await?;
    Ok(Step::Done)
}

/// What RCE knows and we do not. Whatever goes wrong, the timers go on, and the next look asks again.
async fn ask(task: &Task<'_>, conversation: &Conversation, urgency: Urgency) -> Option<Signal> {
    let thread = conversation.rce_thread.as_ref()?;
    let found = find(task, conversation, thread, urgency).await;
    found.unwrap_or_else(|error| {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "RingCX does not say how a handover stands"
        );
        None
    })
}

async fn find(
    task: &Task<'_>,
    conversation: &Conversation,
    thread: &ThreadId,
    urgency: Urgency,
) -> Result<Option<Signal>, RingCxError> {
    let (ringcx, connection) = (&task.app.ringcx, &task.connection);
    let signal = |finding| report(task, conversation, thread, finding);
    if urgency == Urgency::Idle {
        let max_age = OVERVIEW_MAX_AGE.min(connection.timers.reconcile_every / 2);
        let recent = ringcx.recent_interventions(connection, max_age).await;
        // An account that may not list them all may still be asked about one thread.
        let recent = recent.unwrap_or_else(|_| [].into());
        let ours = recent.iter().filter(|it| it.thread.as_ref() == Some(thread));
        let ours = own_intervention::of_agents(task, conversation, ours.cloned().collect()).await?;
        let ours: Vec<&Intervention> = ours.iter().collect();
        if let Some(found) = judge(conversation, &ours).and_then(signal) {
            return Ok(Some(found));
        }
        if ours.iter().any(|it| !it.closed) {
            return Ok(None);
        }
    }
    let mut nobody_works_on_it = conversation.control == Control::Queued;
    if conversation.control == Control::Active || urgency == Urgency::Now {
        let all = ringcx.interventions(connection, thread, urgency).await?;
        let all = own_intervention::of_agents(task, conversation, all).await?;
        let all: Vec<&Intervention> = all.iter().collect();
        let found = judge(conversation, &all).and_then(signal);
        if found.is_some() {
            return Ok(found);
        }
        if is_gone(task, conversation, &all, urgency).await? {
            return Ok(signal(Finding::cancelled()));
        }
        nobody_works_on_it |= all.iter().all(|it| it.closed);
    }
    // What we have not moved yet is not back, and what we asked for ourselves is nobody's doing.
    let moved = conversation.was_moved()
        && conversation.goes_back_by.is_none()
        && is_set(&connection.ringcx.bot_category_id);
    let back = moved && nobody_works_on_it && is_taken_back(task, thread, urgency).await?;
    Ok(back.then(Finding::cancelled).and_then(signal))
}

/// Whether the intervention of this handover was cancelled, which is what removes one, and nobody has another.
async fn is_gone(
    task: &Task<'_>,
    conversation: &Conversation,
    all: &[&Intervention],
    urgency: Urgency,
) -> Result<bool, RingCxError> {
    let Some(ours) = known_intervention(conversation) else {
        return Ok(false);
    };
    if all.iter().any(|it| it.id == *ours || !it.closed) {
        return Ok(false);
    }
    // A list has an end.
    match task
        .app
        .ringcx
        .intervention(&task.connection, ours, urgency)
        .await
    {
        Err(RingCxError::NotFound) => Ok(true),
        read => read.map(|_| false),
    }
}

/// What the interventions of a thread, newest first, mean for its handover.
fn judge(conversation: &Conversation, interventions: &[&Intervention]) -> Option<Finding> {
    if let Some(open) = interventions.iter().find(|it| !it.closed) {
        // One that was over before is open again because the person wrote; that brings no agent.
        let joined = conversation.control != Control::Active && !conversation.was_over_before(Some(&open.id));
        return joined.then(|| Finding::of(SignalKind::AgentJoined, open, open.as_of));
    }
    let ours = known_intervention(conversation);
    if let Some(same) = interventions.iter().find(|it| Some(&it.id) == ours) {
        // It counts from then: what the person said since is the bot's. RCE rounds it down to the second, and no agent has it now:
        // so it was not before the last one joined.
        let joined = conversation.handover.as_ref().and_then(|it| it.agent_as_of);
        let at = same.as_of.map(|at| at.max(joined.unwrap_or(at)));
        return Some(Finding::of(SignalKind::Closed, same, at));
    }
    // Another one may have been over before this handover began: its time tells.
    let newest = interventions.first().filter(|it| it.as_of.is_some())?;
    Some(Finding::of(SignalKind::Closed, newest, newest.as_of))
}

/// The intervention of this handover, unless an earlier one had it too.
fn known_intervention(conversation: &Conversation) -> Option<&InterventionId> {
    let ours = conversation.handover.as_ref()?.intervention.as_ref()?;
    (!conversation.was_over_before(Some(ours))).then_some(ours)
}

/// Whether somebody at RCE moved a thread back to the bot that waits, or that an agent took and has not answered.
async fn is_taken_back(task: &Task<'_>, thread: &ThreadId, urgency: Urgency) -> Result<bool, RingCxError> {
    let thread = task.app.ringcx.thread(&task.connection, thread, urgency).await?;
    let settings = &task.connection.ringcx;
    let has = |category| thread.categories.contains(category);
    Ok(has(&settings.bot_category_id) && !has(&settings.agent_category_id))
}

/// What RCE was found to know.
struct Finding {
    kind: SignalKind,
    intervention: Option<Intervention>,
    /// When that happened by RCE's clock; `None`: it is so now.
    at: Option<Timestamp>,
}

impl Finding {
    fn of(kind: SignalKind, intervention: &Intervention, at: Option<Timestamp>) -> Self {
        Self {
            kind,
            intervention: Some(intervention.clone()),
            at,
        }
    }

    fn cancelled() -> Self {
        Self {
            kind: SignalKind::Cancelled,
            intervention: None,
            at: None,
        }
    }
}

/// A finding as RCE would have reported it; `None` if it is about an earlier handover.
fn report(
    task: &Task<'_>,
    conversation: &Conversation,
    thread: &ThreadId,
    finding: Finding,
) -> Option<Signal> {
    let Finding {
        kind,
        intervention,
        at,
    } = finding;
    let signal = Signal {
        event: EventId::new(format!("look-{}", task.job.id)),
        name: "reconciliation".to_owned(),
        kind,
        source: None,
        thread: Some(thread.clone()),
        agent: intervention.as_ref().and_then(|it| it.agent.clone()),
        intervention: intervention.map(|it| it.id),
        issued_at: at.unwrap_or_else(|| conversation.by_ringcx_clock(task.app.now())),
        epoch: Some(conversation.epoch()),
        tags: Vec::new(),
    };
    (!conversation.is_old_news(&signal)).then_some(signal)
}
