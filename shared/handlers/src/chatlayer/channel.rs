//! `POST /handover/chatlayer/messages`: what a bot says by Chatlayer's webhook channel, `{senderId, message, messageCounter,
//! verifyToken}` (Chatlayer documentation, "Webhook channel", "Message types").
//!
//! `senderId` is what we called the person, the conversation's id. The messages come in any order; what is to be said when
//! is decided by the conversation (`handover_core::conversation::Counted`), and done by a job.

use handover_core::conversation::{Came, MaySpeak};
use handover_core::ids::{ConversationId, ForeignMessageId, ForeignThreadId, MessageId};
use handover_core::job::Work;
use handover_core::json::cut_depth;
use handover_core::message::{Author, Message};
use handover_core::ports::{Commit, Expected, StoreError};
use handover_core::secret::any_matches;
use handover_core::settings::BotKind;
use handover_core::timeline::TimelineEntry;
use handover_platforms::chatlayer::from_webhook_channel;
use serde_json::{Map, Value};

use super::done;
use super::said::{digest, name};
use crate::App;
use crate::bot_api::input::{self, Errors};
use crate::bot_api::{CONFLICT_RETRIES, native, on_native_channel, unavailable};
use crate::respond::{Answer, Problem};
use crate::routes::{Call, conversation_id};

/// Largest message, in bytes: it may have to wait within the conversation.
pub const MESSAGE_LIMIT: usize = 128 * 1024;

/// Takes a message.
pub async fn take(app: &App, call: &Call) -> Result<Answer, Problem> {
    let connection = &call.connection;
    let BotKind::Chatlayer(settings) = &connection.bot.kind else {
        return Err(Problem::WrongKind("chatlayer"));
    };
    if call.exceeds(MESSAGE_LIMIT) {
        return Err(Problem::TooLarge { limit: MESSAGE_LIMIT });
    }
    // The secret is in the body, so that is read first, and nothing of it is looked at.
    let body = input::parsed(call.body())?;
    let token = body
        .get("verifyToken")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !any_matches(&settings.verify_tokens, token.as_bytes()) {
        tracing::warn!(connection.id = %connection.id, "chatlayer call refused");
        return Err(Problem::Forbidden(
            "verifyToken is missing, or none of this connection's verify_tokens",
        ));
    }
    if !connection.is_native() {
        return Err(Problem::Forbidden(
            "this address is for connections with channel = \"native\"",
        ));
    }
    let posted = Posted::read(body)?;
    let id = &posted.conversation;
    let thread = ForeignThreadId::of(id);
    let message = posted.message(app, &thread);
    for _ in 0..CONFLICT_RETRIES {
        let found = on_native_channel(app, connection, id).await?;
        let mut conversation = found.conversation;
        // Judged now: what is said behind an agent's back is not said when they are gone.
        let notice = native::is_notice(connection, &conversation);
        let speaks = conversation.may_speak(conversation.epoch(), notice) == MaySpeak::Yes;
        let Some(native) = conversation.native.as_mut() else {
            return Err(Problem::UnknownThread);
        };
        let turn = native.answerable.last().map(|said| said.content.clone());
        let came = Came {
            counter: posted.counter,
            digest: &posted.digest,
            turn: turn.as_ref(),
            message: message.clone().filter(|_| speaks),
        };
        let says_something = message.is_some() || posted.counter.is_some();
        let is_new = says_something && native.chatlayer.get_or_insert_default().came(came, app.now());
        if !is_new {
            return Ok(done());
        }
        let expected = Expected::Version(found.version);
        let mut commit = Commit::writing(conversation, expected, &connection.timers);
        commit
            .jobs
            .push(app.outgoing(&connection.id, &thread, Work::SayCounted));
        if let Some(unsaid) = message.as_ref().filter(|_| !speaks) {
            let entry = TimelineEntry::new(app.now(), "message.accepted")
                .with("message_id", unsaid.id.as_str())
                .with("from", "bot")
                .with("handler", "agent")
                .with("outcome", "not said: the agents have the conversation")
                .text(unsaid.text.as_deref());
            commit
                .timeline
                .push((connection.id.clone(), thread.clone(), entry));
        }
        match app.store.commit(commit).await {
            Ok(()) => return Ok(done()),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(Problem::Unavailable)
}

/// One call, read.
struct Posted {
    conversation: ConversationId,
    counter: Option<u64>,
    digest: String,
    message: Value,
}

impl Posted {
    fn read(mut body: Map<String, Value>) -> Result<Self, Problem> {
        let mut errors = Errors::default();
        // An older page of Chatlayer's has `recipient`.
        let sender = body.get("senderId").and_then(name);
        let sender = sender.or_else(|| name(body.get("recipient")?.get("id")?));
        let conversation = conversation_id(&sender.unwrap_or_default()).unwrap_or_else(|_| {
            errors.add("senderId has 1 to 256 characters, none of them a control character");
            ConversationId::new("")
        });
        let mut message = body.remove("message").unwrap_or_default();
        if !message.is_object() && !message.is_string() {
            errors.add("message is not an object");
        }
        cut_depth(&mut message);
        errors.into_result(Self {
            conversation,
            counter: body.get("messageCounter").and_then(counter),
            digest: digest(&[&message.to_string()]),
            message,
        })
    }

    /// What it says to the person, under an id that it keeps. `None`: an event, or nothing that can be shown.
    fn message(&self, app: &App, thread: &ForeignThreadId) -> Option<Message> {
        if self.message.get("type").is_some_and(|kind| kind == "event") {
            return None;
        }
        let content = from_webhook_channel(&self.message);
        if content.is_empty() {
            tracing::debug!("a message of the webhook channel that says nothing to people");
            return None;
        }
        let id = MessageId::new(format!("chatlayer-{}", app.ids.next()));
        Some(Message {
            foreign_id: ForeignMessageId::of(thread, &id),
            id,
            from: Author::Bot,
            text: content.text,
            attachments: content.attachments,
            structured: content.structured,
            payload: None,
            in_reply_to: None,
            language: None,
            sent_at: app.now(),
        })
    }
}

/// A counter, as a number or a text.
fn counter(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
