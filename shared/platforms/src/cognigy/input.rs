//! What a person on a channel of RCE's own says, as a Flow's input.

use handover_core::message::{CustomerWords, split_text};
use serde_json::{Value, json};

use super::TEXT_MAX;

/// Most that is told of a person beyond RCE's own members, in bytes: an input has 65 kB (Cognigy documentation, "Limits").
const EXTRA_MAX: usize = 16 * 1024;

/// An input: `text` and `data`.
#[derive(Clone, Debug, PartialEq)]
pub struct CognigyInput {
    pub text: Option<String>,
    pub data: Value,
}

/// A person's words.
///
/// A button's payload is the text, as on Cognigy's own channels, where Flows compare it; what stood on the button is
/// `data.bridge.label`. Files are `data.attachments[{name, url, type}]`. A text that is too long for an input is cut; the
/// whole is `data.bridge.text`.
pub fn customer_to_cognigy(words: &CustomerWords) -> CognigyInput {
    let mut bridge = json!({
        "from": "user",
        "messageId": words.id,
        "sentAt": format!("{:.3}", words.sent_at),
        "channel": {"sourceId": words.channel.source, "type": words.channel.kind,
                    "capabilities": words.channel.capabilities},
        "user": user(words),
    });
    let said = words.text.as_deref().filter(|text| !text.trim().is_empty());
    let text = words.payload.as_deref().or(said);
    let short = text.map(fitting);
    if short != text {
        bridge["text"] = json!(text);
    }
    if words.payload.is_some() {
        bridge["label"] = json!(said);
    }
    if let Some(answered) = &words.in_reply_to {
        bridge["inReplyTo"] = json!(answered);
    }
    if let Some(language) = &words.language {
        bridge["language"] = json!(language);
    }
    let mut data = json!({"bridge": bridge});
    if let Some(payload) = &words.payload {
        data["payload"] = json!(payload);
    }
    if !words.attachments.is_empty() {
        let files = words.attachments.iter();
        data["attachments"] = files
            .map(|file| json!({"name": file.filename, "url": file.url, "type": file.content_type}))
            .collect();
    }
    CognigyInput {
        text: short.map(str::to_owned),
        data,
    }
}

/// As much of a text as an input takes.
fn fitting(text: &str) -> &str {
    if text.encode_utf16().count() <= TEXT_MAX {
        return text;
    }
    let first = split_text(text, TEXT_MAX)[0];
    if first.encode_utf16().count() <= TEXT_MAX {
        return first;
    }
    // A character has two units at most.
    split_text(text, TEXT_MAX / 2)[0]
}

fn user(words: &CustomerWords) -> Value {
    let mut user = words.user.clone();
    let size = |value: &Value| value.to_string().len();
    let mut room = EXTRA_MAX;
    user.extra.retain(|_, value| {
        let fits = size(value) <= room;
        room -= if fits { size(value) } else { 0 };
        fits
    });
    json!(user)
}
