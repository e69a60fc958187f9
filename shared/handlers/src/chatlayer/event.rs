//! The envelope of Chatlayer's events. Everything that is wrong is listed at once.

use handover_core::ids::ConversationId;
use serde_json::{Map, Value, json};

use super::said::{self, Said, digest, name};
use crate::bot_api::input::{self, Errors};
use crate::respond::Problem;
use crate::routes::conversation_id;

/// Most messages that one event may have.
const MESSAGES_MAX: usize = 1000;
/// So much of a transcript is shown to agents, as of messages that we kept ourselves.
const TRANSCRIPT_MAX: usize = 200;
/// The versions of a bot.
const VERSIONS: [&str; 2] = ["DRAFT", "LIVE"];
/// Sessions of Chatlayer's own emulator are named so.
const EMULATOR: &str = "emulator-";
/// Most that is kept of what Chatlayer says about a person beyond what we know, in bytes.
const EXTRA_MAX: usize = 8 * 1024;
/// What `sender` says about the bot and not about the person.
const OF_THE_BOT: [&str; 3] = ["botId", "botType", "isEmulator"];

/// What kind of event it is.
pub(super) enum Kind {
    Messages,
    Offload { payload: Value },
    Unknown,
}

/// An event of Chatlayer.
pub(super) struct Event {
    pub(super) kind: Kind,
    /// Chatlayer's session.
    pub(super) conversation: ConversationId,
    version: Option<String>,
    /// A repeat has the same.
    fingerprint: String,
    pub(super) said: Vec<Said>,
    /// Who talks, by the newest message that says so.
    pub(super) sender: Option<Map<String, Value>>,
    pub(super) is_emulated: bool,
}

impl Event {
    pub(super) fn read(body: &[u8], bot_id: &str) -> Result<Self, Problem> {
        let mut members = input::parsed(body)?;
        let mut errors = Errors::default();
        // An older page of Chatlayer's calls it `type`.
        let name = word(&members, "event", &mut errors).or_else(|| word(&members, "type", &mut errors));
        if name.is_none() {
            errors.add("event is missing: \"messages\" or \"offload\"");
        }
        let list = match name.as_deref() {
            Some("messages") => Some("messages"),
            Some("offload") => Some("transcript"),
            _ => None,
        };
        let bot = word(&members, "botId", &mut errors);
        if bot.is_none() {
            errors.add("botId is missing");
        }
        let session = word(&members, "sessionId", &mut errors).unwrap_or_default();
        let conversation = conversation_id(&session).unwrap_or_else(|_| {
            errors.add("sessionId has 1 to 256 characters, none of them a control character");
            ConversationId::new("")
        });
        if matches!(session.as_str(), "." | "..") {
            // It is part of an address when we answer, where these mean something else.
            errors.add("sessionId is \".\" or \"..\"");
        }
        // Chatlayer has two; whatever else is said, the answers go to the one that people talk to.
        let version = word(&members, "version", &mut errors)
            .map(|version| version.to_ascii_uppercase())
            .filter(|version| VERSIONS.contains(&version.as_str()));
        let entries = list.map_or_else(Vec::new, |list| entries(&mut members, list, &mut errors));
        let mut senders = entries.iter().filter_map(|(_, entry)| sender(entry));
        let sender = senders.next_back().cloned();
        let said = said::all(&entries, &mut errors);
        let payload = members.remove("payload").unwrap_or_default();
        let fingerprint = match members.get("timestamp") {
            None | Some(Value::Null) => digest(&[&payload.to_string(), &said::fingerprint_of(&said)]),
            Some(at) => digest(&[&at.to_string()]),
        };
        let emulated = |sender: &Map<String, Value>| sender.get("isEmulator") == Some(&Value::Bool(true));
        let event = Self {
            kind: match list {
                Some("messages") => Kind::Messages,
                Some(_) => Kind::Offload { payload },
                None => Kind::Unknown,
            },
            is_emulated: session.starts_with(EMULATOR)
                || entries
                    .iter()
                    .filter_map(|(_, entry)| self::sender(entry))
                    .any(emulated),
            conversation,
            version,
            fingerprint,
            said,
            sender,
        };
        let event = errors.into_result(event)?;
        if bot.is_some_and(|bot| bot != bot_id) {
            return Err(Problem::Forbidden(
                "the event is of another bot: botId is not the bot_id of this connection",
            ));
        }
        Ok(event)
    }

    /// A message for the bot API. `with_user`: what is said about the person goes along.
    pub(super) fn message_body(&self, said: &Said, with_user: bool) -> Map<String, Value> {
        let mut body = said.body.clone();
        body.insert("platform".to_owned(), self.platform());
        if let Some(user) = self.user().filter(|_| with_user && said.by_user) {
            body.insert("user".to_owned(), user);
        }
        body
    }

    /// A request for a human for the bot API, once it is known what the flow wishes.
    pub(super) fn handover_body(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        body.insert("id".to_owned(), json!(self.offload_id()));
        body.insert("platform".to_owned(), self.platform());
        let named = body.remove("user_id");
        let mut user = self.user().unwrap_or_else(|| json!({}));
        if let Some(id) = named {
            user["id"] = id;
        }
        if user != json!({}) {
            body.insert("user".to_owned(), user);
        }
        let surplus = self.said.len().saturating_sub(TRANSCRIPT_MAX);
        let shown = self.said.iter().skip(surplus);
        let transcript: Vec<Value> = shown.map(|said| Value::Object(said.body.clone())).collect();
        if !transcript.is_empty() {
            body.insert("transcript".to_owned(), transcript.into());
        }
        body
    }

    /// What a repeat of an offload has too.
    pub(super) fn offload_id(&self) -> String {
        format!("offload-{}", self.fingerprint)
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// What Chatlayer calls the person.
    pub(super) fn sender_id(&self) -> Option<String> {
        self.sender.as_ref().and_then(|sender| name(sender.get("id")?))
    }

    fn platform(&self) -> Value {
        let user_id = self.sender_id();
        json!({"session_id": self.conversation, "user_id": user_id, "version": self.version})
    }

    /// The person, as far as Chatlayer knows them.
    fn user(&self) -> Option<Value> {
        let mut user = Map::new();
        let mut room = EXTRA_MAX;
        for (key, value) in self.sender.as_ref()? {
            let known = match key.as_str() {
                "id" => "id",
                "firstname" | "firstName" => "firstname",
                "lastname" | "lastName" => "lastname",
                "email" => "email",
                "preferredLanguage" => "language",
                key if OF_THE_BOT.contains(&key) => continue,
                other => other,
            };
            let plain = match value {
                Value::String(text) if !text.is_empty() => value.clone(),
                // RCE's own word for a known member may be a text only.
                Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
                _ => continue,
            };
            let size = key.len() + plain.as_str().map_or(0, str::len);
            if size <= room {
                room -= size;
                user.insert(known.to_owned(), plain);
            }
        }
        Some(Value::Object(user)).filter(|user| *user != json!({}))
    }
}

/// A text member of the envelope; absent, `null` and empty are the same.
fn word(members: &Map<String, Value>, key: &str, errors: &mut Errors) -> Option<String> {
    input::text(members, key, errors).filter(|text| !text.is_empty())
}

/// The entries of a list with their numbers. Whatever is no entry is an error.
fn entries(
    members: &mut Map<String, Value>,
    key: &str,
    errors: &mut Errors,
) -> Vec<(String, Map<String, Value>)> {
    let items = match members.remove(key) {
        Some(Value::Array(items)) => items,
        None | Some(Value::Null) if key == "transcript" => return Vec::new(),
        _ => {
            errors.add(format!("{key} is not a list"));
            return Vec::new();
        }
    };
    if key == "messages" && items.len() > MESSAGES_MAX {
        errors.add(format!("{key} has at most {MESSAGES_MAX} entries"));
        return Vec::new();
    }
    let mut entries = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("{key}[{index}]");
        match item {
            Value::Object(entry) => entries.push((place, entry)),
            _ => errors.add(format!("{place} is not an object")),
        }
    }
    entries
}

fn sender(entry: &Map<String, Value>) -> Option<&Map<String, Value>> {
    entry.get("message")?.get("sender")?.as_object()
}
