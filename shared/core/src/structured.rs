//! Structured messages: choices, links and cards, in RCE's vocabulary (Source SDK, "Structured contents" page),
//! which is also that of the bot API.
//!
//! | module | owns |
//! |---|---|
//! | (here) | the model; reading it leniently from JSON and writing it back |
//! | [`limits`] | what RCE takes, and what exceeds it |
//! | `text` | the same as text, for whoever cannot show it |
//!
//! `list`, `time_select`, `form`, `apple_pay` and `authenticate` exist in RCE, but not on channels of the Source SDK;
//! here they are types that we do not know, and readable as text.

pub mod limits;
mod text;

use serde_json::{Map, Value, json};

pub use limits::Excess;
pub use text::{BELOW, fallback_text, readable};

/// A message that is more than text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Structured {
    Select(Select),
    RichLink(RichLink),
    Template(Template),
    Carousel(Vec<Template>),
}

/// A question with answers to pick from. RCE wants the question as the body of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// The question, where it is written into the content. It is not part of RCE's own object.
    pub question: Option<String>,
    pub items: Vec<Choice>,
}

/// One answer of a [`Select`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub title: String,
    /// What comes back with a click; the title, if absent.
    pub payload: Option<String>,
}

/// A link with a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RichLink {
    pub url: String,
    pub title: String,
    pub subtitle: Option<String>,
    /// What to show instead of the URL.
    pub url_text: Option<String>,
    /// URL of a picture (`attachment_url`).
    pub image: Option<String>,
}

/// A card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub title: String,
    pub subtitle: Option<String>,
    pub url: Option<String>,
    pub url_text: Option<String>,
    /// URL of a picture (`attachment_url`).
    pub image: Option<String>,
    pub buttons: Vec<Button>,
}

/// A button of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    Url {
        title: String,
        url: String,
    },
    /// Says something: `payload`, or the title.
    Reply {
        title: String,
        payload: Option<String>,
    },
}

impl Structured {
    /// Reads a `structured` member. A type or an item that is not understood is `None`: then it is text for people
    /// ([`fallback_text`]), never half a card.
    pub fn from_json(value: &Value) -> Option<Self> {
        let kind = value.get("type")?.as_str()?.trim().to_ascii_lowercase();
        match kind.replace('-', "_").as_str() {
            "select" => {
                let items = items(value)?.iter().map(choice).collect::<Option<_>>()?;
                let question = ["body", "text", "title"].iter().find_map(|key| said(value, key));
                Some(Self::Select(Select { question, items }))
            }
            "rich_link" => Some(Self::RichLink(RichLink {
                url: said(value, "url").unwrap_or_default(),
                title: said(value, "title").unwrap_or_default(),
                subtitle: said(value, "subtitle"),
                url_text: said(value, "url_text"),
                image: said(value, "attachment_url"),
            })),
            "template" => template(value).map(Self::Template),
            "carousel" => {
                let cards = items(value)?.iter().map(template).collect::<Option<_>>()?;
                Some(Self::Carousel(cards))
            }
            _ => None,
        }
    }

    /// The same in RCE's words. What is not there is absent.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Select(select) => {
                let items: Vec<Value> = select.items.iter().map(|item| reply(item, None)).collect();
                json!({"type": "select", "items": items})
            }
            Self::RichLink(link) => {
                let mut object = Map::new();
                put(&mut object, "type", Some("rich_link"));
                put(&mut object, "url", Some(&link.url));
                put(&mut object, "title", Some(&link.title));
                put(&mut object, "subtitle", link.subtitle.as_deref());
                put(&mut object, "url_text", link.url_text.as_deref());
                put(&mut object, "attachment_url", link.image.as_deref());
                Value::Object(object)
            }
            Self::Template(template) => card(template, true),
            Self::Carousel(cards) => {
                let items: Vec<Value> = cards.iter().map(|template| card(template, false)).collect();
                json!({"type": "carousel", "items": items})
            }
        }
    }

    /// Replaces every payload.
    pub fn map_payloads(&mut self, change: impl Fn(&str) -> String) {
        let change = |payload: &mut Option<String>| {
            if let Some(payload) = payload {
                *payload = change(payload);
            }
        };
        match self {
            Self::Select(select) => select.items.iter_mut().for_each(|item| change(&mut item.payload)),
            Self::RichLink(_) => {}
            Self::Template(_) | Self::Carousel(_) => {
                for button in self.cards_mut().iter_mut().flat_map(|card| &mut card.buttons) {
                    if let Button::Reply { payload, .. } = button {
                        change(payload);
                    }
                }
            }
        }
    }

    /// The words that stand for it where only one line has room: RCE requires a body of every message without files.
    pub fn heading(&self) -> Option<&str> {
        let heading = match self {
            Self::Select(select) => select.question.as_deref()?,
            Self::RichLink(link) => &link.title,
            Self::Template(card) => &card.title,
            Self::Carousel(cards) => &cards.first()?.title,
        };
        Some(heading).filter(|heading| !heading.trim().is_empty())
    }

    /// The cards of a template or a carousel.
    pub fn cards(&self) -> &[Template] {
        match self {
            Self::Template(card) => std::slice::from_ref(card),
            Self::Carousel(cards) => cards,
            Self::Select(_) | Self::RichLink(_) => &[],
        }
    }

    fn cards_mut(&mut self) -> &mut [Template] {
        match self {
            Self::Template(card) => std::slice::from_mut(card),
            Self::Carousel(cards) => cards,
            Self::Select(_) | Self::RichLink(_) => &mut [],
        }
    }
}

impl From<RichLink> for Template {
    fn from(link: RichLink) -> Self {
        Self {
            title: link.title,
            subtitle: link.subtitle,
            url: Some(link.url),
            url_text: link.url_text,
            image: link.image,
            buttons: Vec::new(),
        }
    }
}

/// A text that says something; numbers count as their digits.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn said(object: &Value, key: &str) -> Option<String> {
    object.get(key).and_then(scalar)
}

/// A payload: what is not text is its JSON.
fn payload(object: &Value) -> Option<String> {
    match object.get("payload")? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    match value.get("items") {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

fn choice(item: &Value) -> Option<Choice> {
    let title = scalar(item).or_else(|| said(item, "title"))?;
    Some(Choice {
        title,
        payload: payload(item),
    })
}

fn template(value: &Value) -> Option<Template> {
    value.is_object().then_some(())?;
    Some(Template {
        title: said(value, "title").unwrap_or_default(),
        subtitle: said(value, "subtitle"),
        url: said(value, "url"),
        url_text: said(value, "url_text"),
        image: said(value, "attachment_url"),
        buttons: items(value)?.iter().map(button).collect::<Option<_>>()?,
    })
}

fn button(value: &Value) -> Option<Button> {
    let title = said(value, "title").unwrap_or_default();
    let url = said(value, "url");
    match (value.get("type").and_then(Value::as_str), url) {
        (Some("url" | "web_url") | None, Some(url)) => Some(Button::Url { title, url }),
        (Some("reply" | "postback"), None) => Some(Button::Reply {
            title,
            payload: payload(value),
        }),
        (None, None) => choice(value).map(|Choice { title, payload }| Button::Reply { title, payload }),
        _ => None,
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), Value::from(value));
    }
}

fn reply(choice: &Choice, kind: Option<&str>) -> Value {
    let mut object = Map::new();
    put(&mut object, "type", kind);
    put(&mut object, "title", Some(&choice.title));
    put(&mut object, "payload", choice.payload.as_deref());
    Value::Object(object)
}

fn card(template: &Template, named: bool) -> Value {
    let mut object = Map::new();
    put(&mut object, "type", named.then_some("template"));
    put(&mut object, "title", Some(&template.title));
    put(&mut object, "subtitle", template.subtitle.as_deref());
    put(&mut object, "url", template.url.as_deref());
    put(&mut object, "url_text", template.url_text.as_deref());
    put(&mut object, "attachment_url", template.image.as_deref());
    if !template.buttons.is_empty() {
        let buttons = template.buttons.iter().map(|button| match button {
            Button::Url { title, url } => json!({"type": "url", "title": title, "url": url}),
            Button::Reply { title, payload } => {
                let (title, payload) = (title.clone(), payload.clone());
                reply(&Choice { title, payload }, Some("reply"))
            }
        });
        object.insert("items".to_owned(), buttons.collect());
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests;
