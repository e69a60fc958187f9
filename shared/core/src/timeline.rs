//! What happened to a conversation, for the people who are asked about it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// One line of a conversation's timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    /// Dotted, what happened: `message.accepted`, `handover.queued`, `event.delivered`, …
    pub what: String,
    /// Ids and outcomes; never message text, names or secrets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
    /// Message text, for readers who may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl TimelineEntry {
    pub fn new(at: Timestamp, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            detail: Map::new(),
            text: None,
        }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn text(mut self, text: Option<&str>) -> Self {
        self.text = text.map(str::to_owned);
        self
    }
}
