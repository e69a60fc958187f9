//! What a message of Chatlayer's Offloading Webhook shows.

use handover_core::message::Author;
use handover_platforms::Content;
use handover_platforms::chatlayer::from_chatlayer;
use serde_json::Value;

/// `None`: there is nothing to show (typing, events, an opened chat, empty texts).
pub(super) fn content(message: &Value, author: Author) -> Option<Content> {
    if message.get("sender_action").is_some() || message.get("type").is_some_and(|kind| kind == "event") {
        return None;
    }
    let inner = message.get("message").filter(|inner| inner.is_object());
    let content = match message {
        Value::String(text) => Content {
            text: Some(text.clone()).filter(|text| !text.trim().is_empty()),
            ..Content::default()
        },
        _ => from_chatlayer(inner.unwrap_or(message), author),
    };
    Some(content).filter(|content| !content.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_says_nothing_is_not_shown() {
        for nothing in [
            json!({"type": "event", "event": "typing"}),
            json!({"sender_action": "typing_on"}),
            json!({"messageType": "text", "text": "  "}),
            json!({"messageType": "intro", "id": "x"}),
            json!(""),
        ] {
            for author in [Author::User, Author::Bot] {
                assert_eq!(content(&nothing, author), None, "{nothing}");
            }
        }
    }

    #[test]
    fn what_is_said_is_found_wherever_it_stands() {
        for said in [
            json!("Hi"),
            json!({"text": "Hi"}),
            json!({"message": {"messageType": "text", "text": "Hi"}}),
        ] {
            let text = content(&said, Author::User).and_then(|content| content.text);
            assert_eq!(text.as_deref(), Some("Hi"), "{said}");
        }
    }
}
