//! A bot that listens: it checks every signature and answers as it is told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;

use crate::served::Served;
use crate::setup::{BOT_SECRET, WALLBOARD_SECRET};

/// The path at which the bot itself listens; everything else is a wallboard.
pub const EVENTS: &str = "/events";

/// How the next request is answered.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// A redirect to somewhere else, which nobody may follow.
    Redirect,
    /// The connection breaks instead.
    Drop,
    /// Taken, but the answer gets lost.
    TakeAndDrop,
    /// No answer at all.
    Hang,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub at: i64,
    pub headers: HeaderMap,
    pub raw: Bytes,
    pub body: Value,
    /// Whether it was answered with a 2xx.
    pub accepted: bool,
}

impl Heard {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub fn seq(&self) -> u64 {
        self.data()["seq"].as_u64().unwrap_or(0)
    }

    pub fn epoch(&self) -> u64 {
        self.data()["epoch"].as_u64().unwrap_or(0)
    }

    /// The text of a `message.created`.
    pub fn text(&self) -> &str {
        self.data()["message"]["text"].as_str().unwrap_or_default()
    }

    pub fn conversation(&self) -> &str {
        self.data()["conversation"].as_str().unwrap_or_default()
    }
}

#[derive(Default)]
struct Memory {
    replays: bool,
    /// The only signature that the bot takes, if a story changed it; what is signed otherwise is answered with 401.
    secret: Option<String>,
    heard: Vec<Heard>,
    script: HashMap<String, VecDeque<Answer>>,
    problems: Vec<String>,
}

type Shared = Arc<Mutex<Memory>>;

/// The bot, and the wallboards beside it.
pub struct RecordingBot {
    memory: Shared,
    served: Served,
}

impl RecordingBot {
    pub async fn start() -> Self {
        let memory = Shared::default();
        let router = Router::new().fallback(listen).with_state(Arc::clone(&memory));
        let served = Served::start(router).await;
        Self { memory, served }
    }

    pub fn url(&self) -> &str {
        self.served.url()
    }

    /// The bot's next answers, in order; then 200 again.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers_at(EVENTS, answers);
    }

    pub fn answers_at(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut memory = lock(&self.memory);
        memory.script.entry(path.to_owned()).or_default().extend(answers);
    }

    /// From now on everything is answered with 200 again.
    pub fn forget_script(&self) {
        lock(&self.memory).script.clear();
    }

    /// Every request to the bot, refused ones included.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard_at(EVENTS)
    }

    pub fn heard_at(&self, path: &str) -> Vec<Heard> {
        let memory = lock(&self.memory);
        memory
            .heard
            .iter()
            .filter(|heard| heard.path == path)
            .cloned()
            .collect()
    }

    /// What the bot took, each event once, in the order in which it first took them.
    pub fn taken(&self) -> Vec<Heard> {
        let mut seen = HashSet::new();
        let mut taken = self.heard();
        taken.retain(|heard| heard.accepted && seen.insert(heard.id.clone()));
        taken
    }

    /// The types of what the bot took.
    pub fn kinds(&self) -> Vec<String> {
        self.taken().iter().map(|heard| heard.kind().to_owned()).collect()
    }

    /// The only event of this type that the bot took.
    #[track_caller]
    pub fn only(&self, kind: &str) -> Heard {
        let mut found = self.taken();
        found.retain(|heard| heard.kind() == kind);
        assert_eq!(found.len(), 1, "{kind} among {:?}", self.kinds());
        found.remove(0)
    }

    /// The texts of agents that the bot took.
    pub fn texts(&self) -> Vec<String> {
        let mut taken = self.taken();
        taken.retain(|heard| heard.kind() == "message.created");
        taken.iter().map(|heard| heard.text().to_owned()).collect()
    }

    /// Somebody sent dead letters again: they come late, with the numbers that they had.
    pub fn allow_replays(&self) {
        lock(&self.memory).replays = true;
    }

    /// The bot takes nothing from now on but what is signed with this secret.
    pub fn takes_only(&self, secret: &str) {
        lock(&self.memory).secret = Some(secret.to_owned());
    }

    /// Signatures were right, repeats have the same body, and per conversation numbers have no gap and no second
    /// meaning.
    #[track_caller]
    pub fn check(&self) {
        let (problems, replays) = {
            let memory = lock(&self.memory);
            (memory.problems.clone(), memory.replays)
        };
        assert!(problems.is_empty(), "{problems:?}");
        let mut bodies: HashMap<(String, String), Bytes> = HashMap::new();
        for heard in self.heard() {
            let known = bodies
                .entry((heard.path, heard.id.clone()))
                .or_insert(heard.raw.clone());
            assert_eq!(*known, heard.raw, "{} came again with another body", heard.id);
        }
        let mut ids: HashMap<(String, u64), String> = HashMap::new();
        let mut offered: HashMap<String, HashSet<u64>> = HashMap::new();
        let mut last_taken: HashMap<String, u64> = HashMap::new();
        for heard in self.heard() {
            let (conversation, seq) = (heard.conversation().to_owned(), heard.seq());
            assert!(seq > 0, "an event without a number: {:?}", heard.body);
            offered.entry(conversation.clone()).or_default().insert(seq);
            if !heard.accepted {
                continue;
            }
            let key = (conversation.clone(), seq);
            if let Some(known) = ids.insert(key, heard.id.clone()) {
                assert_eq!(known, heard.id, "number {seq} of {conversation} has two meanings");
                continue; // a repeat
            }
            let last = last_taken.entry(conversation).or_insert(0);
            assert!(replays || seq >= *last, "number {seq} after {last}");
            *last = seq;
        }
        for (conversation, seen) in offered {
            let highest = seen.iter().copied().max().unwrap_or(0);
            let missing: Vec<u64> = (1..=highest).filter(|seq| !seen.contains(seq)).collect();
            assert!(
                missing.is_empty(),
                "{conversation} never heard of numbers {missing:?}"
            );
        }
    }
}

fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(State(memory): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let raw = axum::body::to_bytes(body, 10_000_000).await.unwrap_or_default();
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (id, at) = (
        header("webhook-id"),
        header("webhook-timestamp").parse().unwrap_or(0),
    );
    let changed = lock(&memory).secret.clone().filter(|_| path == EVENTS);
    let secret = match &changed {
        Some(secret) => secret,
        None if path == EVENTS => BOT_SECRET,
        None => WALLBOARD_SECRET,
    };
    let expected = Webhook::new(secret).and_then(|webhook| webhook.sign(&id, at, &raw));
    let expected = expected.expect("the reference signs");
    let signed = header("webhook-signature")
        .split(' ')
        .any(|given| given == expected);
    let answer = {
        let mut memory = lock(&memory);
        let refused = changed.is_some() && !signed;
        if !signed && !refused || id.is_empty() || header("content-type") != "application/json" {
            memory
                .problems
                .push(format!("{path}: not signed properly: {:?}", parts.headers));
        }
        let scripted = memory.script.get_mut(&path).and_then(VecDeque::pop_front);
        let usual = Answer::Status(if refused { 401 } else { 200 });
        let answer = scripted.unwrap_or(usual);
        memory.heard.push(Heard {
            path,
            id,
            at,
            headers: parts.headers,
            body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
            raw,
            accepted: matches!(answer, Answer::Status(200..=299) | Answer::TakeAndDrop),
        });
        answer
    };
    give(answer).await
}

async fn give(answer: Answer) -> Response {
    let status = |status| StatusCode::from_u16(status).expect("a status");
    match answer {
        Answer::Status(code) => status(code).into_response(),
        Answer::RetryAfter(code, after) => (status(code), [("retry-after", after)]).into_response(),
        Answer::Redirect => (status(307), [("location", "/elsewhere")]).into_response(),
        Answer::Drop | Answer::TakeAndDrop => {
            Response::new(Body::from_stream(futures_util::stream::once(async {
                Err::<Bytes, _>(std::io::Error::other("the connection breaks"))
            })))
        }
        Answer::Hang => std::future::pending().await,
    }
}
