//! Messenger-like messages: what Chatlayer's bots say, and Cognigy's web chat.

use serde_json::Value;

use crate::content::Reading;
use crate::forms::{ReadPayload, cards, choice, items, said};
use crate::words::clean;

/// Reads `text`, `quick_replies` and `attachment` of a message.
pub(crate) fn read(message: &Value, payload: ReadPayload, into: &mut Reading) {
    let text = said(message, &["text"]);
    choice(text.as_deref(), items(message, "quick_replies"), payload, into);
    if let Some(attachment) = message
        .get("attachment")
        .filter(|attachment| !attachment.is_null())
    {
        read_attachment(attachment, payload, into);
    }
}

fn read_attachment(attachment: &Value, payload: ReadPayload, into: &mut Reading) {
    let content = attachment.get("payload").unwrap_or(&Value::Null);
    let kind = said(attachment, &["type"]).unwrap_or_default();
    let template = said(content, &["template_type"]).unwrap_or_default();
    let url = said(content, &["url"]);
    match (kind.as_str(), template.as_str(), url) {
        ("template", "button", _) => {
            let text = said(content, &["text"]);
            choice(text.as_deref(), items(content, "buttons"), payload, into);
        }
        ("template", "generic" | "list", _) => {
            cards(items(content, "elements"), payload, into);
            below(items(content, "buttons"), into);
        }
        ("image" | "video" | "audio" | "file", _, Some(url)) => {
            into.file(&url, said(content, &["name", "filename"]).as_deref(), None);
            below(items(content, "buttons"), into);
        }
        _ => into.data(attachment),
    }
}

/// Buttons below something that is no question: words for the agent, because RCE has none there.
pub(crate) fn below(buttons: &[Value], into: &mut Reading) {
    for button in buttons {
        let title = said(button, &["title"]).map(|title| clean(&title));
        let target = said(button, &["url"]);
        let line = match (title, target) {
            (Some(title), Some(target)) => format!("- {title} ({target})"),
            (Some(word), None) | (None, Some(word)) => format!("- {word}"),
            (None, None) => continue,
        };
        into.say_below(&line);
    }
}
