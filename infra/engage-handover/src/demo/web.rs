//! The demo's own web server: the page, the chat, the desk and the receiver of events, all on one origin.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Json, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::chat::Chat;
use super::customers::VISITOR;
use super::desk::Desk;
use super::events::Receiver;
use super::host::Host;
use super::{live, native, page};

/// Scripts, styles and requests of this origin only; nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) host: Arc<Host>,
    /// The bot on the channel that RCE owns.
    pub(super) native: Arc<native::Host>,
    pub(super) desk: Arc<Desk>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) stopping: watch::Receiver<bool>,
    /// Answer only requests that name a loopback host: a page elsewhere must not reach the demo by a
    /// name that it made point here.
    pub(super) loopback_only: bool,
}

pub(super) type Answer = Result<Response, Problem>;

pub(super) fn router(parts: Parts) -> Router {
    Router::new()
        .route("/chat", post(open))
        .route("/chat/arrivals", post(arrive))
        .route("/chat/{id}/messages", post(say))
        .route("/chat/{id}/handover", post(ask_for_human))
        .route("/chat/{id}/leave", post(leave))
        .route("/chat/{id}/typing", post(typing))
        .route("/chat/{id}/read", post(read))
        .route("/live/{id}", get(follow))
        .route("/desk/{*path}", post(act))
        .route("/bot/events", post(event))
        .merge(native::router())
        .fallback_service(page::router())
        .layer(middleware::from_fn_with_state(parts.clone(), guard))
        .with_state(parts)
}

async fn guard(State(parts): State<Parts>, request: Request, next: Next) -> Response {
    if parts.loopback_only && !names_loopback(request.headers()) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "this demo answers on loopback only",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[derive(Deserialize)]
struct Said {
    id: String,
    text: String,
}

#[derive(Deserialize)]
struct Types {
    state: String,
    #[serde(default)]
    preview: Option<String>,
}

#[derive(Deserialize)]
struct Read {
    message_id: String,
}

async fn open(State(parts): State<Parts>, Json(_): Json<Value>) -> Answer {
    let chat = parts
        .host
        .open(&VISITOR)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "conversation": chat.id })).into_response())
}

async fn arrive(State(parts): State<Parts>, Json(_): Json<Value>) -> Answer {
    let name = parts
        .host
        .somebody_arrives()
        .map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "name": name })).into_response())
}

async fn say(State(parts): State<Parts>, Path(id): Path<String>, Json(said): Json<Said>) -> Answer {
    let chat = find(&parts, &id)?;
    parts.host.say(&chat, &said.id, &said.text).await?;
    Ok(accepted())
}

async fn ask_for_human(State(parts): State<Parts>, Path(id): Path<String>, Json(_): Json<Value>) -> Answer {
    let chat = find(&parts, &id)?;
    parts.host.ask_for_human(&chat).await?;
    Ok(accepted())
}

async fn leave(State(parts): State<Parts>, Path(id): Path<String>, Json(_): Json<Value>) -> Answer {
    let chat = find(&parts, &id)?;
    parts.host.leave(&chat).await?;
    Ok(accepted())
}

async fn typing(State(parts): State<Parts>, Path(id): Path<String>, Json(types): Json<Types>) -> Answer {
    let chat = find(&parts, &id)?;
    parts
        .host
        .typing(&chat, &types.state, types.preview.as_deref())
        .await?;
    Ok(accepted())
}

async fn read(State(parts): State<Parts>, Path(id): Path<String>, Json(read): Json<Read>) -> Answer {
    let chat = find(&parts, &id)?;
    parts.host.read(&chat, &read.message_id).await?;
    Ok(accepted())
}

async fn follow(State(parts): State<Parts>, Path(id): Path<String>) -> Answer {
    let chat = find(&parts, &id)?;
    let stream = live::stream(&parts.host.bridge, &parts.desk, chat, parts.stopping.clone());
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

async fn act(State(parts): State<Parts>, Path(path): Path<String>, Json(body): Json<Value>) -> Response {
    let (status, answer) = parts.desk.act(&path, &body).await;
    (status, Json(answer)).into_response()
}

async fn event(State(parts): State<Parts>, headers: HeaderMap, body: Bytes) -> StatusCode {
    parts.receiver.receive(&headers, &body)
}

fn find(parts: &Parts, id: &str) -> Result<Arc<Chat>, Problem> {
    parts.host.chat(id).ok_or_else(unknown)
}

pub(super) fn unknown() -> Problem {
    Problem(
        StatusCode::NOT_FOUND,
        "this conversation is not known any more".to_owned(),
    )
}

pub(super) fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({}))).into_response()
}

/// What the page shows instead of a success.
pub(super) struct Problem(StatusCode, String);

impl Problem {
    pub(super) fn internal(error: &anyhow::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<String> for Problem {
    /// The bridge refused, or did not answer.
    fn from(why: String) -> Self {
        Self(StatusCode::BAD_GATEWAY, why)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_points_here_is_not_this_machine() {
        for (host, expected) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("localhost:9", true),
            ("[::1]:8080", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            assert_eq!(names_loopback(&headers), expected, "{host}");
        }
    }
}
