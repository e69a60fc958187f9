//! Typing and read marks.

use handover_core::conversation::Handler;
use handover_core::ids::{ConversationId, MessageId};
use handover_core::job::Work;
use http::StatusCode;
use serde_json::json;

use super::idempotency::KEY_MAX_CHARS;
use super::input::{self, Errors};
use super::{Ask, existing, unavailable};
use crate::App;
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::Call;

/// `POST /conversations/{id}/typing`. Worthless when late, so it is sent at once or not at all.
pub async fn typing(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    types(app, Ask::read(call, id)?).await
}

/// The same, whoever says so.
pub async fn types(app: &App, ask: Ask<'_>) -> Result<Answer, Problem> {
    let Ask {
        connection,
        conversation: id,
        body,
        ..
    } = ask;
    let mut errors = Errors::default();
    let starts = match input::text(&body, "state", &mut errors).as_deref() {
        Some("start") => true,
        Some("stop") => false,
        _ => {
            errors.add("state is \"start\" or \"stop\"");
            false
        }
    };
    let preview = input::text(&body, "preview", &mut errors);
    errors.into_result(())?;
    let conversation = existing(app, connection, id).await?.conversation;
    if conversation.handler() == Handler::Agent {
        let thread = &conversation.thread;
        let shown = if starts {
            app.ringcx.typing(connection, thread, preview.as_deref()).await
        } else {
            app.ringcx.typing_stopped(connection, thread).await
        };
        if let Err(error) = shown {
            tracing::debug!(error = &error as &dyn std::error::Error, "typing not shown");
        }
    }
    Ok(json_answer(StatusCode::ACCEPTED, &json!({})))
}

/// `POST /conversations/{id}/read`: the person read an agent's message.
pub async fn read(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    reads(app, Ask::read(call, id)?).await
}

/// The same, whoever says so.
pub async fn reads(app: &App, ask: Ask<'_>) -> Result<Answer, Problem> {
    let Ask {
        connection,
        conversation: id,
        body,
        ..
    } = ask;
    let mut errors = Errors::default();
    let message = input::text(&body, "message_id", &mut errors).unwrap_or_default();
    if !message.starts_with("rcx-") || message.len() > KEY_MAX_CHARS {
        errors.add("message_id is the id of a message.created event");
    }
    errors.into_result(())?;
    let conversation = existing(app, connection, id).await?.conversation;
    let work = Work::MarkAsRead {
        message: MessageId::new(message),
    };
    let job = app.outgoing(&connection.id, &conversation.thread, work);
    app.queue.send(vec![job]).await.map_err(unavailable)?;
    Ok(json_answer(StatusCode::ACCEPTED, &json!({})))
}
