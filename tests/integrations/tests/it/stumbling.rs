//! A door before the bridge that can stumble: what came in is done, but the answer is a 503.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[derive(Default)]
struct Mood {
    stumbles: AtomicUsize,
    is_shut: AtomicBool,
    requests: AtomicUsize,
}

pub(crate) struct Door {
    pub(crate) url: String,
    mood: Arc<Mood>,
    server: JoinHandle<()>,
}

impl Door {
    pub(crate) async fn before(bridge: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mood = Arc::new(Mood::default());
        let http = handover_ringcx::http::client();
        let app = Router::new()
            .fallback(pass)
            .with_state((bridge, http, Arc::clone(&mood)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, mood, server }
    }

    /// The next requests reach the bridge, but their answers do not reach the bot.
    pub(crate) fn stumble(&self, times: usize) {
        self.mood.stumbles.store(times, Ordering::SeqCst);
    }

    /// Whether nothing reaches the bridge.
    pub(crate) fn shut(&self, is_shut: bool) {
        self.mood.is_shut.store(is_shut, Ordering::SeqCst);
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.mood.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    State((bridge, http, mood)): State<(String, reqwest::Client, Arc<Mood>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    mood.requests.fetch_add(1, Ordering::SeqCst);
    if mood.is_shut.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut request = http.request(method, format!("{bridge}{uri}")).body(body);
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.unwrap();
    let one_less = |left: usize| left.checked_sub(1);
    let stumbled = mood
        .stumbles
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
    if stumbled.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    (answer.status(), answer.bytes().await.unwrap()).into_response()
}
