//! The story so far, as the kit or the Flow tells it.
//!
//! Two shapes: `{id?, from, text, at?, data?}`, and the entries of Cognigy's *Get Transcript* node: `{role, type, source,
//! payload: {text, data}, id, traceId, timestamp}`. What is no message (tool calls, events) is left out.

use serde_json::{Map, Value, json};

use super::call::content;

/// Newest entries that are kept; the bot API takes a thousand.
const MOST: usize = 1000;

/// In the bot API's words, oldest first. `None` if there is none, so that what was kept counts.
pub(super) fn read(value: Option<&Value>) -> Option<Value> {
    let entries = value?.as_array()?;
    let mut messages: Vec<Value> = entries.iter().filter_map(message).collect();
    messages.drain(..messages.len().saturating_sub(MOST));
    (!messages.is_empty()).then_some(Value::Array(messages))
}

fn message(entry: &Value) -> Option<Value> {
    let entry = entry.as_object()?;
    let author = ["from", "role", "source"]
        .iter()
        .find_map(|key| entry.get(*key)?.as_str())?;
    let from = match author.to_ascii_lowercase().as_str() {
        "user" | "customer" | "human" => "user",
        "bot" | "assistant" | "ai" | "agent" => "bot",
        _ => return None,
    };
    let mut said = match entry.get("payload").and_then(Value::as_object) {
        Some(payload) => content(payload, from),
        None => content(entry, from),
    };
    if said.is_empty() {
        return None;
    }
    said.insert("from".to_owned(), json!(from));
    if let Some(id) = id(entry) {
        said.insert("id".to_owned(), json!(id));
    }
    if let Some(at) = ["at", "timestamp", "sent_at"]
        .iter()
        .find_map(|key| time(entry.get(*key)?))
    {
        said.insert("sent_at".to_owned(), json!(at));
    }
    Some(Value::Object(said))
}

fn id(entry: &Map<String, Value>) -> Option<&str> {
    let id = entry.get("id")?.as_str()?;
    (!id.is_empty() && id.len() <= 256).then_some(id)
}

/// RFC 3339, or milliseconds since 1970 (Cognigy's transcripts have both).
pub(super) fn time(value: &Value) -> Option<String> {
    let at = match value {
        Value::String(text) => text
            .parse::<handover_core::Timestamp>()
            .ok()
            .or_else(|| handover_core::Timestamp::from_millisecond(text.parse().ok()?).ok())?,
        Value::Number(number) => handover_core::Timestamp::from_millisecond(number.as_i64()?).ok()?,
        _ => return None,
    };
    Some(at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read_and_what_is_no_message_is_left_out() {
        let entries = json!([
            {"id": "m1", "from": "user", "text": "My invoice is wrong", "at": "2026-11-20T09:14:01Z"},
            {"role": "assistant", "type": "output", "source": "assistant", "payload": {"text": "Which one?", "data": {}},
             "id": "x", "timestamp": 1_795_166_391_000_u64},
            {"role": "tool", "payload": {"text": "looked up"}},
            {"from": "bot", "text": "  "}, 7, null,
        ]);
        let expected = json!([
            {"id": "m1", "from": "user", "text": "My invoice is wrong", "sent_at": "2026-11-20T09:14:01Z"},
            {"id": "x", "from": "bot", "text": "Which one?", "sent_at": "2026-11-20T09:19:51Z"},
        ]);
        assert_eq!(read(Some(&entries)), Some(expected));
        for none in [json!([]), json!("x"), json!({}), json!(null)] {
            assert_eq!(read(Some(&none)), None);
        }
    }

    #[test]
    fn of_a_giant_transcript_the_newest_part_is_kept() {
        let entries: Vec<Value> = (0..1500)
            .map(|n| json!({"from": "user", "text": n.to_string()}))
            .collect();
        let read = read(Some(&Value::Array(entries))).unwrap();
        assert_eq!(read.as_array().map(Vec::len), Some(1000));
        assert_eq!(read[999]["text"], "1499");
    }
}
