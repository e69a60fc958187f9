//! What RCE has to be asked before a report of it means anything.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Control, Conversation, Doubt};
use handover_core::ids::{InterventionId, ThreadId};
use handover_core::ports::{Claim, ClaimKey, Commit, Intervention, RingCxError, Urgency};
use handover_core::retry::Disposition;
use handover_core::signal::{Signal, SignalKind};

use crate::work::start_handover::is_set;
use crate::work::{Task, own_intervention};

/// How long the bot waits for an agent's name.
const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// How often RCE is asked what a signal means.
const CLARIFY_ATTEMPTS: u32 = 4;

/// How long it is remembered that an account makes tasks for the bot's threads.
const HABIT_KEPT: Duration = Duration::from_mins(10);

/// The agent's name, for an event that will tell the bot of an agent. Nice to have: whatever goes wrong, the
/// event goes out without it.
pub(in crate::work) async fn agent_name(
    task: &Task<'_>,
    conversation: &Conversation,
    signal: &Signal,
) -> Option<String> {
    let tells = match signal.kind {
        SignalKind::AgentJoined | SignalKind::AgentWrote { .. } => conversation.control != Control::Active,
        SignalKind::AgentChanged => conversation.control == Control::Active,
        SignalKind::Reopened { by_agent } => by_agent && conversation.control == Control::Bot,
        _ => false,
    };
    let agent = signal.agent.as_ref();
    let agent = agent.filter(|_| tells && !conversation.is_old_news(signal))?;
    let asked = task.app.ringcx.agent_name(&task.connection, agent);
    tokio::time::timeout(NAME_PATIENCE, asked).await.ok()?.ok()?
}

/// Reads from RCE what a signal alone does not say. `task.destroyed`, for one, is fired when somebody ignores the
/// content, and when the intervention is closed *or deferred* from a folder view.
///
/// RCE is asked a few times only: what people say waits behind this. Without an answer nothing is concluded from the
/// signal, and whoever looks after the handover next finds out.
pub(super) async fn clarify(
    task: &Task<'_>,
    conversation: &Conversation,
    signal: &Signal,
    doubt: Option<Doubt>,
) -> Result<Signal, RingCxError> {
    let mut clear = signal.clone();
    let (Some(doubt), Some(thread)) = (doubt, &signal.thread) else {
        return Ok(clear);
    };
    let kind = match doubt {
        Doubt::IsItOver => is_it_over(task, conversation, thread, &mut clear).await,
        Doubt::IsItWithAgents if signal.kind == SignalKind::Recategorised => {
            is_it_with_agents(task, thread, Urgency::Now).await
        }
        Doubt::IsItAgents => is_it_agents(task, conversation, &mut clear).await,
        Doubt::IsItWithAgents => does_a_task_mean_agents(task, thread).await,
    };
    clear.kind = match kind {
        Ok(kind) => kind,
        Err(error) if error.disposition() == Disposition::Reject || task.attempt >= CLARIFY_ATTEMPTS => {
            tracing::info!(event.id = %signal.event, error = &error as &dyn std::error::Error, "RingCX does not say what an event means");
            match clear.kind {
                // An agent's own words are believed.
                SignalKind::Exported { content, .. } => SignalKind::AgentWrote {
                    content,
                    by_hand: true,
                },
                _ => SignalKind::Note,
            }
        }
        // Nobody waits for housekeeping.
        Err(RingCxError::BudgetUsedUp { .. }) if doubt == Doubt::IsItWithAgents => SignalKind::Note,
        Err(error) => return Err(error),
    };
    Ok(clear)
}

async fn is_it_over(
    task: &Task<'_>,
    conversation: &Conversation,
    thread: &ThreadId,
    signal: &mut Signal,
) -> Result<SignalKind, RingCxError> {
    let ringcx = &task.app.ringcx;
    let interventions = ringcx
        .interventions(&task.connection, thread, Urgency::Now)
        .await?;
    let interventions = own_intervention::of_agents(task, conversation, interventions).await?;
    let over = interventions.iter().all(|intervention| intervention.closed);
    // A task says nothing of what was over before this handover, unless it is that one's; an end does that names it.
    let is_new =
        signal.kind == SignalKind::TaskDestroyed && !conversation.may_echo_last_end(signal.issued_at);
    let of_this = |it: &&Intervention| !is_new || !ended_before(conversation, signal, it);
    let newest = interventions.iter().find(of_this).map(|it| it.id.clone());
    let kind = match (over, &newest) {
        (true, Some(_)) => SignalKind::Closed,
        // Somebody dismissed it before any agent answered: nobody will. Unless that was us, tidying up
        // after the handover before.
        (true, None) if conversation.was_before_agents_at(signal.issued_at) => SignalKind::Cancelled,
        _ => SignalKind::Note,
    };
    if kind == SignalKind::Closed {
        signal.intervention = signal.intervention.take().or(newest);
        // Of one that was over before, RCE says when it ended last: before this handover, or again in it.
        let named = interventions
            .iter()
            .find(|it| Some(&it.id) == signal.intervention.as_ref());
        if let Some(ended) = named.and_then(|it| it.as_of)
            && conversation.was_over_before(signal.intervention.as_ref())
        {
            signal.issued_at = signal.issued_at.min(ended);
        }
        // If others came since, it was over when the last of them was done.
        if let Some((last, ended)) = last_end(&interventions)
            && ended > signal.issued_at
        {
            signal.intervention = Some(last);
            signal.issued_at = ended;
        }
    }
    Ok(kind)
}

fn last_end(interventions: &[Intervention]) -> Option<(InterventionId, Timestamp)> {
    let ends = interventions
        .iter()
        .filter_map(|it| Some((it.id.clone(), it.as_of?)));
    ends.max_by_key(|(_, ended)| *ended)
}

fn ended_before(conversation: &Conversation, signal: &Signal, intervention: &Intervention) -> bool {
    intervention.as_of.is_some_and(|ended| {
        conversation.is_old_news(&Signal {
            kind: SignalKind::Closed,
            intervention: Some(intervention.id.clone()),
            issued_at: ended,
            ..signal.clone()
        })
    })
}

/// What remains as it was is nobody's.
async fn is_it_agents(
    task: &Task<'_>,
    conversation: &Conversation,
    signal: &mut Signal,
) -> Result<SignalKind, RingCxError> {
    let Some(intervention) = &signal.intervention else {
        return Ok(SignalKind::Note);
    };
    let ringcx = &task.app.ringcx;
    let found = ringcx
        .intervention(&task.connection, intervention, Urgency::Now)
        .await?;
    if found.closed {
        return Ok(signal.kind.clone());
    }
    if let SignalKind::Exported { content, .. } = &signal.kind {
        signal.agent = signal.agent.take().or(found.agent);
        return Ok(SignalKind::AgentWrote {
            content: content.clone(),
            by_hand: true,
        });
    }
    let of_agents = own_intervention::of_agents(task, conversation, vec![found]).await?;
    Ok(match of_agents.into_iter().next() {
        Some(found) => {
            signal.agent = found.agent;
            SignalKind::AgentJoined
        }
        None => signal.kind.clone(),
    })
}

async fn is_it_with_agents(
    task: &Task<'_>,
    thread: &ThreadId,
    urgency: Urgency,
) -> Result<SignalKind, RingCxError> {
    let settings = &task.connection.ringcx;
    if !is_set(&settings.agent_category_id) {
        return Ok(SignalKind::Note);
    }
    let thread = task.app.ringcx.thread(&task.connection, thread, urgency).await?;
    let has = |category| thread.categories.contains(category);
    let with_agents = has(&settings.agent_category_id) && !has(&settings.bot_category_id);
    Ok(if with_agents {
        SignalKind::MovedToAgents
    } else {
        SignalKind::Note
    })
}

/// Many accounts make a task for every message of a person to the bot. They are not asked about each: where a task
/// is there already, moving the thread is reported by itself.
async fn does_a_task_mean_agents(task: &Task<'_>, thread: &ThreadId) -> Result<SignalKind, RingCxError> {
    let habit = ClaimKey::apart(format!("tasks-for-bot:{}", task.job.connection));
    let now = task.app.now();
    // A store that does not answer now is asked again soon enough.
    if !matches!(task.app.store.claimed(&habit, now).await, Ok(None)) {
        return Ok(SignalKind::Note);
    }
    let kind = is_it_with_agents(task, thread, Urgency::Idle).await?;
    if kind == SignalKind::Note {
        let claim = Claim {
            key: habit,
            holder: "habit".to_owned(),
            record: String::new(),
            expires_at: now + HABIT_KEPT,
        };
        let commit = Commit {
            claims: vec![claim],
            ..Commit::default()
        };
        if let Err(error) = task.app.store.commit(commit).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a habit of the account is not remembered"
            );
        }
    }
    Ok(kind)
}
