//! A bridge that answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Value, json};
use simulated_ringcx::{SIGNATURE_HEADER, SimulatedConfig, is_signed, sign};
use tokio::net::TcpListener;

/// The answer to one `messages.create`, or one webhook.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    Answer(u16, Value),
    Unsigned(Value),
}

#[derive(Default)]
struct Memory {
    source_sdk: Vec<Value>,
    webhooks: Vec<Value>,
    creates: VecDeque<Script>,
    webhook_answers: VecDeque<u16>,
}

struct Shared {
    token: String,
    secret: String,
    verify_token: String,
    memory: Mutex<Memory>,
}

impl Shared {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Bridge {
    address: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bridge {
    pub(crate) async fn start(config: &SimulatedConfig) -> Self {
        let shared = Arc::new(Shared {
            token: config.source_token.clone(),
            secret: config.webhook_secret.clone(),
            verify_token: config.verify_token.clone(),
            memory: Mutex::default(),
        });
        let router = Router::new()
            .route("/handover/rce", get(handshake).post(receive))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            address,
            shared,
            server,
        }
    }

    /// One URL for both, with a query string of its own.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/handover/rce?connection=default", self.address)
    }

    pub(crate) fn script_creates(&self, answers: impl IntoIterator<Item = Script>) {
        self.shared.memory().creates.extend(answers);
    }

    pub(crate) fn script_webhooks(&self, statuses: impl IntoIterator<Item = u16>) {
        self.shared.memory().webhook_answers.extend(statuses);
    }

    /// The params of every request with this action.
    pub(crate) fn actions(&self, action: &str) -> Vec<Value> {
        let memory = self.shared.memory();
        memory
            .source_sdk
            .iter()
            .filter(|body| body["action"] == action)
            .map(|body| body["params"].clone())
            .collect()
    }

    /// The envelopes of the webhooks that were answered with 200.
    pub(crate) fn webhooks(&self) -> Vec<Value> {
        self.shared.memory().webhooks.clone()
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        let webhooks = self.webhooks();
        webhooks
            .iter()
            .flat_map(|envelope| envelope["events"].as_array().cloned().unwrap_or_default())
            .collect()
    }

    pub(crate) fn event_types(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| event["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

async fn handshake(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let query: Vec<(String, String)> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let secret = headers
        .get("x-dimelo-secret")
        .and_then(|value| value.to_str().ok());
    let valid = value("hub.mode").as_deref() == Some("subscribe")
        && value("hub.verify_token") == Some(shared.verify_token.clone())
        && value("connection").as_deref() == Some("default")
        && secret == Some(&shared.secret);
    if valid {
        value("hub.challenge").unwrap_or_default().into_response()
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let json: Value = serde_json::from_slice(&body).expect("JSON");
    if json["events"].is_array() {
        let secret = headers
            .get("x-dimelo-secret")
            .and_then(|value| value.to_str().ok());
        assert_eq!(secret, Some(shared.secret.as_str()));
        let mut memory = shared.memory();
        let status = memory.webhook_answers.pop_front().unwrap_or(200);
        if status == 200 {
            memory.webhooks.push(json);
        }
        return StatusCode::from_u16(status).expect("a status").into_response();
    }
    let in_query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "signature")
        .map(|(_, value)| value.into_owned());
    let header = headers
        .get(SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    if !is_signed(&shared.token, &body, &header.or(in_query).unwrap_or_default()) {
        return signed(&shared.token, 401, "");
    }
    let answer = {
        let mut memory = shared.memory();
        memory.source_sdk.push(json.clone());
        let scripted = if json["action"] == "messages.create" {
            memory.creates.pop_front()
        } else {
            None
        };
        scripted.unwrap_or_else(|| Script::Answer(200, default_answer(&json)))
    };
    match answer {
        Script::Answer(status, body) => signed(&shared.token, status, &body.to_string()),
        Script::Unsigned(body) => Response::new(Body::from(body.to_string())),
    }
}

fn default_answer(request: &Value) -> Value {
    match request["action"].as_str().unwrap_or_default() {
        "implementation.info" => json!({
            "objects": {"messages": ["create", "show", "list"], "status": ["mark_as_read"]},
            "options": ["view.messaging", "messages.text", "messaging.typing_indicator", "messaging.queuing_update"],
        }),
        "messages.list" => json!([]),
        "messages.create" => {
            json!({"id": format!("rcx-{}", request["params"]["content_id"].as_str().unwrap_or("?"))})
        }
        _ => json!({}),
    }
}

fn signed(token: &str, status: u16, body: &str) -> Response {
    let signature = sign(token, body.as_bytes());
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(SIGNATURE_HEADER, signature)], body.to_owned()).into_response()
}
