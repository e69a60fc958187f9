//! The REST API 1.0: authentication, throttling, scripted faults, and the operations that a bridge uses.

mod attachments;
mod bots;
mod categories;
mod comments;
mod contents;
mod create_content;
mod directory;
mod folders;
mod interventions;
mod loss;
mod multipart;
mod params;
mod render;
mod sources;
mod tasks;
mod threads;
mod time_sheets;
mod users;
mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::{self, Fault};
use crate::hub::Hub;
use crate::log::{LoggedRequest, RequestKind};
use crate::rest::loss::{Late, is_reply};
use crate::rest::params::Params;
use crate::server::read_body;
use crate::state::State;
use crate::time::now;

/// The outcome of an operation: the body of a 200, or a refusal.
type Answer = Result<Value, RestError>;

/// A refusal in the platform's envelope.
#[derive(Debug)]
struct RestError {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl RestError {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
        }
    }

    /// Unknown, or not readable by the token's account.
    fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    fn invalid(message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", message)
    }
}

impl From<crate::error::DeskError> for RestError {
    fn from(error: crate::error::DeskError) -> Self {
        let (status, name) = error.status();
        Self::new(
            StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT),
            name,
            error.to_string(),
        )
    }
}

/// The error envelope as a response.
pub(crate) fn error(status: StatusCode, error: &str, message: &str) -> Response {
    (
        status,
        Json(json!({"error": error, "message": message, "status": status.as_u16()})),
    )
        .into_response()
}

/// Every request below `/1.0`.
pub(crate) async fn receive(Shared(hub): Shared<Arc<Hub>>, request: Request) -> Response {
    let at = now();
    let (parts, body) = request.into_parts();
    let Some(body) = read_body(body).await else {
        return error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "Request too large",
        );
    };
    let params = Params::new(parts.uri.query().unwrap_or_default(), &parts.headers, &body);
    let what = format!("{} {}", parts.method, parts.uri.path());
    let log = |status: u16| {
        let entry = LoggedRequest {
            kind: RequestKind::Rest,
            what: what.clone(),
            body: params.to_json(),
            status,
            at,
        };
        hub.change(|state| state.request_log.push(entry));
    };
    let path = parts.uri.path().trim_start_matches("/1.0").to_owned();
    let gate = hub.change(|state| {
        let token = state.admit(&parts, &params)?;
        Ok((
            token,
            state.next_fault(&faults::rest_targets(&parts.method, &path)),
        ))
    });
    let (token, fault) = match gate {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(&refusal, log),
    };
    let voice = is_reply(&parts.method, &path)
        .then(|| hub.read(|state| state.second_voice_of(&params)))
        .flatten();
    // The status in place of an answer; 0 is none.
    let lost = match fault {
        Some(Fault::Drop) => {
            log(0);
            return faults::dropped_connection();
        }
        Some(Fault::Status(status, body)) => {
            log(status);
            return faults::refusal(status, body);
        }
        Some(Fault::RateLimit) => {
            log(429);
            return faults::rate_limit();
        }
        Some(Fault::Conflict) => {
            log(409);
            return faults::conflict();
        }
        Some(Fault::Delay(time)) => {
            hub.pause(time).await;
            None
        }
        Some(Fault::DelayedLoss(time)) => {
            log(0);
            let late = Late {
                method: parts.method,
                path,
                params,
                token,
            };
            late.happen_after(&hub, time);
            return faults::dropped_connection();
        }
        Some(Fault::StatusAfterEffect(status)) => Some(status),
        Some(Fault::LoseAnswer) => Some(0),
        None => None,
    };
    let answer = hub.change(|state| {
        let answer = dispatch(state, &parts.method, &path, &params, &token);
        if is_reply(&parts.method, &path) {
            state.watch_reply(&params, &answer, lost.is_some(), voice.clone());
        }
        answer
    });
    if let Some(status) = lost {
        log(status);
        return faults::in_place_of_answer(status);
    }
    match answer {
        Ok(value) => {
            log(200);
            (
                [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
                value.to_string(),
            )
                .into_response()
        }
        Err(refusal) => refuse(&refusal, log),
    }
}

fn refuse(refusal: &RestError, log: impl Fn(u16)) -> Response {
    log(refusal.status.as_u16());
    error(refusal.status, refusal.error, &refusal.message)
}

impl State {
    /// Throttling first, then the token: by header, or as a parameter. Returns the token's id.
    fn admit(&mut self, parts: &Parts, params: &Params) -> Result<String, RestError> {
        if parts
            .uri
            .query()
            .is_some_and(|query| query.contains(&self.config.api_token))
        {
            self.violate("token-in-url", format!("{} {}", parts.method, parts.uri.path()));
        }
        let now = Instant::now();
        while self
            .rest_window
            .front()
            .is_some_and(|then| now.duration_since(*then) >= Duration::from_mins(1))
        {
            self.rest_window.pop_front();
        }
        if self.rest_window.len() >= self.config.requests_per_minute {
            let detail = format!("more than {} requests in 60 s", self.config.requests_per_minute);
            self.violate("rest-rate", detail);
            return Err(RestError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_exceeded",
                "Rate limit exceeded",
            ));
        }
        self.rest_window.push_back(now);
        let header = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .or_else(|| params.first("access_token"));
        let mut tokens = self.console.tokens.iter();
        tokens
            .find(|known| known.enabled && Some(known.value.as_str()) == token)
            .map(|known| known.id.clone())
            .ok_or_else(|| RestError::forbidden("Authentication required"))
    }

    /// Whether this is a token of the API that is enabled.
    pub(crate) fn knows_token(&self, token: Option<&str>) -> bool {
        let mut tokens = self.console.tokens.iter();
        tokens.any(|known| known.enabled && Some(known.value.as_str()) == token)
    }

    /// A right of the role that the token's account has.
    fn must_have_right(&self, right: &str) -> Result<(), RestError> {
        if self.console.lacking.contains(right) {
            return Err(RestError::forbidden(&format!("Your role lacks {right}")));
        }
        Ok(())
    }
}

/// What belongs to sources does not exist for an account that may read none.
fn is_hidden(state: &State, resource: &str) -> bool {
    matches!(
        resource,
        "content_threads" | "contents" | "interventions" | "tasks" | "identities"
    ) && !state
        .console
        .sources
        .iter()
        .any(|source| state.token_may(&source.id, "read"))
}

fn dispatch(state: &mut State, method: &Method, path: &str, params: &Params, token: &str) -> Answer {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some((&resource, rest)) = parts.split_first() else {
        return Err(RestError::not_found());
    };
    let method = method.as_str();
    if is_hidden(state, resource) {
        return match (method, rest) {
            ("GET", []) => Ok(params.page(Vec::<Value>::new(), |nothing| nothing)),
            _ => Err(RestError::not_found()),
        };
    }
    match resource {
        "categories" => categories::handle(state, method, rest, params),
        "content_sources" => sources::handle(state, method, rest, params),
        "folders" => folders::handle(state, method, rest, params),
        "users" => users::handle(state, method, rest, params),
        "content_threads" => threads::handle(state, method, rest, params),
        "attachments" => attachments::handle(state, method, rest, params),
        "bots" => bots::handle(state, method, rest, params),
        "intervention_comments" => comments::handle(state, method, rest, params),
        "contents" => contents::handle(state, method, rest, params),
        "interventions" => interventions::handle(state, method, rest, params),
        "tasks" => tasks::handle(state, method, rest, params),
        "time_sheets" if method == "GET" => time_sheets::handle(state, rest, params),
        "webhooks" => webhooks::handle(state, method, rest, params, token),
        _ if method == "GET" => directory::handle(state, resource, rest, params),
        _ => Err(RestError::not_found()),
    }
}
