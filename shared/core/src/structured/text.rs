//! Structured messages, and JSON of any kind, as text that a person can read.

use serde_json::{Map, Value};

use super::{Structured, scalar};
use crate::json::DEEPEST;
use crate::message::BODY_MAX_CHARS;

/// A member for what belongs below the choices of a message as text, and is said beside them where they can be shown: the message's
/// text ends with it. RCE does not know it.
pub const BELOW: &str = "_below";

/// Members that are shown in their own way, or that mean nothing to a person.
const KNOWN: [&str; 18] = [
    BELOW,
    "type",
    "body",
    "text",
    "title",
    "subtitle",
    "name",
    "url",
    "url_text",
    "attachment_url",
    "items",
    "sections",
    "payload",
    "attachment_id",
    "attachment_fallback_id",
    "center_items",
    "disable_text_input",
    "style",
];

/// A readable text for structured content, and for types that we do not know as far as there is something to read:
/// the body, title, subtitle, link and picture, then all items as a list, section by section where there are some, then what belongs below. `None` if there is nothing.
pub fn fallback_text(body: Option<&str>, structured: &Value) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let below = member_text(structured, BELOW);
    let above = |body| match &below {
        Some(below) => str::strip_suffix(body, below.as_str()).map_or(body, str::trim_end),
        None => body,
    };
    let body = body.map(str::trim).map(above).filter(|body| !body.is_empty());
    lines.extend(body.map(str::to_owned));
    for member in ["body", "text", "title", "subtitle"] {
        if let Some(text) = member_text(structured, member)
            && !lines.contains(&text)
        {
            lines.push(text);
        }
    }
    lines.extend(link(structured));
    lines.extend(member_text(structured, "attachment_url"));
    entries(structured, 0, &mut lines);
    for section in listed(structured, "sections") {
        lines.extend(member_text(section, "title").filter(|title| !lines.contains(title)));
        entries(section, 0, &mut lines);
    }
    if Structured::from_json(structured).is_none()
        && let Value::Object(members) = structured
    {
        let unknown = members.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str()));
        let unknown: Map<String, Value> = unknown.map(|(k, v)| (k.clone(), v.clone())).collect();
        lines.extend(readable(&Value::Object(unknown)));
    }
    lines.extend(below);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn listed<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn member_text(object: &Value, member: &str) -> Option<String> {
    let text = object.get(member).and_then(scalar)?;
    Some(text.trim().to_owned())
}

/// Where something leads, with its text unless the title says the same.
fn link(object: &Value) -> Option<String> {
    let url = member_text(object, "url")?;
    let url = url.strip_prefix("tel:").map_or(url.clone(), str::to_owned);
    let name = member_text(object, "url_text")
        .filter(|name| *name != url && Some(name) != member_text(object, "title").as_ref());
    Some(name.map_or_else(|| url.clone(), |name| format!("{name}: {url}")))
}

/// The items of something, and what is listed below each.
fn entries(value: &Value, depth: usize, lines: &mut Vec<String>) {
    for item in listed(value, "items") {
        entry(item, &"  ".repeat(depth), lines);
        if depth < DEEPEST {
            entries(item, depth + 1, lines);
        }
    }
}

/// An item of a select, a button, or a template of a carousel: a line, and one for its picture.
fn entry(item: &Value, indent: &str, lines: &mut Vec<String>) {
    let title = ["title", "text", "name"]
        .iter()
        .find_map(|member| member_text(item, member))
        .or_else(|| scalar(item).map(|text| text.trim().to_owned()));
    let mut line = title.unwrap_or_default();
    if let Some(subtitle) = member_text(item, "subtitle") {
        if !line.is_empty() {
            line.push_str(" – ");
        }
        line.push_str(&subtitle);
    }
    match link(item) {
        Some(target) if line.is_empty() => line = target,
        Some(target) if line != target => line = format!("{line} ({target})"),
        _ => {}
    }
    let picture = member_text(item, "attachment_url");
    if line.is_empty() && picture.is_none() {
        // Not a button in our words: what it says, in one line.
        line = readable(item)
            .map(|text| text.replace('\n', ", "))
            .unwrap_or_default();
    }
    if !line.is_empty() {
        lines.push(format!("{indent}- {line}"));
    }
    lines.extend(picture.map(|picture| format!("{indent}  {picture}")));
}

/// Any JSON as text: a line for each member that says something, what is inside others indented. Members whose names
/// begin with `_` or `$` are a machine's. Ends at [`BODY_MAX_CHARS`] and [`DEEPEST`] with an ellipsis: nobody wrote
/// this for people, so that what is longer than the longest message is no loss.
pub fn readable(value: &Value) -> Option<String> {
    let mut lines = Vec::new();
    let mut room = BODY_MAX_CHARS;
    write(value, DEEPEST, 0, &mut lines, &mut room);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Adds a line, or what there is room for of it and an ellipsis.
fn push(line: String, lines: &mut Vec<String>, room: &mut usize) {
    let length = line.chars().count() + 1;
    if length <= *room {
        *room -= length;
        lines.push(line);
    } else if *room > 0 {
        let cut: String = line.chars().take(room.saturating_sub(2)).collect();
        *room = 0;
        lines.push(format!("{cut}…"));
    }
}

fn write(value: &Value, levels: usize, depth: usize, lines: &mut Vec<String>, room: &mut usize) {
    let indent = "  ".repeat(depth);
    if *room == 0 {
        return;
    }
    if levels == 0 {
        push(format!("{indent}…"), lines, room);
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if key.starts_with(['_', '$']) || is_empty(member) {
                    continue;
                }
                if let Some(text) = flat(member) {
                    push(format!("{indent}{key}: {text}"), lines, room);
                } else {
                    push(format!("{indent}{key}:"), lines, room);
                    write(member, levels - 1, depth + 1, lines, room);
                }
            }
        }
        Value::Array(items) => {
            for item in items.iter().filter(|item| !is_empty(item)) {
                if let Some(text) = flat(item) {
                    push(format!("{indent}- {text}"), lines, room);
                } else {
                    push(format!("{indent}-"), lines, room);
                    write(item, levels - 1, depth + 1, lines, room);
                }
            }
        }
        other => {
            if let Some(text) = flat(other).filter(|text| !text.is_empty()) {
                push(format!("{indent}{text}"), lines, room);
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value that fits into one line.
fn flat(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            texts.map(|texts| texts.join(", "))
        }
        Value::Object(_) => None,
        Value::Null => Some(String::new()),
        text => Some(scalar(text).unwrap_or_default().trim().to_owned()),
    }
}
