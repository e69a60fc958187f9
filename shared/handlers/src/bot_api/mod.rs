//! What bots call.
//!
//! Every call authenticates before it looks at the body. A repeat with the same idempotency key gets the
//! answer of the first and has no effect of its own.

pub mod conversation;
pub mod files;
pub mod handover;
pub mod idempotency;
pub mod input;
pub mod messages;
pub(crate) mod native;
pub mod presence;

use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::ports::Versioned;
use handover_core::secret::any_matches;
use handover_core::settings::Connection;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::App;
use crate::availability;
use crate::respond::{Answer, Problem, json};
use crate::routes::{BOT_API_BODY_LIMIT, Call};

/// How often a decision is made anew because somebody else changed the conversation meanwhile.
pub(crate) const CONFLICT_RETRIES: usize = 50;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Bot,
    /// May also read message text, but not speak for the bot.
    Operator,
}

/// What somebody asks about one conversation, whichever URL and words it came through. Authenticated.
pub struct Ask<'a> {
    pub connection: &'a Connection,
    pub conversation: &'a ConversationId,
    /// In the bot API's words.
    pub body: Map<String, Value>,
    /// The `Idempotency-Key` header.
    pub key: Option<String>,
}

impl<'a> Ask<'a> {
    /// A call of the bot API itself, once its key was checked.
    fn read(call: &'a Call, conversation: &'a ConversationId) -> Result<Self, Problem> {
        authenticate_bot(call)?;
        Self::with(call, conversation, input::object(call.body())?)
    }

    /// The same, once the body was read.
    fn with(
        call: &'a Call,
        conversation: &'a ConversationId,
        body: Map<String, Value>,
    ) -> Result<Self, Problem> {
        let key = call.header("idempotency-key").map(std::str::from_utf8);
        let key = key
            .transpose()
            .map_err(|_| Problem::Invalid(vec!["the Idempotency-Key header is not UTF-8".to_owned()]))?;
        Ok(Self {
            connection: &call.connection,
            conversation,
            body,
            key: key.map(str::to_owned),
        })
    }
}

/// Checks that a call has a Bearer key of this connection; more is needed to change something.
pub(crate) fn authenticate_reader(call: &Call) -> Result<Caller, Problem> {
    let key = call
        .header("authorization")
        .and_then(bearer)
        .ok_or(Problem::Unauthorized)?;
    // Both lists are always compared, so that time tells nothing about which kind of key it was.
    let is_bot = any_matches(&call.connection.bot_keys, key);
    let is_operator = any_matches(&call.connection.operator_keys, key);
    match (is_operator, is_bot) {
        (true, _) => Ok(Caller::Operator),
        (false, true) => Ok(Caller::Bot),
        (false, false) => {
            tracing::warn!(connection.id = %call.connection.id, "bot api call refused");
            Err(Problem::Unauthorized)
        }
    }
}

/// Whether an `Authorization` header has an operator's key of this connection.
pub fn is_operator(connection: &Connection, authorization: Option<&[u8]>) -> bool {
    let key = authorization.and_then(bearer);
    key.is_some_and(|key| any_matches(&connection.operator_keys, key))
}

/// Checks that a call has an operator's Bearer key.
pub(crate) fn authenticate_operator(call: &Call) -> Result<(), Problem> {
    if call.connection.operator_keys.is_empty() {
        return Err(Problem::Forbidden(NO_OPERATORS));
    }
    match authenticate_reader(call)? {
        Caller::Operator if call.exceeds(BOT_API_BODY_LIMIT) => Err(Problem::TooLarge {
            limit: BOT_API_BODY_LIMIT,
        }),
        Caller::Operator => Ok(()),
        Caller::Bot => Err(Problem::Forbidden(
            "this address is for operators: send one of the connection's operator_keys",
        )),
    }
}

const NO_OPERATORS: &str =
    "this connection has no operator_keys; set some in its configuration to use the operator's addresses";

/// Checks the Bearer key and the size of a call that changes something.
pub(crate) fn authenticate_bot(call: &Call) -> Result<(), Problem> {
    authenticate_bot_within(call, BOT_API_BODY_LIMIT)
}

fn authenticate_bot_within(call: &Call, limit: usize) -> Result<(), Problem> {
    let key = call
        .header("authorization")
        .and_then(bearer)
        .ok_or(Problem::Unauthorized)?;
    if !any_matches(&call.connection.bot_keys, key) {
        tracing::warn!(connection.id = %call.connection.id, "bot api call refused");
        return Err(Problem::Unauthorized);
    }
    if call.exceeds(limit) {
        return Err(Problem::TooLarge { limit });
    }
    Ok(())
}

/// The key of `Authorization: Bearer <key>`; the scheme's case does not matter (RFC 9110).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = header.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| key.trim_ascii())
        .filter(|key| !key.is_empty())
}

/// The conversation, or 404.
async fn existing(app: &App, connection: &Connection, id: &ConversationId) -> Result<Versioned, Problem> {
    let thread = ForeignThreadId::of(id);
    let found = app
        .store
        .conversation(&connection.id, &thread)
        .await
        .map_err(unavailable)?;
    found.ok_or(if connection.is_native() {
        Problem::UnknownThread
    } else {
        Problem::UnknownConversation
    })
}

/// The conversation, if it is one on a channel of RCE's own: only RCE begins those.
pub(crate) async fn on_native_channel(
    app: &App,
    connection: &Connection,
    id: &ConversationId,
) -> Result<Versioned, Problem> {
    let found = existing(app, connection, id).await?;
    let is_native = found.conversation.native.is_some();
    Some(found).filter(|_| is_native).ok_or(Problem::UnknownThread)
}

pub(crate) fn unavailable(error: impl std::error::Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "store unavailable");
    Problem::Unavailable
}

/// `GET /availability`.
pub async fn availability(app: &App, call: &Call) -> Result<Answer, Problem> {
    authenticate_reader(call)?;
    let known = app.availability.get(app, &call.connection).await;
    // Asked last: finding out about agents takes of the same budget.
    let delay = availability::delay(app, &call.connection).await;
    let mut view = known.view();
    view["ringcx"] = serde_json::json!({"delay_ms": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)});
    Ok(json(StatusCode::OK, &view))
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_bearer_key_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer(b"Bearer key-1"), Some(&b"key-1"[..]));
        assert_eq!(bearer(b"bearer  key-1 "), Some(&b"key-1"[..]));
        for wrong in [&b"Basic key"[..], b"Bearer", b"Bearer ", b"", b"key-1"] {
            assert_eq!(bearer(wrong), None);
        }
    }
}
