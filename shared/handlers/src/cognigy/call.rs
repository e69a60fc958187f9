//! One call of the kit, read. What decides about somebody's conversation must be right, or is refused with all that is
//! wrong; what only describes is read as far as it goes.

use handover_core::ids::CONVERSATION_ID_MAX_CHARS;
use handover_core::settings::CognigySettings;
use handover_platforms::cognigy::{from_cognigy, person_from_cognigy, wish};
use handover_platforms::lenient::{self, WORD_MAX};
use serde_json::{Map, Value, json};

use super::{profile, transcript};
use crate::bot_api::input::Errors;
use crate::respond::Problem;

/// The types that the kit sends.
const KINDS: [&str; 8] = [
    "handover.requested",
    "handover.cancelled",
    "message.user",
    "message.bot",
    "typing.user",
    "read.user",
    "presence.user",
    "profile.updated",
];

pub(super) struct Sent {
    /// The caller's name for this call, if it gives one.
    pub(super) id: Option<String>,
    pub(super) conversation: Conversation,
    pub(super) kind: Kind,
}

/// Whose conversation it is, in Cognigy's words.
pub(super) struct Conversation {
    pub(super) user_id: String,
    pub(super) session_id: String,
    url_token: Option<String>,
}

pub(super) enum Kind {
    Message(Message),
    /// In the bot API's words.
    HandoverRequested(Map<String, Value>),
    HandoverCancelled {
        cause: String,
    },
    Typing {
        state: String,
        preview: Option<String>,
    },
    Read {
        message: String,
    },
    Presence {
        connected: bool,
    },
    ProfileUpdated {
        user: Value,
    },
}

pub(super) struct Message {
    pub(super) from: &'static str,
    /// `id`, `text`, `attachments`, … of the bot API.
    pub(super) members: Map<String, Value>,
    pub(super) user: Option<Value>,
}

impl Conversation {
    pub(super) fn platform(&self) -> Value {
        let mut platform = json!({"user_id": self.user_id, "session_id": self.session_id});
        if let Some(token) = &self.url_token {
            platform["url_token"] = json!(token);
        }
        platform
    }
}

/// Reads `{type, timestamp?, id?, data}`.
pub(super) fn read(body: &Map<String, Value>, settings: &CognigySettings) -> Result<Sent, Problem> {
    let mut errors = Errors::default();
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    if !KINDS.contains(&kind) {
        errors.add(format!("type is one of {}", KINDS.join(", ")));
    }
    let nothing = Map::new();
    let data = body.get("data").and_then(Value::as_object).unwrap_or_else(|| {
        errors.add("data is not an object");
        &nothing
    });
    let conversation = conversation(data, &mut errors);
    if conversation.url_token.is_none() && settings.url_token.is_none() {
        errors.add("data.conversation.url_token is missing, and the connection has no url_token: nobody could be answered");
    }
    let read = match kind {
        "message.user" | "message.bot" => {
            let from = if kind == "message.user" { "user" } else { "bot" };
            Kind::Message(message(data, body, from, &conversation, &mut errors))
        }
        "handover.cancelled" => Kind::HandoverCancelled {
            cause: text(data, "cause").unwrap_or("user_cancelled").to_owned(),
        },
        "typing.user" => Kind::Typing {
            state: text(data, "state").unwrap_or("start").to_owned(),
            preview: text(data, "preview").map(str::to_owned),
        },
        "read.user" => Kind::Read {
            message: text(data, "message_id").unwrap_or_default().to_owned(),
        },
        "presence.user" => Kind::Presence {
            connected: connected(data, &mut errors),
        },
        "profile.updated" => Kind::ProfileUpdated {
            user: profile::user(&conversation.user_id, data.get("profile")),
        },
        _ => Kind::HandoverRequested(request(data, &conversation)),
    };
    let id = text(body, "id").or_else(|| text(data, "id")).map(str::to_owned);
    errors.into_result(Sent {
        id,
        conversation,
        kind: read,
    })
}

fn conversation(data: &Map<String, Value>, errors: &mut Errors) -> Conversation {
    let nothing = Map::new();
    let named = data.get("conversation").and_then(Value::as_object);
    let named = named.unwrap_or_else(|| {
        errors.add("data.conversation is not an object with user_id and session_id");
        &nothing
    });
    let mut id = |keys: [&str; 2]| {
        let id = keys.iter().find_map(|key| text(named, key)).unwrap_or_default();
        if !named.is_empty() && (id.is_empty() || id.chars().count() > CONVERSATION_ID_MAX_CHARS) {
            errors.add(format!(
                "data.conversation.{} has 1 to {CONVERSATION_ID_MAX_CHARS} characters",
                keys[0]
            ));
        }
        id.to_owned()
    };
    Conversation {
        user_id: id(["user_id", "userId"]),
        session_id: id(["session_id", "sessionId"]),
        url_token: ["url_token", "urlToken", "URLToken"]
            .iter()
            .find_map(|key| text(named, key))
            .map(str::to_owned),
    }
}

fn connected(data: &Map<String, Value>, errors: &mut Errors) -> bool {
    match text(data, "state") {
        Some("connected" | "user-connected") => true,
        Some("disconnected" | "user-disconnected") => false,
        _ => {
            errors.add("data.state is \"connected\" or \"disconnected\"");
            false
        }
    }
}

fn message(
    data: &Map<String, Value>,
    body: &Map<String, Value>,
    from: &'static str,
    conversation: &Conversation,
    errors: &mut Errors,
) -> Message {
    let said = match data.get("message") {
        Some(Value::Object(said)) => said,
        None => data,
        Some(_) => {
            errors.add("data.message is not an object");
            data
        }
    };
    let mut members = content(said, from);
    if members.is_empty() {
        errors.add("the message is empty: it needs text, attachments, or data with something to show");
    }
    for key in ["id", "language", "in_reply_to"] {
        if let Some(value) = text(said, key) {
            members.insert(key.to_owned(), json!(value));
        }
    }
    let at = ["at", "sent_at", "timestamp"]
        .iter()
        .find_map(|key| transcript::time(said.get(*key)?));
    if let Some(at) = at.or_else(|| transcript::time(body.get("timestamp")?)) {
        members.insert("sent_at".to_owned(), json!(at));
    }
    let profile = data.get("profile").filter(|profile| profile.is_object());
    Message {
        from,
        members,
        user: profile.map(|profile| profile::user(&conversation.user_id, Some(profile))),
    }
}

/// What a message of Cognigy shows, in the bot API's words: `text`, and what its `data` and `attachments` hold.
pub(super) fn content(said: &Map<String, Value>, from: &str) -> Map<String, Value> {
    let mut data = said
        .get("data")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if let Some(files) = said.get("attachments").filter(|files| files.is_array()) {
        data.insert("attachments".to_owned(), files.clone());
    }
    let shown = json!({"text": said.get("text"), "data": data});
    let read = match from {
        "user" => person_from_cognigy(&shown),
        _ => from_cognigy(&shown),
    };
    match serde_json::to_value(read) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Somebody needs a human: whatever is odd is left out, and never a reason to refuse.
fn request(data: &Map<String, Value>, conversation: &Conversation) -> Map<String, Value> {
    let mut request = wish(&Value::Object(data.clone()));
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            request.insert(key.to_owned(), value);
        }
    };
    let id = data.get("id").and_then(|id| lenient::text(id, WORD_MAX));
    put("id", id.map(Value::from));
    put(
        "user",
        Some(profile::user(&conversation.user_id, data.get("profile"))),
    );
    put("platform", Some(conversation.platform()));
    put("transcript", transcript::read(data.get("transcript")));
    request
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}
