//! Reading the bodies of the bot API. Unknown members are ignored; everything wrong is listed at once.

use std::collections::BTreeMap;

use handover_core::Timestamp;
use handover_core::conversation::Platform;
use handover_core::ids::{CategoryId, ForeignMessageId, ForeignThreadId, MessageId};
use handover_core::json::{DEEPEST, is_too_deep};
use handover_core::message::{Attachment, Author, Message};
use handover_core::profile::{UserProfile, context_data};
use serde_json::{Map, Value};

use super::idempotency::KEY_MAX_CHARS;
use crate::respond::Problem;

/// Most entries that a transcript may have.
const TRANSCRIPT_MAX: usize = 1000;

/// Most that a profile, and what a handover request says besides its transcript, may take as JSON, in bytes: it is
/// read and written with every message of the conversation.
pub const REMEMBERED_MAX: usize = 64 * 1024;

/// Refuses what is too much to be kept with a conversation.
pub fn remembered(what: &str, value: &impl serde::Serialize) -> Result<(), Problem> {
    let length = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    if length > REMEMBERED_MAX {
        return Err(Problem::Invalid(vec![format!(
            "{what} may have {REMEMBERED_MAX} bytes as JSON, this would be {length}"
        )]));
    }
    Ok(())
}

/// A JSON object that may be stored as it is; an empty body is an empty object.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let object = Value::Object(parsed(body)?);
    if is_too_deep(&object) {
        return Err(Problem::Malformed(format!(
            "it is nested deeper than {DEEPEST} levels"
        )));
    }
    match object {
        Value::Object(object) => Ok(object),
        _ => Ok(Map::new()),
    }
}

/// A JSON object, however deep.
pub fn parsed(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::Malformed("a JSON object is expected".to_owned())),
        Err(error) => {
            let what = if error.is_eof() {
                "the JSON ends early"
            } else {
                "this is not JSON in UTF-8"
            };
            Err(Problem::Malformed(format!(
                "{what} (line {}, column {})",
                error.line(),
                error.column()
            )))
        }
    }
}

/// Collects everything that is wrong with a body.
#[derive(Default)]
pub struct Errors(Vec<String>);

impl Errors {
    pub fn add(&mut self, error: impl Into<String>) {
        self.0.push(error.into());
    }

    pub fn first(self) -> Option<String> {
        self.0.into_iter().next()
    }

    pub fn into_result<T>(self, value: T) -> Result<T, Problem> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Problem::Invalid(self.0))
        }
    }
}

/// A text member; absent, `null` and (for most purposes) empty are the same.
pub fn text(object: &Map<String, Value>, key: &str, errors: &mut Errors) -> Option<String> {
    match object.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            errors.add(format!("{key} is not a string"));
            None
        }
    }
}

pub fn boolean(object: &Map<String, Value>, key: &str, errors: &mut Errors) -> Option<bool> {
    match object.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            errors.add(format!("{key} is not true or false"));
            None
        }
    }
}

/// An id that a caller chose.
pub fn id(object: &Map<String, Value>, errors: &mut Errors) -> Option<String> {
    let id = text(object, "id", errors)?;
    let length = id.chars().count();
    if length == 0 || length > KEY_MAX_CHARS {
        errors.add(format!("id has 1 to {KEY_MAX_CHARS} characters"));
        return None;
    }
    Some(id)
}

/// The person. Keys that RCE has no member for are kept.
pub fn user(object: &Map<String, Value>, errors: &mut Errors) -> Option<UserProfile> {
    let members = match object.get("user") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(members)) => members,
        Some(_) => {
            errors.add("user is not an object");
            return None;
        }
    };
    let mut profile = UserProfile::default();
    for (key, value) in members {
        let slot = match key.as_str() {
            "id" => &mut profile.id,
            "firstname" => &mut profile.firstname,
            "lastname" => &mut profile.lastname,
            "screenname" => &mut profile.screenname,
            "email" => &mut profile.email,
            "home_phone" => &mut profile.home_phone,
            "mobile_phone" => &mut profile.mobile_phone,
            "avatar_url" => &mut profile.avatar_url,
            "gender" => &mut profile.gender,
            "language" => &mut profile.language,
            _ => {
                profile.extra.insert(key.clone(), value.clone());
                continue;
            }
        };
        *slot = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                errors.add(format!("user.{key} is not a string"));
                None
            }
        };
    }
    Some(profile)
}

pub fn platform(object: &Map<String, Value>, errors: &mut Errors) -> Option<Platform> {
    let members = match object.get("platform") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(members)) => members,
        Some(_) => {
            errors.add("platform is not an object");
            return None;
        }
    };
    Some(Platform {
        user_id: text(members, "user_id", errors),
        session_id: text(members, "session_id", errors),
        url_token: text(members, "url_token", errors),
        version: text(members, "version", errors),
    })
}

/// A message of the person or the bot. `fallback_id` names it if the caller did not.
pub fn message(
    object: &Map<String, Value>,
    thread: &ForeignThreadId,
    fallback_id: impl FnOnce() -> String,
    now: Timestamp,
    errors: &mut Errors,
) -> Option<Message> {
    let before = errors.0.len();
    let id = MessageId::new(id(object, errors).unwrap_or_else(fallback_id));
    let from = match object.get("from").and_then(Value::as_str) {
        Some("user") => Author::User,
        Some("bot") => Author::Bot,
        _ => {
            errors.add("from is \"user\" or \"bot\"");
            Author::User
        }
    };
    let text = text(object, "text", errors).filter(|text| !text.trim().is_empty());
    let attachments = attachments(object, errors);
    let structured = structured(object, from, errors);
    let payload = payload(object, errors);
    // Only ids that we gave to agents' messages mean something to RCE.
    let in_reply_to = self::text(object, "in_reply_to", errors).filter(|id| is_of_agent(id));
    if text.is_none() && attachments.is_empty() && structured.is_none() && payload.is_none() {
        errors.add("the message is empty: it needs text, attachments, structured or payload");
    }
    let message = Message {
        foreign_id: ForeignMessageId::of(thread, &id),
        id,
        from,
        text,
        attachments,
        structured,
        payload,
        in_reply_to: in_reply_to.map(MessageId::new),
        language: self::text(object, "language", errors),
        sent_at: time(object, "sent_at", errors).unwrap_or(now),
    };
    (errors.0.len() == before).then_some(message)
}

/// Whether an id is one that we give to agents' messages.
fn is_of_agent(id: &str) -> bool {
    id.starts_with("rcx-") && id.len() <= KEY_MAX_CHARS
}

fn time(object: &Map<String, Value>, key: &str, errors: &mut Errors) -> Option<Timestamp> {
    let time = text(object, key, errors)?;
    let parsed = time.parse().ok();
    if parsed.is_none() {
        errors.add(format!(
            "{key} is not an RFC 3339 time such as 2026-11-20T09:15:00Z"
        ));
    }
    parsed
}

fn attachments(object: &Map<String, Value>, errors: &mut Errors) -> Vec<Attachment> {
    let items = match object.get("attachments") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            errors.add("attachments is not a list");
            return Vec::new();
        }
    };
    let mut attachments = Vec::with_capacity(items.len());
    for item in items {
        let attachment = serde_json::from_value::<Attachment>(item.clone())
            .ok()
            .filter(|a| is_web_url(&a.url));
        match attachment {
            Some(attachment) => attachments.push(attachment),
            None => errors.add("every attachment needs a url that begins with https:// or http://"),
        }
    }
    attachments
}

fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// RCE's own vocabulary; only a bot may send it.
fn structured(object: &Map<String, Value>, from: Author, errors: &mut Errors) -> Option<Value> {
    let value = object.get("structured").filter(|value| !value.is_null())?;
    if !value.is_object() {
        errors.add("structured is not an object");
    } else if from == Author::User {
        errors.add("structured messages come from the bot; a person's choice is its payload");
    }
    Some(value.clone())
}

fn payload(object: &Map<String, Value>, errors: &mut Errors) -> Option<String> {
    match object.get("payload")? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Some(scalar.to_string()),
        _ => {
            errors.add("payload is not a string");
            None
        }
    }
}

/// Earlier messages, oldest first, as the request gives them.
pub fn transcript(
    object: &Map<String, Value>,
    thread: &ForeignThreadId,
    fallback_id: &str,
    now: Timestamp,
    errors: &mut Errors,
) -> Option<Vec<Message>> {
    let items = match object.get("transcript") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(items)) => items,
        Some(_) => {
            errors.add("transcript is not a list");
            return None;
        }
    };
    if items.len() > TRANSCRIPT_MAX {
        errors.add(format!("transcript has at most {TRANSCRIPT_MAX} messages"));
        return None;
    }
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut wrong = Errors::default();
        match item {
            Value::Object(item) => {
                messages.extend(message(
                    item,
                    thread,
                    || format!("{fallback_id}-{index}"),
                    now,
                    &mut wrong,
                ));
            }
            _ => wrong.add("it is not an object"),
        }
        for error in wrong.0 {
            errors.add(format!("transcript[{index}]: {error}"));
        }
    }
    Some(messages)
}

pub fn category_ids(object: &Map<String, Value>, errors: &mut Errors) -> Vec<CategoryId> {
    let items = match object.get("category_ids") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(_) => {
            errors.add("category_ids is not a list of strings");
            return Vec::new();
        }
    };
    let ids = items.iter().filter_map(Value::as_str).filter(|id| !id.is_empty());
    let ids: Vec<CategoryId> = ids.map(CategoryId::from).collect();
    if ids.len() != items.len() {
        errors.add("category_ids is not a list of strings");
    }
    ids
}

/// Context data for the thread: a flat object, its keys made legal for RCE.
pub fn context(object: &Map<String, Value>, errors: &mut Errors) -> BTreeMap<String, Value> {
    let members = match object.get("context") {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            errors.add("context is not an object");
            return BTreeMap::new();
        }
    };
    for (key, value) in members {
        let flat = match value {
            Value::Object(_) => false,
            Value::Array(items) => items.iter().all(Value::is_string),
            _ => true,
        };
        if !flat {
            errors.add(format!(
                "context.{key} is not a string, number, boolean or list of strings"
            ));
        }
    }
    context_data(members.clone())
}
