//! What a bot's platform posted with a counter → a message of the bot, in the counter's order.
//!
//! A message is taken off what waits only after it was accepted, under an id that it had since it came: so whatever dies
//! in between, the next attempt finds it accepted.

use std::time::Duration;

use handover_core::conversation::{Held, Next};
use handover_core::message::Message;
use handover_core::ports::StoreError;
use serde_json::{Map, Value, json};

use super::outcome::{Step, Why};
use super::{LOOK_AGAIN, Task};
use crate::bot_api::{Ask, messages};
use crate::respond::Problem;

/// Says whatever has its turn.
pub(super) async fn say(task: &Task<'_>) -> Result<Step, StoreError> {
    loop {
        let Some(found) = task.read().await? else {
            return Ok(Step::Done);
        };
        let conversation = found.conversation;
        let counted = conversation
            .native
            .as_deref()
            .and_then(|native| native.chatlayer.as_ref());
        let Some(counted) = counted else {
            return Ok(Step::Done);
        };
        let now = task.app.now();
        let held = match counted.next(now) {
            Next::Nothing => return Ok(Step::Done),
            Next::Wait(until) => {
                let after = Duration::try_from(until.duration_since(now)).unwrap_or(LOOK_AGAIN);
                return Ok(Step::Wait { after });
            }
            Next::Say(held) => held.clone(),
        };
        let refused = match held.message.as_deref() {
            None => None,
            Some(message) => {
                let ask = Ask {
                    connection: &task.connection,
                    conversation: &conversation.id,
                    body: body(message),
                    key: None,
                };
                match messages::take(task.app, ask).await {
                    Ok(_) => None,
                    Err(Problem::Unavailable) => {
                        return Ok(Step::Again {
                            after: None,
                            why: Why::new("unavailable", "the store is unavailable"),
                        });
                    }
                    Err(problem) => Some(problem),
                }
            }
        };
        said(task, &held, refused).await?;
    }
}

/// Its turn is over, whether it could be said or not.
async fn said(task: &Task<'_>, held: &Held, refused: Option<Problem>) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        let counted = conversation
            .native
            .as_mut()
            .and_then(|native| native.chatlayer.as_mut());
        let is_first = counted.is_some_and(|counted| counted.said(held));
        if let (true, Some(_), Some(message)) = (is_first, &refused, &held.message) {
            tracing::warn!(connection.id = %task.job.connection, "a message of the bot is refused");
            let entry = task
                .entry("message.refused")
                .with("message_id", message.id.as_str());
            task.write_down(commit, entry);
        }
    })
    .await?;
    Ok(())
}

/// In the bot API's words; the same in each attempt.
fn body(message: &Message) -> Map<String, Value> {
    let members = [
        ("id", json!(message.id)),
        ("from", json!("bot")),
        // While somebody waits for an agent the bot speaks only of that.
        ("notice", json!(true)),
        ("text", json!(message.text)),
        ("attachments", json!(message.attachments)),
        ("structured", json!(message.structured)),
        ("sent_at", json!(message.sent_at.to_string())),
    ];
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
