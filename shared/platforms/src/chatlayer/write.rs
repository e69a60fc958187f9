//! To Chatlayer: an agent's message as entries of `sendMessages`.

use handover_core::message::{AgentMessage, CustomerWords, split_text};
use handover_core::structured::{Button, Structured, Template, fallback_text};
use serde_json::{Value, json};

use super::PAYLOAD_KEY;
use crate::files::{Kind, kind_of, line};
use crate::forms::{host, is_question};
use crate::own_text;

/// Longest text of one message, in characters: Messenger's limit, the shortest of the channels that Chatlayer feeds. Its
/// own pages name none.
pub const TEXT_MAX: usize = 2_000;

/// A person's words as the webhook channel takes them: a text. `None`: they said nothing that is one.
///
/// A click is its button's payload; Chatlayer's pages showed that for an earlier version of this channel and name no other
/// form. Nor do they name one for files, which become their links.
pub fn customer_to_chatlayer(words: &CustomerWords) -> Option<String> {
    let said = words.text.as_deref().filter(|text| !text.trim().is_empty());
    let text = words.payload.as_deref().or(said).map(str::to_owned);
    let lines: Vec<String> = text
        .into_iter()
        .chain(words.attachments.iter().map(line))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// An agent's message as templates, in the order in which they are to be shown: text, files, buttons. A choice has its
/// question inside.
pub fn to_chatlayer(message: &AgentMessage) -> Vec<Value> {
    let mut own = own_text(message).map(str::to_owned);
    let form = message
        .structured
        .as_ref()
        .map(|value| (value, Structured::from_json(value)));
    if let Some((value, None)) = &form {
        own = fallback_text(own.as_deref(), value);
    }
    let mut words = split(own.as_deref());
    let question = match &form {
        // What Chatlayer shows buttons below is never empty.
        Some((_, Some(Structured::Select(select)))) => words
            .pop()
            .or_else(|| select.question.clone())
            .or_else(|| message.text.clone()),
        _ => None,
    };
    let mut entries: Vec<Value> = words.iter().map(|text| text_template(text)).collect();
    for file in &message.attachments {
        let kind = match kind_of(file) {
            Kind::Image => "image",
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Other => {
                entries.push(text_template(&line(file)));
                continue;
            }
        };
        entries.push(json!({"attachmentTemplate": {"media": {"url": file.url, "type": kind}}}));
    }
    if let Some((_, Some(content))) = &form {
        entries.push(template(content, question.as_deref()));
    }
    entries
}

fn split(text: Option<&str>) -> Vec<String> {
    let parts = text.map(|text| split_text(text, TEXT_MAX)).unwrap_or_default();
    parts.into_iter().map(str::to_owned).collect()
}

/// One text each: of several in a template Chatlayer picks one by chance.
fn text_template(text: &str) -> Value {
    json!({"textMessageTemplate": {"textMessages": [{"text": text}]}})
}

fn template(content: &Structured, question: Option<&str>) -> Value {
    match content {
        Structured::Select(select) => {
            let replies: Vec<Value> = select
                .items
                .iter()
                .map(|item| json!({"title": item.title, "payload": post_back(&item.title, item.payload.as_deref())}))
                .collect();
            json!({"quickReplyTemplate": {
                "textMessages": [{"text": question.unwrap_or_default()}],
                "quickReplies": replies,
            }})
        }
        Structured::Template(card) if is_question(card) => {
            json!({"buttonTemplate": {"textMessages": [{"text": card.title}], "buttons": buttons(card)}})
        }
        Structured::Template(card) => carousel(std::slice::from_ref(card)),
        Structured::RichLink(link) => carousel(&[Template::from(link.clone())]),
        Structured::Carousel(cards) => carousel(cards),
    }
}

fn carousel(cards: &[Template]) -> Value {
    let elements: Vec<Value> = cards
        .iter()
        .map(|card| {
            let mut element = json!({"title": card.title, "buttons": buttons(card)});
            if let Some(subtitle) = &card.subtitle {
                element["subTitle"] = json!(subtitle);
            }
            if let Some(image) = &card.image {
                element["imageUrl"] = json!(image);
            }
            element
        })
        .collect();
    json!({"carouselTemplate": {"elements": elements}})
}

/// A card's buttons; its own link is one more.
fn buttons(card: &Template) -> Vec<Value> {
    let link = card.url.as_ref().map(|url| {
        let title = card.url_text.clone().unwrap_or_else(|| host(url));
        json!({"urlButton": {"title": title, "url": url}})
    });
    let own = card.buttons.iter().map(|button| match button {
        Button::Url { title, url } => json!({"urlButton": {"title": title, "url": url}}),
        Button::Reply { title, payload } => {
            json!({"postBackButton": {"title": title, "payload": post_back(title, payload.as_deref())}})
        }
    });
    link.into_iter().chain(own).collect()
}

fn post_back(title: &str, payload: Option<&str>) -> Value {
    let payload = payload.unwrap_or(title);
    json!({"nextDialogstateId": payload, "sessionDataToSet": [{"key": PAYLOAD_KEY, "value": payload}]})
}
