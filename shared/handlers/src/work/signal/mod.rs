//! A webhook event of RCE → conversation → bot.
//!
//! | module | answers |
//! |---|---|
//! | `clarify` | what does it mean, where the event alone does not say? |
//! | `resolve` | whose conversation is a thread that we do not know? |

mod clarify;
mod resolve;

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Doubt, Ending, Handler, SignalDecision};
use handover_core::event::BotEvent;
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{Claim, ClaimKey, Commit, Measured, NEWS_KNOWN_FOR, StoreError};
use handover_core::signal::{Signal, SignalKind};

use super::confirm::exported;
use super::outcome::Step;
use super::own_intervention::{self, Doer};
use super::{LOOK_AGAIN, Task, deliver, tidy_up};
use crate::webhook_intake::signal_claim;
pub(super) use clarify::agent_name;
use clarify::clarify;
pub(super) use resolve::resolve;

/// The bot resumes after this time even if the thread is not back in the Bot category.
const CATEGORY_PATIENCE: Duration = Duration::from_secs(5);

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
            let agent_closed = looked_up.agent_closed && conversation.is_agents_end(signal);
            let decision = conversation.signal(signal, task.policy(), task.app.new_handover_id(), now);
            conversation.had_its_turn(&signal.event);
            if agent_closed {
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
            if matches!(
                signal.kind,
                SignalKind::AgentJoined | SignalKind::AgentWrote { .. }
            ) && !matches!(decision, SignalDecision::Ignored(_))
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
                let left = tidy_up::left_to_bot(conversation).into_iter();
                commit.jobs.extend(left.map(|work| task.outgoing(work)));
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
