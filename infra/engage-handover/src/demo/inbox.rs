//! Where the bridge's signed events arrive: what is not signed by the bridge is refused, and each event is taken once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;

/// How many ids of taken events are remembered.
const IDS_KEPT: usize = 10_000;

/// The receiver of one bot.
pub(super) struct Inbox {
    webhook: Webhook,
    taken: Mutex<(HashSet<String>, VecDeque<String>)>,
}

impl Inbox {
    pub(super) fn new(signing_secret: &str) -> anyhow::Result<Self> {
        Ok(Self {
            webhook: Webhook::new(signing_secret)?,
            taken: Mutex::default(),
        })
    }

    /// Opens one delivery: its id and the event.
    ///
    /// # Errors
    ///
    /// The answer to whoever sent something else.
    pub(super) fn open(&self, headers: &HeaderMap, body: &Bytes) -> Result<(String, Value), StatusCode> {
        if self.webhook.verify(body, headers).is_err() {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
        let event = serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok((id.unwrap_or_default().to_owned(), event))
    }

    /// Whether this event was not taken before.
    pub(super) fn is_new(&self, id: &str) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (ids, order) = &mut *taken;
        if !ids.insert(id.to_owned()) {
            return false;
        }
        order.push_back(id.to_owned());
        if order.len() > IDS_KEPT
            && let Some(oldest) = order.pop_front()
        {
            ids.remove(&oldest);
        }
        true
    }
}
