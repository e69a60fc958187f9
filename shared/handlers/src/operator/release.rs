//! Giving a conversation back to the bot by hand.

use handover_core::handover::Cause;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::ports::StoreError;
use handover_core::settings::Connection;
use serde_json::Value;

use super::Refusal;
use crate::App;
use crate::bot_api::CONFLICT_RETRIES;
use crate::bot_api::handover::End;

/// Ends the handover that is under way, as the bot's `DELETE …/handover` does: the bot has the conversation at once, is
/// told `handover.cancelled` with `cause: "operator"`, and RCE is tidied up. Returns the conversation afterwards.
///
/// If the process dies after the commit, the workers do the rest, and a repeat is refused with
/// [`Refusal::NoHandover`].
pub async fn release(app: &App, connection: &Connection, id: &ConversationId) -> Result<Value, Refusal> {
    let thread = ForeignThreadId::of(id);
    for _ in 0..CONFLICT_RETRIES {
        let found = app.store.conversation(&connection.id, &thread).await?;
        let found = found.ok_or(Refusal::UnknownConversation)?;
        let end = End::of(app, connection, found, Cause::Operator);
        let Some(measured) = end.ended else {
            return Err(Refusal::NoHandover);
        };
        match app.store.commit(end.commit).await {
            Ok(()) => {
                tracing::info!(connection.id = %connection.id, conversation.id = %id, "released by an operator");
                app.metrics.record(&connection.id, measured);
                return Ok(without_words(end.answer));
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::Busy)
}

/// What the bot gave as the reason may be people's own words, which are not an operator's.
fn without_words(mut answer: Value) -> Value {
    if let Some(handover) = answer.get_mut("handover").and_then(Value::as_object_mut) {
        handover.remove("reason");
    }
    answer
}
