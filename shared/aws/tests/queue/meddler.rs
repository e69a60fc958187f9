//! A server between the SDK and an emulator that can answer in its place.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is answered in place of the service.
pub(crate) struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// A refusal as AWS words it.
    pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            body: json!({"__type": format!("com.amazonaws.any#{code}"), "message": message}),
        }
    }
}

type Meddle = Box<dyn Fn(&str, &Value) -> Option<Answer> + Send + Sync>;

struct Inside {
    upstream: Option<String>,
    meddle: Meddle,
    http: reqwest::Client,
    calls: Mutex<Vec<(String, Value)>>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Meddler {
    pub(crate) url: String,
    inside: Arc<Inside>,
    server: JoinHandle<()>,
}

impl Meddler {
    /// `meddle` sees the operation (`SendMessage`) and its input; where it says nothing, `upstream` answers.
    pub(crate) async fn start(
        upstream: Option<&str>,
        meddle: impl Fn(&str, &Value) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let inside = Arc::new(Inside {
            upstream: upstream.map(str::to_owned),
            meddle: Box::new(meddle),
            http: handover_ringcx::http::client(),
            calls: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.expect("serving works") });
        Self { url, inside, server }
    }

    /// The inputs of all calls of an operation.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Value> {
        let calls = self.inside.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = calls.iter().filter(|(name, _)| name == operation);
        of_it.map(|(_, input)| input.clone()).collect()
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target
        .and_then(|target| target.split('.').next_back())
        .unwrap_or_default();
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let meddled = (inside.meddle)(operation, &input);
    {
        let mut calls = inside.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((operation.to_owned(), input));
    }
    if let Some(Answer { status, body }) = meddled {
        let answer = Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.0");
        return answer.body(Body::from(body.to_string())).expect("a valid answer");
    }
    let upstream = inside
        .upstream
        .as_ref()
        .expect("an answer for every call, or somebody behind");
    let mut request = inside.http.post(upstream).body(body);
    for name in ["x-amz-target", "x-amz-date", "content-type", "authorization"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let real = request.send().await.expect("the emulator answers");
    let mut answer = Response::builder().status(real.status());
    for name in [
        "content-type",
        "x-amzn-errortype",
        "x-amzn-query-error",
        "x-amz-crc32",
    ] {
        if let Some(value) = real.headers().get(name) {
            answer = answer.header(name, value);
        }
    }
    let bytes = real.bytes().await.expect("the emulator answers");
    answer.body(Body::from(bytes)).expect("a valid answer")
}
