//! What is read from a platform's message.

use handover_core::message::Attachment;
use handover_core::structured::limits::is_web_url;
use handover_core::structured::{BELOW, Select, Structured, fallback_text, readable};
use serde::Serialize;
use serde_json::Value;

use crate::files::content_type;

/// A message in our words; the members are those of a message of the bot API.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// In RCE's vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    /// What the person picked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

impl Content {
    /// Nothing was said: an event of the platform, or a command to a machine.
    pub fn is_empty(&self) -> bool {
        self.text.is_none()
            && self.attachments.is_empty()
            && self.structured.is_none()
            && self.payload.is_none()
    }
}

/// Collects what a message says.
#[derive(Default)]
pub(crate) struct Reading {
    lines: Vec<String>,
    /// What belongs below everything else.
    below: Vec<String>,
    attachments: Vec<Attachment>,
    structured: Option<Value>,
    pub(crate) payload: Option<String>,
    /// Who reads it, and so what becomes of data that is in no form of the platform's.
    readers: Readers,
}

/// Who reads what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Readers {
    /// They get everything, as lines of text if there is no other way.
    #[default]
    Agents,
    /// Nobody shows customers what was meant for machines.
    Customers,
}

impl Reading {
    pub(crate) fn by(readers: Readers) -> Self {
        Self {
            readers,
            ..Self::default()
        }
    }

    /// What there is to read in data of unknown form, for whoever reads such.
    pub(crate) fn readable(&self, data: &Value) -> Option<String> {
        (self.readers == Readers::Agents)
            .then(|| readable(data))
            .flatten()
    }

    /// Adds data of unknown form.
    pub(crate) fn data(&mut self, data: &Value) {
        if let Some(text) = self.readable(data) {
            self.say(&text);
        }
    }

    /// Adds words, unless they were said before: platforms repeat a text beside and within a form.
    pub(crate) fn say(&mut self, text: &str) {
        if !text.trim().is_empty() && !self.lines.iter().any(|line| line.trim() == text.trim()) {
            self.lines.push(text.to_owned());
        }
    }

    /// Adds words that belong below a form, once.
    pub(crate) fn say_below(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() && !self.below.iter().any(|line| line == text) {
            self.below.push(text.to_owned());
        }
    }

    /// Adds a file; what is no web address is words.
    pub(crate) fn file(&mut self, url: &str, name: Option<&str>, kind: Option<&str>) {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        if !is_web_url(url) {
            self.say(&name.map_or_else(|| url.to_owned(), |name| format!("{name}: {url}")));
        } else if !self.attachments.iter().any(|file| file.url == url) {
            let named = kind.filter(|kind| kind.contains('/')).map(str::to_owned);
            self.attachments.push(Attachment {
                url: url.to_owned(),
                filename: name.map(str::to_owned),
                content_type: named.or_else(|| content_type(name, url).map(str::to_owned)),
            });
        }
    }

    /// Adds a form. A message has one; others are words.
    pub(crate) fn form(&mut self, form: &Structured) {
        if let Structured::Select(Select {
            question: Some(question),
            ..
        }) = form
        {
            self.say(question);
        }
        self.raw_form(form.to_json());
    }

    /// Adds a form that is in RCE's vocabulary already.
    pub(crate) fn raw_form(&mut self, form: Value) {
        if self.structured.is_none() {
            self.structured = Some(form);
        } else if let Some(text) = fallback_text(None, &form) {
            self.say(&text);
        }
    }

    /// Grows with everything that is added.
    pub(crate) fn size(&self) -> usize {
        self.lines.len() + self.below.len() + self.attachments.len() + usize::from(self.structured.is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.below.is_empty()
            && self.attachments.is_empty()
            && self.structured.is_none()
            && self.payload.is_none()
    }

    pub(crate) fn finish(mut self) -> Content {
        if let Some(Value::Object(form)) = self.structured.as_mut().filter(|_| !self.below.is_empty()) {
            form.insert(BELOW.to_owned(), Value::from(self.below.join("\n")));
        }
        self.lines.append(&mut self.below);
        Content {
            text: (!self.lines.is_empty()).then(|| self.lines.join("\n")),
            attachments: self.attachments,
            structured: self.structured,
            payload: self.payload,
        }
    }
}
