//! The word for the agents, beside the conversation: why they have it, or have it no longer. Customers never see it.

use handover_core::conversation::Conversation;
use handover_core::ids::InterventionId;
use handover_core::ports::{RingCxError, StoreError};

use super::Task;
use super::outcome::Step;
use super::own_intervention::is_final;

/// Leaves it in the agents' intervention.
pub(super) async fn note(task: &Task<'_>, epoch: u32) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let conversation = found.conversation;
    let intervention = conversation
        .handover
        .as_ref()
        .and_then(|handover| handover.intervention.clone());
    let (Some(intervention), Some(words)) = (intervention, words(&conversation)) else {
        return Ok(Step::Done);
    };
    if conversation.epoch() != epoch || !conversation.is_note_due() {
        return Ok(Step::Done);
    }
    if let Err(error) = leave(task, &intervention, &words).await {
        return Ok(error.into());
    }
    left(task, epoch).await?;
    Ok(Step::Done)
}

/// An earlier attempt may have left it already: RCE recognises no repeats.
pub(super) async fn leave(
    task: &Task<'_>,
    intervention: &InterventionId,
    words: &str,
) -> Result<(), RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    if task.attempt > 1 {
        let there = match ringcx.comments(connection, intervention).await {
            Err(error) if is_final(&error) => Vec::new(),
            there => there?,
        };
        let is_same = |text: &String| text.split_whitespace().eq(words.split_whitespace());
        if there.iter().any(is_same) {
            return Ok(());
        }
    }
    ringcx.comment(connection, intervention, words).await
}

pub(super) async fn left(task: &Task<'_>, epoch: u32) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        if conversation.note_is_left(epoch) {
            let entry = task.entry("agents.told_why").with("epoch", epoch);
            task.write_down(commit, entry);
        }
    })
    .await?;
    Ok(())
}

/// What the agents read. `None`: nobody said why.
pub(super) fn words(conversation: &Conversation) -> Option<String> {
    let request = &conversation.handover.as_ref()?.request;
    let lines = [("Reason", &request.reason), ("Summary", &request.summary)];
    let said: Vec<String> = lines
        .iter()
        .filter_map(|(label, text)| text.as_ref().map(|text| format!("{label}: {text}")))
        .collect();
    (!said.is_empty()).then(|| format!("From the bot\n{}", said.join("\n")))
}
