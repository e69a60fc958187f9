//! Source SDK: what RCE asks of our channel.
//!
//! Requests are `{action: "object.operation", params?, time?}` (Source SDK, request/response page).

use handover_core::Timestamp;
use handover_core::ids::ForeignThreadId;
use handover_core::message::AgentMessage;
use handover_core::queue_update::QueueUpdate;
use serde_json::{Map, Value, json};

use crate::json::{self, ParseError};
use crate::verified::{SourceSdk, Verified};

mod agent_message;
mod queue;

/// What RCE wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// What the channel can do; answered with [`implementation_info`]. RCE asks this first of all,
    /// and when it gets no answer nothing is sent or received any more.
    ImplementationInfo,
    /// Messages since the last poll; there are none, because ours are pushed. Answered `[]`.
    List,
    /// One object; answered `{}`.
    Show,
    /// An agent's message.
    CreateMessage(IncomingMessage),
    /// A place in the queue.
    QueueUpdate {
        thread: Option<ForeignThreadId>,
        update: QueueUpdate,
        /// When RCE asked, by its clock, if it says so.
        sent_at: Option<Timestamp>,
    },
    /// An agent types, or stopped.
    Typing {
        thread: Option<ForeignThreadId>,
        started: bool,
    },
    /// An agent wants to start a conversation, which no bot can be part of.
    CreateThread,
    /// Something that we never declared.
    Unsupported,
}

/// An agent's message and where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingMessage {
    /// Absent for private messages, and on channels without threads.
    pub thread: Option<ForeignThreadId>,
    pub message: AgentMessage,
    /// When it was written or sent, by RCE's clock: the later of the two. Both are signed.
    pub sent_at: Option<Timestamp>,
}

/// Reads a request to our channel. Members that are missing, null or odd count as absent; only a body
/// that is no object, or names no action, is an error.
pub fn parse_action(verified: &Verified<SourceSdk>, received_at: Timestamp) -> Result<Action, ParseError> {
    let request = json::object(verified.bytes())?;
    let action = request
        .get("action")
        .and_then(Value::as_str)
        .ok_or(ParseError::Member("action"))?;
    let nothing = Map::new();
    let params = request.get("params").and_then(Value::as_object);
    let thread = || json::id(params?.get("thread_id")).map(ForeignThreadId::new);
    let sent_at = json::time(request.get("time"));
    // Both directions have one signature, so that our own calls could be held against us.
    if params.is_some_and(is_ours) {
        return Ok(Action::Unsupported);
    }
    let action = match action {
        "implementation.info" => Action::ImplementationInfo,
        "messages.list" | "private_messages.list" | "threads.list" => Action::List,
        "messages.show" | "private_messages.show" | "threads.show" => Action::Show,
        "messages.create" => {
            let params = params.ok_or(ParseError::Member("params"))?;
            incoming(thread(), params, sent_at)
        }
        "private_messages.create" => {
            let params = params.ok_or(ParseError::Member("params"))?;
            incoming(None, params, sent_at)
        }
        "threads.create" => Action::CreateThread,
        "messaging.queuing_update" => Action::QueueUpdate {
            thread: thread(),
            update: queue::read(params.unwrap_or(&nothing), received_at),
            sent_at,
        },
        "typing.start" | "typing.stop" => Action::Typing {
            thread: thread(),
            started: action == "typing.start",
        },
        _ => Action::Unsupported,
    };
    Ok(action)
}

fn incoming(thread: Option<ForeignThreadId>, params: &Map<String, Value>, time: Option<Timestamp>) -> Action {
    let message = agent_message::read(params);
    let sent_at = message.written_at.max(time);
    Action::CreateMessage(IncomingMessage {
        thread,
        message,
        sent_at,
    })
}

/// Whether these are the params of a message of the Send API, which names its author as an object and its own id; RCE names an
/// `author_id` and a `content_id` (Source SDK, message object).
fn is_ours(params: &Map<String, Value>) -> bool {
    let names = |name: &str| params.get(name).is_some_and(|value| !value.is_null());
    params.get("author").is_some_and(Value::is_object)
        && names("id")
        && !names("author_id")
        && !names("content_id")
}

/// What the channel can do: the answer to `implementation.info` (Source SDK, options page).
///
/// `view.messaging` gives agents the chat view and is what structured contents, read marks and typing
/// depend on. `messages.text` keeps agents' messages free of HTML. Threads are left out because one
/// comes into being with the first message that names it.
pub fn implementation_info(get_queue_updates: bool) -> Value {
    let mut options = vec![
        "view.messaging",
        "messages.text",
        "messages.no_title",
        "messages.attachments",
        "messaging.typing_indicator",
    ];
    if get_queue_updates {
        options.push("messaging.queuing_update");
    }
    json!({
        "objects": {"messages": ["create", "show", "list"], "status": ["mark_as_read"]},
        "options": options,
    })
}

#[cfg(test)]
mod tests;
