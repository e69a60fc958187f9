//! To Cognigy: an agent's message as outputs.

use handover_core::message::{AgentMessage, Attachment, split_text};
use handover_core::structured::{Button, Structured, Template, fallback_text};
use serde_json::{Map, Value, json};

use crate::files::{Kind, kind_of, line};
use crate::forms::{host, is_question};
use crate::own_text;

/// Longest text of an output, in characters (Cognigy documentation, "REST endpoint"). Cognigy is written in JavaScript, which
/// counts UTF-16 units.
pub const TEXT_MAX: usize = 10_000;

/// What is sent, in this order: each text as an output without data, then each `data` as an output without text. A form
/// beside a text would hide it: the web chat shows one of the two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CognigyOutput {
    pub texts: Vec<String>,
    /// Each with the default channel's form and the web chat's, and a `_fallbackText` for channels that have neither.
    pub data: Vec<Value>,
}

/// An agent's message in Cognigy's forms, and as text what it has no form for.
pub fn to_cognigy(message: &AgentMessage) -> CognigyOutput {
    let mut output = CognigyOutput::default();
    let mut text = own_text(message).map(str::to_owned);
    let form = message
        .structured
        .as_ref()
        .map(|value| (value, Structured::from_json(value)));
    if let Some((value, None)) = &form {
        text = fallback_text(text.as_deref(), value);
    }
    let mut words = split(text.as_deref());
    // A choice has its question inside.
    let question = match &form {
        Some((_, Some(Structured::Select(_)))) => words.pop(),
        _ => None,
    };
    output.texts = words;
    for file in &message.attachments {
        match file_form(file) {
            Some(data) => output.data.push(data),
            None => output.texts.push(line(file)),
        }
    }
    if let Some((_, Some(content))) = form {
        write(&content, question.as_deref(), &mut output);
    }
    output
}

/// The same in plain texts, for a channel that refuses forms.
pub fn text_for_cognigy(message: &AgentMessage) -> Vec<String> {
    split(crate::plain_text(message).as_deref())
}

fn split(text: Option<&str>) -> Vec<String> {
    let parts = text.map(|text| split_text(text, TEXT_MAX)).unwrap_or_default();
    let short = |part| match part {
        // A character has two units at most.
        part if str::encode_utf16(part).count() > TEXT_MAX => split_text(part, TEXT_MAX / 2),
        part => vec![part],
    };
    parts.into_iter().flat_map(short).map(str::to_owned).collect()
}

fn file_form(file: &Attachment) -> Option<Value> {
    let name = match kind_of(file) {
        Kind::Image => "image",
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Other => return None,
    };
    let default = json!({"type": name, (format!("{name}Url")): file.url});
    let webchat = json!({"attachment": {"type": name, "payload": {"url": file.url}}});
    Some(output(name, &format!("_{name}"), default, &webchat, &line(file)))
}

fn output(kind: &str, form: &str, default: Value, webchat: &Value, fallback: &str) -> Value {
    let mut forms = Map::new();
    forms.insert(form.to_owned(), default);
    json!({"type": kind, "_cognigy": {
        "_fallbackText": fallback,
        "_default": forms,
        "_webchat": {"message": webchat},
    }})
}

fn write(content: &Structured, question: Option<&str>, into: &mut CognigyOutput) {
    let fallback = fallback_text(question, &content.to_json()).unwrap_or_default();
    match content {
        Structured::Select(select) => {
            let text = question.or(select.question.as_deref()).unwrap_or_default();
            let default: Vec<Value> = (1..)
                .zip(&select.items)
                .map(|(id, item)| {
                    let payload = item.payload.as_ref().unwrap_or(&item.title);
                    json!({"id": id, "contentType": "postback", "title": item.title, "payload": payload})
                })
                .collect();
            let webchat: Vec<Value> = select
                .items
                .iter()
                .map(|item| {
                    let payload = item.payload.as_ref().unwrap_or(&item.title);
                    json!({"content_type": "text", "title": item.title, "payload": payload})
                })
                .collect();
            into.data.push(output(
                "quickReplies",
                "_quickReplies",
                json!({"type": "quick_replies", "text": text, "quickReplies": default}),
                &json!({"text": text, "quick_replies": webchat}),
                &fallback,
            ));
        }
        Structured::Template(card) if is_question(card) => {
            let buttons = buttons(card);
            into.data.push(output(
                "buttons",
                "_buttons",
                json!({"type": "buttons", "text": card.title, "buttons": numbered(&buttons)}),
                &json!({"attachment": {"type": "template", "payload": {"template_type": "button", "text": card.title,
                    "buttons": buttons}}}),
                &fallback,
            ));
        }
        Structured::Template(card) => into.data.push(gallery(std::slice::from_ref(card), &fallback)),
        Structured::RichLink(link) => into
            .data
            .push(gallery(&[Template::from(link.clone())], &fallback)),
        Structured::Carousel(cards) => into.data.push(gallery(cards, &fallback)),
    }
}

fn gallery(cards: &[Template], fallback: &str) -> Value {
    let default: Vec<Value> = (1..)
        .zip(cards)
        .map(|(id, card)| {
            let mut item = element(card, "imageUrl", &numbered(&buttons(card)));
            item["id"] = json!(id);
            item
        })
        .collect();
    let webchat: Vec<Value> = cards
        .iter()
        .map(|card| {
            let mut item = element(card, "image_url", &json!(buttons(card)));
            if let Some(url) = &card.url {
                item["default_action"] = json!({"type": "web_url", "url": url});
            }
            item
        })
        .collect();
    output(
        "gallery",
        "_gallery",
        json!({"type": "carousel", "items": default}),
        &json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": webchat}}}),
        fallback,
    )
}

fn element(card: &Template, image: &str, buttons: &Value) -> Value {
    let mut item = json!({"title": card.title, "subtitle": card.subtitle.as_deref().unwrap_or_default(), "buttons": buttons});
    item[image] = json!(card.image.as_deref().unwrap_or_default());
    item
}

/// A card's buttons. Its own link is one more: the default channel's cards have none of their own.
fn buttons(card: &Template) -> Vec<Value> {
    let link = card.url.as_ref().map(|url| {
        let title = card.url_text.clone().unwrap_or_else(|| host(url));
        json!({"type": "web_url", "title": title, "url": url, "payload": ""})
    });
    let own = card.buttons.iter().map(|button| match button {
        Button::Url { title, url } => json!({"type": "web_url", "title": title, "url": url, "payload": ""}),
        Button::Reply { title, payload } => {
            json!({"type": "postback", "title": title, "payload": payload.as_ref().unwrap_or(title)})
        }
    });
    link.into_iter().chain(own).collect()
}

fn numbered(buttons: &[Value]) -> Value {
    (1..)
        .zip(buttons)
        .map(|(id, button)| {
            let mut button = button.clone();
            button["id"] = json!(id);
            button
        })
        .collect()
}
