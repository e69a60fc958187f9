//! Faults that a test arms: the next matching request is refused, slowed down, or left without an answer. Chance comes
//! after them.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use crate::state::State;

/// Which requests of the bridge a fault hits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultTarget {
    /// Every request to the Send API.
    SendApi,
    /// `messages.create` and its kin on the Send API.
    SendApiMessages,
    /// `typing.*` on the Send API.
    SendApiTyping,
    /// Every REST request.
    RestAny,
    /// `GET /content_threads`.
    RestSearch,
    /// `GET /content_threads/{id}`.
    RestThread,
    /// `PUT /content_threads/{id}/update_categories`.
    RestCategorize,
    /// `PUT /content_threads/{id}/ignore`.
    RestIgnore,
    /// Everything below `/contents`.
    RestContents,
    /// `POST /contents`.
    RestCreateContent,
    /// Everything below `/attachments`.
    RestAttachments,
    /// Everything below `/bots`.
    RestBots,
    /// Everything below `/intervention_comments`.
    RestComments,
    /// Everything below `/identities`.
    RestIdentities,
    /// Everything below `/interventions`.
    RestInterventions,
    /// `GET /status`.
    RestStatus,
    /// Every change by REST below this resource: `categories`, `content_sources`, `folders`, `users` or `webhooks`.
    RestChange(&'static str),
}

/// What happens to the request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Refused with this status and body, without effect.
    Status(u16, String),
    /// Refused as a conflict with something that runs at the same time (409), without effect.
    Conflict,
    /// Refused as too many requests (429), without effect.
    RateLimit,
    /// Handled after this pause.
    Delay(Duration),
    /// The connection is dropped before anything happens.
    Drop,
    /// The request has its effect, but the connection is dropped instead of an answer.
    LoseAnswer,
    /// The request has its effect, but is answered with this status. To the Send API it is as `LoseAnswer`.
    StatusAfterEffect(u16),
    /// The connection is dropped at once, and the request has its effect after this time. To the Send API it is as
    /// `LoseAnswer`.
    DelayedLoss(Duration),
}

/// A fault for the next `times` requests of `target`.
#[derive(Clone, Debug)]
pub struct ScriptedFault {
    /// Which requests.
    pub target: FaultTarget,
    /// What happens to them.
    pub fault: Fault,
    /// How many of them.
    pub times: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ScriptedFault>);

impl Faults {
    pub(crate) fn new(scripted: Vec<ScriptedFault>) -> Self {
        Self(scripted)
    }

    pub(crate) fn arm(&mut self, fault: ScriptedFault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The oldest armed fault for any of the targets; counts as one of its times.
    pub(crate) fn take(&mut self, targets: &[FaultTarget]) -> Option<Fault> {
        let index = self
            .0
            .iter()
            .position(|armed| armed.times > 0 && targets.contains(&armed.target))?;
        let armed = &mut self.0[index];
        armed.times -= 1;
        let fault = armed.fault.clone();
        if armed.times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}

impl State {
    /// What happens to a request of any of these targets.
    pub(crate) fn next_fault(&mut self, targets: &[FaultTarget]) -> Option<Fault> {
        self.faults.take(targets).or_else(|| self.dice.roll())
    }
}

/// What administrators change by REST.
const CONSOLE: [&str; 5] = ["categories", "content_sources", "folders", "users", "webhooks"];

/// The targets that a REST request belongs to. `path` starts after `/1.0`.
pub(crate) fn rest_targets(method: &Method, path: &str) -> Vec<FaultTarget> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let resource = CONSOLE.into_iter().find(|it| parts.first() == Some(it));
    let change = resource
        .filter(|_| method != Method::GET)
        .map(FaultTarget::RestChange);
    let own = match (method.as_str(), parts.as_slice()) {
        ("GET", ["content_threads"]) => Some(FaultTarget::RestSearch),
        ("GET", ["content_threads", _]) => Some(FaultTarget::RestThread),
        ("PUT", ["content_threads", _, "update_categories"]) => Some(FaultTarget::RestCategorize),
        ("PUT", ["content_threads", _, "ignore"]) => Some(FaultTarget::RestIgnore),
        (_, ["contents", ..]) => Some(FaultTarget::RestContents),
        (_, ["attachments", ..]) => Some(FaultTarget::RestAttachments),
        (_, ["bots", ..]) => Some(FaultTarget::RestBots),
        (_, ["intervention_comments", ..]) => Some(FaultTarget::RestComments),
        (_, ["identities", ..]) => Some(FaultTarget::RestIdentities),
        (_, ["interventions", ..]) => Some(FaultTarget::RestInterventions),
        ("GET", ["status", ..]) => Some(FaultTarget::RestStatus),
        _ => None,
    };
    let create = (method == Method::POST && parts == ["contents"]).then_some(FaultTarget::RestCreateContent);
    own.into_iter()
        .chain(create)
        .chain(change)
        .chain([FaultTarget::RestAny])
        .collect()
}

/// The answer of a fault that has one.
pub(crate) fn refusal(status: u16, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

pub(crate) fn rate_limit() -> Response {
    crate::rest::error(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
        "Rate limit exceeded",
    )
}

pub(crate) fn conflict() -> Response {
    crate::rest::error(
        StatusCode::CONFLICT,
        "conflict",
        "Resource is already being changed",
    )
}

/// An answer that cannot be sent, which makes the server close the connection instead.
pub(crate) fn dropped_connection() -> Response {
    let broken = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other(
            json!("simulated loss of the connection").to_string(),
        ))
    });
    Response::new(Body::from_stream(broken))
}

/// What comes in place of an answer: a status, or for 0 nothing.
pub(crate) fn in_place_of_answer(status: u16) -> Response {
    if status == 0 {
        return dropped_connection();
    }
    refusal(status, String::new())
}
