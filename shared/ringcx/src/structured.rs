//! Structured content (Source SDK, "Structured contents" page) as text, for whoever cannot show it.

use serde_json::Value;

use crate::json;

/// Entries of one list that are shown at most; RCE's own limits are 13 and below.
const MOST_ITEMS: usize = 50;

/// A readable text for a `select`, `rich_link`, `template` or `carousel`, and for types that we do
/// not know as far as they use the same members: the body, title, subtitle and URL, then the items as
/// a list. `None` if there is nothing to read in it.
pub fn fallback_text(body: Option<&str>, structured: &Value) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let body = body.map(str::trim).filter(|body| !body.is_empty());
    lines.extend(body.map(str::to_owned));
    for member in ["body", "text", "title", "subtitle"] {
        if let Some(text) = json::text(structured.get(member)).map(str::trim)
            && !lines.iter().any(|line| line == text)
        {
            lines.push(text.to_owned());
        }
    }
    lines.extend(link(structured));
    for item in json::items(structured.get("items")).iter().take(MOST_ITEMS) {
        lines.extend(entry(item).map(|entry| format!("- {entry}")));
        for button in json::items(item.get("items")).iter().take(MOST_ITEMS) {
            lines.extend(entry(button).map(|entry| format!("  - {entry}")));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The link of a rich link or template, with its text unless the title says the same.
fn link(structured: &Value) -> Option<String> {
    let url = json::text(structured.get("url"))?;
    let name = json::text(structured.get("url_text"))
        .filter(|name| *name != url && Some(*name) != json::text(structured.get("title")));
    Some(name.map_or_else(|| url.to_owned(), |name| format!("{name}: {url}")))
}

/// An item of a select, a button, or a template of a carousel, in one line.
fn entry(item: &Value) -> Option<String> {
    let title = ["title", "text", "name"]
        .iter()
        .find_map(|member| json::text(item.get(member)))
        .or_else(|| json::text(Some(item)));
    let mut line = title.unwrap_or_default().trim().to_owned();
    if let Some(subtitle) = json::text(item.get("subtitle")) {
        if !line.is_empty() {
            line.push_str(" – ");
        }
        line.push_str(subtitle.trim());
    }
    match json::text(item.get("url")) {
        Some(url) if line.is_empty() => line.push_str(url),
        Some(url) if line != url => {
            line.push_str(" (");
            line.push_str(url);
            line.push(')');
        }
        _ => {}
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(body: Option<&str>, structured: &Value, expected: Option<&str>) {
        assert_eq!(fallback_text(body, structured).as_deref(), expected);
    }

    #[test]
    fn br_018_a_select_is_its_body_and_a_list() {
        let select =
            json!({"type": "select", "items": [{"title": "Red", "payload": "r"}, {"title": "Blue"}]});
        check(Some("Which one?"), &select, Some("Which one?\n- Red\n- Blue"));
        check(None, &select, Some("- Red\n- Blue"));
    }

    #[test]
    fn br_018_a_rich_link_keeps_its_target() {
        let link = json!({"type": "rich_link", "url": "https://x.test/a", "title": "Manual",
            "subtitle": "All pages", "url_text": "Manual", "attachment_url": "https://x.test/logo.png"});
        check(None, &link, Some("Manual\nAll pages\nhttps://x.test/a"));
        check(
            Some("Look:"),
            &link,
            Some("Look:\nManual\nAll pages\nhttps://x.test/a"),
        );
        let named = json!({"type": "rich_link", "url": "https://x.test/a", "url_text": "Open"});
        check(None, &named, Some("Open: https://x.test/a"));
    }

    #[test]
    fn br_018_a_template_lists_its_buttons() {
        let template = json!({"type": "template", "title": "Parcel", "subtitle": "On its way", "items": [
            {"type": "url", "title": "Follow", "url": "https://x.test/t"},
            {"type": "reply", "title": "It is lost", "payload": "lost"},
        ]});
        check(
            None,
            &template,
            Some("Parcel\nOn its way\n- Follow (https://x.test/t)\n- It is lost"),
        );
    }

    #[test]
    fn br_018_a_carousel_lists_templates_and_their_buttons() {
        let carousel = json!({"type": "carousel", "items": [
            {"title": "S", "subtitle": "5 €", "items": [{"type": "reply", "title": "Take S"}]},
            {"title": "L", "items": [{"type": "url", "title": "More", "url": "https://x.test/l"}]},
        ]});
        check(
            None,
            &carousel,
            Some("- S – 5 €\n  - Take S\n- L\n  - More (https://x.test/l)"),
        );
    }

    #[test]
    fn br_018_an_unknown_type_degrades_to_what_can_be_read() {
        check(
            None,
            &json!({"type": "hologram", "text": "Hi", "items": ["a", {"name": "b"}, 3]}),
            Some("Hi\n- a\n- b"),
        );
        check(None, &json!({"type": "hologram"}), None);
        check(Some("  "), &json!(null), None);
        check(Some("Just this"), &json!([1, 2]), Some("Just this"));
    }
}
