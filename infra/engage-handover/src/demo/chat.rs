//! One conversation as the customer sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::bot;
use super::bridge::Exchange;
use super::customers::Customer;
use super::now_ms;

/// How many requests and events the page can show.
const EXCHANGES_KEPT: usize = 400;

/// Who answers the customer, as far as the bot was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Bot,
    Requested,
    Queued,
    Active,
}

/// One line of the chat window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) id: String,
    /// `customer`, `bot`, `agent` or `notice`.
    pub(super) from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) text: String,
    /// `[{url, filename}]`
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) attachments: Value,
    /// RCE's structured content: `{type, items: [{title, payload}]}`
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) structured: Value,
    /// Why it is not delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trouble: Option<String>,
    /// Unix milliseconds.
    pub(super) at: i64,
    pub(super) state: LineState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LineState {
    Sending,
    Sent,
    Failed,
}

/// Everything that the chat window shows.
#[derive(Clone, Debug, Serialize)]
pub(super) struct View {
    /// The bridge's name of it; empty until it has one.
    pub(super) conversation: String,
    pub(super) customer: &'static str,
    pub(super) bot: &'static str,
    pub(super) phase: Phase,
    pub(super) agent: Option<String>,
    /// `{position, estimated_wait_ms}`
    pub(super) queue: Value,
    /// The bot or the agent is writing.
    pub(super) typing: bool,
    /// The bot stopped answering; after so many seconds the agents have the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asleep: Option<u64>,
    /// How many handovers ended.
    pub(super) handovers_over: u32,
    pub(super) lines: Vec<Line>,
}

/// A conversation: the view that the page follows, and the order of the bot's doings.
pub(super) struct Chat {
    pub(super) id: String,
    pub(super) customer: &'static Customer,
    view: watch::Sender<View>,
    exchanges: Mutex<Vec<(u64, Exchange)>>,
    /// Held while a line of the customer is passed on and answered: lines keep their order.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Chat {
    pub(super) fn new(id: String, customer: &'static Customer) -> Self {
        let view = View {
            conversation: id.clone(),
            customer: customer.name,
            bot: bot::NAME,
            phase: Phase::Bot,
            agent: None,
            queue: Value::Null,
            typing: false,
            asleep: None,
            handovers_over: 0,
            lines: Vec::new(),
        };
        Self {
            id,
            customer,
            view: watch::Sender::new(view),
            exchanges: Mutex::default(),
            turn: Arc::default(),
        }
    }

    /// Follows the view; the current one counts as new.
    pub(super) fn subscribe(&self) -> watch::Receiver<View> {
        let mut receiver = self.view.subscribe();
        receiver.mark_changed();
        receiver
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(change);
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.borrow())
    }

    pub(super) fn phase(&self) -> Phase {
        self.look(|view| view.phase)
    }

    /// Remembers a request or an event for the page.
    pub(super) fn record(&self, exchange: Exchange) {
        let mut exchanges = self.exchanges();
        let number = exchanges.last().map_or(1, |(number, _)| number + 1);
        if exchanges.len() == EXCHANGES_KEPT {
            exchanges.remove(0);
        }
        exchanges.push((number, exchange));
        drop(exchanges);
        self.change(|_| ());
    }

    /// The requests and events after number `after`, with the number of the last one.
    pub(super) fn exchanges_after(&self, after: u64) -> (u64, Vec<Exchange>) {
        let exchanges = self.exchanges();
        let last = exchanges.last().map_or(after, |(number, _)| *number);
        let newer = exchanges.iter().filter(|(number, _)| *number > after);
        (last, newer.map(|(_, exchange)| exchange.clone()).collect())
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<(u64, Exchange)>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Appends a line unless one with its id is there.
    pub(super) fn add(&mut self, line: Line) {
        if !self.lines.iter().any(|known| known.id == line.id) {
            self.lines.push(line);
        }
    }

    pub(super) fn set_state(&mut self, id: &str, state: LineState) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == id) {
            line.state = state;
        }
    }

    /// A line that is neither the customer's nor anybody's: what just changed.
    pub(super) fn notice(&mut self, text: String) {
        let id = format!("notice-{}", self.lines.len());
        self.add(Line::new(id, "notice", None, text));
    }
}

impl Line {
    pub(super) fn new(id: String, from: &'static str, name: Option<String>, text: String) -> Self {
        Self {
            id,
            from,
            name,
            text,
            attachments: Value::Null,
            structured: Value::Null,
            trouble: None,
            at: now_ms(),
            state: LineState::Sent,
        }
    }
}
