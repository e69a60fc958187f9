//! Cognigy.AI: agents' words go to the person by *notify*, states go into the Flow by *inject*.
//!
//! Both exist in two forms: the endpoint's own URLs, whose bodies transformers read, and the API service
//! (Cognigy, "Notify" and "Inject" of endpoints). The body is the same in both, so that the same transformers serve.
//! No key makes a repeat harmless there: one is possible if an answer gets lost, and carries the same `eventId`.
//!
//! On channels of RCE's own everything is an input of the Flow's endpoint (`native`).

mod native;

pub use native::{inputs, is_told_once};

use handover_core::event::BotEvent;
use handover_core::message::AgentMessage;
use handover_core::ports::{BotError, Delivery, Told};
use handover_core::secret::Secret;
use handover_core::settings::{BotKind, BotSettings, CognigySettings, CognigyWayIn, Connection};
use handover_platforms::cognigy::{CognigyOutput, text_for_cognigy, to_cognigy};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::pace::Pace;
use crate::{answer, post, send, signed};

/// Longest body of the API service, in bytes (Cognigy, "Limits").
const API_BODY_MAX_BYTES: usize = 60 * 1000;
/// What of it a form may take; the rest is ids of 256 characters, the URL token, and who wrote it.
const API_FORM_MAX_BYTES: usize = API_BODY_MAX_BYTES - 8 * 1024;

/// Tells Cognigy.
#[derive(Debug)]
pub struct Cognigy {
    http: Client,
    pace: Pace,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub does: Does,
    pub text: Option<String>,
    pub data: Value,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Shows the person something; no Flow runs.
    Notify,
    /// Runs the Flow.
    Inject,
}

impl Does {
    fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Inject => "inject",
        }
    }
}

/// The calls that tell an event; none where Cognigy has no place for it.
pub fn calls(bot: &BotSettings, event: &BotEvent) -> Vec<Call> {
    match event {
        BotEvent::HandoverQueued { update } => {
            let mut state = json!({"status": "queue"});
            figures(&mut state, update.position, update.estimated_wait_ms);
            inject(state)
        }
        BotEvent::HandoverBegun { cause } => inject(json!({"status": "queue", "cause": cause.as_str()})),
        BotEvent::HandoverActive { cause, agent } => {
            let mut state = json!({"status": "active", "cause": cause.as_str()});
            if let Some(agent) = agent {
                state["agent"] = json!({"id": agent.id, "name": agent.name});
            }
            inject(state)
        }
        BotEvent::MessageCreated { message } => {
            let from = json!({"from": "agent", "agentName": message.agent_name, "messageId": message.id});
            let CognigyOutput { texts, data } = outputs(bot, message);
            let texts = texts.iter().map(|text| notify(Some(text), &from));
            let forms = data.into_iter().map(|form| {
                let mut call = notify(None, &from);
                merge(&mut call.data, form);
                call
            });
            texts.chain(forms).collect()
        }
        BotEvent::MessageFailed { message, reason } => {
            let failed =
                json!({"from": "bridge", "event": "message.failed", "messageId": message, "reason": reason});
            vec![notify(Some(&bot.message_failed_text), &failed)]
        }
        BotEvent::HandoverCompleted {
            cause,
            summary,
            tags,
            rating,
            ..
        } => inject(json!({
            "status": "completed",
            "cause": cause.as_str(),
            "summary": summary,
            "tags": tags,
            "rating": rating,
        })),
        BotEvent::HandoverCancelled { cause } => {
            inject(json!({"status": "cancelled", "cause": cause.as_str()}))
        }
        BotEvent::HandoverFailed { reason } => {
            inject(json!({"status": "error", "reason": "error", "message": reason}))
        }
        BotEvent::HandoverTimedOut { timer, .. } => {
            inject(json!({"status": "error", "reason": "timeout", "message": timer.as_str()}))
        }
        // An inject runs the Flow, which would speak while the agent does.
        BotEvent::HandoverAccepted
        | BotEvent::AgentChanged { .. }
        | BotEvent::HandoverDeferred { .. }
        | BotEvent::HandoverSummarised { .. }
        | BotEvent::SurveyImported { .. }
        | BotEvent::CustomerWrote { .. }
        | BotEvent::CustomerEdited { .. }
        | BotEvent::CustomerTookBack { .. }
        | BotEvent::HandoverTimingOut { .. }
        | BotEvent::TypingStarted
        | BotEvent::TypingStopped => Vec::new(),
    }
}

/// Cognigy's pages name three places for the queue's figures (RCE provider, Lookup node, other providers): all
/// are filled. The wait is in milliseconds.
fn figures(state: &mut Value, position: Option<u64>, wait_ms: Option<u64>) {
    let mut known = serde_json::Map::new();
    for (name, value) in [("position", position), ("estimatedWaitTime", wait_ms)] {
        if let Some(value) = value {
            known.insert(name.to_owned(), value.into());
            state[name] = value.into();
        }
    }
    state["data"] = Value::Object(known);
}

fn inject(mut state: Value) -> Vec<Call> {
    if let Some(members) = state.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let mut data = json!({});
    if state["status"] == "queue" && state.get("data").is_some() {
        data["request"] = state["data"].clone();
    }
    data["handover"] = state;
    vec![Call {
        does: Does::Inject,
        text: None,
        data,
    }]
}

fn notify(text: Option<&str>, bridge: &Value) -> Call {
    Call {
        does: Does::Notify,
        text: text.map(str::to_owned),
        data: json!({"bridge": bridge}),
    }
}

/// A message in Cognigy's forms; as text, if a form is larger than the API service takes.
fn outputs(bot: &BotSettings, message: &AgentMessage) -> CognigyOutput {
    let output = to_cognigy(message);
    let by_api = matches!(
        &bot.kind,
        BotKind::Cognigy(settings) if matches!(settings.way_in, CognigyWayIn::Api { .. })
    );
    let too_large = |form: &Value| form.to_string().len() > API_FORM_MAX_BYTES;
    if by_api && output.data.iter().any(too_large) {
        return CognigyOutput {
            texts: text_for_cognigy(message),
            data: Vec::new(),
        };
    }
    output
}

/// Adds the members of a form to a call's data.
fn merge(data: &mut Value, form: Value) {
    if let (Value::Object(data), Value::Object(form)) = (data, form) {
        data.extend(form);
    }
}

/// What tells a repeat from something new.
fn name(data: &mut Value, delivery: &Delivery) {
    let bridge = &mut data["bridge"];
    bridge["eventId"] = json!(delivery.id);
    bridge["seq"] = json!(delivery.seq);
    bridge["epoch"] = json!(delivery.epoch);
    if delivery.part > 0 {
        bridge["part"] = json!(delivery.part + 1);
    }
}

impl Cognigy {
    pub fn new(http: Client) -> Self {
        let pace = Pace::default();
        Self { http, pace }
    }

    pub async fn tell(
        &self,
        connection: &Connection,
        settings: &CognigySettings,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        let mut calls = calls(&connection.bot, &delivery.event);
        if delivery.part >= calls.len() {
            return Ok(Told { status: 200 });
        }
        let mut call = calls.swap_remove(delivery.part);
        let id = format!("{}-{}", delivery.id, delivery.part);
        name(&mut call.data, delivery);
        let token = delivery.address.url_token.as_deref();
        let token = token.or(settings.url_token.as_ref().map(Secret::expose));
        let request = self.request(settings, call.does, token)?;
        let mut body = json!({
            "userId": delivery.address.user_id,
            "sessionId": delivery.address.session_id,
            "data": call.data,
        });
        if let Some(text) = call.text {
            body["text"] = Value::from(text);
        }
        if let (CognigyWayIn::Api { .. }, Some(token)) = (&settings.way_in, token) {
            body["URLToken"] = Value::from(token);
        }
        let body = body.to_string().into_bytes();
        if matches!(settings.way_in, CognigyWayIn::Api { .. }) && body.len() > API_BODY_MAX_BYTES {
            return Err(BotError::Refused { status: 413 });
        }
        self.pace
            .take(&connection.id, settings.calls_per_minute, delivery.now)?;
        let request = signed::sign(request, &settings.signing_secrets, delivery, &id, &body)?;
        let answer = send(request, body).await?;
        answer::read_platform(answer.status().as_u16(), answer.headers(), delivery.now)
    }

    fn request(
        &self,
        settings: &CognigySettings,
        does: Does,
        token: Option<&str>,
    ) -> Result<RequestBuilder, BotError> {
        // Nobody said which endpoint the conversation came from.
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(BotError::NoAddress)?;
        let (url, key) = match &settings.way_in {
            CognigyWayIn::Endpoint { base } => (below(base, &[does.as_str(), token]), None),
            CognigyWayIn::Api { base, key } => (below(base, &["v2.0", "endpoint", does.as_str()]), Some(key)),
        };
        let request = post(&self.http, url);
        Ok(match key {
            Some(key) => request.header("x-api-key", key.expose()),
            None => request,
        })
    }
}

/// A URL below a base; whatever is in a segment stays in it.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
