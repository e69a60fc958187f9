//! The free JSON that a flow's "Offload" action sends along. Somebody needs a human: whatever is too much or too odd is
//! cut or left out, and never a reason to refuse.

use std::collections::BTreeSet;

use handover_core::json::is_too_deep;
use serde_json::{Map, Value, json};

/// Longest texts, in characters.
const REASON_MAX: usize = 1_000;
const SUMMARY_MAX: usize = 4_000;
const WORD_MAX: usize = 256;
const CONTEXT_VALUE_MAX: usize = 1_000;
/// Most categories, and most entries of a list in the context.
const LIST_MAX: usize = 20;
/// Most that the context may take as JSON, in bytes.
const CONTEXT_MAX: usize = 24 * 1024;
/// Levels that the context is flattened from; what lies deeper is left out.
const CONTEXT_LEVELS: usize = 4;

/// What a flow wishes.
pub(super) struct Wish {
    /// Whether the bot is to be silent meanwhile; not, if it helps the agent.
    pub(super) pauses: bool,
    /// A request for a human in the bot API's words.
    pub(super) body: Map<String, Value>,
}

/// `in_ringcx`: the person talks on a channel of RCE's, where they and their thread have names of their own.
pub(super) fn read(payload: &Value, in_ringcx: bool) -> Wish {
    let members = match payload {
        Value::Object(members) => members.clone(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _ => Map::from_iter([("reason".to_owned(), json!(text))]),
        },
        Value::Null => Map::new(),
        other => Map::from_iter([("payload".to_owned(), other.clone())]),
    };
    let mut body = Map::new();
    let mut pauses = true;
    let mut context = Context::default();
    let mut ids = BTreeSet::new();
    for (key, value) in &members {
        let slot = match key.as_str() {
            "reason" => text(value, REASON_MAX).map(|it| ("reason", json!(it))),
            "summary" => text(value, SUMMARY_MAX).map(|it| ("summary", json!(it))),
            "language" => text(value, WORD_MAX).map(|it| ("language", json!(it))),
            "user_id" | "userId" if in_ringcx => text(value, WORD_MAX).map(|it| ("user_id", json!(it))),
            "thread_id" | "threadId" if in_ringcx => text(value, WORD_MAX).map(|it| ("thread_id", json!(it))),
            "require_agent" | "requireAgent" => flag(value).map(|it| ("require_agent", json!(it))),
            "pauseBot" => {
                pauses = flag(value).unwrap_or(true);
                None
            }
            "category_ids" | "categoryIds" => {
                ids.extend(words(value));
                None
            }
            "categories" => {
                // People write names there as well. RCE takes ids only, and would refuse it all.
                let (known, names): (Vec<_>, Vec<_>) = words(value).into_iter().partition(|it| is_id(it));
                ids.extend(known);
                context.put("categories", &json!(names), 0);
                None
            }
            "context" if value.is_object() => {
                context.put("", value, 0);
                None
            }
            other => {
                context.put(other, value, 0);
                None
            }
        };
        if let Some((key, value)) = slot {
            body.insert(key.to_owned(), value);
        }
    }
    if !ids.is_empty() {
        let ids: Vec<String> = ids.into_iter().take(LIST_MAX).collect();
        body.insert("category_ids".to_owned(), json!(ids));
    }
    if !context.0.is_empty() {
        body.insert("context".to_owned(), Value::Object(context.0));
    }
    Wish { pauses, body }
}

/// A text of at most so many characters.
fn text(value: &Value, max: usize) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) if !is_too_deep(value) => value.to_string(),
        _ => return None,
    };
    let cut = text.chars().take(max).collect::<String>();
    (!cut.is_empty()).then_some(cut)
}

/// A flow writes variables as texts.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The words of a list, or a single one.
fn words(value: &Value) -> Vec<String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let plain = items.iter().filter(|item| !item.is_array() && !item.is_object());
    plain
        .filter_map(|item| text(item, WORD_MAX))
        .take(LIST_MAX)
        .collect()
}

/// RCE's ids have 24 hexadecimal digits in practice.
fn is_id(word: &str) -> bool {
    word.len() == 24 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A flat object of plain values, of limited size.
#[derive(Default)]
struct Context(Map<String, Value>);

impl Context {
    fn put(&mut self, key: &str, value: &Value, level: usize) {
        match value {
            Value::Object(members) if level < CONTEXT_LEVELS => {
                for (name, value) in members {
                    let name = if key.is_empty() {
                        name.clone()
                    } else {
                        format!("{key}.{name}")
                    };
                    self.put(&name, value, level + 1);
                }
            }
            Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
                let texts: Vec<String> = items
                    .iter()
                    .filter_map(|item| text(item, WORD_MAX))
                    .take(LIST_MAX)
                    .collect();
                if !texts.is_empty() {
                    self.insert(key, json!(texts));
                }
            }
            Value::Number(_) | Value::Bool(_) => self.insert(key, value.clone()),
            other => {
                if let Some(text) = text(other, CONTEXT_VALUE_MAX) {
                    self.insert(key, json!(text));
                }
            }
        }
    }

    /// What does not fit any more is left out.
    fn insert(&mut self, key: &str, value: Value) {
        let size =
            |map: &Map<String, Value>| serde_json::to_string(map).map_or(usize::MAX, |json| json.len());
        let added = key.len() + value.to_string().len();
        if !key.is_empty() && key.len() <= WORD_MAX && size(&self.0) + added <= CONTEXT_MAX {
            self.0.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flows_wish_is_read_whatever_its_form() {
        let wish = read(
            &json!({
                "reason": "refund", "summary": "wants money", "language": "nl", "require_agent": "true",
                "category_ids": ["a1"], "categories": ["retention", "5f0c0000000000000000ca01"],
                "order": {"id": 17, "lines": [{"sku": "x"}]}, "tags": ["a", 2], "context": {"page": "p"},
            }),
            false,
        );
        assert!(wish.pauses);
        let expected = json!({
            "reason": "refund", "summary": "wants money", "language": "nl", "require_agent": true,
            "category_ids": ["5f0c0000000000000000ca01", "a1"],
            "context": {"categories": ["retention"], "order.id": 17, "order.lines": "[{\"sku\":\"x\"}]",
                        "page": "p", "tags": ["a", "2"]},
        });
        assert_eq!(Value::Object(wish.body), expected);
        assert_eq!(
            Value::Object(read(&json!("help me"), false).body),
            json!({"reason": "help me"})
        );
        assert_eq!(
            Value::Object(read(&json!("{\"reason\": \"json\"}"), false).body),
            json!({"reason": "json"})
        );
        for empty in [Value::Null, json!({}), json!(""), json!({"reason": null})] {
            assert!(read(&empty, false).body.is_empty(), "{empty}");
        }
        assert!(!read(&json!({"pauseBot": false}), false).pauses);
        assert!(!read(&json!({"pauseBot": "False"}), false).pauses);
        assert!(read(&json!({"pauseBot": "what?"}), false).pauses);
    }

    #[test]
    fn nothing_that_a_flow_sends_is_too_much() {
        let deep: Value = serde_json::from_str(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).unwrap();
        let many: Map<String, Value> = (0..5_000)
            .map(|n| (format!("key{n}"), json!("\u{1}".repeat(300))))
            .collect();
        let giant = json!({"reason": "\u{1}".repeat(500_000), "summary": "é".repeat(100_000), "many": many,
                           "deep": deep, "category_ids": vec!["c"; 10_000], "x": "[Circular ~]"});
        let body = Value::Object(read(&giant, false).body);
        assert!(body.to_string().len() < 64 * 1024, "{}", body.to_string().len());
        assert!(!is_too_deep(&body));
        assert_eq!(body["reason"].as_str().unwrap().chars().count(), REASON_MAX);
    }
}
