//! A bot that checks the signature of what it is told, writes everything down, and fails by chance.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::chance::Chance;
use crate::world::pause;

pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The events that end a handover.
const ENDS: [&str; 4] = [
    "handover.completed",
    "handover.cancelled",
    "handover.failed",
    "handover.timed_out",
];

/// What the bot does with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mood {
    Fine,
    Slow,
    Error500,
    Error429,
    DropsBefore,
    DropsAfter,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// `webhook-id`.
    pub(crate) id: String,
    pub(crate) seq: u64,
    pub(crate) epoch: u64,
    pub(crate) kind: String,
    /// The id of an agent's message.
    pub(crate) message: Option<String>,
    pub(crate) raw: Bytes,
    /// Whether the bot took it, which the bridge need not know.
    pub(crate) taken: bool,
    pub(crate) at: Instant,
}

impl Heard {
    pub(crate) fn is_end(&self) -> bool {
        ENDS.contains(&self.kind.as_str())
    }
}

#[derive(Default)]
struct Notes {
    heard: Vec<Heard>,
    /// By conversation, where its requests are in `heard`.
    of: HashMap<String, Vec<usize>>,
    problems: Vec<String>,
    faults: BTreeMap<&'static str, u64>,
    chance: Option<Chance>,
    /// Who is told of each event that was taken.
    listener: Option<UnboundedSender<Value>>,
}

pub(crate) struct Bot {
    pub(crate) url: String,
    notes: Arc<Mutex<Notes>>,
    server: JoinHandle<()>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bot {
    /// `chance`: when it fails; `None` never.
    pub(crate) async fn start(chance: Option<Chance>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/events", listener.local_addr()?);
        let notes = Arc::new(Mutex::new(Notes {
            chance,
            ..Notes::default()
        }));
        let server = tokio::spawn(serve(listener, Arc::clone(&notes)));
        Ok(Self { url, notes, server })
    }

    /// Each event that it takes from now on, repeats included.
    pub(crate) fn listen(&self) -> UnboundedReceiver<Value> {
        let (listener, events) = unbounded_channel();
        lock(&self.notes).listener = Some(listener);
        events
    }

    /// Where it has files.
    pub(crate) fn host(&self) -> &str {
        let rest = self.url.trim_start_matches("http://");
        rest.split('/').next().unwrap_or_default()
    }

    /// From now on it does not fail.
    pub(crate) fn recover(&self) {
        lock(&self.notes).chance = None;
    }

    pub(crate) fn faults(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.notes).faults.clone()
    }

    /// What was wrong with requests themselves.
    pub(crate) fn problems(&self) -> Vec<String> {
        lock(&self.notes).problems.clone()
    }

    /// All requests of a conversation, in order.
    pub(crate) fn heard(&self, conversation: &str) -> Vec<Heard> {
        let notes = lock(&self.notes);
        let indexes = notes.of.get(conversation).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|index| notes.heard[*index].clone()).collect()
    }

    /// The end of a handover, when the bot first took it.
    pub(crate) fn end_of(&self, conversation: &str, epoch: u64) -> Option<Heard> {
        let notes = lock(&self.notes);
        let mut of = notes
            .of
            .get(conversation)?
            .iter()
            .map(|index| &notes.heard[*index]);
        of.find(|heard| heard.taken && heard.epoch == epoch && heard.is_end())
            .cloned()
    }

    /// How many requests came, and how many of them were taken.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let notes = lock(&self.notes);
        (
            notes.heard.len(),
            notes.heard.iter().filter(|heard| heard.taken).count(),
        )
    }
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, notes: Arc<Mutex<Notes>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let notes = Arc::clone(&notes);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&notes)));
            let mut http = http1::Builder::new();
            // An error is a connection that breaks, which is what some answers are.
            let _ = http
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    notes: Arc<Mutex<Notes>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    if parts.method == hyper::Method::GET {
        return Ok(file());
    }
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    // A bridge that was killed in the middle of a request told nothing.
    let Ok(raw) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Err(std::io::Error::other("half a request"));
    };
    let id = header("webhook-id");
    let problem = check(
        &id,
        &header("webhook-timestamp"),
        &header("webhook-signature"),
        &raw,
    );
    let (mood, slow) = {
        let mut notes = lock(&notes);
        notes.problems.extend(problem);
        notes.mood()
    };
    if mood == Mood::Slow {
        pause(slow).await;
    }
    let taken = matches!(mood, Mood::Fine | Mood::Slow | Mood::DropsAfter);
    lock(&notes).note(id, raw, taken);
    let mut response = Response::new(Full::default());
    match mood {
        Mood::Fine | Mood::Slow => {}
        Mood::Error500 => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
        Mood::Error429 => {
            *response.status_mut() = hyper::StatusCode::TOO_MANY_REQUESTS;
            response
                .headers_mut()
                .insert("retry-after", hyper::header::HeaderValue::from_static("1"));
        }
        Mood::DropsBefore | Mood::DropsAfter => return Err(std::io::Error::other("the connection breaks")),
    }
    Ok::<_, Infallible>(response).map_err(|never| match never {})
}

/// A file of the bot's.
fn file() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("A file of the bot's\n"));
    let text = hyper::header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
    response
}

/// Verified by the reference implementation of Standard Webhooks.
fn check(id: &str, at: &str, signature: &str, raw: &[u8]) -> Option<String> {
    let expected = Webhook::new(SECRET).and_then(|webhook| webhook.sign(id, at.parse().unwrap_or(0), raw));
    let signed = expected.is_ok_and(|expected| signature.split(' ').any(|given| given == expected));
    (!signed || id.is_empty()).then(|| format!("request {id:?} at {at:?} is not signed properly"))
}

impl Notes {
    fn mood(&mut self) -> (Mood, Duration) {
        let Some(chance) = &mut self.chance else {
            return (Mood::Fine, Duration::ZERO);
        };
        let moods = [
            (Mood::Fine, 84),
            (Mood::Slow, 6),
            (Mood::Error500, 4),
            (Mood::Error429, 2),
            (Mood::DropsBefore, 2),
            (Mood::DropsAfter, 2),
        ];
        let mood = chance.weighted(&moods);
        let slow = chance.millis(100, 1_500);
        let name = match mood {
            Mood::Fine => return (mood, slow),
            Mood::Slow => "slow",
            Mood::Error500 => "500",
            Mood::Error429 => "429 with Retry-After",
            Mood::DropsBefore => "dropped before taking",
            Mood::DropsAfter => "dropped after taking",
        };
        *self.faults.entry(name).or_default() += 1;
        (mood, slow)
    }

    fn note(&mut self, id: String, raw: Bytes, taken: bool) {
        let event: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        let data = &event["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conversation = text(&data["conversation"]);
        let heard = Heard {
            id,
            seq: data["seq"].as_u64().unwrap_or(0),
            epoch: data["epoch"].as_u64().unwrap_or(0),
            kind: text(&event["type"]),
            message: (event["type"] == "message.created").then(|| text(&data["message"]["id"])),
            raw,
            taken,
            at: Instant::now(),
        };
        self.of.entry(conversation).or_default().push(self.heard.len());
        self.heard.push(heard);
        if let Some(listener) = self.listener.as_ref().filter(|_| taken) {
            // Nobody listens any more at the very end.
            let _ = listener.send(event);
        }
    }
}
