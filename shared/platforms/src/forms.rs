//! Buttons and cards as Cognigy and Messenger-like messages have them: the members differ in spelling only.

use handover_core::structured::{Button, Choice, Select, Structured, Template};
use serde_json::Value;

use crate::content::Reading;
use crate::words::clean;

/// Reads a payload in a platform's words.
pub(crate) type ReadPayload = fn(&Value) -> Option<String>;

/// The first of several members that says something.
pub(crate) fn said(object: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| scalar(object.get(*key)?))
}

pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(crate) fn items<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A payload that is a text, or JSON as such.
pub(crate) fn plain_payload(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

/// A place on earth, as its coordinates and a link to a map; `false`: it is none.
pub(crate) fn location(place: &Value, into: &mut Reading) -> bool {
    let of =
        |keys: &[&str]| said(place, keys).filter(|number| number.parse::<f64>().is_ok_and(f64::is_finite));
    let (Some(lat), Some(long)) = (of(&["lat", "latitude"]), of(&["long", "lng", "lon", "longitude"])) else {
        return false;
    };
    into.say(&format!(
        "{lat}, {long}\nhttps://www.google.com/maps?q={lat},{long}"
    ));
    true
}

/// A card that is nothing but a text with buttons.
pub(crate) fn is_question(card: &Template) -> bool {
    !card.buttons.is_empty() && card.subtitle.is_none() && card.url.is_none() && card.image.is_none()
}

/// What stands for a URL that has no text: RCE shows the host too.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest).to_owned()
}

/// A text with buttons below it: answers to pick from, or a card if one of them leads somewhere.
pub(crate) fn choice(text: Option<&str>, buttons: &[Value], payload: ReadPayload, into: &mut Reading) {
    let text = text.map(clean).filter(|text| !text.trim().is_empty());
    let (buttons, calls) = sorted(buttons, payload, into);
    if buttons.is_empty() {
        into.say(&text.unwrap_or_default());
    } else if let Some(items) = choices(&buttons) {
        let select = Select {
            question: text,
            items,
        };
        into.form(&Structured::Select(select));
    } else {
        into.form(&Structured::Template(Template {
            title: text.unwrap_or_default(),
            buttons,
            ..Template::default()
        }));
    }
    for call in calls {
        into.say_below(&call);
    }
}

/// Cards beside each other or below each other, which RCE shows the same way.
pub(crate) fn cards(elements: &[Value], payload: ReadPayload, into: &mut Reading) {
    let mut cards = Vec::with_capacity(elements.len());
    let mut calls = Vec::new();
    for element in elements {
        let (buttons, own_calls) = sorted(items(element, "buttons"), payload, into);
        let title = said(element, &["title"])
            .map(|title| clean(&title))
            .unwrap_or_default();
        calls.extend(
            own_calls
                .into_iter()
                .map(|call| format!("{title} {call}").trim().to_owned()),
        );
        let action = element.get("default_action").unwrap_or(&Value::Null);
        cards.push(Template {
            title,
            subtitle: said(element, &["subtitle", "subTitle"]).map(|subtitle| clean(&subtitle)),
            url: said(element, &["defaultActionUrl", "webUrl", "item_url"])
                .or_else(|| said(action, &["url"])),
            url_text: None,
            image: said(element, &["image_url", "imageUrl"]),
            buttons,
        });
    }
    match cards.len() {
        0 => {}
        1 => cards
            .into_iter()
            .for_each(|card| into.form(&Structured::Template(card))),
        _ => into.form(&Structured::Carousel(cards)),
    }
    for call in calls {
        into.say_below(&call);
    }
}

/// Buttons, and as words those that RCE has none for.
fn sorted(buttons: &[Value], payload: ReadPayload, reading: &Reading) -> (Vec<Button>, Vec<String>) {
    let (mut known, mut words) = (Vec::new(), Vec::new());
    for value in buttons {
        match button(value, payload, reading) {
            Ok(button) => known.push(button),
            Err(text) => words.extend(text.map(|text| format!("- {text}"))),
        }
    }
    (known, words)
}

/// A button; `Err` is what it says, if RCE has no such button.
fn button(value: &Value, payload: ReadPayload, reading: &Reading) -> Result<Button, Option<String>> {
    let title = said(value, &["title"]).or_else(|| scalar(value));
    let url = said(value, &["url"]);
    let kind = said(value, &["type", "contentType", "content_type"]).unwrap_or_default();
    match (kind.as_str(), title) {
        ("phone_number" | "user_phone_number", title) => Err(call(title, value)),
        ("web_url" | "open_url" | "url", title) => {
            let url = url.ok_or_else(|| title.clone())?;
            let title = title.unwrap_or_else(|| url.clone());
            Ok(Button::Url { title, url })
        }
        ("trigger_intent", Some(title)) => Ok(Button::Reply {
            payload: said(value, &["intentName"]),
            title,
        }),
        ("postback" | "text" | "reply" | "", Some(title)) => Ok(Button::Reply {
            payload: value.get("payload").and_then(payload),
            title,
        }),
        (_, title) => Err(title.or_else(|| reading.readable(value).map(|text| text.replace('\n', ", ")))),
    }
}

/// `Call us (+49…)`.
fn call(title: Option<String>, value: &Value) -> Option<String> {
    let number = said(value, &["payload", "phoneNumber", "call"]);
    match (title, number) {
        (Some(title), Some(number)) => Some(format!("{title} ({number})")),
        (title, number) => title.or(number),
    }
}

/// The buttons as answers, if none leads anywhere.
fn choices(buttons: &[Button]) -> Option<Vec<Choice>> {
    let choice = |button: &Button| match button {
        Button::Reply { title, payload } => Some(Choice {
            title: title.clone(),
            payload: payload.clone(),
        }),
        Button::Url { .. } => None,
    };
    buttons.iter().map(choice).collect()
}
