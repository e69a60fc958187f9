//! What a customer writes on a channel that the platform owns.

use serde_json::{Map, Value};

use crate::error::DeskError;
use crate::imports::text;
use crate::simulated::SimulatedRingcx;

/// A customer's message. Everything but the customer is optional.
#[derive(Clone, Debug, Default)]
pub struct NativeMessage {
    /// The source's id; `None` is the account's first native source.
    pub source: Option<String>,
    /// The customer's id on the channel, such as a number or an address.
    pub customer: String,
    /// The customer's name; empty makes one up.
    pub customer_name: String,
    /// The thread, by the platform's id or the channel's; `None` is the customer's only one.
    pub thread: Option<String>,
    /// The channel's id of the message; the same again is the same message. `None` makes one up.
    pub foreign_id: Option<String>,
    /// The text, which may be missing.
    pub body: Option<String>,
    /// Whether the body is HTML; e-mail always is.
    pub html: bool,
    /// As from [`SimulatedRingcx::upload`] or [`SimulatedRingcx::attach`].
    pub attachments: Vec<Value>,
    /// The payload of the button that the customer pressed.
    pub structured_reply_payload: Option<String>,
    /// The content that it answers, by the platform's id.
    pub in_reply_to: Option<String>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// Headers of an e-mail.
    pub headers: Vec<(String, String)>,
    /// A rule of the account ignored it: nobody is to answer.
    pub ignored: bool,
}

impl NativeMessage {
    /// A customer's text.
    pub fn new(customer: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            body: Some(body.into()),
            ..Self::without_body(customer)
        }
    }

    /// A message whose body is null.
    pub fn without_body(customer: impl Into<String>) -> Self {
        Self {
            customer: customer.into(),
            ..Self::default()
        }
    }

    /// On this source.
    #[must_use]
    pub fn on(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// In this thread, whoever wrote there before.
    #[must_use]
    pub fn in_thread(mut self, thread: impl Into<String>) -> Self {
        self.thread = Some(thread.into());
        self
    }

    /// By a customer of this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.customer_name = name.into();
        self
    }

    /// With the body as HTML.
    #[must_use]
    pub fn html(mut self) -> Self {
        self.html = true;
        self
    }

    /// With one more attachment.
    #[must_use]
    pub fn with(mut self, attachment: Value) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// As the press of a button of this content.
    #[must_use]
    pub fn pressing(mut self, payload: impl Into<String>, content: impl Into<String>) -> Self {
        self.structured_reply_payload = Some(payload.into());
        self.in_reply_to = Some(content.into());
        self
    }

    /// With the channel's own id.
    #[must_use]
    pub fn id(mut self, foreign_id: impl Into<String>) -> Self {
        self.foreign_id = Some(foreign_id.into());
        self
    }

    /// With one more header, as e-mails have.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Ignored by a rule of the account.
    #[must_use]
    pub fn ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// As the desk's page sends it.
    pub(crate) fn parse(message: &Value) -> Result<Self, DeskError> {
        let empty = Map::new();
        let members = message.as_object().unwrap_or(&empty);
        let parsed = Self {
            source: text(members, "source_id"),
            customer: text(members, "customer_id").unwrap_or_else(|| "customer".to_owned()),
            customer_name: text(members, "customer_name").unwrap_or_default(),
            thread: text(members, "thread_id"),
            foreign_id: text(members, "id"),
            body: text(members, "body"),
            html: text(members, "format").is_some_and(|format| format == "html"),
            attachments: message["attachments"].as_array().cloned().unwrap_or_default(),
            structured_reply_payload: text(members, "structured_reply_payload"),
            in_reply_to: text(members, "in_reply_to_id"),
            subject: text(members, "subject"),
            headers: Vec::new(),
            ignored: message["ignored"].as_bool().unwrap_or(false),
        };
        let says_null = message.get("body").is_some_and(Value::is_null);
        if parsed.body.is_none() && parsed.attachments.is_empty() && !says_null {
            return Err(DeskError::Invalid("a message needs a body".to_owned()));
        }
        Ok(parsed)
    }
}

impl SimulatedRingcx {
    /// A customer writes on a native channel; returns the platform's id of the content.
    pub fn customer_writes(&self, message: NativeMessage) -> Result<String, DeskError> {
        self.hub.change(|state| state.import_native(message))
    }

    /// The same as JSON, as the desk's page sends it: `{customer_id?, customer_name?, thread_id?, source_id?, id?,
    /// format?, attachments?, structured_reply_payload?, in_reply_to_id?, subject?, ignored?, body}`; a body that is
    /// null has to say so, unless there are attachments.
    pub fn native_message(&self, message: &Value) -> Result<String, DeskError> {
        self.customer_writes(NativeMessage::parse(message)?)
    }
}
