//! Reading what a flow of a bot platform says with its request for a human. Somebody needs a human: whatever is too much or
//! too odd is cut or left out, and never a reason to refuse.

use handover_core::json::is_too_deep;
use serde_json::{Map, Value, json};

/// Longest texts, in characters.
pub const REASON_MAX: usize = 1_000;
pub const SUMMARY_MAX: usize = 4_000;
pub const WORD_MAX: usize = 256;
const CONTEXT_VALUE_MAX: usize = 1_000;
/// Most categories, and most entries of a list in the context.
pub const LIST_MAX: usize = 20;
/// Most that the context may take as JSON, in bytes.
const CONTEXT_MAX: usize = 24 * 1024;
/// Levels that the context is flattened from; what lies deeper is left out.
const CONTEXT_LEVELS: usize = 4;

/// A text of at most so many characters.
pub fn text(value: &Value, max: usize) -> Option<String> {
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
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The words of a list, or a single one.
pub fn words(value: &Value) -> Vec<String> {
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

/// A flat object of plain values, of limited size.
#[derive(Default)]
pub struct Context(pub Map<String, Value>);

impl Context {
    pub fn put(&mut self, key: &str, value: &Value, level: usize) {
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
