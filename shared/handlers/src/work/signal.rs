//! A webhook event of RCE → conversation → bot.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Control, Conversation, Doubt, Ending, Handler, SignalDecision};
use handover_core::event::BotEvent;
use handover_core::ids::{ConversationId, ForeignThreadId, ThreadId};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{
    Claim, ClaimKey, Commit, Expected, Measured, NEWS_KNOWN_FOR, RingCxError, StoreError, Urgency,
};
use handover_core::retry::Disposition;
use handover_core::signal::{Signal, SignalKind};

use super::confirm::exported;
use super::outcome::Step;
use super::own_intervention::{self, Doer};
use super::start_handover::is_set;
use super::{LOOK_AGAIN, Task, deliver, tidy_up};
use crate::webhook_intake::signal_claim;

/// The bot resumes after this time even if the thread is not back in the Bot category.
const CATEGORY_PATIENCE: Duration = Duration::from_secs(5);

/// How long the bot waits for an agent's name.
const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// How long what happened to an unknown thread waits for the handover that looks for it. Longer than the search may last.
const OWNER_PATIENCE: Duration = Duration::from_secs(150);

/// How often RCE is asked what a signal means.
const CLARIFY_ATTEMPTS: u32 = 4;

/// How long it is remembered that an account makes tasks for the bot's threads.
const HABIT_KEPT: Duration = Duration::from_mins(10);

/// What the stored decision asks for next.
enum Next {
    Nothing,
    Deliver,
}

/// What RCE was asked about a signal.
struct LookedUp {
    agent_name: Option<String>,
    /// The bot's own intervention is open again.
    bots_reopened: bool,
    /// The intervention that it names is over, or no agent's.
    of_nobody: bool,
    /// An agent closed one, which need not be an end.
    agent_closed: bool,
}

pub(super) async fn apply(task: &Task<'_>, signal: &Signal) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    if is_decided(task, &found.conversation) {
        return tell(task, &found.conversation).await;
    }
    let mut signal = signal.clone();
    let reopens = matches!(signal.kind, SignalKind::Reopened { .. });
    match own_intervention::whose_doing(task, &found.conversation, &signal).await {
        Ok(Doer::Bot) => signal.kind = no_agents(signal.kind),
        Ok(Doer::AgentOnBots) if signal.kind == SignalKind::AgentChanged => {
            signal.kind = SignalKind::AgentJoined;
        }
        Ok(Doer::Others | Doer::AgentOnBots) => {}
        Ok(Doer::Unclear) => return Ok(Step::Wait { after: LOOK_AGAIN }),
        Err(error) => return Ok(error.into()),
    }
    let counts = task.policy().agent_takeover || found.conversation.handler() == Handler::Agent;
    let agent_closed = counts && signal.kind == SignalKind::Closed && signal.intervention.is_some();
    let doubt = found.conversation.doubt(&signal, task.policy());
    let signal = match clarify(task, &found.conversation, &signal, doubt).await {
        Ok(signal) => signal,
        Err(error) => return Ok(error.into()),
    };
    let looked_up = LookedUp {
        agent_name: agent_name(task, &found.conversation, &signal).await,
        bots_reopened: reopens && signal.kind == SignalKind::Note,
        of_nobody: doubt == Some(Doubt::IsItAgents)
            && matches!(
                signal.kind,
                SignalKind::Exported { .. } | SignalKind::UnderIntervention
            ),
        agent_closed,
    };
    match decide(task, &signal, &looked_up).await {
        Ok(Some((Next::Deliver, conversation))) => tell(task, &conversation).await,
        Ok(_) => Ok(Step::Done),
        Err(StoreError::Claimed(_)) => {
            tracing::info!(event.id = %signal.event, "duplicate dropped");
            task.count(Measured::DuplicateDropped);
            Ok(Step::Done)
        }
        Err(error) => Err(error),
    }
}

/// What a signal means if it tells of no agent: whether a message reached the person is worth knowing, whoever wrote it.
fn no_agents(kind: SignalKind) -> SignalKind {
    match kind {
        SignalKind::Exported { content, .. } => SignalKind::Exported {
            content,
            by_hand: false,
        },
        _ => SignalKind::Note,
    }
}

/// Whether this job has said already what is told, in this attempt or an earlier one.
fn is_decided(task: &Task<'_>, conversation: &Conversation) -> bool {
    deliver::started(task, conversation).is_some() || ending_of(task, conversation).is_some()
}

async fn tell(task: &Task<'_>, conversation: &Conversation) -> Result<Step, StoreError> {
    match ending_of(task, conversation) {
        Some(ending) => finish(task, conversation, &ending).await,
        None => deliver::deliver(task, conversation, None).await,
    }
}

fn ending_of(task: &Task<'_>, conversation: &Conversation) -> Option<Ending> {
    conversation
        .ending
        .clone()
        .filter(|ending| ending.job == task.job.id)
}

async fn decide(
    task: &Task<'_>,
    signal: &Signal,
    looked_up: &LookedUp,
) -> Result<Option<(Next, Conversation)>, StoreError> {
    let stored = task
        .change(|conversation, commit| {
            if is_decided(task, conversation) {
                return Next::Deliver;
            }
            let now = task.app.now();
            let decision = conversation.signal(signal, task.policy(), task.app.new_handover_id(), now);
            conversation.had_its_turn(&signal.event);
            if looked_up.agent_closed {
                conversation.agents_closed(signal.issued_at, now);
            }
            if looked_up.bots_reopened
                && let (Some(native), Some(intervention)) =
                    (conversation.native.as_mut(), &signal.intervention)
            {
                native.reopened(intervention, now);
            }
            if looked_up.of_nobody
                && let (Some(native), Some(intervention)) =
                    (conversation.native.as_mut(), &signal.intervention)
            {
                native.is_of_nobody(intervention);
            }
            if conversation.rce_thread.is_none() {
                conversation.rce_thread.clone_from(&signal.thread);
            }
            record(task, signal, &decision, now, commit);
            exported(task, conversation, signal, commit);
            if signal.kind == SignalKind::Recategorised {
                tidy_up::check_again(task, conversation, commit);
            }
            if matches!(signal.kind, SignalKind::AgentJoined)
                && let (Some(native), Some(intervention)) =
                    (conversation.native.as_mut(), &signal.intervention)
            {
                // Whoever has it from now on, it is not the bot's.
                native.left(intervention, true);
            }
            if conversation.is_under_way(conversation.epoch()) && conversation.is_note_due() {
                let handover = conversation.handover.as_ref();
                if handover.is_some_and(|handover| handover.intervention.is_some()) {
                    let epoch = conversation.epoch();
                    commit.jobs.push(task.outgoing(Work::NoteForAgents { epoch }));
                }
            }
            match decision {
                SignalDecision::Ignored(_) | SignalDecision::Noted => Next::Nothing,
                SignalDecision::Tell {
                    epoch,
                    mut events,
                    begins,
                } => {
                    if let Some(name) = &looked_up.agent_name {
                        conversation.introduce_agent(name, &mut events);
                    }
                    if begins {
                        commit.jobs.push(task.outgoing(Work::StartHandover {
                            epoch,
                            transcript: Vec::new(),
                        }));
                    }
                    if is_news(task) {
                        let tell = |event| tells(task, epoch, event);
                        commit.jobs.extend(events.into_iter().map(tell));
                        return Next::Nothing;
                    }
                    conversation.number(&task.job.id, epoch, events, false, task.job.accepted_at);
                    Next::Deliver
                }
                SignalDecision::Ended { epoch, event } => {
                    let deadline = now + CATEGORY_PATIENCE;
                    conversation.ending = Some(Ending {
                        job: task.job.id.clone(),
                        epoch,
                        event,
                        deadline,
                        moved: conversation.was_moved(),
                    });
                    Next::Deliver
                }
            }
        })
        .await?;
    Ok(stored.map(|(next, stored)| (next, stored.conversation)))
}

/// Whether the bot is told by a job of its own, because this one must not wait for it.
fn is_news(task: &Task<'_>) -> bool {
    matches!(task.job.work, Work::ApplyNews { .. })
}

fn tells(task: &Task<'_>, epoch: u32, event: BotEvent) -> Outgoing {
    let after_tidy_up = false;
    task.outgoing(Work::Tell {
        epoch,
        event,
        after_tidy_up,
    })
}

fn record(task: &Task<'_>, signal: &Signal, decision: &SignalDecision, now: Timestamp, commit: &mut Commit) {
    commit.claims.push(Claim {
        key: ClaimKey::of(
            &task.job.connection,
            &task.job.thread,
            signal_claim(&task.connection, signal),
        ),
        holder: task.job.id.to_string(),
        record: String::new(),
        expires_at: now + NEWS_KNOWN_FOR,
    });
    let outcome = match decision {
        SignalDecision::Ignored(why) => why,
        SignalDecision::Noted => "noted",
        SignalDecision::Tell { begins: true, .. } => "the conversation is with the agents",
        SignalDecision::Tell { .. } => "applied",
        SignalDecision::Ended { .. } => "the handover is over",
    };
    if let SignalKind::ExportFailed { content } = &signal.kind {
        tracing::error!(
            connection.id = %task.job.connection, thread.foreign_id = %task.job.thread, content.id = %content,
            "an agent's message did not leave RingCX; look at the source's status in its console"
        );
    }
    let entry = task
        .entry("ringcx.event")
        .with("event", signal.name.as_str())
        .with("event_id", signal.event.as_str())
        .with("issued_at", crate::view::time(signal.issued_at))
        .with("outcome", outcome)
        .text(match &signal.kind {
            SignalKind::Summarised { text, .. } if !matches!(decision, SignalDecision::Ignored(_)) => {
                Some(text)
            }
            _ => None,
        });
    task.write_down(commit, entry);
}

/// Puts the thread back into the Bot category, then lets the bot resume and tells it. RCE gets a few seconds;
/// after that the bot resumes all the same and the category follows in the background. So it does at once where the thread may still
/// be on its way to the agents.
async fn finish(task: &Task<'_>, conversation: &Conversation, ending: &Ending) -> Result<Step, StoreError> {
    let left = Duration::try_from(ending.deadline.duration_since(task.app.now())).unwrap_or(Duration::ZERO);
    let restored = if left.is_zero() || !ending.moved {
        false
    } else {
        match tokio::time::timeout(left, tidy_up::to_bot_category(task, conversation)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => match Step::from(error) {
                Step::Again { .. } => return Ok(Step::Wait { after: LOOK_AGAIN }),
                Step::Wait { after } if after < left => return Ok(Step::Wait { after }),
                _ => false,
            },
            Err(_) => false,
        }
    };
    let stored = task
        .change(|conversation, commit| {
            let is_done = if is_news(task) {
                ending_of(task, conversation).is_none()
            } else {
                deliver::started(task, conversation).is_some()
            };
            if is_done {
                return;
            }
            conversation.ending = None;
            if restored {
                conversation.tidied_epoch = conversation.tidied_epoch.max(ending.epoch);
            } else if ending.moved {
                conversation.may_go_back_late(task.app.now());
            }
            conversation.resume(ending.epoch);
            if is_news(task) {
                commit.jobs.push(tells(task, ending.epoch, ending.event.clone()));
            } else {
                conversation.number(
                    &task.job.id,
                    ending.epoch,
                    vec![ending.event.clone()],
                    false,
                    task.job.accepted_at,
                );
            }
            if !restored {
                commit
                    .jobs
                    .push(task.outgoing(Work::RestoreBotCategory { epoch: ending.epoch }));
            }
            let entry = task
                .entry("bot.resumed")
                .with("epoch", ending.epoch)
                .with("category", if restored { "bot" } else { "still to be restored" });
            task.write_down(commit, entry);
        })
        .await?;
    let Some(((), stored)) = stored else {
        return Ok(Step::Done);
    };
    let in_queue = stored.conversation.time_in_queue();
    task.count(Measured::HandoverEnded { in_queue });
    deliver::deliver(task, &stored.conversation, None).await
}

/// The agent's name, for an event that will tell the bot of an agent. Nice to have: whatever goes wrong, the
/// event goes out without it.
pub(super) async fn agent_name(
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
async fn clarify(
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
    let newest = interventions.first().map(|intervention| intervention.id.clone());
    let over = interventions.iter().all(|intervention| intervention.closed);
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
    }
    Ok(kind)
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

/// Finds out whose conversation an unknown RCE thread is, remembers it, and passes the signal on.
pub(super) async fn resolve(task: &Task<'_>, signal: &Signal) -> Result<Step, StoreError> {
    // Nobody waits for what is told after the end.
    let urgency = if signal.kind.is_aftermath() {
        Urgency::Idle
    } else {
        Urgency::Now
    };
    let thread = match thread_of(task, signal, urgency).await {
        Ok(Some(thread)) => thread,
        Ok(None) | Err(RingCxError::NotFound) => return Ok(unknown(signal)),
        Err(error) => return Ok(error.into()),
    };
    let connection = &task.job.connection;
    if let Some(ours) = task.app.store.thread_owner(connection, &thread).await? {
        return pass_on(task, &ours, signal, Commit::default()).await;
    }
    if !task.connection.relay_messages {
        return Ok(wait_for_owner(task, signal));
    }
    if task.connection.is_native() {
        let ours = ForeignThreadId::of(&ConversationId::new(thread.as_str()));
        return pass_on(task, &ours, signal, Commit::default()).await;
    }
    let read = task.app.ringcx.thread(&task.connection, &thread, urgency).await;
    let thread = match read {
        Ok(thread) => thread,
        Err(RingCxError::NotFound) => return Ok(unknown(signal)),
        Err(error) => return Ok(error.into()),
    };
    let Some(ours) = thread
        .foreign_id
        .filter(|_| thread.source == task.connection.ringcx.source_id)
    else {
        return Ok(unknown(signal));
    };
    let Some(found) = task.app.store.conversation(connection, &ours).await? else {
        return Ok(unknown(signal));
    };
    let mut conversation = found.conversation;
    let mut commit = Commit::default();
    if conversation.rce_thread.as_ref() != Some(&thread.id) {
        conversation.rce_thread = Some(thread.id);
        let expected = Expected::Version(found.version);
        commit = Commit::writing(conversation, expected, &task.connection.timers);
    }
    pass_on(task, &ours, signal, commit).await
}

/// The thread that a signal is about. Of an intervention RCE knows it.
async fn thread_of(
    task: &Task<'_>,
    signal: &Signal,
    urgency: Urgency,
) -> Result<Option<ThreadId>, RingCxError> {
    let (None, Some(intervention)) = (&signal.thread, &signal.intervention) else {
        return Ok(signal.thread.clone());
    };
    let ringcx = &task.app.ringcx;
    let found = ringcx
        .intervention(&task.connection, intervention, urgency)
        .await?;
    Ok(found.thread)
}

async fn pass_on(
    task: &Task<'_>,
    ours: &ForeignThreadId,
    signal: &Signal,
    mut commit: Commit,
) -> Result<Step, StoreError> {
    let claim = signal_claim(&task.connection, signal);
    let job = task
        .app
        .job(&task.job.connection, ours, task.news(signal.clone()));
    commit.jobs.push(Outgoing::deduplicated(job, claim));
    match task.app.store.commit(commit).await {
        Ok(()) => Ok(Step::Done),
        Err(StoreError::Conflict) => Ok(Step::Wait { after: LOOK_AGAIN }),
        Err(error) => Err(error),
    }
}

/// Where messages are not relayed the thread is not ours, and RCE cannot say whose conversation it is: a handover that
/// looks for its thread may find this one. Until then what may end it waits.
fn wait_for_owner(task: &Task<'_>, signal: &Signal) -> Step {
    let waited = task.since_accepted();
    if waited >= OWNER_PATIENCE {
        return unknown(signal);
    }
    let after = (waited / 2).clamp(Duration::from_secs(1), Duration::from_secs(20));
    Step::Wait { after }
}

fn unknown(signal: &Signal) -> Step {
    tracing::info!(event.id = %signal.event, event.name = signal.name, "event about a thread that is not ours");
    Step::Done
}
