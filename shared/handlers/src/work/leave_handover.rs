//! Our side ended a handover: agents are told, their work ends, the thread goes back.

use handover_core::conversation::Conversation;
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverStatus};
use handover_core::ids::{InterventionId, MessageId, ThreadId};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{CustomerMessage, Intervention, RingCxError, StoreError, Urgency};

use super::outcome::Step;
use super::tidy_up::{left_to_bot, move_back, thread_of, tidied, to_bot_category};
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

fn farewell(task: &Task<'_>, conversation: &Conversation) -> CustomerMessage {
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
