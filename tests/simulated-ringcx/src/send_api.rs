//! The Send API: `POST /realtime/sdk/{source_id}`, signed over its exact bytes, answered with a bare `ok`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::faults::{self, Fault, FaultTarget};
use crate::hub::Hub;
use crate::imports::text;
use crate::log::{LoggedRequest, RequestKind};
use crate::model::Typing;
use crate::server::{MAX_BODY, read_body};
use crate::signature::{SIGNATURE_HEADER, is_signed};
use crate::state::State;
use crate::structured;
use crate::time::now;
use crate::validate::{is_message, is_private_message, is_thread, is_user};

/// A documented refusal: its status and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) String);

impl Refusal {
    pub(crate) fn new(status: u16, text: &str) -> Self {
        Self(status, text.to_owned())
    }

    pub(crate) fn resource() -> Self {
        Self::new(422, "Invalid resource format")
    }
}

pub(crate) async fn receive(
    Shared(hub): Shared<Arc<Hub>>,
    Path(source): Path<String>,
    request: Request,
) -> Response {
    let at = now();
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let Some(body) = read_body(body).await else {
        let refusal = Refusal(413, format!("Invalid request size (max: {MAX_BODY} bytes)"));
        return finish(&hub, at, "?", Value::Null, Err(refusal));
    };
    let parsed = serde_json::from_slice::<Value>(&body).ok();
    let action = parsed
        .as_ref()
        .and_then(|json| json["action"].as_str())
        .unwrap_or("?")
        .to_owned();
    let logged = parsed
        .clone()
        .unwrap_or_else(|| Value::from(String::from_utf8_lossy(&body).into_owned()));
    let fault = hub.change(|state| state.next_fault(&targets(&action)));
    match fault {
        Some(Fault::Delay(time)) => {
            hub.pause(time).await;
        }
        Some(Fault::Drop) => return lose(&hub, at, &action, logged),
        Some(Fault::Status(status, text)) => {
            return finish(&hub, at, &action, logged, Err(Refusal(status, text)));
        }
        Some(Fault::RateLimit) => {
            let refusal = Refusal::new(429, "too many requests");
            return finish(&hub, at, &action, logged, Err(refusal));
        }
        Some(Fault::Conflict) => {
            let refusal = Refusal::new(409, "Resource is already being changed");
            return finish(&hub, at, &action, logged, Err(refusal));
        }
        Some(Fault::LoseAnswer | Fault::DelayedLoss(_) | Fault::StatusAfterEffect(_)) => {
            let outcome = hub.change(|state| state.authorise(&source, &body, &parts.headers, &query, parsed));
            tracing::debug!(?outcome, "the answer is lost on purpose");
            return lose(&hub, at, &action, logged);
        }
        None => {}
    }
    let outcome = hub.change(|state| state.authorise(&source, &body, &parts.headers, &query, parsed));
    finish(&hub, at, &action, logged, outcome)
}

fn targets(action: &str) -> Vec<FaultTarget> {
    let own = match action.split_once('.') {
        Some(("messages" | "private_messages" | "threads", "create")) => Some(FaultTarget::SendApiMessages),
        Some(("typing", _)) => Some(FaultTarget::SendApiTyping),
        _ => None,
    };
    own.into_iter().chain([FaultTarget::SendApi]).collect()
}

fn lose(hub: &Arc<Hub>, at: Timestamp, action: &str, body: Value) -> Response {
    log(hub, at, action, body, 0);
    faults::dropped_connection()
}

fn finish(
    hub: &Arc<Hub>,
    at: Timestamp,
    action: &str,
    body: Value,
    outcome: Result<(), Refusal>,
) -> Response {
    let (status, text) = match outcome {
        Ok(()) => (200, "ok".to_owned()),
        Err(Refusal(status, text)) => (status, text),
    };
    log(hub, at, action, body, status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        text,
    )
        .into_response()
}

fn log(hub: &Arc<Hub>, at: Timestamp, action: &str, body: Value, status: u16) {
    let entry = LoggedRequest {
        kind: RequestKind::SendApi,
        what: action.to_owned(),
        body,
        status,
        at,
    };
    hub.change(|state| state.request_log.push(entry));
}

impl State {
    /// Source, signature, shape: then the action itself.
    fn authorise(
        &mut self,
        source: &str,
        body: &[u8],
        headers: &HeaderMap,
        query: &str,
        parsed: Option<Value>,
    ) -> Result<(), Refusal> {
        let active = self.console.source(source).is_some_and(|source| source.active);
        if source != self.config.source_id || !active {
            return Err(Refusal::new(422, "Source not found"));
        }
        let header = headers
            .get(SIGNATURE_HEADER)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let in_query = || {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(name, _)| name == "signature")
                .map(|(_, value)| value.into_owned())
        };
        let signature = if header.is_empty() {
            in_query().unwrap_or_default()
        } else {
            header.to_owned()
        };
        if !is_signed(&self.source_token, body, &signature) {
            return Err(Refusal::new(422, "Invalid signature"));
        }
        let Some(request) = parsed else {
            return Err(Refusal::new(400, "Bad request"));
        };
        let (Some(action), Some(params)) = (request["action"].as_str(), request["params"].as_object()) else {
            return Err(Refusal::new(400, "Invalid request format"));
        };
        self.perform(action, params)
    }

    fn perform(&mut self, action: &str, params: &Map<String, Value>) -> Result<(), Refusal> {
        if !self.is_processable(action) {
            return Err(Refusal::new(422, "Invalid action"));
        }
        match action {
            "users.create" => {
                check(is_user(params))?;
                self.check_id("user", &text(params, "id").unwrap_or_default());
                self.import_user(params);
            }
            "messages.create" => self.create_message(params)?,
            "private_messages.create" => {
                check(is_private_message(params))?;
                // A conversation of two persons is the nearest to a thread that there is.
                let mut params = params.clone();
                let author = params["author"]["id"].as_str().unwrap_or_default().to_owned();
                params.insert("thread_id".to_owned(), Value::from(format!("private-{author}")));
                self.import_message(&params);
            }
            "threads.create" => {
                check(is_thread(params))?;
                let id = text(params, "id").unwrap_or_default();
                self.check_id("thread", &id);
                if !self.thread_by_foreign.contains_key(&id) {
                    let source = self.config.source_id.clone();
                    self.add_thread(id, &source, params);
                }
            }
            "status.mark_as_read" => self.mark_as_read(params)?,
            "typing.start" => self.start_typing(params)?,
            _ => self.stop_typing(params)?,
        }
        Ok(())
    }

    /// The Send API knows few actions, and processes of these what the bridge declared, once it did.
    fn is_processable(&self, action: &str) -> bool {
        let known = self.capabilities.is_some();
        match action {
            "users.create" => true,
            "messages.create" => !known || self.declares("messages", "create"),
            "private_messages.create" => !known || self.declares("private_messages", "create"),
            "threads.create" => !known || self.declares("threads", "create"),
            "status.mark_as_read" => !known || self.declares("status", "mark_as_read"),
            "typing.start" | "typing.stop" => !known || self.has_option("messaging.typing_indicator"),
            _ => false,
        }
    }

    fn create_message(&mut self, params: &Map<String, Value>) -> Result<(), Refusal> {
        check(is_message(params))?;
        if let Some(content) = params
            .get("structured_content")
            .filter(|content| !content.is_null())
        {
            if self.capabilities.is_some() && !self.has_option("view.messaging") {
                return Err(Refusal::new(422, "Source doesn't support structured contents"));
            }
            structured::check(content, text(params, "body").as_deref())?;
            self.must_be_puppet(params)?;
            for excess in structured::excess(content) {
                self.violate("structured-limit", excess);
            }
        }
        for (kind, id) in [
            ("message", text(params, "id")),
            ("thread", text(params, "thread_id")),
            ("user", params["author"]["id"].as_str().map(str::to_owned)),
        ] {
            self.check_id(kind, &id.unwrap_or_default());
        }
        self.import_message(params);
        Ok(())
    }

    /// Structured content needs an author that is puppetizable and that an administrator marked as controlled.
    fn must_be_puppet(&self, params: &Map<String, Value>) -> Result<(), Refusal> {
        let author = &params["author"];
        let id = author["id"].as_str().unwrap_or_default();
        let puppetizable = author["puppetizable"]
            .as_bool()
            .unwrap_or_else(|| self.identity(id).is_some_and(|identity| identity.puppetizable));
        if puppetizable && self.is_controlled(id) {
            return Ok(());
        }
        Err(Refusal::new(422, "The author must be puppetizable"))
    }

    fn mark_as_read(&mut self, params: &Map<String, Value>) -> Result<(), Refusal> {
        let id = text(params, "id").ok_or_else(Refusal::resource)?;
        let known = self.content_by_foreign.get(&id).cloned();
        match known.and_then(|id| self.contents.get_mut(&id)) {
            Some(content) => content.read = true,
            None => self.violate(
                "unknown-read-mark",
                format!("mark_as_read of the unknown message {id}"),
            ),
        }
        Ok(())
    }

    fn start_typing(&mut self, params: &Map<String, Value>) -> Result<(), Refusal> {
        let preview = params
            .get("preview")
            .and_then(Value::as_str)
            .ok_or_else(Refusal::resource)?;
        let interval = self.config.typing_interval;
        let since = self.now();
        let Some(thread) = self.typing_thread(params)? else {
            return Ok(());
        };
        if thread.last_typing.is_some_and(|last| last.elapsed() < interval) {
            return Err(Refusal::new(
                429,
                "too many typing requests, please try again in a few seconds",
            ));
        }
        thread.last_typing = Some(Instant::now());
        thread.typing = Some(Typing {
            preview: preview.to_owned(),
            since,
        });
        Ok(())
    }

    fn stop_typing(&mut self, params: &Map<String, Value>) -> Result<(), Refusal> {
        if let Some(thread) = self.typing_thread(params)? {
            thread.last_typing = None;
            thread.typing = None;
        }
        Ok(())
    }

    /// The thread that typing is about: `thread_id` wins over `in_reply_to_id`.
    fn typing_thread(
        &mut self,
        params: &Map<String, Value>,
    ) -> Result<Option<&mut crate::model::Thread>, Refusal> {
        let id = match (text(params, "thread_id"), text(params, "in_reply_to_id")) {
            (Some(thread), _) => self.thread_by_foreign.get(&thread).cloned(),
            (None, Some(content)) => self.content(&content).map(|content| content.thread_id.clone()),
            (None, None) => return Err(Refusal::resource()),
        };
        Ok(id.and_then(|id| self.threads.get_mut(&id)))
    }

    /// Ids travel through search queries without an escape rule, so only plain ones are safe.
    pub(crate) fn check_id(&mut self, kind: &str, id: &str) {
        let safe = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if !safe || id.is_empty() {
            self.violate(
                "unsafe-id",
                format!("the {kind} id {id:?} is not made of letters, digits, _ and -"),
            );
        }
    }
}

fn check(valid: bool) -> Result<(), Refusal> {
    if valid { Ok(()) } else { Err(Refusal::resource()) }
}
