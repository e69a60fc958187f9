use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::HandoverRequest;
use crate::ids::{ConversationId, ThreadId};
use crate::message::Attachment;
use crate::retry::Disposition;
use crate::settings::{Connection, Endpoint};

/// The bot's side: being told what happens.
#[async_trait]
pub trait BotPlatform: Send + Sync {
    /// In how many calls the bot is told of an event; 0 if its platform has no place for it.
    fn parts(&self, connection: &Connection, event: &BotEvent) -> usize {
        let _ = (connection, event);
        1
    }

    /// Tells the bot one part. `Ok` means that the bot took it.
    async fn tell(&self, connection: &Connection, delivery: &Delivery) -> Result<Told, BotError>;

    /// Tells the bot one part of what the person wrote on a channel of RCE's own. Some answer in the same breath.
    async fn ask(&self, connection: &Connection, delivery: &Delivery) -> Result<Answered, BotError> {
        let told = self.tell(connection, delivery).await?;
        Ok(Answered {
            told,
            says: Vec::new(),
        })
    }

    /// Whether the bot must not be told an event twice, because what it says to it comes by calls of its own: nobody could tell
    /// that it thought twice. What may have arrived counts as told.
    fn is_told_once(&self, connection: &Connection, event: &BotEvent) -> bool {
        let _ = (connection, event);
        false
    }

    /// Tells somebody else who asked for queue updates.
    async fn tell_subscriber(
        &self,
        connection: &Connection,
        subscriber: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError>;

    /// Finds out whether the bot, or another subscriber, is there and knows our signature. Changes nothing there and
    /// speaks to nobody; what a platform has no way to try is left out.
    async fn probe(
        &self,
        connection: &Connection,
        subscriber: Option<&Endpoint>,
        ping: &Ping,
    ) -> Result<Probed, BotError> {
        let _ = (connection, subscriber, ping);
        Ok(Probed::Nothing)
    }
}

/// A try that means nothing to the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Unique; the receiver's idempotency key.
    pub id: String,
    pub now: Timestamp,
    /// Sign with a key that nobody has: a receiver that checks signatures refuses it.
    pub forged: bool,
}

/// What a try found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The receiver took a signed event.
    Took(Told),
    /// Somebody answers at the address; more cannot be tried without speaking to a person.
    Answers(Told),
    /// Nothing was tried.
    Nothing,
}

/// One event on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Constant over retries; the receiver's idempotency key.
    pub id: String,
    pub conversation: ConversationId,
    pub epoch: u32,
    /// Gap-free per conversation; absent for subscribers other than the bot.
    pub seq: Option<u64>,
    /// When it happened.
    pub at: Timestamp,
    /// When this attempt is made; goes into the signature.
    pub now: Timestamp,
    pub rce_thread: Option<ThreadId>,
    pub address: Address,
    /// Which part of the event, from 0.
    pub part: usize,
    pub event: BotEvent,
}

/// What a bot's platform calls the person and the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub user_id: String,
    pub session_id: String,
    pub url_token: Option<String>,
    pub version: Option<String>,
}

/// What the receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
}

/// What a bot answered to the person's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub told: Told,
    /// In this order.
    pub says: Vec<BotSays>,
}

/// Something that a bot says or wants.
#[derive(Clone, Debug, PartialEq)]
pub enum BotSays {
    Message {
        text: Option<String>,
        attachments: Vec<Attachment>,
        structured: Option<Value>,
    },
    /// It wants a human.
    Handover(HandoverRequest),
    /// Nothing is to be said.
    Nothing,
    /// More than one answer may have; so many outputs are left out.
    TooMuch { left_out: usize },
}

/// Why the bot did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    #[error("the bot refused it ({status})")]
    Refused { status: u16 },
    /// 401 or 403: it does not accept our signature or key.
    #[error("the bot refused it ({status}): it does not accept our secret")]
    SecretRefused { status: u16 },
    /// Nobody said where the conversation is to be found, neither the settings nor the bot.
    #[error(
        "the conversation cannot be addressed at the bot: its session or url_token is missing or no part of a URL"
    )]
    NoAddress,
    /// It took the person's words, and what it says to them is no answer; to ask again would make it think twice.
    #[error("the bot's answer cannot be used: {0}")]
    Unreadable(&'static str),
    /// The receiver wants nothing more (410).
    #[error("the receiver is gone (410)")]
    Gone,
    #[error("the bot cannot take it now ({status})")]
    Busy {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// Our own limiter holds it back; that is no attempt.
    #[error("the limit of calls to the bot is reached")]
    HeldBack { after: Duration },
    #[error("no answer from the bot")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BotError {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } | Self::SecretRefused { .. } | Self::NoAddress => "bot_refused",
            Self::Unreadable(_) => "bot_answer_unreadable",
            Self::Gone => "bot_gone",
            Self::Busy { .. } | Self::HeldBack { .. } | Self::NoAnswer(_) => "bot_unavailable",
        }
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::NoAddress | Self::Unreadable(_) | Self::Gone => Disposition::Reject,
            Self::SecretRefused { .. } => Disposition::RetryWhileYoung,
            Self::Busy { retry_after, .. } => Disposition::Retry { after: *retry_after },
            Self::HeldBack { after } => Disposition::Wait { after: *after },
            Self::NoAnswer(_) => Disposition::Retry { after: None },
        }
    }
}
