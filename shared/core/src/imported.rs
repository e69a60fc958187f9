//! What came in on a channel of RCE's own (`content.imported`): whose words, and which.
//!
//! RCE reports everything that is imported from a source: the customer's words, but also what the company says there by
//! other means, and automatic messages.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Timestamp;
use crate::ids::{CategoryId, ContentId, EventId, IdentityId, InterventionId, MessageId, SourceId, ThreadId};

/// One content, as the event describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "RCE says that many things of a content"
)]
pub struct Imported {
    pub event: EventId,
    pub content: ContentId,
    pub thread: ThreadId,
    pub source: SourceId,
    /// RCE's word for the kind of channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<IdentityId>,
    pub authorship: Authorship,
    /// As plain text. `None`: there is none, or the event does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The text is only its beginning: the whole is longer than any message of ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What the person picked from a structured message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The content that it answers, if the person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<ContentId>,
    /// It has files, which the event does not show.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_files: bool,
    /// Nobody else reads it on the channel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The structured content that may answer it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// When RCE reported it, by its clock: the order of what was said. The event dates the content itself by the day.
    pub issued_at: Timestamp,
    /// The thread's categories at that time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryId>,
    /// The intervention that it belongs to: somebody of the company has, or had, the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervention: Option<InterventionId>,
    /// Somebody answered it, or it was given to somebody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attended: bool,
    /// The person took it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// Whose words they are, as far as the content itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorship {
    /// The customer's, unless their author turns out to be an account of the company.
    Customer,
    /// An agent's, the bridge's own, or an automatic message.
    Company,
    /// The customer's, but RCE, or somebody there, decided that nobody answers it.
    Ignored,
}

impl Imported {
    /// The name that the bot knows it by.
    pub fn message_id(&self) -> MessageId {
        message_id(&self.content)
    }

    /// Tells one state of the content from a later one.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.text, &self.payload] {
            hash.update([u8::from(part.is_some())]);
            hash.update(part.as_deref().unwrap_or_default());
            hash.update([0]);
        }
        hash.update([u8::from(self.deleted)]);
        hex::encode(&hash.finalize()[..16])
    }
}

/// The name that the bot knows a content of RCE by.
pub fn message_id(content: &ContentId) -> MessageId {
    MessageId::new(format!("{CONTENT_PREFIX}{content}"))
}

/// The content that the bot means.
pub fn content_named(message: &MessageId) -> Option<ContentId> {
    let content = message.as_str().strip_prefix(CONTENT_PREFIX)?;
    (!content.is_empty()).then(|| ContentId::new(content))
}

const CONTENT_PREFIX: &str = "rcx-";
