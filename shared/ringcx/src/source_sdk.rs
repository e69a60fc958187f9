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
    let action = match action {
        "implementation.info" => Action::ImplementationInfo,
        "messages.list" | "private_messages.list" | "threads.list" => Action::List,
        "messages.show" | "private_messages.show" | "threads.show" => Action::Show,
        "messages.create" => Action::CreateMessage(IncomingMessage {
            thread: thread(),
            message: agent_message::read(params.ok_or(ParseError::Member("params"))?),
        }),
        "private_messages.create" => Action::CreateMessage(IncomingMessage {
            thread: None,
            message: agent_message::read(params.ok_or(ParseError::Member("params"))?),
        }),
        "threads.create" => Action::CreateThread,
        "messaging.queuing_update" => Action::QueueUpdate {
            thread: thread(),
            update: queue::read(params.unwrap_or(&nothing), received_at),
        },
        "typing.start" | "typing.stop" => Action::Typing {
            thread: thread(),
            started: action == "typing.start",
        },
        _ => Action::Unsupported,
    };
    Ok(action)
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
