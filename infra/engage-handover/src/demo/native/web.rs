//! The second tab's addresses.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Json, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::super::chat::Chat;
use super::super::live;
use super::super::web::{Answer, Parts, Problem, accepted, unknown};
use super::host::Written;

pub(in super::super) fn router() -> Router<Parts> {
    Router::new()
        .route("/phone", post(open))
        .route("/phone/{id}/messages", post(write))
        .route("/phone/{id}/butt-in", post(butt_in))
        .route("/live/phone/{id}", get(follow))
        .route("/bot/native/events", post(event))
}

async fn open(State(parts): State<Parts>, Json(_): Json<Value>) -> Answer {
    let phone = parts.native.open().map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "conversation": phone.id })).into_response())
}

async fn write(State(parts): State<Parts>, Path(id): Path<String>, Json(written): Json<Written>) -> Answer {
    let phone = find(&parts, &id)?;
    parts.native.write(&phone, &written).await?;
    Ok(accepted())
}

async fn butt_in(State(parts): State<Parts>, Path(id): Path<String>, Json(_): Json<Value>) -> Answer {
    let phone = find(&parts, &id)?;
    parts.native.butt_in(&phone).await?;
    Ok(accepted())
}

async fn follow(State(parts): State<Parts>, Path(id): Path<String>) -> Result<Response, Problem> {
    let phone = find(&parts, &id)?;
    let stream = live::stream(&parts.native.bridge, &parts.desk, phone, parts.stopping.clone());
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

async fn event(State(parts): State<Parts>, headers: HeaderMap, body: Bytes) -> StatusCode {
    parts.native.receive(&headers, &body).await
}

fn find(parts: &Parts, id: &str) -> Result<Arc<Chat>, Problem> {
    parts.native.phone(id).ok_or_else(unknown)
}
