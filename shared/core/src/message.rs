//! A message between the person, the bot and the agent, in no platform's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::ids::{ContentId, ForeignMessageId, MessageId, SourceId};
use crate::profile::UserProfile;
use unicode_segmentation::UnicodeSegmentation as _;

/// Longest message body that RCE takes, in characters (Source SDK, "20k"; counted as Unicode
/// scalar values because the unit is not documented).
pub const BODY_MAX_CHARS: usize = 20_000;

/// Who wrote a message on the bot's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    User,
    Bot,
}

/// A file that a message points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// A message of the person or the bot, on its way to RCE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub foreign_id: ForeignMessageId,
    pub from: Author,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// RCE's vocabulary of structured content, from the bot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    /// What the person picked from a structured message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The agent's message that this one answers, by the id that we gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub sent_at: Timestamp,
}

/// A message of an agent, on its way to the bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentMessage {
    /// The id that we answered RCE with; read marks quote it.
    pub id: MessageId,
    pub content: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// When the agent wrote it, by RCE's clock, when RCE says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// RCE said that this is not its first attempt.
    #[serde(default)]
    pub retry: bool,
}

/// What a person wrote on a channel of RCE's own, on its way to the bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerWords {
    pub id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The text is only its beginning: agents have all of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What they picked from a structured message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What they answered, by the id of a message of the bot's or of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub sent_at: Timestamp,
    pub user: UserProfile,
    pub channel: ChannelFacts,
}

/// What a bot may know of the channel that the person writes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelFacts {
    pub source: SourceId,
    /// RCE's word for the kind of channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The structured content that can be shown there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// Splits a text into parts of at most `max_chars` characters, in order, losing nothing but the
/// white space at the seams.
///
/// A part ends at a paragraph, else a line, else a space, if there is one in its last fifth; never
/// inside what a person sees as one character.
pub fn split_text(text: &str, max_chars: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.chars().count() > max_chars {
        let hard_end = rest
            .char_indices()
            .nth(max_chars)
            .map_or(rest.len(), |(at, _)| at);
        let window = &rest[..hard_end];
        let earliest = window
            .char_indices()
            .nth(max_chars * 4 / 5)
            .map_or(0, |(at, _)| at);
        let seam = ["\n\n", "\n", " "]
            .iter()
            .find_map(|gap| window.rfind(gap).filter(|at| *at >= earliest && *at > 0))
            .or_else(|| last_grapheme_boundary(rest, hard_end))
            .unwrap_or(hard_end);
        parts.push(rest[..seam].trim_end());
        rest = rest[seam..].trim_start();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// The last boundary between graphemes at or before `end`, if there is one after the start.
fn last_grapheme_boundary(text: &str, end: usize) -> Option<usize> {
    // Graphemes are short; looking at the last few hundred bytes is enough and keeps this linear.
    let mut from = end.saturating_sub(512);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    text[from..]
        .grapheme_indices(true)
        .map(|(at, _)| from + at)
        .take_while(|at| *at <= end)
        .last()
        .filter(|at| *at > from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_exactly_the_limit_is_one_part() {
        let text = "é".repeat(BODY_MAX_CHARS);
        assert_eq!(split_text(&text, BODY_MAX_CHARS), [text.as_str()]);
        assert_eq!(split_text("", BODY_MAX_CHARS), [""]);
    }

    #[test]
    fn a_longer_text_is_split_at_a_seam_and_keeps_every_word() {
        let text = "word ".repeat(9_000);
        let parts = split_text(&text, BODY_MAX_CHARS);
        assert!(parts.len() >= 3 && parts.iter().all(|p| p.chars().count() <= BODY_MAX_CHARS));
        assert_eq!(parts.join(" ").split_whitespace().count(), 9_000);
    }

    #[test]
    fn a_family_emoji_is_not_torn_apart() {
        let family = "👨‍👩‍👧";
        let text = format!("a{}", family.repeat(10));
        let parts = split_text(&text, 12);
        assert_eq!(parts.concat(), text);
        for part in &parts {
            assert!(
                part.trim_start_matches('a').chars().count() % family.chars().count() == 0,
                "{part:?}"
            );
        }
    }
}
