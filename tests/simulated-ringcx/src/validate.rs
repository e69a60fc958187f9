//! The required members of what the Send API takes.

use serde_json::{Map, Value};

use crate::imports::text;

/// The longest body, in characters.
const MAX_CHARACTERS: usize = 20_000;

/// `id`, `screenname`, `created_at`; context keys of letters and hyphens.
pub(crate) fn is_user(user: &Map<String, Value>) -> bool {
    ["id", "screenname", "created_at"]
        .iter()
        .all(|key| text(user, key).is_some())
        && has_valid_context(user)
}

/// `id`, `author`, `thread_id`, and a body or attachments: structured content alone is not enough.
pub(crate) fn is_message(message: &Map<String, Value>) -> bool {
    text(message, "id").is_some()
        && text(message, "thread_id").is_some()
        && is_person(message, "author")
        && has_content(message)
        && has_valid_context(message)
}

/// As a message, but between two persons.
pub(crate) fn is_private_message(message: &Map<String, Value>) -> bool {
    text(message, "id").is_some()
        && is_person(message, "author")
        && is_person(message, "recipient")
        && has_content(message)
        && has_valid_context(message)
}

/// `id`, `author`, `body`.
pub(crate) fn is_thread(thread: &Map<String, Value>) -> bool {
    text(thread, "id").is_some()
        && is_person(thread, "author")
        && has_content(thread)
        && has_valid_context(thread)
}

fn is_person(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).and_then(Value::as_object).is_some_and(is_user)
}

fn has_content(message: &Map<String, Value>) -> bool {
    let body = message.get("body").and_then(Value::as_str).unwrap_or_default();
    let attachments = message.get("attachments").and_then(Value::as_array);
    body.chars().count() <= MAX_CHARACTERS
        && (!body.is_empty() || attachments.is_some_and(|list| !list.is_empty()))
        && attachments.is_none_or(|list| list.iter().all(is_attachment))
}

fn is_attachment(attachment: &Value) -> bool {
    attachment["url"].is_string() || (attachment["content"].is_string() && attachment["filename"].is_string())
}

/// Keys of letters and hyphens, values that are strings or lists of strings.
fn has_valid_context(object: &Map<String, Value>) -> bool {
    match object.get("context_data") {
        None | Some(Value::Null) => true,
        Some(Value::Object(context)) => context.iter().all(|(key, value)| {
            let list = value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string));
            !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
                && (value.is_string() || list)
        }),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message() -> Value {
        json!({"id": "m1", "thread_id": "t1", "body": "Hi", "author":
            {"id": "u1", "screenname": "Nadia", "created_at": "2026-02-03T10:09:58Z"}})
    }

    fn accepts(change: impl FnOnce(&mut Value)) -> bool {
        let mut message = message();
        change(&mut message);
        is_message(message.as_object().expect("an object"))
    }

    #[test]
    fn required_members_are_required() {
        assert!(accepts(|_| {}));
        for member in ["id", "thread_id", "author", "body"] {
            assert!(!accepts(|message| message[member] = Value::Null), "{member}");
        }
        for member in ["id", "screenname", "created_at"] {
            assert!(
                !accepts(|message| message["author"][member] = Value::Null),
                "{member}"
            );
        }
    }

    #[test]
    fn a_body_has_twenty_thousand_characters_at_most() {
        assert!(accepts(|message| message["body"] = json!("é".repeat(20_000))));
        assert!(!accepts(|message| message["body"] = json!("é".repeat(20_001))));
    }

    #[test]
    fn attachments_replace_a_body() {
        assert!(accepts(|message| {
            message["body"] = Value::Null;
            message["attachments"] = json!([{"url": "https://example.test/a.jpg"}]);
        }));
        assert!(!accepts(
            |message| message["attachments"] = json!([{"filename": "a.jpg"}])
        ));
    }

    #[test]
    fn context_keys_are_letters_and_hyphens() {
        assert!(accepts(
            |message| message["context_data"] = json!({"loyalty-tier": "gold", "tags": ["a", "b"]})
        ));
        assert!(!accepts(
            |message| message["context_data"] = json!({"user_id": "x"})
        ));
        assert!(!accepts(
            |message| message["author"]["context_data"] = json!({"address1": "x"})
        ));
        assert!(!accepts(|message| message["context_data"] = json!({"age": 3})));
    }
}
