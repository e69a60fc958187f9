//! After a handover: the thread back to the Bot category, and no open work left with agents.

use handover_core::conversation::{Control, Conversation, Landed};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverStatus};
use handover_core::ids::{CategoryId, InterventionId, MessageId, ThreadId};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{Commit, Intervention, RingCxError, StoreError, Urgency, Versioned};
use handover_core::settings::RingCxSettings;

use super::outcome::Step;
use super::start_handover::is_set;
use super::{Task, customer_message, note_for_agents, own_intervention, sweep};
use crate::App;

/// What agents read when the person, the bot, an operator or a timer ended the handover.
const NOTE_LEFT: &str = "The customer left the conversation.";
const NOTE_TAKEN_BACK: &str = "The bot took the conversation back.";
const NOTE_RELEASED: &str = "An operator gave the conversation back to the bot.";
const NOTE_TIMED_OUT: &str = "The conversation went back to the bot because nothing happened for too long.";

/// What follows when our side ended a handover: RCE is tidied up, then the bot is told, also what agents left to it.
pub(crate) fn leave(app: &App, conversation: &mut Conversation, event: BotEvent) -> Vec<Outgoing> {
    let epoch = conversation.epoch();
    let handover = conversation.handover.as_ref();
    let intervention = handover.and_then(|handover| handover.intervention.clone());
    let works = [
        Work::LeaveHandover { epoch, intervention },
        Work::Tell {
            epoch,
            event,
            after_tidy_up: true,
        },
    ];
    let left = left_to_bot(conversation);
    let outgoing = |work| app.outgoing(&conversation.connection, &conversation.thread, work);
    works.into_iter().chain(left).map(outgoing).collect()
}

/// What the bot is told right after the end of a handover: what the person said to agents who left it to the bot.
pub(super) fn left_to_bot(conversation: &mut Conversation) -> Vec<Work> {
    let left = conversation.take_what_agents_left().into_iter();
    left.map(|content| Work::TellWhatAgentsLeft { content }).collect()
}

/// Moves a conversation's thread back into the Bot category; no write if it is there.
///
/// The next handover may have begun. As long as it has not moved the thread, that is put back for it: agents get work
/// only when a thread comes into their category, and what there was may be ended already.
pub(super) async fn to_bot_category(task: &Task<'_>, conversation: &Conversation) -> Result<(), RingCxError> {
    let settings = &task.connection.ringcx;
    if !is_set(&settings.bot_category_id) && !is_set(&settings.agent_category_id) {
        return Ok(());
    }
    let with_agents = conversation.is_under_way(conversation.epoch());
    let is_next = conversation.waits_with(conversation.epoch());
    let moved = conversation.handover.as_ref().is_some_and(|it| it.moved);
    if with_agents && (moved || !is_next) {
        return Ok(());
    }
    match thread_of(task, conversation).await? {
        Some(id) => move_back(task, &id).await,
        None => Ok(()),
    }
}

async fn move_back(task: &Task<'_>, id: &ThreadId) -> Result<(), RingCxError> {
    let thread = match task.app.ringcx.thread(&task.connection, id, Urgency::Soon).await {
        // It became part of another, whose conversation is not this one.
        Err(RingCxError::NotFound) if task.connection.is_native() => return Ok(()),
        thread => thread?,
    };
    let wanted = bot_categories(&thread.categories, &task.connection.ringcx);
    if wanted != thread.categories {
        task.app
            .ringcx
            .set_categories(&task.connection, id, &wanted)
            .await?;
    }
    Ok(())
}

async fn thread_of(task: &Task<'_>, conversation: &Conversation) -> Result<Option<ThreadId>, RingCxError> {
    match &conversation.rce_thread {
        Some(id) => Ok(Some(id.clone())),
        // What was not found was not moved.
        None if !task.connection.is_mirrored() => Ok(None),
        None => Ok(task
            .app
            .ringcx
            .find_thread(&task.connection, &conversation.thread)
            .await?
            .map(|thread| thread.id)),
    }
}

/// The complete new set: Agent out, Bot in, everything else kept.
pub(super) fn bot_categories(current: &[CategoryId], settings: &RingCxSettings) -> Vec<CategoryId> {
    let mut wanted: Vec<CategoryId> = current
        .iter()
        .filter(|id| **id != settings.agent_category_id)
        .cloned()
        .collect();
    if is_set(&settings.bot_category_id) && !wanted.contains(&settings.bot_category_id) {
        wanted.push(settings.bot_category_id.clone());
    }
    wanted
}

/// In the background, because RCE could not do it in time.
pub(super) async fn restore(task: &Task<'_>, epoch: u32) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let conversation = found.conversation;
    if conversation.is_under_way(epoch) {
        return Ok(Step::Done);
    }
    if let Err(error) = to_bot_category(task, &conversation).await {
        return Ok(error.into());
    }
    tidied(task, epoch, Vec::new()).await
}

/// Moves the thread once more where it belongs if an attempt without an answer may have had its effect since. The answer is
/// the conversation as it is then.
pub(super) async fn look(task: &Task<'_>, found: Versioned) -> Result<Option<Conversation>, StoreError> {
    let looked = task.change_from(Some(found), |conversation, commit| {
        let work = match conversation.has_landed(task.app.now()) {
            Some(Landed::BeforeAgents { epoch }) => Work::RestoreBotCategory { epoch },
            Some(Landed::Back { epoch }) => Work::StartHandover {
                epoch,
                transcript: Vec::new(),
            },
            None => return,
        };
        commit.jobs.push(task.outgoing(work));
    });
    Ok(looked.await?.map(|((), found)| found.conversation))
}

/// Somebody says that the thread is with the agents, or was moved. If that may be a late effect of ours, it is put back at once.
pub(super) fn check_again(task: &Task<'_>, conversation: &Conversation, commit: &mut Commit) {
    if conversation.lands_by.is_some() && conversation.control == Control::Bot {
        let epoch = conversation.epoch();
        commit
            .jobs
            .push(task.outgoing(Work::RestoreBotCategory { epoch }));
    }
}

/// The person, the bot, an operator or a timer ended the handover: tell the agent, end their work, put the thread back.
///
/// RCE lets an intervention be closed only after an agent replied in it, and cancelled only before; a thread
/// that waits without one is archived, which takes it from the queue.
pub(super) async fn carry_out(
    task: &Task<'_>,
    epoch: u32,
    known: Option<&InterventionId>,
) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let conversation = found.conversation;
    // On a channel of RCE's own the person is still there: what agents do with them is not ours to end.
    if conversation.epoch() != epoch || !task.connection.relay_messages {
        if let Err(error) = to_bot_category(task, &conversation).await {
            return Ok(error.into());
        }
        return tidied(task, epoch, known.cloned().into_iter().collect()).await;
    }
    if let Some(thread) = conversation
        .rce_thread
        .as_ref()
        .filter(|_| task.connection.is_native())
        && let Err(error) = sweep::before_archiving(task, thread).await?
    {
        return Ok(error.into());
    }
    match end_at_ringcx(task, &conversation).await? {
        Ok(ended) => tidied(task, epoch, ended).await,
        Err(error) => Ok(error.into()),
    }
}

async fn end_at_ringcx(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Result<Vec<InterventionId>, RingCxError>, StoreError> {
    let work = match work_of_agents(task, conversation).await {
        Ok(Some(work)) => work,
        Ok(None) => return Ok(Ok(Vec::new())),
        Err(error) => return Ok(Err(error)),
    };
    if work.open().any(|it| !conversation.was_over_before(Some(&it.id))) {
        // RCE may report its end before we are done here.
        let noted = task.change(|conversation, _| {
            for intervention in work.open() {
                conversation.ended_by_us(intervention.id.clone(), conversation.epoch(), task.app.now());
            }
        });
        noted.await?;
    }
    Ok(end(task, conversation, work).await)
}

/// What agents have of a conversation.
struct AgentsWork {
    thread: ThreadId,
    interventions: Vec<Intervention>,
    /// RCE lets the interventions be read.
    known: bool,
}

impl AgentsWork {
    fn open(&self) -> impl Iterator<Item = &Intervention> {
        self.interventions
            .iter()
            .filter(|intervention| !intervention.closed)
    }
}

async fn work_of_agents(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Option<AgentsWork>, RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let Some(thread) = thread_of(task, conversation).await? else {
        return Ok(None);
    };
    if connection.is_mirrored() {
        let said = ringcx
            .send_message(connection, &farewell(task, conversation))
            .await;
        if_possible("the agent is not told that the customer left", said)?;
    }
    let read = ringcx.interventions(connection, &thread, Urgency::Soon).await;
    // Without the right to read them they cannot be ended, but the thread can be moved.
    let known = !matches!(read, Err(RingCxError::NotPermitted { .. }));
    let interventions = if known { read? } else { Vec::new() };
    let interventions = own_intervention::of_agents(task, conversation, interventions).await?;
    Ok(Some(AgentsWork {
        thread,
        interventions,
        known,
    }))
}

async fn end(
    task: &Task<'_>,
    conversation: &Conversation,
    work: AgentsWork,
) -> Result<Vec<InterventionId>, RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    for intervention in work.open() {
        if connection.is_native() {
            let said = note_for_agents::leave(task, &intervention.id, parting(conversation)).await;
            if_possible("the agent is not told why the conversation is over", said)?;
        }
        let ended = if intervention.agent_replies > 0 {
            ringcx.close_intervention(connection, &intervention.id).await
        } else {
            ringcx.cancel_intervention(connection, &intervention.id).await
        };
        if_possible("an intervention stays open", ended)?;
    }
    move_back(task, &work.thread).await?;
    let nobody_has_it = work.open().next().is_none();
    let never_had = conversation
        .handover
        .as_ref()
        .is_none_or(|h| h.accepted_at.is_none());
    if nobody_has_it && (work.known || never_had) {
        let archived = ringcx.archive(connection, &work.thread).await;
        if_possible("the thread may stay in the agents' queue", archived)?;
    }
    let ended = work.interventions.into_iter();
    Ok(ended.map(|intervention| intervention.id).collect())
}

/// What RCE refuses for good must not keep the rest from being done. Somebody else may be faster, which is as good.
fn if_possible(otherwise: &'static str, done: Result<(), RingCxError>) -> Result<(), RingCxError> {
    match done {
        Err(RingCxError::Conflict | RingCxError::NotFound) => Ok(()),
        Err(
            error @ (RingCxError::NotPermitted { .. }
            | RingCxError::SecretRefused { .. }
            | RingCxError::Refused { .. }),
        ) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "not possible: {otherwise}"
            );
            Ok(())
        }
        done => done,
    }
}

fn farewell(task: &Task<'_>, conversation: &Conversation) -> handover_core::ports::CustomerMessage {
    let id = MessageId::new(format!("left-{}", conversation.epoch()));
    let text = parting(conversation);
    customer_message::note(&task.connection, conversation, &id, text, task.job.accepted_at)
}

/// What agents read at the end of a handover that our side ended.
fn parting(conversation: &Conversation) -> &'static str {
    let handover = conversation.handover.as_ref();
    let status = handover.map(|handover| handover.status);
    let outcome = handover.and_then(|handover| handover.outcome.as_deref());
    match status {
        Some(HandoverStatus::TimedOut) => NOTE_TIMED_OUT,
        // On a channel of RCE's own the person stays where they are.
        _ if outcome == Some(Cause::UserCancelled.as_str()) && conversation.native.is_none() => NOTE_LEFT,
        _ if outcome == Some(Cause::Operator.as_str()) => NOTE_RELEASED,
        _ => NOTE_TAKEN_BACK,
    }
}

/// Remembers that the RCE side of a handover is put back.
async fn tidied(task: &Task<'_>, epoch: u32, ended: Vec<InterventionId>) -> Result<Step, StoreError> {
    task.change(|conversation, commit| {
        for id in &ended {
            conversation.ended_by_us(id.clone(), epoch, task.app.now());
        }
        // An earlier attempt may have had no answer.
        if task.attempt > 1 {
            conversation.may_go_back_late(task.app.now());
        }
        if conversation.tidied_epoch < epoch {
            conversation.tidied_epoch = epoch;
            let entry = task.entry("ringcx.tidied_up").with("epoch", epoch);
            task.write_down(commit, entry);
        }
    })
    .await?;
    Ok(Step::Done)
}
