//! A person's or the bot's message → RCE, and small things about messages.

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Handler};
use handover_core::event::BotEvent;
use handover_core::ids::{ForeignMessageId, MessageId, customer_identity_id};
use handover_core::job::Work;
use handover_core::message::{Author, Message};
use handover_core::ports::{CustomerMessage, Identity, Measured, Side, StoreError};
use handover_core::settings::{Connection, IdentitySettings};

use super::outcome::{Step, Why};
use super::{Task, files};

/// What an agent reads when one of their messages could not be delivered.
const NOTE_UNDELIVERED: &str = "Your last message could not be delivered to the customer.";

pub(super) async fn send(task: &Task<'_>, message: &Message) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Never {
            why: Why::new("unknown_conversation", "the conversation is unknown"),
        });
    };
    let message = match files::for_ringcx(task, message).await {
        Ok(message) => message,
        Err(step) => return Ok(step),
    };
    let outgoing = render(&task.connection, &found.conversation, &message);
    match task.app.ringcx.send_message(&task.connection, &outgoing).await {
        Ok(()) => {
            let latency = task.since_accepted();
            task.count(Measured::Delivered {
                to: Side::RingCx,
                latency,
            });
            let latency = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
            let entry = task
                .entry("message.sent")
                .with("message_id", message.id.as_str())
                .with("ringcx_message_id", message.foreign_id.as_str())
                .with("attempt", task.attempt)
                .with("latency_ms", latency);
            task.app.store.commit(task.with_entry(entry)).await?;
            Ok(Step::Done)
        }
        Err(error) => Ok(error.into()),
    }
}

/// RCE will never have it: the bot is told.
pub(super) async fn given_up(task: &Task<'_>, message: &Message, why: &Why) -> Result<(), StoreError> {
    let entry = task
        .entry("message.failed")
        .with("message_id", message.id.as_str())
        .with("reason", why.detail.as_str());
    let mut commit = task.with_entry(entry);
    let conversation = task.read().await?.map(|found| found.conversation);
    let epoch = conversation.as_ref().map_or(0, Conversation::epoch);
    let event = BotEvent::MessageFailed {
        message: message.id.clone(),
        reason: why.code.to_owned(),
    };
    // A bot is told of every message. A person reads of it where there is no bot that could decide, and only if they
    // wait for an answer of the agents to what they said.
    let waits = message.from == Author::User && conversation.is_some_and(|it| it.handler() == Handler::Agent);
    if waits || !task.connection.bot.kind.is_platform() {
        commit.jobs.push(task.outgoing(Work::Tell {
            epoch,
            event,
            after_tidy_up: false,
        }));
    }
    task.app.store.commit(commit).await
}

pub(super) async fn mark_as_read(task: &Task<'_>, message: &MessageId) -> Result<Step, StoreError> {
    Ok(
        match task.app.ringcx.mark_as_read(&task.connection, message).await {
            Ok(()) => Step::Done,
            Err(error) => error.into(),
        },
    )
}

pub(super) async fn note_undelivered(task: &Task<'_>, message: &MessageId) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let id = MessageId::new(format!("undelivered-{message}"));
    let note = note(
        &task.connection,
        &found.conversation,
        &id,
        NOTE_UNDELIVERED,
        task.job.accepted_at,
    );
    Ok(
        match task.app.ringcx.send_message(&task.connection, &note).await {
            Ok(()) => Step::Done,
            Err(error) => error.into(),
        },
    )
}

/// A message as RCE takes it: the person's in their own name, the bot's by its puppet.
pub(super) fn render(
    connection: &Connection,
    conversation: &Conversation,
    message: &Message,
) -> CustomerMessage {
    let author = match message.from {
        Author::User => customer(connection, conversation),
        Author::Bot => company(&connection.ringcx.bot_identity),
    };
    CustomerMessage {
        id: message.foreign_id.clone(),
        thread: conversation.thread.clone(),
        author,
        // RCE takes no message without a body or a file; a choice alone shows what was chosen.
        text: message
            .text
            .clone()
            .or_else(|| message.payload.clone().filter(|_| message.attachments.is_empty())),
        attachments: message.attachments.clone(),
        structured: message.structured.clone(),
        payload: message.payload.clone(),
        in_reply_to: message.in_reply_to.clone(),
        language: message.language.clone(),
        context: std::collections::BTreeMap::new(),
        written_at: message.sent_at,
    }
}

/// Something that the bridge says in the thread, in the bot's name.
pub(super) fn note(
    connection: &Connection,
    conversation: &Conversation,
    id: &MessageId,
    text: &str,
    at: Timestamp,
) -> CustomerMessage {
    CustomerMessage {
        id: ForeignMessageId::of(&conversation.thread, id),
        thread: conversation.thread.clone(),
        author: company(&connection.ringcx.bot_identity),
        text: Some(text.to_owned()),
        attachments: Vec::new(),
        structured: None,
        payload: None,
        in_reply_to: None,
        language: None,
        context: std::collections::BTreeMap::new(),
        written_at: at,
    }
}

/// The person as RCE knows them.
pub(super) fn customer(connection: &Connection, conversation: &Conversation) -> Identity {
    let user = &conversation.user;
    let company_ids = connection.ringcx.company_ids();
    Identity {
        id: customer_identity_id(user.id.as_deref(), &conversation.thread, &company_ids),
        screenname: user.display_name(),
        since: conversation.started_at,
        puppetizable: false,
        firstname: user.firstname.clone(),
        lastname: user.lastname.clone(),
        email: user.email.clone(),
        home_phone: user.home_phone.clone(),
        mobile_phone: user.mobile_phone.clone(),
        avatar_url: user.avatar_url.clone(),
        gender: user.rce_gender(),
        context_data: user.context_data(),
    }
}

/// One of the identities that speak for the company.
pub fn company(identity: &IdentitySettings) -> Identity {
    Identity::company(identity)
}
