//! Builders for what the stories store and send.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::handover::HandoverRequest;
use handover_core::ids::{
    ConnectionId, ConversationId, ForeignMessageId, ForeignThreadId, HandoverId, JobId, MessageId,
};
use handover_core::job::{Job, Outgoing, QueueName, Work};
use handover_core::message::{Author, Message};
use handover_core::ports::{Claim, ClaimKey, Commit, Expected};
use handover_core::queue_update::QueueUpdate;

pub fn connection() -> ConnectionId {
    ConnectionId::new("acme")
}

pub fn thread(name: &str) -> ForeignThreadId {
    ForeignThreadId::of(&ConversationId::new(name))
}

/// A conversation that is with the bot.
pub fn conversation(name: &str, now: Timestamp) -> Conversation {
    Conversation::new(connection(), ConversationId::new(name), now)
}

/// A conversation in which a handover was requested.
pub fn conversation_in_handover(name: &str, now: Timestamp) -> Conversation {
    let mut conversation = conversation(name, now);
    let request = HandoverRequest {
        reason: Some("the person asked for a human 🙂".to_owned()),
        ..HandoverRequest::default()
    };
    conversation.request_handover(HandoverId::new(format!("handover-{name}")), request, now);
    conversation
}

pub fn message(thread: &ForeignThreadId, id: &str, text: &str, sent_at: Timestamp) -> Message {
    let id = MessageId::new(id);
    Message {
        foreign_id: ForeignMessageId::of(thread, &id),
        id,
        from: Author::User,
        text: Some(text.to_owned()),
        attachments: Vec::new(),
        structured: None,
        payload: None,
        in_reply_to: None,
        language: None,
        sent_at,
    }
}

/// Job `id` for conversation `name`, on the queue to RCE.
pub fn job(name: &str, id: &str, now: Timestamp) -> Outgoing {
    job_on(QueueName::ToRingcx, name, id, now)
}

/// Job `id` for conversation `name`, on any queue.
pub fn job_on(queue: QueueName, name: &str, id: &str, now: Timestamp) -> Outgoing {
    let work = match queue {
        QueueName::ToBot => Work::TellTyping { typing: true },
        QueueName::ToRingcx => Work::RestoreBotCategory { epoch: 1 },
        QueueName::QueueUpdates => Work::FanOutQueueUpdate {
            update: QueueUpdate {
                position: Some(3),
                estimated_wait_ms: None,
                at: now,
            },
        },
    };
    Outgoing::new(Job {
        id: JobId::new(id),
        connection: connection(),
        thread: thread(name),
        accepted_at: now,
        work,
    })
}

/// A job that carries a message with this text.
pub fn job_with_text(name: &str, id: &str, text: &str, now: Timestamp) -> Outgoing {
    let thread = thread(name);
    Outgoing::new(Job {
        id: JobId::new(id),
        connection: connection(),
        work: Work::SendMessage {
            message: message(&thread, id, text, now),
        },
        thread,
        accepted_at: now,
    })
}

/// A claim for a day.
pub fn claim(key: &str, holder: &str, record: &str, now: Timestamp) -> Claim {
    Claim {
        key: ClaimKey::apart(key),
        holder: holder.to_owned(),
        record: record.to_owned(),
        expires_at: now + Duration::from_hours(24),
    }
}

/// A commit that writes a conversation and nothing else.
pub fn write(conversation: &Conversation, expected: Expected) -> Commit {
    Commit {
        write: Some((conversation.clone(), expected)),
        ..Commit::default()
    }
}
