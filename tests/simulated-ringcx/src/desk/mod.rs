//! The desk over HTTP: what a page needs to show and to do. The same actions exist as methods of `SimulatedRingcx`.

mod actions;
mod console;
mod methods;
mod snapshot;

pub(crate) use console::console_step;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};

use crate::config::AgentStatus;
use crate::error::DeskError;
use crate::hub::Hub;
use crate::native::NativeMessage;
use crate::state::State;

/// A burst of changes becomes one event of the stream.
const BURST: Duration = Duration::from_millis(30);

pub(crate) async fn state(Shared(hub): Shared<Arc<Hub>>) -> Json<Value> {
    Json(hub.read(State::snapshot))
}

/// Says `changed` at once and after every change.
pub(crate) async fn events(
    Shared(hub): Shared<Arc<Hub>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changed = hub.subscribe();
    changed.mark_changed();
    let stream =
        futures_util::stream::unfold((changed, hub.stopping()), |(mut changed, mut stop)| async move {
            tokio::select! {
                news = changed.changed() => news.ok()?,
                () = Hub::stopped(&mut stop) => return None,
            }
            crate::time::sleep(BURST).await;
            let version = *changed.borrow_and_update();
            let event = Event::default().event("changed").data(version.to_string());
            Some((Ok(event), (changed, stop)))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

pub(crate) async fn thread_action(
    Shared(hub): Shared<Arc<Hub>>,
    Path((thread, action)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, &body, |body| {
        hub.change(|state| state.thread_action(&thread, &action, body))
    })
}

pub(crate) async fn content_action(
    Shared(hub): Shared<Arc<Hub>>,
    Path((content, action)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, &body, |body| {
        let done = hub.change(|state| match action.as_str() {
            "retry" => state.retry_export(&content),
            "edit" => state.edit(&content, body["body"].as_str().unwrap_or_default()),
            "delete" => state.delete(&content),
            _ => Err(DeskError::NotFound(format!("no action {action}"))),
        });
        done.map(|()| Value::Null)
    })
}

pub(crate) async fn agent_availability(
    Shared(hub): Shared<Arc<Hub>>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, &body, |body| {
        let status = body["status"].as_str().and_then(AgentStatus::parse);
        let status =
            status.ok_or_else(|| DeskError::Invalid("status: available, away or disconnected".to_owned()))?;
        hub.change(|state| state.set_availability(&agent, status))
            .map(|()| Value::Null)
    })
}

/// A customer writes on a channel that the platform owns.
pub(crate) async fn native_message(
    Shared(hub): Shared<Arc<Hub>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, &body, |body| {
        let content = hub.change(|state| state.import_native(NativeMessage::parse(body)?))?;
        Ok(json!({"content_id": content}))
    })
}

fn answer(
    headers: &HeaderMap,
    body: &[u8],
    act: impl FnOnce(&Value) -> Result<Value, DeskError>,
) -> Response {
    if !is_from_here(headers) {
        return failure(&DeskError::Forbidden(
            "only pages of this machine may use the simulated desk".to_owned(),
        ));
    }
    let body = match body {
        [] => json!({}),
        body => match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => return failure(&DeskError::Invalid(format!("the body is not JSON: {error}"))),
        },
    };
    match act(&body) {
        Ok(result) => {
            let mut answer = json!({"simulated": true, "ok": true});
            for (key, value) in result.as_object().into_iter().flatten() {
                answer[key] = value.clone();
            }
            Json(answer).into_response()
        }
        Err(error) => failure(&error),
    }
}

fn failure(error: &DeskError) -> Response {
    let (status, name) = error.status();
    let body = json!({"simulated": true, "error": name, "message": error.to_string(), "status": status});
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT),
        Json(body),
    )
        .into_response()
}

/// Foreign web pages must not press the desk's buttons.
fn is_from_here(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let host = origin.strip_prefix("http://").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
