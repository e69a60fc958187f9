//! `messages.create`: long texts in parts, structured content with its way back to text.

use handover_core::ids::{ForeignMessageId, MessageId};
use handover_core::message::{BODY_MAX_CHARS, split_text};
use handover_core::ports::{CustomerMessage, RingCxError};
use handover_core::settings::Connection;
use handover_core::structured::fallback_text;
use serde_json::Value;

use super::RingCxClient;
use super::wire::{File, Message, StructuredReply, User, date};
use crate::structured::{Outgoing, click, outgoing};

const CREATE: &str = "messages.create";

/// One request's share of a message.
#[derive(Clone, Copy)]
struct Part<'a> {
    id: &'a ForeignMessageId,
    body: Option<&'a str>,
    structured: Option<&'a Value>,
    /// What the person picked, as RCE knows it.
    payload: Option<&'a str>,
    first: bool,
    last: bool,
    /// Names the message that it answers.
    linked: bool,
}

impl RingCxClient {
    /// Sends a message in as many parts as its length takes, one after another. A retry sends all of
    /// them again with the same ids.
    pub(super) async fn send_parts(
        &self,
        connection: &Connection,
        message: &CustomerMessage,
    ) -> Result<(), RingCxError> {
        let (text, structured) = words(connection, message);
        // RCE requires a body or attachments; a bare choice is at least readable.
        let bare = message.attachments.is_empty() && structured.is_none();
        let text = text.or_else(|| message.payload.clone().filter(|_| bare));
        if text.is_none() && bare {
            return Err(RingCxError::Refused {
                status: 0,
                code: "not sent: the message is empty".to_owned(),
            });
        }
        let payload = message.payload.as_deref().and_then(click);
        let bodies: Vec<Option<&str>> = match &text {
            Some(text) => split_text(text, BODY_MAX_CHARS).into_iter().map(Some).collect(),
            None => vec![None],
        };
        let parts = bodies.len();
        for (index, body) in bodies.into_iter().enumerate() {
            let part_id = (parts > 1).then(|| message.id.part(index + 1));
            let last = index + 1 == parts;
            let part = Part {
                id: part_id.as_ref().unwrap_or(&message.id),
                body,
                structured: structured.as_ref().filter(|_| last),
                payload: payload.as_deref().filter(|_| last),
                first: index == 0,
                last,
                linked: last && message.in_reply_to.is_some(),
            };
            self.send_part(connection, message, part).await?;
        }
        Ok(())
    }

    async fn send_part(
        &self,
        connection: &Connection,
        message: &CustomerMessage,
        mut part: Part<'_>,
    ) -> Result<(), RingCxError> {
        let mut answer = self
            .post_signed(connection, CREATE, &request(message, part))
            .await?;
        let refused = matches!(answer.send_outcome(), Err(RingCxError::Refused { .. }));
        if part.linked && refused && !(part.structured.is_some() && answer.refuses_structured()) {
            // RCE wants a content that it knows there; the words matter more than what they answer.
            part.linked = false;
            answer = self
                .post_signed(connection, CREATE, &request(message, part))
                .await?;
        }
        let Some(structured) = part.structured.filter(|_| answer.refuses_structured()) else {
            return answer.send_outcome();
        };
        let Some(text) = fallback_text(part.body, structured) else {
            return answer.send_outcome();
        };
        tracing::warn!(
            connection = %connection.id,
            message = %part.id,
            code = answer.send_outcome().err().map(|error| error.to_string()),
            "structured content was refused; sending it as text"
        );
        let bodies = split_text(&text, BODY_MAX_CHARS);
        let parts = bodies.len();
        for (index, body) in bodies.into_iter().enumerate() {
            // The refused request left nothing behind, so its id is free.
            let part_id = (index > 0).then(|| part.id.part(index + 1));
            let last = index + 1 == parts;
            let as_text = Part {
                id: part_id.as_ref().unwrap_or(part.id),
                body: Some(body),
                structured: None,
                payload: part.payload.filter(|_| last),
                first: part.first && index == 0,
                last,
                // Which of the two was refused is not always said.
                linked: false,
            };
            self.call_send_api(connection, CREATE, &request(message, as_text))
                .await?;
        }
        Ok(())
    }
}

/// The text of a message, and its structured content if RCE takes that; if not, it is in the text.
fn words(connection: &Connection, message: &CustomerMessage) -> (Option<String>, Option<Value>) {
    let text = message.text.as_deref().filter(|text| !text.is_empty());
    let Some(structured) = &message.structured else {
        return (text.map(str::to_owned), None);
    };
    match outgoing(text, structured) {
        Outgoing::Content { body, content } => (body, Some(content)),
        Outgoing::Text { text, excess } => {
            tracing::info!(
                connection = %connection.id,
                message = %message.id,
                excess = %excess.first().map_or_else(|| "not understood".to_owned(), ToString::to_string),
                "structured content goes as text"
            );
            (text, None)
        }
    }
}

/// The thread's context travels with the first part; what follows the text with the last.
fn request<'a>(message: &'a CustomerMessage, part: Part<'a>) -> Message<'a> {
    Message {
        id: part.id.as_str(),
        thread_id: message.thread.as_str(),
        author: User::of(&message.author),
        body: part.body,
        format: part.body.map(|_| "text"),
        attachments: if part.last {
            message.attachments.iter().map(File::of).collect()
        } else {
            Vec::new()
        },
        structured_content: part.structured,
        structured_reply: part.payload.map(|payload| StructuredReply { payload }),
        in_reply_to_id: message
            .in_reply_to
            .as_ref()
            .filter(|_| part.linked)
            .map(MessageId::as_str),
        created_at: date(message.written_at),
        updated_at: date(message.written_at),
        language: message.language.as_deref(),
        context_data: Some(&message.context).filter(|context| part.first && !context.is_empty()),
    }
}
