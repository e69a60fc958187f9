//! What strangers' JSON may look like once it is stored within ours.

use serde_json::Value;

/// Deepest nesting that is accepted. The parser itself takes 128 levels; what is accepted near that limit could
/// not be read again from within a job or a conversation, which add levels of their own.
pub const DEEPEST: usize = 32;

/// Whether a value is nested more deeply than [`DEEPEST`].
pub fn is_too_deep(value: &Value) -> bool {
    exceeds(value, DEEPEST)
}

fn exceeds(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| exceeds(item, levels - 1)),
        Value::Object(members) => levels == 0 || members.values().any(|member| exceeds(member, levels - 1)),
        _ => false,
    }
}

/// Cuts what is nested more deeply than [`DEEPEST`]: an ellipsis stands in its place.
pub fn cut_depth(value: &mut Value) {
    cut(value, DEEPEST);
}

fn cut(value: &mut Value, levels: usize) {
    if levels == 0 && (value.is_array() || value.is_object()) {
        *value = Value::from("…");
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| cut(item, levels - 1)),
        Value::Object(members) => members.values_mut().for_each(|member| cut(member, levels - 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_levels_are_accepted() {
        let nested = |levels: usize| -> Value {
            serde_json::from_str(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap()
        };
        assert!(!is_too_deep(&nested(DEEPEST)));
        assert!(is_too_deep(&nested(DEEPEST + 1)));
        assert!(!is_too_deep(&Value::from("text")));
        let mut deep = nested(100);
        cut_depth(&mut deep);
        assert!(!is_too_deep(&deep) && deep.to_string().ends_with(&format!("…\"{}", "]".repeat(DEEPEST))));
        let mut right = nested(DEEPEST);
        cut_depth(&mut right);
        assert_eq!(right, nested(DEEPEST));
    }
}
