//! News of the person → RCE: whether they are there, and what is known of them.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::RELOAD;
use handover_core::ids::MessageId;
use handover_core::ports::StoreError;

use super::Task;
use super::customer_message::{customer, note};
use super::outcome::Step;

const CONNECTED: &str = "The customer is connected.";
const DISCONNECTED: &str = "The customer has disconnected.";

pub(super) async fn note_presence(task: &Task<'_>, since: Timestamp) -> Result<Step, StoreError> {
    let settled = task.job.accepted_at + RELOAD;
    let now = task.app.now();
    if now < settled {
        let after = Duration::try_from(settled.duration_since(now)).unwrap_or_default();
        return Ok(Step::Wait { after });
    }
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let Some(connected) = found.conversation.presence_to_tell(since) else {
        return Ok(Step::Done);
    };
    let text = if connected { CONNECTED } else { DISCONNECTED };
    let id = MessageId::new(format!("presence-{}", task.job.id));
    let note = note(&task.connection, &found.conversation, &id, text, since);
    if let Err(error) = task.app.ringcx.send_message(&task.connection, &note).await {
        return Ok(error.into());
    }
    task.change(|conversation, _| {
        if conversation.presence_to_tell(since).is_some() {
            conversation.presence_told(connected);
        }
    })
    .await?;
    Ok(Step::Done)
}

pub(super) async fn announce(task: &Task<'_>) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let identity = customer(&task.connection, &found.conversation);
    Ok(
        match task.app.ringcx.announce(&task.connection, &identity).await {
            Ok(()) => Step::Done,
            Err(error) => error.into(),
        },
    )
}
