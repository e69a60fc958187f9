//! The world around the bridge: an RCE and a bot on one listener, which note what reaches them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use handover_bench::fixtures::{BOT_CATEGORY, SOURCE_ID};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::listener;

/// How long a bot that holds its answers holds them: below the bridge's patience of 15 seconds.
const HOLD: Duration = Duration::from_secs(13);

/// RCE's thread ids, made from ours.
const THREAD_PREFIX: &str = "rce-";

/// Something that reached the outside.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) conversation: String,
    /// Towards the bot the message's id, towards RCE its text.
    pub(crate) message: String,
    pub(crate) at: Instant,
}

#[derive(Default)]
pub(crate) struct Outside {
    /// Messages of agents, as the bot gets them.
    at_bot: Mutex<Vec<Seen>>,
    /// Messages of people, as RCE gets them.
    at_rce: Mutex<Vec<Seen>>,
    /// The number of the last event of each conversation, and how many gaps and repeats there were.
    numbers: Mutex<(HashMap<String, u64>, usize)>,
    /// Categories of threads that were moved.
    categories: Mutex<HashMap<String, Vec<String>>>,
    holds: AtomicBool,
}

impl Outside {
    pub(crate) async fn start() -> anyhow::Result<(Arc<Self>, SocketAddr)> {
        let outside = Arc::new(Self::default());
        let answering = Arc::clone(&outside);
        let address = listener::start(move |request| {
            let outside = Arc::clone(&answering);
            async move { outside.answer(request).await }
        })
        .await?;
        Ok((outside, address))
    }

    /// From now on the bot takes [`HOLD`] for each answer, or answers at once.
    pub(crate) fn hold(&self, holds: bool) {
        self.holds.store(holds, Ordering::Relaxed);
    }

    pub(crate) fn at_bot(&self) -> Vec<Seen> {
        lock(&self.at_bot).clone()
    }

    pub(crate) fn at_rce(&self) -> Vec<Seen> {
        lock(&self.at_rce).clone()
    }

    pub(crate) fn count_at_bot(&self) -> usize {
        lock(&self.at_bot).len()
    }

    pub(crate) fn count_at_rce(&self) -> usize {
        lock(&self.at_rce).len()
    }

    pub(crate) fn count_moved(&self) -> usize {
        lock(&self.categories).len()
    }

    /// Events whose number was not the one after the last of their conversation.
    pub(crate) fn wrong_numbers(&self) -> usize {
        lock(&self.numbers).1
    }

    pub(crate) fn forget(&self) {
        lock(&self.at_bot).clear();
        lock(&self.at_rce).clear();
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let at = Instant::now();
        let path = parts.uri.path();
        let answer = match (&parts.method, path) {
            (&Method::POST, "/events") => {
                self.event(&body, at);
                if self.holds.load(Ordering::Relaxed) {
                    let _ = tokio::time::timeout(HOLD, std::future::pending::<()>()).await;
                }
                String::new()
            }
            (&Method::POST, _) => {
                self.send_api(&body, at);
                "ok".to_owned()
            }
            _ => self
                .rest(path, parts.uri.query().unwrap_or_default(), &body)
                .to_string(),
        };
        Ok(Response::new(Full::from(answer)))
    }

    fn event(&self, body: &[u8], at: Instant) {
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let data = &event["data"];
        let conversation = text(&data["conversation"]);
        if let Some(number) = data["seq"].as_u64() {
            let mut numbers = lock(&self.numbers);
            let last = numbers.0.insert(conversation.clone(), number).unwrap_or_default();
            numbers.1 += usize::from(number != last + 1);
        }
        if event["type"] == "message.created" {
            let message = text(&data["message"]["id"]);
            lock(&self.at_bot).push(Seen {
                conversation,
                message,
                at,
            });
        }
    }

    fn send_api(&self, body: &[u8], at: Instant) {
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        if call["action"] == "messages.create" {
            let params = &call["params"];
            let (conversation, message) = (text(&params["thread_id"]), text(&params["body"]));
            lock(&self.at_rce).push(Seen {
                conversation,
                message,
                at,
            });
        }
    }

    /// Threads: the search by our id, and the change of categories.
    fn rest(&self, path: &str, query: &str, body: &[u8]) -> Value {
        let mut segments = path
            .split('/')
            .skip_while(|segment| *segment != "content_threads")
            .skip(1);
        let Some(id) = segments.next() else {
            let search = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q");
            let search = search.map(|(_, search)| search.into_owned()).unwrap_or_default();
            let ours = search.split('"').nth(1).unwrap_or_default();
            return json!({"records": [self.thread(&format!("{THREAD_PREFIX}{ours}"))]});
        };
        if segments.next() == Some("update_categories") {
            let wanted = form_urlencoded::parse(body)
                .map(|(_, id)| id.into_owned())
                .collect();
            lock(&self.categories).insert(id.to_owned(), wanted);
        }
        self.thread(id)
    }

    fn thread(&self, id: &str) -> Value {
        let categories = lock(&self.categories).get(id).cloned();
        json!({
            "id": id,
            "foreign_id": id.trim_start_matches(THREAD_PREFIX),
            "source_id": SOURCE_ID,
            "thread_category_ids": categories.unwrap_or_else(|| vec![BOT_CATEGORY.to_owned()]),
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
