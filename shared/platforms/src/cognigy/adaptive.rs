//! Adaptive cards as text (adaptivecards.io, schema explorer).

use handover_core::json::DEEPEST;
use serde_json::Value;

use crate::forms::{items, said};

/// Members that hold what is inside an element, in the order in which they are shown.
const INSIDE: [&str; 8] = [
    "body", "items", "columns", "rows", "cells", "images", "facts", "actions",
];

/// What a card says, from top to bottom. `None` if that is nothing.
pub(crate) fn text(card: &Value) -> Option<String> {
    let mut lines = Vec::new();
    walk(card, DEEPEST, &mut lines);
    if lines.is_empty() {
        lines.extend(said(card, &["fallbackText"]));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn walk(element: &Value, levels: usize, lines: &mut Vec<String>) {
    if levels == 0 {
        return lines.push("…".to_owned());
    }
    lines.extend(line(element));
    for key in INSIDE {
        for inside in items(element, key) {
            walk(inside, levels - 1, lines);
        }
    }
    // What is picked has a value for machines.
    let choices = items(element, "choices").iter();
    lines.extend(
        choices
            .filter_map(|choice| said(choice, &["title", "value"]))
            .map(|title| format!("- {title}")),
    );
    // Rich text is words in a row, and a card may show another one.
    let runs: Vec<String> = items(element, "inlines")
        .iter()
        .filter_map(|run| said(run, &["text"]).or_else(|| run.as_str().map(str::to_owned)))
        .collect();
    lines.extend((!runs.is_empty()).then(|| runs.concat()));
    for key in ["card", "action"] {
        if let Some(inside) = element.get(key).filter(|inside| inside.is_object()) {
            walk(inside, levels - 1, lines);
        }
    }
}

/// What an element itself says.
fn line(element: &Value) -> Option<String> {
    let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
    let title = said(element, &["title", "label"]);
    match kind {
        "Image" | "Media" => said(element, &["url"]).map(|url| match said(element, &["altText"]) {
            Some(text) => format!("{text}: {url}"),
            None => url,
        }),
        "Action.OpenUrl" => match (title, said(element, &["url"])) {
            (Some(title), Some(url)) => Some(format!("- {title} ({url})")),
            (title, url) => title.or(url).map(|word| format!("- {word}")),
        },
        _ if kind.starts_with("Action.") => title.map(|title| format!("- {title}")),
        _ if kind.starts_with("Input.") => title.or_else(|| said(element, &["placeholder"])),
        "" | "Fact" => match (title, said(element, &["value"])) {
            (Some(title), Some(value)) => Some(format!("{title}: {value}")),
            (title, value) => title.or(value).or_else(|| said(element, &["text"])),
        },
        _ => said(element, &["text"]),
    }
}
