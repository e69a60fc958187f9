//! Messages.

use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;

use crate::config::IndexLag;

/// Who wrote a content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthorKind {
    /// A customer.
    Customer,
    /// The bot's puppet identity.
    Bot,
    /// An agent, or the agents' puppet identity.
    Agent,
}

impl AuthorKind {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Bot => "bot",
            Self::Agent => "agent",
        }
    }
}

/// Whether a content reached the bridge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SyncStatus {
    /// It came from the bridge, or the bridge took it.
    Success,
    /// It is on its way.
    ExportPending,
    /// All attempts failed, or the bridge refused it for good.
    ExportFailure,
    /// The export was given up before it was tried to the end.
    ExportAborted,
}

impl SyncStatus {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExportPending => "export_pending",
            Self::ExportFailure => "export_failure",
            Self::ExportAborted => "export_aborted",
        }
    }
}

/// One message.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of its own, as in the API"
)]
pub struct Content {
    /// The platform's id.
    pub id: String,
    /// The bridge's id: its own for imports, the returned one for agents' messages.
    pub foreign_id: Option<String>,
    /// The platform's id of the thread.
    pub thread_id: String,
    /// The identity that speaks.
    pub author_id: String,
    /// Who speaks.
    pub author_kind: AuthorKind,
    /// The name a reader sees.
    pub author_name: String,
    /// The agent account behind it.
    pub creator_id: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// `text` or `html`.
    pub format: String,
    /// Attachments as sent.
    pub attachments: Vec<Value>,
    /// Buttons, cards and the like.
    pub structured_content: Option<Value>,
    /// The platform's id of the content it answers.
    pub in_reply_to_id: Option<String>,
    /// The params as they arrived; null for agents' messages.
    pub params: Value,
    /// `synchronizer`, `interface` or `api`.
    pub created_from: &'static str,
    /// `new`, `replied`, `user_reply`, `user_initiated` or `ignored`.
    pub status: &'static str,
    /// The intervention it belongs to.
    pub intervention_id: Option<String>,
    /// When it was written, by its author's word.
    pub created_at: Timestamp,
    /// When the platform got it.
    pub imported_at: Timestamp,
    /// Written well before it was imported: part of a transcript.
    pub history: bool,
    /// Whether it reached the bridge.
    pub synchronization_status: SyncStatus,
    /// Why it did not.
    pub synchronization_error: Option<String>,
    /// How often it was sent to the bridge.
    pub attempts: u32,
    /// How often the bridge sent it again.
    pub repeats: u32,
    /// Whether the customer read it.
    pub read: bool,
    /// Sent by itself, not by a person.
    pub auto_submitted: bool,
    /// Not for everybody to read.
    pub private: bool,
    /// Its author deleted it on the channel.
    pub remotely_deleted: bool,
    /// The payload of the button that was pressed.
    pub structured_reply_payload: Option<String>,
    /// Headers of an e-mail.
    pub headers: Vec<(String, String)>,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Counts what reached customers, in the order in which it did.
    pub(crate) seen: Option<u64>,
    pub(crate) lag: Lag,
}

impl Content {
    /// A content without anything in it: a customer's, imported at this moment.
    pub(crate) fn new(
        id: String,
        thread_id: &str,
        author: (String, AuthorKind, String),
        now: Timestamp,
    ) -> Self {
        let (author_id, author_kind, author_name) = author;
        Self {
            id,
            foreign_id: None,
            thread_id: thread_id.to_owned(),
            author_id,
            author_kind,
            author_name,
            creator_id: None,
            body: None,
            format: "text".to_owned(),
            attachments: Vec::new(),
            structured_content: None,
            in_reply_to_id: None,
            params: Value::Null,
            created_from: "synchronizer",
            status: "new",
            intervention_id: None,
            created_at: now,
            imported_at: now,
            history: false,
            synchronization_status: SyncStatus::Success,
            synchronization_error: None,
            attempts: 0,
            repeats: 0,
            read: false,
            auto_submitted: false,
            private: false,
            remotely_deleted: false,
            structured_reply_payload: None,
            headers: Vec::new(),
            updated_at: now,
            seen: None,
            lag: Lag::default(),
        }
    }
}

/// How long something stays invisible to searches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    pub(crate) searches_to_miss: u32,
    pub(crate) visible_at: Option<Instant>,
}

impl Lag {
    pub(crate) fn new(lag: IndexLag) -> Self {
        match lag {
            IndexLag::None => Self::default(),
            IndexLag::Searches(searches_to_miss) => Self {
                searches_to_miss,
                visible_at: None,
            },
            IndexLag::For(time) => Self {
                searches_to_miss: 0,
                visible_at: Some(Instant::now() + time),
            },
        }
    }

    /// Whether a search finds it; counts as one.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.searches_to_miss > 0 {
            self.searches_to_miss -= 1;
            return false;
        }
        self.visible_at.is_none_or(|at| Instant::now() >= at)
    }
}
