//! Looking at a conversation.

use handover_core::ids::{ConversationId, ForeignThreadId};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Caller, authenticate_reader, existing, unavailable};
use crate::App;
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::Call;
use crate::view;

/// `GET /conversations/{id}`.
pub async fn show(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    authenticate_reader(call)?;
    let found = existing(app, &call.connection, id).await?;
    Ok(json_answer(
        StatusCode::OK,
        &view::conversation(&found.conversation),
    ))
}

/// `GET /conversations/{id}/timeline`. Message text is for operators only, and they need not see it
/// (`?text=false`).
pub async fn timeline(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    let caller = authenticate_reader(call)?;
    existing(app, &call.connection, id).await?;
    let thread = ForeignThreadId::of(id);
    let entries = app
        .store
        .timeline(&call.connection.id, &thread)
        .await
        .map_err(unavailable)?;
    let without = form_urlencoded::parse(call.query().unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "text" && value == "false");
    let with_text = caller == Caller::Operator && !without;
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| view::timeline_entry(entry, with_text))
        .collect();
    Ok(json_answer(
        StatusCode::OK,
        &json!({"conversation": id, "entries": entries}),
    ))
}
