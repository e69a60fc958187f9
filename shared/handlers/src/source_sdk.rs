//! What RCE calls (Source SDK): capabilities, agent messages, queue updates.
//!
//! Every answer is signed over its exact bytes, errors included. An agent's message is answered with an id
//! only after it is durably queued; what can never be delivered is refused with `fatal: true`, so that RCE
//! stops trying and shows the agent why.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::heard::{Heard, OUR_AGENT};
use handover_core::ids::{ConnectionId, ForeignThreadId, MessageId};
use handover_core::job::{Outgoing, Work};
use handover_core::message::AgentMessage;
use handover_core::ports::{ClaimKey, NEWS_TAKEN_FOR, StoreError, Versioned};
use handover_core::queue_update::QueueUpdate;
use handover_ringcx::signature::{self, SIGNATURE_HEADER};
use handover_ringcx::source_sdk::{Action, IncomingMessage, implementation_info, parse_action};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::App;
use crate::health;
use crate::respond::{Answer, json as json_answer, raw};
use crate::routes::{Call, RCE_BODY_LIMIT};

/// Answers a Source SDK call.
pub async fn handle(app: &App, call: Call) -> Answer {
    let answer = act(app, &call).await;
    sign(&call, answer)
}

fn sign(call: &Call, mut answer: Answer) -> Answer {
    let tokens = &call.connection.ringcx.realtime_access_tokens;
    let (header, query) = (call.header(SIGNATURE_HEADER), call.query());
    let signature = signature::token_of_caller(tokens, header, query, call.body())
        .map(|token| signature::sign(token, answer.body()));
    if let Some(value) = signature.and_then(|hex| HeaderValue::from_str(&hex).ok()) {
        answer.headers_mut().insert(SIGNATURE_HEADER, value);
    }
    answer
}

async fn act(app: &App, call: &Call) -> Answer {
    let connection = &call.connection;
    if call.exceeds(RCE_BODY_LIMIT) {
        return raw(
            StatusCode::PAYLOAD_TOO_LARGE,
            "text/plain",
            "Request body too large",
        );
    }
    // Without messages to relay there is no source of ours, and nobody who could sign.
    let tokens = if connection.is_mirrored() {
        connection.ringcx.realtime_access_tokens.as_slice()
    } else {
        &[]
    };
    let body = call.body().clone();
    let verified = match signature::verify(tokens, call.header(SIGNATURE_HEADER), call.query(), body) {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(connection = %connection.id, %error, "source sdk call refused");
            return raw(StatusCode::UNAUTHORIZED, "text/plain", "Invalid signature");
        }
    };
    let action = match parse_action(&verified, app.now()) {
        Ok(action) => action,
        Err(error) => {
            tracing::warn!(connection = %connection.id, %error, "source sdk call unreadable");
            return raw(StatusCode::BAD_REQUEST, "text/plain", "Invalid request");
        }
    };
    match action {
        Action::ImplementationInfo => {
            let agent = call.header("user-agent").unwrap_or_default();
            if !agent.starts_with(OUR_AGENT.as_bytes()) {
                health::heard(app, connection, Heard::SourceSdk).await;
            }
            ok(&implementation_info(connection.get_queue_updates))
        }
        Action::List => ok(&json!([])),
        Action::Show => ok(&json!({})),
        Action::CreateMessage(incoming) => create_message(app, call, incoming).await,
        Action::QueueUpdate {
            thread,
            update,
            sent_at,
        } => queue_update(app, call, thread, update, sent_at).await,
        Action::Typing { thread, started } => typing(app, call, thread, started).await,
        Action::CreateThread => {
            refuse_for_good("Conversations cannot be started from here: the customer has to write first.")
        }
        Action::Unsupported => raw(StatusCode::UNPROCESSABLE_ENTITY, "text/plain", "Invalid action"),
    }
}

fn ok(body: &serde_json::Value) -> Answer {
    json_answer(StatusCode::OK, body)
}

/// RCE stops trying and shows the agent the text.
fn refuse_for_good(why: &str) -> Answer {
    ok(&json!({"error": {"fatal": true, "message": why}}))
}

/// RCE tries again.
fn not_now() -> Answer {
    raw(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain",
        "Temporarily unavailable",
    )
}

async fn create_message(
    app: &App,
    call: &Call,
    IncomingMessage {
        thread,
        message,
        sent_at,
    }: IncomingMessage,
) -> Answer {
    let connection = &call.connection;
    let found = match thread {
        Some(thread) => addressee(app, call, &thread, &message).await,
        None => Err(refuse_for_good(UNKNOWN)),
    };
    let conversation = match found {
        Ok(conversation) => conversation,
        Err(answer) => return answer,
    };
    if is_older(&conversation, sent_at, NEWS_TAKEN_FOR, app.now()) {
        tracing::warn!(
            connection.id = %connection.id, conversation.id = %conversation.id, message.id = %message.id,
            "agent message is too old to be taken"
        );
        return refuse_for_good(TOO_OLD);
    }
    if message.text.is_none() && message.attachments.is_empty() && message.structured.is_none() {
        return refuse_for_good("The message is empty.");
    }
    let id = message.id.clone();
    let key = message_claim(&connection.id, &conversation.thread, &id);
    let job = app.job(
        &connection.id,
        &conversation.thread,
        Work::DeliverAgentMessage { message },
    );
    tracing::info!(
        connection.id = %connection.id, conversation.id = %conversation.id, message.id = %id,
        "agent message accepted"
    );
    match app.queue.send(vec![Outgoing::deduplicated(job, key.name)]).await {
        Ok(()) => ok(&json!({"id": id})),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "agent message not stored"
            );
            not_now()
        }
    }
}

const TOO_OLD: &str = "The message is more than a week old. Please write it again.";
/// A place in the queue says nothing any more after this time.
const PLACE_COUNTS_FOR: Duration = Duration::from_hours(1);

/// Whether RCE's own time of it says so. Without a time nothing is too old.
fn is_older(conversation: &Conversation, said: Option<Timestamp>, than: Duration, now: Timestamp) -> bool {
    let now = conversation.by_ringcx_clock(now);
    said.is_some_and(|said| now.duration_since(said).unsigned_abs() > than && said < now)
}

const UNKNOWN: &str = "This conversation is unknown to the bot, so the message cannot be delivered.";

/// The conversation that may have the message. A refusal is final for RCE, so it follows from a full look only.
async fn addressee(
    app: &App,
    call: &Call,
    thread: &ForeignThreadId,
    message: &AgentMessage,
) -> Result<Conversation, Answer> {
    let takeover = call.connection.ringcx.agent_takeover;
    let takes = |found: &Versioned| !found.conversation.refuses_agents(message, takeover);
    let found = match glance(app, call, thread).await?.filter(takes) {
        Some(found) => Some(found),
        None => find(app, call, thread).await?,
    };
    let found = found.ok_or_else(|| refuse_for_good(UNKNOWN))?;
    if takes(&found) {
        Ok(found.conversation)
    } else {
        Err(refuse_for_good(
            "The conversation has ended: the bot answers the customer now.",
        ))
    }
}

/// An agent's message acts once, however often RCE repeats it.
pub(crate) fn message_claim(
    connection: &ConnectionId,
    thread: &ForeignThreadId,
    message: &MessageId,
) -> ClaimKey {
    ClaimKey::of(
        connection,
        thread,
        format!("agent-message:{connection}:{message}"),
    )
}

/// Nothing is owed for a queue update: what cannot be used is answered and forgotten.
async fn queue_update(
    app: &App,
    call: &Call,
    thread: Option<ForeignThreadId>,
    update: QueueUpdate,
    sent_at: Option<Timestamp>,
) -> Answer {
    let connection = &call.connection;
    let Some(thread) = thread.filter(|_| connection.get_queue_updates) else {
        return ok(&json!({}));
    };
    let mut conversation = match glance(app, call, &thread).await {
        Ok(Some(found)) => found.conversation,
        Ok(None) => return ok(&json!({})),
        Err(answer) => return answer,
    };
    if is_older(&conversation, sent_at, PLACE_COUNTS_FOR, app.now()) {
        return ok(&json!({}));
    }
    if let Some(epoch) = conversation.queue_update(update) {
        let mut jobs = vec![app.outgoing(&connection.id, &thread, Work::TellQueue { epoch, update })];
        if !connection.bot.queue_subscribers.is_empty() {
            jobs.push(app.outgoing(&connection.id, &thread, Work::FanOutQueueUpdate { update }));
        }
        if let Err(error) = app.queue.send(jobs).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "queue update not stored"
            );
            return not_now();
        }
    }
    ok(&json!({}))
}

async fn typing(app: &App, call: &Call, thread: Option<ForeignThreadId>, typing: bool) -> Answer {
    if let Some(thread) = thread
        && let Ok(Some(found)) = glance(app, call, &thread).await
        && found.conversation.is_under_way(found.conversation.epoch())
    {
        let job = app.outgoing(&call.connection.id, &thread, Work::TellTyping { typing });
        if let Err(error) = app.queue.send(vec![job]).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "typing not stored");
        }
    }
    ok(&json!({}))
}

async fn glance(app: &App, call: &Call, thread: &ForeignThreadId) -> Result<Option<Versioned>, Answer> {
    let found = app.store.glance(&call.connection.id, thread).await;
    found.map_err(|error| unavailable(&error))
}

async fn find(app: &App, call: &Call, thread: &ForeignThreadId) -> Result<Option<Versioned>, Answer> {
    let found = app.store.conversation(&call.connection.id, thread).await;
    found.map_err(|error| unavailable(&error))
}

fn unavailable(error: &StoreError) -> Answer {
    tracing::error!(error = error as &dyn std::error::Error, "store unavailable");
    not_now()
}
