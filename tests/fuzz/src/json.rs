//! Bending JSON and leaving it JSON.

use serde_json::{Value, json};

use crate::mutation::{Edits, ValueEdit};

const REPEATED_MAX_BYTES: usize = 64 * 1024;

const TIMES: [&str; 6] = [
    "9999-12-30T22:00:00Z",
    "-009999-01-02T01:59:59Z",
    "2026-11-20T10:05:00Z",
    "2026-11-20T09:29:58Z",
    "2026-11-20T10:09:59.999999999Z",
    "2026-11-20",
];

/// Collects names of members and simple values.
pub(crate) fn words(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| words(item, into)),
        Value::Object(members) => {
            for (name, member) in members {
                into.push(Value::from(name.as_str()));
                words(member, into);
            }
        }
        simple => into.push(simple.clone()),
    }
}

pub(crate) fn word(words: &[Value], number: u16) -> Value {
    words[usize::from(number) % words.len()].clone()
}

pub(crate) fn edit(mut value: Value, edits: &Edits<ValueEdit>, words: &[Value]) -> Value {
    for (place, edit) in edits.iter() {
        let mut pointers = Vec::new();
        collect(&value, String::new(), &mut pointers);
        let pointer = &pointers[place % pointers.len()];
        if matches!(edit, ValueEdit::Remove) {
            remove(&mut value, pointer);
        } else if let Some(node) = value.pointer_mut(pointer) {
            change(node, edit, words);
        }
    }
    value
}

fn change(node: &mut Value, edit: &ValueEdit, words: &[Value]) {
    match edit {
        ValueEdit::Remove => {}
        ValueEdit::Null => *node = Value::Null,
        ValueEdit::Bool(flag) => *node = json!(flag),
        ValueEdit::Number(number) => *node = json!(number),
        ValueEdit::Fraction(quarters) => *node = json!(f64::from(*quarters) / 4.0),
        ValueEdit::Word(number) => *node = word(words, *number),
        ValueEdit::Time(number) => *node = json!(TIMES[usize::from(*number) % TIMES.len()]),
        ValueEdit::Text(text) => *node = json!(text),
        ValueEdit::Nest(depth) => (0..*depth).for_each(|_| *node = Value::Array(vec![node.take()])),
        ValueEdit::Repeat(times) => {
            // Lists of lists of lists must not fill the memory.
            let room = REPEATED_MAX_BYTES / node.to_string().len().max(1);
            *node = Value::Array(vec![node.take(); usize::from(*times).min(room)]);
        }
        ValueEdit::Member(name, value) => {
            if let (Value::Object(members), Value::String(name)) = (node, word(words, *name)) {
                members.insert(name, word(words, *value));
            }
        }
    }
}

/// The JSON pointers of a value and everything in it.
fn collect(value: &Value, pointer: String, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{pointer}/{index}"), into);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, format!("{pointer}/{name}"), into);
            }
        }
        _ => {}
    }
    into.push(pointer);
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Ok(index) = name.parse::<usize>() {
                items.remove(index);
            }
        }
        _ => {}
    }
}
