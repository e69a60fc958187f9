//! What the simulation saw: requests of the bridge, its own deliveries, and violations of the protocol.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// Where a request of the bridge arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestKind {
    /// The Send API (realtime endpoint).
    SendApi,
    /// The REST API.
    Rest,
}

/// One request of the bridge.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// Which interface.
    pub kind: RequestKind,
    /// The Send API's action, or the REST request's method and path (`PUT /1.0/content_threads/…`).
    pub what: String,
    /// The body: JSON as it is, a form and a query as an object, anything else as a string.
    pub body: Value,
    /// The status it was answered with; 0 when the connection was dropped.
    pub status: u16,
    /// When it arrived.
    pub at: Timestamp,
}

/// What the simulation sent to the bridge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeliveryKind {
    /// A Source SDK action.
    SourceSdk,
    /// A webhook request.
    Webhook,
    /// The validation of a webhook.
    Handshake,
}

/// One request to the bridge and its outcome.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it went, without a query that was added.
    pub url: String,
    /// What kind of request.
    pub kind: DeliveryKind,
    /// The action, or the types of the events joined by commas.
    pub what: String,
    /// The JSON that was sent.
    pub body: Value,
    /// The answer's status; `None` when there was none.
    pub status: Option<u16>,
    /// The answer's text.
    pub answer: String,
    /// When it was sent.
    pub at: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

/// Something that the bridge must not do.
#[derive(Clone, Debug)]
pub struct Violation {
    /// A short name of the rule, such as `answer-signature`.
    pub rule: &'static str,
    /// What was seen.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A list that forgets its oldest entries.
#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    limit: usize,
    total: u64,
}

impl<T: Clone> Log<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            limit: limit.max(1),
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, entry: T) {
        if self.entries.len() == self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.total += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
