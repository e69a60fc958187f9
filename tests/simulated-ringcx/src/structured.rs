//! Structured content on the Send API: the four types, and the members that each must have.

use serde_json::Value;

use crate::send_api::Refusal;

/// Checks the type and the mandatory members. `body` is the message's own.
pub(crate) fn check(content: &Value, body: Option<&str>) -> Result<(), Refusal> {
    let Some(kind) = content["type"].as_str().filter(|kind| !kind.is_empty()) else {
        return Err(Refusal::new(422, "Type is required for structured contents"));
    };
    match kind {
        "select" => {
            if body.is_none() {
                return Err(empty("body"));
            }
            for item in items(content)? {
                need(item, "title")?;
            }
            Ok(())
        }
        "rich_link" => need(content, "url").and_then(|()| need(content, "title")),
        "template" => template(content),
        "carousel" => items(content)?.iter().try_for_each(template),
        _ => Err(Refusal::new(
            422,
            "Source doesn't support this type of structured content",
        )),
    }
}

fn template(template: &Value) -> Result<(), Refusal> {
    need(template, "title")?;
    let buttons = template["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for button in buttons {
        need(button, "type")?;
        need(button, "title")?;
        if button["type"] == "url" {
            need(button, "url")?;
        }
    }
    Ok(())
}

fn items(content: &Value) -> Result<&Vec<Value>, Refusal> {
    content["items"]
        .as_array()
        .filter(|items| !items.is_empty())
        .ok_or_else(|| empty("items"))
}

fn need(object: &Value, member: &str) -> Result<(), Refusal> {
    match object[member].as_str() {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(empty(member)),
    }
}

/// What exceeds the documented limits. Whether the Send API refuses or trims it is not documented, so it takes it, and
/// whoever sends it has violated the protocol.
pub(crate) fn excess(content: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let many = match content["type"].as_str() {
        Some("select") => Some(13),
        Some("carousel") => Some(10),
        Some("template") => Some(4),
        _ => None,
    };
    if let Some(most) = many {
        at_most(content, most, "items", &mut found);
    }
    if content["type"] == "carousel" {
        let cards = list(content);
        let pictures = cards
            .iter()
            .filter(|card| card["attachment_url"].is_string())
            .count();
        if pictures != 0 && pictures != cards.len() {
            found.push("some items have a picture, others have none".to_owned());
        }
        for card in cards {
            at_most(card, 4, "items of an item", &mut found);
        }
    }
    measure(content, true, &mut found);
    found
}

fn list(object: &Value) -> &[Value] {
    object["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn at_most(object: &Value, most: usize, what: &str, found: &mut Vec<String>) {
    let count = list(object).len();
    if count > most {
        found.push(format!("{count} {what}"));
    }
}

/// Measures an object and what is listed in it. Cards have long titles, what can be clicked has short ones.
fn measure(object: &Value, is_card: bool, found: &mut Vec<String>) {
    let title = if is_card { 350 } else { 80 };
    for (member, most) in [
        ("title", title),
        ("subtitle", 1000),
        ("url_text", 80),
        ("payload", 1000),
        ("url", 2048),
        ("attachment_url", 2048),
    ] {
        let Some(text) = object[member].as_str() else {
            continue;
        };
        let length = text.chars().count();
        if length > most {
            found.push(format!("{member} has {length} characters"));
        }
        if member == "payload" && !text.is_ascii() {
            found.push("a payload is not ASCII".to_owned());
        }
        if member.ends_with("url") && !text.starts_with("http://") && !text.starts_with("https://") {
            found.push(format!("{member} is not for the web"));
        }
    }
    let cards_inside = object["type"] == "carousel";
    for item in list(object) {
        measure(item, cards_inside, found);
    }
}

fn empty(member: &str) -> Refusal {
    Refusal(422, format!("structured_content: \"{member}\" must not be empty"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_needs_its_members() {
        let item = json!({"title": "Modem"});
        assert_eq!(
            check(&json!({"type": "select", "items": [item]}), Some("Which?")),
            Ok(())
        );
        assert_eq!(
            check(&json!({"type": "select", "items": []}), Some("Which?")),
            Err(empty("items"))
        );
        assert_eq!(
            check(&json!({"type": "select", "items": [item]}), None),
            Err(empty("body"))
        );
        assert_eq!(
            check(&json!({"type": "rich_link", "title": "x"}), None),
            Err(empty("url"))
        );
        let button = json!({"type": "url", "title": "Open"});
        assert_eq!(
            check(
                &json!({"type": "template", "title": "x", "items": [button]}),
                None
            ),
            Err(empty("url"))
        );
        assert_eq!(
            check(&json!({"type": "carousel", "items": [{"title": "x"}]}), None),
            Ok(())
        );
    }

    #[test]
    fn limits_are_measured() {
        let items = |count: usize| vec![json!({"title": "x".repeat(80), "payload": "p".repeat(1000)}); count];
        assert!(excess(&json!({"type": "select", "items": items(13)})).is_empty());
        assert_eq!(
            excess(&json!({"type": "select", "items": items(14)})),
            ["14 items"]
        );
        let card = json!({"title": "x".repeat(350), "items": items(4)});
        assert!(excess(&json!({"type": "carousel", "items": vec![card.clone(); 10]})).is_empty());
        let odd = json!({"type": "carousel", "items": [card, {"title": "T", "attachment_url": "ftp://x", "items": items(5)}]});
        assert_eq!(
            excess(&odd),
            [
                "some items have a picture, others have none",
                "5 items of an item",
                "attachment_url is not for the web"
            ]
        );
        let long = json!({"type": "select", "items": [{"title": "x".repeat(81), "payload": "ö"}]});
        assert_eq!(
            excess(&long),
            ["title has 81 characters", "a payload is not ASCII"]
        );
    }

    #[test]
    fn the_type_is_required_and_known() {
        assert_eq!(
            check(&json!({}), None),
            Err(Refusal::new(422, "Type is required for structured contents"))
        );
        let unknown = check(&json!({"type": "form"}), None);
        assert_eq!(
            unknown,
            Err(Refusal::new(
                422,
                "Source doesn't support this type of structured content"
            ))
        );
    }
}
