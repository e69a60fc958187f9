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
