//! The free JSON that a flow's "Offload" action sends along. Somebody needs a human: whatever is too much or too odd is
//! cut or left out, and never a reason to refuse.

use std::collections::BTreeSet;

use handover_platforms::lenient::{Context, LIST_MAX, REASON_MAX, SUMMARY_MAX, WORD_MAX, flag, text, words};
use serde_json::{Map, Value, json};

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

/// RCE's ids have 24 hexadecimal digits in practice.
fn is_id(word: &str) -> bool {
    word.len() == 24 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use handover_core::json::is_too_deep;

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
