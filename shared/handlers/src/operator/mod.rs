//! What operators ask and do: by HTTP below `/{connection}/operator` with one of the connection's operator keys, and
//! from the command line, which calls the same functions.
//!
//! By HTTP an operator sees and changes their own connection only. Message text is shown nowhere here; a
//! conversation's timeline is at the bot API's address.
//!
//! | module | owns |
//! |---|---|
//! | [`conversations`] | which there are, and who has them |
//! | [`release`] | giving one back to the bot by hand |
//! | [`dead_letters`] | what could not be delivered: looking, sending again, forgetting |
//! | [`drain`] | no new handovers, until those under way are over |
//! | [`erase`] | erasing a person; from the command line only |
//! | [`status`] | how a connection stands, in numbers |

pub mod conversations;
pub mod dead_letters;
pub mod drain;
pub mod erase;
pub mod release;
pub mod status;

use handover_core::ports::{QueueError, StoreError};
use http::StatusCode;
use serde_json::json;

use crate::App;
use crate::bot_api::authenticate_operator;
use crate::health;
use crate::respond::{Answer, Problem, json as answer};
use crate::routes::{Call, conversation_id};

/// Why something that an operator asked for is not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such conversation")]
    UnknownConversation,
    #[error("the bot has the conversation already: there is no handover to end")]
    NoHandover,
    #[error("agents have the conversation: release it first, or wait until they are done")]
    WithAgents,
    #[error("there is no such dead letter (any more)")]
    UnknownDeadLetter,
    #[error("the conversation changes too fast; try again")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownConversation => Self::UnknownConversation,
            Refusal::NoHandover => Self::NoHandover,
            // No address erases.
            Refusal::WithAgents => Self::Forbidden("agents have the conversation"),
            Refusal::UnknownDeadLetter => Self::UnknownDeadLetter,
            Refusal::Busy => Self::Unavailable,
            Refusal::Store(_) | Refusal::Queue(_) => {
                tracing::error!(
                    error = &refusal as &dyn std::error::Error,
                    "operator's call not answered"
                );
                Self::Unavailable
            }
        }
    }
}

/// Answers everything below `/{connection}/operator`.
pub(crate) async fn handle(app: &App, call: &Call, what: &[&str], method: &str) -> Result<Answer, Problem> {
    authenticate_operator(call)?;
    let connection = &*call.connection;
    let body = match (what, method) {
        (["status"], "GET") => status::of(app, connection).await?.view(),
        (["conversations"], "GET") => {
            let filter = conversations::Filter::read(call.query())?;
            let found = conversations::list(app, Some(&connection.id), &filter).await?;
            let found: Vec<_> = found.iter().map(conversations::view).collect();
            json!({"conversations": found})
        }
        (["conversations", id, "release"], "POST") => {
            release::release(app, connection, &conversation_id(id)?).await?
        }
        (["dead-letters"], "GET") => {
            let letters = dead_letters::list(app, Some(&connection.id)).await?;
            let letters: Vec<_> = letters.iter().map(dead_letters::Letter::view).collect();
            json!({"dead_letters": letters})
        }
        (["dead-letters", id, "replay"], "POST") => {
            dead_letters::replay(app, Some(&connection.id), id).await?;
            json!({"replayed": id})
        }
        (["dead-letters", id], "DELETE") => {
            dead_letters::discard(app, Some(&connection.id), id).await?;
            json!({"discarded": id})
        }
        (["doctor"], "GET") => Box::pin(health::examine(app, connection, false)).await?,
        (["doctor"], "POST") => Box::pin(health::examine(app, connection, true)).await?,
        (["drain"], "GET") => drain::progress(app, &[&connection.id]).await?.view(),
        (["drain"], "POST" | "DELETE") => {
            let since = drain::switch(app, &connection.id, method == "POST").await?;
            let progress = drain::progress(app, &[&connection.id]).await?;
            // What was just written may not be readable yet.
            drain::Progress { since, ..progress }.view()
        }
        (["status" | "conversations" | "dead-letters"], _) => return Err(Problem::MethodNotAllowed("GET")),
        (["conversations", _, "release"] | ["dead-letters", _, "replay"], _) => {
            return Err(Problem::MethodNotAllowed("POST"));
        }
        (["dead-letters", _], _) => return Err(Problem::MethodNotAllowed("DELETE")),
        (["doctor"], _) => return Err(Problem::MethodNotAllowed("GET, POST")),
        (["drain"], _) => return Err(Problem::MethodNotAllowed("GET, POST, DELETE")),
        _ => return Err(Problem::UnknownRoute),
    };
    Ok(answer(StatusCode::OK, &body))
}
