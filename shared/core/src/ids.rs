//! One type for each kind of id, so that none is handed over where another is meant.
//!
//! RCE's own ids are opaque strings (24 hexadecimal digits in practice). The ids that *we* give RCE
//! travel through its search syntax, which has no documented escape, so they are rendered with
//! `[A-Za-z0-9_-]` only.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }
    };
}

id!(
    /// A connection: one RCE source joined to one bot. First segment of every public URL.
    ConnectionId
);
id!(
    /// The bot platform's id of a conversation (its session id), exactly as given.
    ConversationId
);
id!(
    /// The thread id that we give RCE, and the key under which a conversation is stored.
    ForeignThreadId
);
id!(
    /// RCE's own id of a thread.
    ThreadId
);
id!(
    /// RCE's own id of a message.
    ContentId
);
id!(
    /// RCE's own id of a person or account on a source's side.
    IdentityId
);
id!(
    /// RCE's own id of an uploaded file.
    AttachmentId
);
id!(
    /// Our id of a message, as callers name it.
    MessageId
);
id!(
    /// The id that we give RCE for a message; the same on every retry.
    ForeignMessageId
);
id!(
    /// RCE's word for one inbox; here a Source SDK channel.
    SourceId
);
id!(
    /// A label on a thread that decides which agents see it.
    CategoryId
);
id!(
    /// One piece of agent work inside a thread.
    InterventionId
);
id!(
    /// An account inside RCE (RCE's "user").
    AgentId
);
id!(
    /// A webhook event of RCE; constant over its repeats.
    EventId
);
id!(
    /// One handover of one conversation.
    HandoverId
);
id!(
    /// One job on a queue; also the base of the `webhook-id` of the events that it sends.
    JobId
);

/// Longest conversation id that is accepted, in characters (what Cognigy.AI allows for a session).
pub const CONVERSATION_ID_MAX_CHARS: usize = 256;

/// Ids up to this length are kept readable; longer ones are hashed.
const READABLE_MAX_BYTES: usize = 120;

/// Renders any text as a stable id of `[A-Za-z0-9_-]+`.
///
/// Safe ids are kept as they are. Others become `x_` and their base64url form, so that no two
/// texts share a rendering; very long ones become `h_` and a SHA-256.
fn render_safe(text: &str) -> String {
    let safe = !text.is_empty()
        && text.len() <= READABLE_MAX_BYTES
        && !text.starts_with("x_")
        && !text.starts_with("h_")
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if safe {
        return text.to_owned();
    }
    let encoded = URL_SAFE_NO_PAD.encode(text);
    if encoded.len() <= READABLE_MAX_BYTES {
        format!("x_{encoded}")
    } else {
        format!("h_{}", hex::encode(Sha256::digest(text)))
    }
}

impl ForeignThreadId {
    /// The thread id for a conversation. Always the same for the same conversation.
    pub fn of(conversation: &ConversationId) -> Self {
        Self(render_safe(conversation.as_str()))
    }
}

impl ForeignMessageId {
    /// The id of a message towards RCE.
    ///
    /// Callers choose message ids per conversation while RCE wants them unique per source, so the
    /// conversation takes part in it.
    pub fn of(thread: &ForeignThreadId, message: &MessageId) -> Self {
        let mut hash = Sha256::new();
        hash.update(thread.as_str());
        hash.update([0]);
        hash.update(message.as_str());
        Self(format!("m-{}", hex::encode(&hash.finalize()[..16])))
    }

    /// The id of part `number` (from 1) of a message that was too long for one.
    #[must_use]
    pub fn part(&self, number: usize) -> Self {
        Self(format!("{}-{number}", self.0))
    }
}

/// The id of the person towards RCE.
///
/// It never equals one of the identities that speak for the company: a person must not be able to
/// choose an id that makes their words look like the bot's or an agent's.
pub fn customer_identity_id(user: Option<&str>, thread: &ForeignThreadId, company_ids: &[&str]) -> String {
    let Some(user) = user.filter(|id| !id.is_empty()) else {
        return format!("user-of-{thread}");
    };
    let rendered = render_safe(user);
    if company_ids.contains(&rendered.as_str()) {
        format!("x_{}", URL_SAFE_NO_PAD.encode(user))
    } else {
        rendered
    }
}

/// Where new ids come from: the one door for randomness.
pub trait Ids: Send + Sync {
    /// A new id, unique and sortable by time.
    fn next(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: &str) -> ForeignThreadId {
        ForeignThreadId::of(&ConversationId::new(id))
    }

    #[test]
    fn a_safe_conversation_id_is_kept() {
        assert_eq!(thread("conv-7f3a_9C").as_str(), "conv-7f3a_9C");
    }

    #[test]
    fn any_id_is_rendered_safely_and_apart() {
        let long = "s".repeat(256);
        let emoji = "🙂".repeat(256);
        let ids = [
            "a/b",
            "a|b",
            "a:b",
            "a b",
            "x_YQ",
            "h_1",
            "ünïcode",
            "🙂",
            &long,
            &emoji,
            "שלום",
            "\"",
            "a",
        ];
        let mut seen = std::collections::HashSet::new();
        for id in ids {
            let rendered = thread(id);
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            assert!(rendered.as_str().bytes().all(legal), "{id} became {rendered}");
            assert!(!rendered.as_str().is_empty() && rendered.as_str().len() <= 128);
            assert_eq!(rendered, thread(id), "stable");
            assert!(seen.insert(rendered), "{id} collides");
        }
    }

    #[test]
    fn one_message_id_in_two_conversations_is_two_ids_at_rce() {
        let id = MessageId::new("m1");
        assert_ne!(
            ForeignMessageId::of(&thread("a"), &id),
            ForeignMessageId::of(&thread("b"), &id)
        );
        assert_eq!(
            ForeignMessageId::of(&thread("a"), &id),
            ForeignMessageId::of(&thread("a"), &id)
        );
    }

    #[test]
    fn a_person_cannot_take_the_bots_identity() {
        let t = thread("c");
        assert_eq!(customer_identity_id(Some("usr-42"), &t, &["bot"]), "usr-42");
        assert_ne!(customer_identity_id(Some("bot"), &t, &["bot", "agent"]), "bot");
        assert_eq!(customer_identity_id(None, &t, &["bot"]), "user-of-c");
    }
}
