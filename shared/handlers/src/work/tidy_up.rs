//! After a handover: the thread back to the Bot category, and the bot knows what agents left to it.

use handover_core::conversation::{Control, Conversation, Landed};
use handover_core::ids::{CategoryId, InterventionId, ThreadId};
use handover_core::job::Work;
use handover_core::ports::{Commit, RingCxError, StoreError, Urgency, Versioned};
use handover_core::settings::RingCxSettings;

use super::Task;
use super::outcome::Step;
use super::start_handover::is_set;

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

pub(super) async fn move_back(task: &Task<'_>, id: &ThreadId) -> Result<(), RingCxError> {
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

pub(super) async fn thread_of(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Option<ThreadId>, RingCxError> {
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

/// Remembers that the RCE side of a handover is put back.
pub(super) async fn tidied(
    task: &Task<'_>,
    epoch: u32,
    ended: Vec<InterventionId>,
) -> Result<Step, StoreError> {
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
