//! From Chatlayer: what a person or a bot says.

use handover_core::message::Author;
use handover_core::structured::readable;
use serde_json::{Map, Value, json};

use super::PAYLOAD_KEY;
use crate::content::{Content, Readers, Reading};
use crate::forms::{items, location, plain_payload, said, scalar};
use crate::messenger;

/// Members of a person's message that are about it, not in it.
const ENVELOPE: [&str; 9] = [
    "id",
    "sender",
    "recipient",
    "channelType",
    "messageType",
    "timestamp",
    "messageCounter",
    "verifyToken",
    "senderId",
];

/// Reads one entry's `message`. Whose it is stands beside it (`actor`).
///
/// Somebody who only opens the chat (`intro`) says nothing. Kinds that we do not know are readable text.
pub fn from_chatlayer(message: &Value, actor: Author) -> Content {
    let mut reading = Reading::default();
    match actor {
        Author::Bot => messenger::read(message, payload, &mut reading),
        Author::User => person(message, &mut reading),
    }
    if reading.is_empty() && said(message, &["messageType"]).as_deref() != Some("intro") {
        reading.say(&readable(&without_envelope(message)).unwrap_or_default());
    }
    reading.finish()
}

/// Reads what a bot says by the webhook channel, for the person (Chatlayer documentation, "Message types").
///
/// A button's payload stays as it is: the page calls it opaque. Kinds that we do not know are left out.
pub fn from_webhook_channel(message: &Value) -> Content {
    let mut reading = Reading::by(Readers::Customers);
    match message {
        Value::String(text) => reading.say(text),
        message => messenger::read(message, plain_payload, &mut reading),
    }
    reading.finish()
}

fn person(message: &Value, into: &mut Reading) {
    match said(message, &["messageType"]).unwrap_or_default().as_str() {
        "fileUploadInputResult" => upload(message, into),
        "location" => {
            into.say(&said(message, &["text", "title", "address"]).unwrap_or_default());
            location(message.get("coordinates").unwrap_or(message), into);
        }
        "postback" => {
            into.say(&said(message, &["title", "text"]).unwrap_or_default());
            into.payload = payload(message);
        }
        // A person's words are never changed; anything beside them is Messenger-like.
        _ => {
            into.say(&said(message, &["text"]).unwrap_or_default());
            let rest = json!({"attachment": message.get("attachment")});
            messenger::read(&rest, payload, into);
        }
    }
}

/// The same file may stand in both places; a failed upload has none.
fn upload(message: &Value, into: &mut Reading) {
    let data = &message["data"];
    for url in items(message, "urls").iter().filter_map(scalar) {
        into.file(&url, None, None);
    }
    if let Some(url) = said(data, &["fileUrl"]).filter(|_| items(message, "urls").is_empty()) {
        into.file(&url, None, None);
    }
    let status = said(data, &["uploadStatus"]).filter(|status| status != "SUCCEEDED");
    if let Some(status) = status {
        into.say(&format!("(file upload: {status})"));
    }
}

/// The payload of a button or a click, the same for both, so that RCE can tell what was picked: the agent's own, or the
/// dialog state, or that with the parameters as JSON if there are any. Buttons carry it as JSON in a text.
fn payload(value: &Value) -> Option<String> {
    let parsed;
    let object = match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(json @ Value::Object(_)) => {
                parsed = json;
                &parsed
            }
            _ => return plain_payload(value),
        },
        other => other,
    };
    let parameters: Vec<(String, Value)> = ["parameters", "params", "sessionDataToSet"]
        .iter()
        .flat_map(|key| items(object, key))
        .filter_map(|parameter| {
            let value = parameter.get("value").cloned().unwrap_or_default();
            Some((said(parameter, &["key"])?, value))
        })
        .collect();
    if let Some((_, own)) = parameters.iter().find(|(key, _)| key == PAYLOAD_KEY) {
        return plain_payload(own);
    }
    let state = said(object, &["nextDialogstateId"]);
    if parameters.is_empty() {
        return state.or_else(|| object.get("payload").and_then(plain_payload));
    }
    let mut whole = Map::new();
    whole.extend(state.map(|state| ("nextDialogstateId".to_owned(), json!(state))));
    let parameters: Vec<Value> = parameters
        .into_iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    whole.insert("parameters".to_owned(), json!(parameters));
    Some(Value::Object(whole).to_string())
}

fn without_envelope(message: &Value) -> Value {
    match message {
        Value::Object(members) => {
            let inside = members
                .iter()
                .filter(|(key, _)| !ENVELOPE.contains(&key.as_str()));
            inside.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        other => other.clone(),
    }
}
