//! A server of files that behaves as a story wants: it lies, stalls, never ends, sends elsewhere or changes its mind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};

use crate::served::Served;

/// What is given for a path.
#[derive(Clone, Debug)]
pub enum Given {
    File(&'static str, Bytes),
    /// The same without saying how long it is.
    Unannounced(Bytes),
    Status(u16),
    Redirect(String),
    /// More and more, without an end.
    Endless,
    /// A beginning, and then nothing.
    Stalled,
}

#[derive(Default)]
struct Memory {
    /// The last is given for ever.
    given: HashMap<String, Vec<Given>>,
    asked: Vec<String>,
}

/// The server.
pub struct FileServer {
    memory: Arc<Mutex<Memory>>,
    served: Served,
}

impl FileServer {
    pub async fn start() -> Self {
        let memory = Arc::<Mutex<Memory>>::default();
        let router = Router::new().fallback(give).with_state(Arc::clone(&memory));
        let served = Served::start(router).await;
        Self { memory, served }
    }

    /// From now on: these for a path, one after the other, the last for ever. Returns its URL.
    pub fn gives(&self, path: &str, given: impl IntoIterator<Item = Given>) -> String {
        let mut given: Vec<Given> = given.into_iter().collect();
        given.reverse();
        lock(&self.memory).given.insert(path.to_owned(), given);
        self.url(path)
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        self.served.url().trim_start_matches("http://")
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.served.url())
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        lock(&self.memory)
            .asked
            .iter()
            .filter(|asked| *asked == path)
            .count()
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn give(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let given = {
        let mut memory = lock(&memory);
        memory.asked.push(path.clone());
        let given = memory.given.get_mut(&path);
        given.and_then(|given| {
            if given.len() > 1 {
                given.pop()
            } else {
                given.first().cloned()
            }
        })
    };
    let beginning = || Ok::<_, std::io::Error>(Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    match given {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Given::File(content_type, bytes)) => ([(CONTENT_TYPE, content_type)], bytes).into_response(),
        Some(Given::Unannounced(bytes)) => {
            Body::from_stream(stream::once(async { Ok::<_, std::io::Error>(bytes) })).into_response()
        }
        Some(Given::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Given::Redirect(to)) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Some(Given::Endless) => Body::from_stream(stream::repeat_with(beginning)).into_response(),
        Some(Given::Stalled) => {
            Body::from_stream(stream::once(async move { beginning() }).chain(stream::pending()))
                .into_response()
        }
    }
}
