//! What an operator may ask a queue's function for: its dead letters.
//!
//! `aws lambda invoke` with `{"dead_letters": {"do": "list"}}`, or `"replay"` and `"discard"` with an `"id"`. Who may
//! invoke the function may do it; what people wrote is not shown.

use handover_core::ports::{DeadLetter, JobQueue, QueueError};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is to be done with dead letters, of all queues.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub(crate) enum DeadLetters {
    List,
    /// Sends one again, at the end of its conversation.
    Replay {
        id: String,
    },
    Discard {
        id: String,
    },
}

impl DeadLetters {
    pub(crate) async fn run(self, queue: &dyn JobQueue) -> Result<Value, QueueError> {
        Ok(match self {
            Self::List => {
                let letters = queue.dead_letters().await?;
                Value::Array(letters.iter().map(view).collect())
            }
            Self::Replay { id } => json!({"id": id, "replayed": queue.replay(&id).await?}),
            Self::Discard { id } => json!({"id": id, "discarded": queue.discard(&id).await?}),
        })
    }
}

fn view(letter: &DeadLetter) -> Value {
    let job = &letter.job;
    json!({
        "id": letter.id, "at": letter.at, "queue": letter.queue, "work": job.work.kind(), "reason": letter.reason,
        "attempts": letter.attempts, "connection": job.connection, "thread": job.thread, "job": job.id,
        "accepted_at": job.accepted_at,
    })
}
