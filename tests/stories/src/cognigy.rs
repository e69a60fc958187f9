//! A Cognigy.AI of its own making: two endpoints' notify and inject URLs and the API service's, with the documented
//! limits. It remembers what each person was shown and what each Flow was told. On channels of RCE's own it is a REST or
//! a Webhook endpoint whose Flow says what a story wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::bench::CONNECTION;
use crate::served::Served;
use crate::setup::{BOT_KEY, BOT_SECRET};
use crate::{Bench, Reply};

/// The endpoint that the settings name.
pub const URL_TOKEN: &str = "tok-webchat";
/// The key of the API service.
pub const API_KEY: &str = "cognigy-api-key-0001";
/// Where the API service listens, as it was seen in the field.
pub const API_PREFIX: &str = "/new";

const ID_MAX_CHARS: usize = 256;
const TEXT_MAX_CHARS: usize = 10_000;
const API_BODY_MAX_BYTES: usize = 60_000;

/// A call that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// `notify` or `inject`.
    pub does: String,
    pub token: String,
    pub body: Value,
}

impl Taken {
    pub fn session(&self) -> &str {
        self.body["sessionId"].as_str().unwrap_or_default()
    }

    /// What the Lookup node compares.
    pub fn handover(&self) -> &Value {
        &self.body["data"]["handover"]
    }
}

#[derive(Default)]
struct Memory {
    /// Every call, refused ones included.
    calls: usize,
    taken: Vec<Taken>,
    script: VecDeque<(u16, Vec<(&'static str, String)>)>,
    unsigned: bool,
    problems: Vec<String>,
    /// What the Flow says to the next inputs of its endpoint.
    flow: VecDeque<Flow>,
    inputs: Vec<Value>,
}

/// What a Flow does with an input.
#[derive(Clone, Debug)]
pub enum Flow {
    /// Its outputs, which a REST endpoint answers with.
    Says(Vec<Value>),
    /// It runs, and the answer gets lost.
    Lost(Vec<Value>),
    Status(u16),
}

type Shared = Arc<Mutex<Memory>>;

pub struct Cognigy {
    memory: Shared,
    served: Served,
}

impl Cognigy {
    pub async fn start() -> Self {
        let memory = Shared::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        let served = Served::start(router).await;
        Self { memory, served }
    }

    pub fn url(&self) -> &str {
        self.served.url()
    }

    /// The settings of a connection that uses the endpoints' URLs.
    pub fn by_endpoint(&self) -> String {
        format!(
            "kind = \"cognigy\"\nendpoint_base_url = \"{}\"\nurl_token = \"{URL_TOKEN}\"\nsigning_secrets = \"{BOT_SECRET}\"",
            self.served.url()
        )
    }

    /// The settings of a connection that uses the API service.
    pub fn by_api(&self) -> String {
        format!(
            "kind = \"cognigy\"\napi_base_url = \"{}\"\napi_path_prefix = \"new/\"\napi_key = \"{API_KEY}\"\nurl_token = \"{URL_TOKEN}\"",
            self.served.url()
        )
    }

    /// The settings of a connection whose people write on RCE's own channels.
    pub fn by_its_own_endpoint(&self, endpoint: &str) -> String {
        format!(
            "kind = \"cognigy\"\nendpoint_base_url = \"{}\"\nurl_token = \"{URL_TOKEN}\"\nendpoint = \"{endpoint}\"",
            self.served.url()
        )
    }

    /// What the Flow says to its next inputs; then nothing.
    pub fn flow(&self, script: impl IntoIterator<Item = Flow>) {
        lock(&self.memory).flow.extend(script);
    }

    /// It has nothing more to say that was planned.
    pub fn forget_flow(&self) {
        lock(&self.memory).flow.clear();
    }

    /// What the Flow was given by its endpoint's own URL.
    pub fn inputs(&self) -> Vec<Value> {
        lock(&self.memory).inputs.clone()
    }

    /// The texts among them.
    pub fn input_texts(&self) -> Vec<String> {
        let texts = self.inputs().into_iter();
        texts
            .filter_map(|input| input["text"].as_str().map(str::to_owned))
            .collect()
    }

    /// The states among them.
    pub fn input_states(&self) -> Vec<String> {
        let inputs = self.inputs().into_iter();
        let states = inputs.filter_map(|input| {
            let status = &input["data"]["handover"]["status"];
            status.as_str().map(str::to_owned)
        });
        states.collect()
    }

    /// A Webhook endpoint posts an output.
    pub async fn outputs(&self, bench: &Bench, session: &str, trace: &str, output: &Value) -> Reply {
        let mut output = output.clone();
        output["traceId"] = json!(trace);
        output["disableSensitiveLogging"] = json!(false);
        output["source"] = json!("bot");
        let body = json!({"userId": "u", "sessionId": session, "AIOutput": output});
        let password = BASE64_STANDARD.encode(format!("cognigy:{BOT_KEY}"));
        let authorization = format!("Basic {password}");
        self.posts(bench, &[("authorization", &authorization)], body.to_string())
            .await
    }

    /// Anything at all at the address of the outputs.
    pub async fn posts(&self, bench: &Bench, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let path = format!("/{CONNECTION}/handover/cognigy/outputs");
        bench.request("POST", &path, headers, body).await
    }

    /// The next answers, in order; then 200 again.
    pub fn answers(&self, statuses: impl IntoIterator<Item = u16>) {
        let script = statuses.into_iter().map(|status| (status, Vec::new()));
        lock(&self.memory).script.extend(script);
    }

    pub fn answers_with(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        lock(&self.memory).script.push_back((status, headers));
    }

    /// This Cognigy has no signing secret.
    pub fn takes_unsigned(&self) {
        lock(&self.memory).unsigned = true;
    }

    pub fn calls(&self) -> usize {
        lock(&self.memory).calls
    }

    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.memory).taken.clone()
    }

    /// The texts that the person of a session was shown.
    pub fn shown(&self, session: &str) -> Vec<String> {
        let taken = self.taken();
        let notified = taken
            .iter()
            .filter(|call| call.does == "notify" && call.session() == session);
        notified
            .map(|call| call.body["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// What the Flow of a session was told of the handover.
    pub fn told(&self, session: &str) -> Vec<Value> {
        let taken = self.taken();
        let injected = taken
            .iter()
            .filter(|call| call.does == "inject" && call.session() == session);
        injected.map(|call| call.handover().clone()).collect()
    }

    /// The states that the Flow of a session was told.
    pub fn states(&self, session: &str) -> Vec<String> {
        let told = self.told(session);
        told.iter()
            .map(|state| state["status"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// No limit was broken, every signature was right.
    #[track_caller]
    pub fn check(&self) {
        let memory = lock(&self.memory);
        assert!(memory.problems.is_empty(), "{:#?}", memory.problems);
    }
}

fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(memory): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap_or_default();
    let mut memory = lock(&memory);
    memory.calls += 1;
    if parts.uri.path() == format!("/{URL_TOKEN}") {
        return memory.run(&body);
    }
    if let Some((status, headers)) = memory.script.pop_front().filter(|(status, _)| *status != 200) {
        let mut response = StatusCode::from_u16(status).expect("a status").into_response();
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(name, value.parse().expect("a header"));
        }
        return response;
    }
    match read(parts.uri.path(), &parts.headers, &body, memory.unsigned) {
        Ok(taken) => {
            memory.taken.push(taken);
            StatusCode::OK.into_response()
        }
        Err((status, problem)) => {
            memory.problems.push(format!("{}: {problem}", parts.uri.path()));
            StatusCode::from_u16(status).expect("a status").into_response()
        }
    }
}

impl Memory {
    /// The endpoint's own URL: the Flow runs.
    fn run(&mut self, body: &[u8]) -> Response {
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let flow = self.flow.pop_front().unwrap_or(Flow::Says(Vec::new()));
        if let Flow::Status(status) = flow {
            return StatusCode::from_u16(status).expect("a status").into_response();
        }
        if let Err((status, problem)) = is_input(&input) {
            self.problems.push(format!("an input: {problem}"));
            return StatusCode::from_u16(status).expect("a status").into_response();
        }
        self.inputs.push(input);
        match flow {
            Flow::Says(outputs) => {
                let stack: Vec<Value> = outputs
                    .into_iter()
                    .map(|mut output| {
                        output["traceId"] = json!("t");
                        output
                    })
                    .collect();
                Json(json!({"text": "", "data": {}, "outputStack": stack})).into_response()
            }
            _ => Response::new(Body::from_stream(futures_util::stream::once(async {
                Err::<Bytes, _>(std::io::Error::other("the connection breaks"))
            }))),
        }
    }
}

/// What every input of a Flow must be.
fn is_input(value: &Value) -> Result<(), (u16, String)> {
    let wrong = |what: &str| (400, what.to_owned());
    for id in ["userId", "sessionId"] {
        let length = value[id].as_str().map_or(0, |id| id.chars().count());
        if length == 0 || length > ID_MAX_CHARS {
            return Err(wrong(id));
        }
    }
    let text = value["text"].as_str().map_or(0, |text| text.chars().count());
    if text > TEXT_MAX_CHARS || (text == 0 && !value["data"].is_object()) {
        return Err(wrong("text"));
    }
    Ok(())
}

fn read(path: &str, headers: &HeaderMap, body: &[u8], unsigned: bool) -> Result<Taken, (u16, String)> {
    let wrong = |what: &str| (400, what.to_owned());
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong("not JSON"))?;
    let api = path
        .strip_prefix(API_PREFIX)
        .and_then(|path| path.strip_prefix("/v2.0/endpoint/"));
    let (does, token) = if let Some(does) = api {
        if headers.get("x-api-key").is_none_or(|key| key != API_KEY) {
            return Err((401, "wrong key".to_owned()));
        }
        if body.len() > API_BODY_MAX_BYTES {
            return Err((413, "longer than 60 kB".to_owned()));
        }
        (does, value["URLToken"].as_str().unwrap_or_default())
    } else {
        let (does, token) = path
            .trim_start_matches('/')
            .split_once('/')
            .ok_or((404, "nothing here".to_owned()))?;
        if !unsigned {
            is_signed(headers, body)?;
        }
        (does, token)
    };
    if !["notify", "inject"].contains(&does) || token.is_empty() || token.contains('/') {
        return Err((404, "nothing here".to_owned()));
    }
    is_input(&value)?;
    Ok(Taken {
        does: does.to_owned(),
        token: token.to_owned(),
        body: value.clone(),
    })
}

/// The signature is right over the time that it names; a story's clock stands still at a day of its own.
fn is_signed(headers: &HeaderMap, body: &[u8]) -> Result<(), (u16, String)> {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let seconds = text("webhook-timestamp").parse().unwrap_or_default();
    let key = Webhook::new(BOT_SECRET).expect("a key");
    let expected = key
        .sign(text("webhook-id"), seconds, body)
        .expect("a body in UTF-8");
    let right = text("webhook-signature")
        .split(' ')
        .any(|signature| signature == expected);
    if right {
        Ok(())
    } else {
        Err((403, "wrong signature".to_owned()))
    }
}
