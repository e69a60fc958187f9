//! Who said what: each message once, under an id that a repeat has too.

use handover_core::Timestamp;
use handover_core::message::Author;
use handover_platforms::Content;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::content::content;
use crate::bot_api::idempotency::KEY_MAX_CHARS;
use crate::bot_api::input::Errors;

/// A message of the person or the bot.
pub(super) struct Said {
    pub(super) by_user: bool,
    pub(super) text: Option<String>,
    /// In the bot API's words.
    pub(super) body: Map<String, Value>,
}

/// What the person and the bot said; what others said is not for RCE.
pub(super) fn all(entries: &[(String, Map<String, Value>)], errors: &mut Errors) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::with_capacity(entries.len());
    for (place, entry) in entries {
        let by_user = match entry.get("actor") {
            Some(Value::String(actor)) if actor == "user" => true,
            Some(Value::String(actor)) if actor == "bot" => false,
            Some(Value::String(_)) => {
                tracing::debug!("a message of neither the person nor the bot");
                continue;
            }
            _ => {
                errors.add(format!("{place}.actor is not \"user\" or \"bot\""));
                continue;
            }
        };
        let message = entry.get("message").unwrap_or(&Value::Null);
        if !message.is_object() && !message.is_string() {
            errors.add(format!("{place}.message is not an object"));
            continue;
        }
        let author = if by_user { Author::User } else { Author::Bot };
        let Some(content) = content(message, author) else {
            continue;
        };
        let at = entry.get("timestamp").and_then(moment);
        let named = message.get("id").filter(|_| by_user).and_then(name);
        let id = named.unwrap_or_else(|| unnamed(by_user, at, &content, &all));
        all.push(said(by_user, &id, at, content));
    }
    all
}

fn said(by_user: bool, id: &str, at: Option<Timestamp>, content: Content) -> Said {
    let mut body = Map::new();
    if let Ok(Value::Object(members)) = serde_json::to_value(&content) {
        body.extend(members);
    }
    body.insert("id".to_owned(), json!(id));
    body.insert("from".to_owned(), json!(if by_user { "user" } else { "bot" }));
    if let Some(at) = at {
        body.insert("sent_at".to_owned(), json!(at.to_string()));
    }
    Said {
        by_user,
        text: content.text,
        body,
    }
}

/// An id for a message that has none: who said what when, and how many others are the same.
fn unnamed(by_user: bool, at: Option<Timestamp>, content: &Content, before: &[Said]) -> String {
    let who = if by_user { "user" } else { "bot" };
    let at = at.map_or_else(String::new, |at| at.as_millisecond().to_string());
    let what = json!(content).to_string();
    let first = format!("{who}-{}", digest(&[&at, &what]));
    let same = |said: &&Said| said.body["id"].as_str().is_some_and(|id| id.starts_with(&first));
    match before.iter().filter(same).count() {
        0 => first,
        number => format!("{first}-{number}"),
    }
}

/// An id that the platform gave, if it can be one for us.
pub(super) fn name(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let length = name.chars().count();
    match length {
        0 => None,
        1..=KEY_MAX_CHARS => Some(name),
        _ => Some(digest(&[&name])),
    }
}

/// Milliseconds since 1970; seconds and RFC 3339 are understood too.
fn moment(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => return text.trim().parse().ok(),
        },
        _ => return None,
    };
    match number {
        100_000_000_000.. => Timestamp::from_millisecond(number).ok(),
        1.. => Timestamp::from_second(number).ok(),
        _ => None,
    }
}

pub(super) fn fingerprint_of(said: &[Said]) -> String {
    let ids = said.iter().filter_map(|said| said.body["id"].as_str());
    ids.collect::<Vec<_>>().join(" ")
}

pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}
