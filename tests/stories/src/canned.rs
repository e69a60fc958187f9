//! An RCE that answers from a list, for exchanges whose every byte is given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::served::Served;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Canned {
    /// What the request must begin with, as `METHOD target`; the first that fits is used up.
    pub to: String,
    pub status: u16,
    pub body: String,
    pub retry_after: Option<&'static str>,
}

#[derive(Default)]
struct Memory {
    seen: Vec<Seen>,
    once: VecDeque<Canned>,
    always: Vec<Canned>,
}

type Shared = Arc<Mutex<Memory>>;

/// The list, behind a port of its own.
pub struct CannedRce {
    memory: Shared,
    served: Served,
}

impl CannedRce {
    pub async fn start() -> Self {
        let memory = Shared::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        let served = Served::start(router).await;
        Self { memory, served }
    }

    pub fn url(&self) -> &str {
        self.served.url()
    }

    /// The next request that begins like this is answered so.
    pub fn once(&self, to: &str, status: u16, body: impl Into<String>) {
        self.answer(to, status, body, None);
    }

    pub fn answer(&self, to: &str, status: u16, body: impl Into<String>, retry_after: Option<&'static str>) {
        let (to, body) = (to.to_owned(), body.into());
        lock(&self.memory).once.push_back(Canned {
            to,
            status,
            body,
            retry_after,
        });
    }

    /// Every request that begins like this is answered so, unless something else was put up for it.
    pub fn always(&self, to: &str, status: u16, body: impl Into<String>) {
        let (to, body) = (to.to_owned(), body.into());
        lock(&self.memory).always.push(Canned {
            to,
            status,
            body,
            retry_after: None,
        });
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.memory).seen.clone()
    }

    /// Requests since the last look.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.memory).seen)
    }
}

fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(memory): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 30_000_000).await.unwrap_or_default();
    let target = parts
        .uri
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let line = format!("{} {target}", parts.method);
    let canned = {
        let mut memory = lock(&memory);
        let next = memory.once.iter().position(|canned| line.starts_with(&canned.to));
        let once = next.and_then(|index| memory.once.remove(index));
        memory.seen.push(Seen {
            method: parts.method.to_string(),
            target,
            headers: parts.headers,
            body,
        });
        once.or_else(|| {
            memory
                .always
                .iter()
                .rev()
                .find(|canned| line.starts_with(&canned.to))
                .cloned()
        })
    };
    let Some(canned) = canned else {
        let unknown = format!("{{\"error\":\"nothing_canned\",\"message\":\"{line}\",\"status\":501}}");
        return (StatusCode::NOT_IMPLEMENTED, unknown).into_response();
    };
    let status = StatusCode::from_u16(canned.status).expect("a status");
    let mut response = (status, canned.body).into_response();
    if let Some(after) = canned.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, after.parse().expect("a header"));
    }
    response
}
