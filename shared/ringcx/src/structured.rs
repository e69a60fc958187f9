//! Structured content towards RCE, and back.
//!
//! What fits RCE's limits goes as it is, all else as text for people: a refusal would cost a request, and half a card
//! would mislead.
//!
//! RCE takes payloads in ASCII only (REST API, "Structured contents"). Others are written as `utf8:` and their percent
//! encoding, and so is a payload that looks like that itself: [`to_rce`] and [`from_rce`] are inverse to each other. So a
//! click names the payload that RCE knows, and a bot reads the payload that it chose.

mod pictures;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use pictures::{pictures, with_pictures};

use handover_core::structured::limits::PAYLOAD_MAX;
use handover_core::structured::{BELOW, Excess, Structured, fallback_text};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Marks a payload that is not written as itself.
const ENCODED: &str = "utf8:";

/// How a bot's structured message goes to RCE.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// RCE takes it.
    Content { body: Option<String>, content: Value },
    /// RCE would not: everything that there is to read, and what was too much. `None`: there is nothing to read.
    Text {
        text: Option<String>,
        excess: Vec<Excess>,
    },
}

/// Decides how structured content goes to RCE beside the message's text.
pub fn outgoing(body: Option<&str>, structured: &Value) -> Outgoing {
    let text = |excess| Outgoing::Text {
        text: fallback_text(body, structured),
        excess,
    };
    let mut written = structured.clone();
    if let Value::Object(members) = &mut written {
        members.remove(BELOW);
    }
    map_payloads(&mut written, &|payload| Some(to_rce(payload).into_owned()));
    let Some(content) = Structured::from_json(&written) else {
        return text(Vec::new());
    };
    let body = body.or(content.heading());
    let excess = content.excess(body);
    if !excess.is_empty() {
        return text(excess);
    }
    let canonical = content.to_json();
    Outgoing::Content {
        body: body.map(str::to_owned),
        // Members that we do not know are the bot's business, unless what we know of it had to be mended.
        content: if includes(&written, &canonical) {
            written
        } else {
            canonical
        },
    }
}

/// The payload of a click as RCE knows it; `None` if it is longer than RCE takes, so that nothing can match it.
pub(crate) fn click(payload: &str) -> Option<String> {
    Some(to_rce(payload).into_owned()).filter(|payload| payload.len() <= PAYLOAD_MAX)
}

/// An agent's structured content with the payloads that the bot would have chosen.
pub(crate) fn incoming(structured: &Value) -> Value {
    let mut read = structured.clone();
    map_payloads(&mut read, &from_rce);
    read
}

/// A payload in RCE's ASCII.
pub fn to_rce(payload: &str) -> Cow<'_, str> {
    if payload.is_ascii() && from_rce(payload).is_none() {
        return Cow::Borrowed(payload);
    }
    let mut encoded = ENCODED.to_owned();
    for byte in payload.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}

/// The payload that [`to_rce`] wrote this for; `None` if it is one that is written as itself, or longer than RCE takes.
pub fn from_rce(payload: &str) -> Option<String> {
    if payload.len() > PAYLOAD_MAX {
        return None;
    }
    let encoded = payload.strip_prefix(ENCODED)?;
    let decoded = percent_decode_str(encoded).decode_utf8().ok()?;
    // Only what we write ourselves is ours: all else was somebody's own choice.
    let ours = !decoded.is_ascii() || from_rce(&decoded).is_some();
    (ours && canonical(encoded)).then(|| decoded.into_owned())
}

/// Whether a percent encoding is the one that we write.
fn canonical(encoded: &str) -> bool {
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            if !byte.is_ascii_graphic() {
                return false;
            }
            continue;
        }
        let digit = |byte: Option<u8>| byte.filter(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return false;
        };
        let value = |digit: u8| {
            if digit < b'A' {
                digit - b'0'
            } else {
                digit - b'A' + 10
            }
        };
        let byte = value(high) * 16 + value(low);
        if byte.is_ascii_graphic() && byte != b'%' {
            return false;
        }
    }
    true
}

/// Replaces the payloads of the items, and of their items; `None` leaves one as it is.
fn map_payloads(content: &mut Value, change: &impl Fn(&str) -> Option<String>) {
    let Some(items) = content.get_mut("items").and_then(Value::as_array_mut) else {
        return;
    };
    for item in items {
        if let Some(Value::String(payload)) = item.get_mut("payload")
            && let Some(changed) = change(payload)
        {
            *payload = changed;
        }
        map_payloads(item, change);
    }
}

/// Whether everything in `part` is in `whole` too.
fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|whole| includes(whole, value))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| includes(whole, part))
        }
        (whole, part) => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn every_payload_comes_back(payload in "\\PC*|(utf8:)*[ -~]*|utf8:(%[0-9A-Fa-f]{2})*") {
            let written = to_rce(&payload);
            prop_assert!(written.is_ascii());
            prop_assert_eq!(from_rce(&written).unwrap_or_else(|| written.clone().into_owned()), payload);
        }

        #[test]
        fn every_payload_that_an_agent_chose_is_named_as_they_wrote_it(written in "[ -~]*|(utf8:)+([ -~]|%[0-9A-F]{2})*") {
            let payload = from_rce(&written).unwrap_or_else(|| written.clone());
            prop_assert_eq!(to_rce(&payload), written);
        }
    }

    #[test]
    fn a_payload_of_nothing_but_marks_is_bounded() {
        let marks = ENCODED.repeat(200_000);
        assert_eq!((from_rce(&marks), to_rce(&marks).len()), (None, marks.len()));
        assert_eq!(click(&marks), None);
    }

    #[test]
    fn payloads_in_ascii_stay_as_they_are() {
        for payload in [
            "refund",
            "50% off",
            "utf8",
            "utf8:",
            "utf8:refund",
            "{\"a\": 1}",
            "a\u{0}b",
        ] {
            assert_eq!(to_rce(payload), payload);
        }
        assert_eq!(to_rce("größe"), "utf8:gr%C3%B6%C3%9Fe");
        assert_eq!(to_rce("utf8:%C3%B6"), "utf8:utf8:%25C3%25B6");
        assert_eq!(click(&"ö".repeat(165)).map(|payload| payload.len()), Some(995));
        assert_eq!(click(&"ö".repeat(166)), None);
    }

    #[test]
    fn members_that_we_do_not_know_are_kept_unless_something_had_to_be_mended() {
        let sent = |structured: Value| match outgoing(Some("Q"), &structured) {
            Outgoing::Content { content, .. } => content,
            Outgoing::Text { excess, .. } => panic!("{excess:?}"),
        };
        let own = json!({"type": "select", "center_items": true, "items": [{"title": "A", "payload": "a", "x": 1}]});
        assert_eq!(sent(own.clone()), own);
        assert_eq!(
            sent(
                json!({"type": "select", "center_items": true, "items": ["A", {"title": "B", "payload": "ü"}]})
            ),
            json!({"type": "select", "items": [{"title": "A"}, {"title": "B", "payload": "utf8:%C3%BC"}]})
        );
    }

    #[test]
    fn a_question_within_the_content_becomes_the_body() {
        let select = json!({"type": "select", "title": "Which?", "items": [{"title": "A"}]});
        let Outgoing::Content { body, .. } = outgoing(None, &select) else {
            panic!("it fits");
        };
        assert_eq!(body.as_deref(), Some("Which?"));
    }

    #[test]
    fn what_a_bot_reads_is_what_it_chose() {
        let card = json!({"type": "carousel", "items": [
            {"title": "S", "items": [{"type": "reply", "title": "S", "payload": "utf8:%C3%BC"}]}]});
        assert_eq!(incoming(&card)["items"][0]["items"][0]["payload"], "ü");
    }
}
