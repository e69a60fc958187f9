//! Things that happened on our side → bot.

use std::time::Duration;

use handover_core::event::BotEvent;
use handover_core::ports::StoreError;
use handover_core::queue_update::QueueUpdate;

use super::outcome::Step;
use super::{LOOK_AGAIN, Task, deliver};

/// How long an event waits for the RCE side to be put back (design: the bot resumes after 5 seconds at most).
const TIDY_UP_PATIENCE: Duration = Duration::from_secs(5);
pub(super) async fn event(
    task: &Task<'_>,
    epoch: u32,
    event: &BotEvent,
    after_tidy_up: bool,
) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let untidy = after_tidy_up && found.conversation.tidied_epoch < epoch;
    if untidy && task.app.now() < task.job.accepted_at + TIDY_UP_PATIENCE {
        return Ok(Step::Wait { after: LOOK_AGAIN });
    }
    numbered(task, |_| Some((epoch, event.clone()))).await
}

pub(super) async fn queue(task: &Task<'_>, epoch: u32, update: QueueUpdate) -> Result<Step, StoreError> {
    numbered(task, |conversation| {
        // A newer place waits behind this one: the bot would be told twice in a row.
        if task.superseded {
            return None;
        }
        conversation.queue_update(update);
        conversation
            .tell_queue(epoch, update, task.app.now())
            .then_some((epoch, BotEvent::HandoverQueued { update }))
    })
    .await
}

pub(super) async fn typing(task: &Task<'_>, typing: bool) -> Result<Step, StoreError> {
    let event = if typing {
        BotEvent::TypingStarted
    } else {
        BotEvent::TypingStopped
    };
    let step = numbered(task, |conversation| {
        let epoch = conversation.epoch();
        conversation.is_under_way(epoch).then_some((epoch, event.clone()))
    })
    .await?;
    if !matches!(step, Step::Done) {
        task.change(|conversation, _| conversation.give_number_back(&task.job.id))
            .await?;
    }
    Ok(Step::Done)
}

/// Numbers one event, unless an earlier attempt did, and delivers it.
async fn numbered(
    task: &Task<'_>,
    mut decide: impl FnMut(&mut handover_core::conversation::Conversation) -> Option<(u32, BotEvent)>,
) -> Result<Step, StoreError> {
    let stored = task
        .change(|conversation, _| {
            if deliver::started(task, conversation).is_none()
                && let Some((epoch, event)) = decide(conversation)
            {
                conversation.number(&task.job.id, epoch, vec![event], false, task.job.accepted_at);
            }
        })
        .await?;
    match stored {
        Some(((), stored)) => deliver::deliver(task, &stored.conversation, None).await,
        None => Ok(Step::Done),
    }
}
