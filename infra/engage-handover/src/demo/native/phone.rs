//! What a customer's phone shows: what RCE delivered to it, and what is on its way or failed, marked as such.

use serde_json::Value;

use super::super::chat::{Line, LineState};

/// The lines of a thread's card, as the desk's state has it.
pub(super) fn lines(card: &Value) -> Vec<Line> {
    let contents = card["contents"].as_array();
    contents.into_iter().flatten().map(line).collect()
}

fn line(content: &Value) -> Line {
    let text = |member: &str| content[member].as_str().map(str::to_owned);
    let from = match content["author_kind"].as_str() {
        Some("customer") => "customer",
        Some("bot") => "bot",
        _ => "agent",
    };
    let is_sent = from == "customer" || content["seen_by_customer"] == true;
    let state = match content["synchronization_status"].as_str() {
        _ if is_sent => LineState::Sent,
        Some("export_failure" | "export_aborted") => LineState::Failed,
        _ => LineState::Sending,
    };
    Line {
        attachments: content["attachments"].clone(),
        structured: content["structured_content"].clone(),
        trouble: text("synchronization_error").filter(|_| state == LineState::Failed),
        at: text("created_at")
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
            .map_or(0, jiff::Timestamp::as_millisecond),
        state,
        ..Line::new(
            text("id").unwrap_or_default(),
            from,
            text("author_name"),
            text("body").unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_delivered_counts_as_seen() {
        let content = |kind: &str, seen: bool, status: &str| {
            json!({
                "id": "c", "author_kind": kind, "body": "Hi", "created_at": "1970-01-01T00:00:00.007Z", "seen_by_customer": seen,
                "synchronization_status": status, "synchronization_error": "no such number",
            })
        };
        for (kind, seen, status, state) in [
            ("customer", false, "import_success", LineState::Sent),
            ("bot", false, "export_pending", LineState::Sending),
            ("bot", true, "export_success", LineState::Sent),
            ("agent", false, "export_failure", LineState::Failed),
        ] {
            let shown = lines(&json!({ "contents": [content(kind, seen, status)] }));
            assert_eq!(shown[0].state, state, "{kind} {status}");
            assert_eq!(shown[0].trouble.is_some(), state == LineState::Failed);
            assert_eq!(shown[0].from, kind);
            assert_eq!(shown[0].at, 7);
        }
    }
}
