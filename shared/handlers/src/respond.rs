//! From outcome to HTTP answer: the one place that knows status codes.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// An answer before it is on the wire.
pub type Answer = Response<Bytes>;

/// Why a request of the bot API is not done. Becomes `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub enum Problem {
    UnknownConnection,
    UnknownRoute,
    MethodNotAllowed(&'static str),
    Unauthorized,
    /// The same at an address whose caller can send a user name and a password only.
    WrongPassword,
    /// Known callers only; says what is wrong.
    Forbidden(&'static str),
    TooLarge {
        limit: usize,
    },
    /// Not readable as JSON at all.
    Malformed(String),
    /// Readable, but not what the call takes. All that is wrong is listed.
    Invalid(Vec<String>),
    UnknownConversation,
    /// The same on a channel of RCE's own.
    UnknownThread,
    UnknownFile,
    UnknownDeadLetter,
    /// There is no handover to end.
    NoHandover,
    IdempotencyMismatch,
    /// Nothing was done; the same request may succeed later.
    Unavailable,
    /// What the settings would have to say first.
    NotSupported(&'static str),
    /// The connection's bot is of another kind than this address is for.
    WrongKind(&'static str),
}

impl Problem {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnknownConnection => (
                StatusCode::NOT_FOUND,
                "unknown-connection",
                "There is no such connection",
            ),
            Self::UnknownRoute => (
                StatusCode::NOT_FOUND,
                "unknown-route",
                "There is nothing at this address",
            ),
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This address does not take this method",
            ),
            Self::Unauthorized | Self::WrongPassword => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "The credentials are missing or wrong",
            ),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "The caller may not do that"),
            Self::TooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
            ),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed", "The body is not readable"),
            Self::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "The body is not what this call takes",
            ),
            Self::UnknownConversation | Self::UnknownThread => (
                StatusCode::NOT_FOUND,
                "unknown-conversation",
                "There is no such conversation",
            ),
            Self::UnknownFile => (
                StatusCode::NOT_FOUND,
                "unknown-file",
                "There is no such file (any more)",
            ),
            Self::UnknownDeadLetter => (
                StatusCode::NOT_FOUND,
                "unknown-dead-letter",
                "There is no such dead letter (any more)",
            ),
            Self::NoHandover => (
                StatusCode::CONFLICT,
                "no-handover",
                "The bot has the conversation already",
            ),
            Self::IdempotencyMismatch => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-mismatch",
                "This idempotency key was used with another body",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Nothing was done; try again",
            ),
            Self::NotSupported(_) => (
                StatusCode::NOT_IMPLEMENTED,
                "not-supported",
                "This stage cannot do that",
            ),
            Self::WrongKind(_) => (
                StatusCode::NOT_FOUND,
                "wrong-kind",
                "This connection's bot is of another kind",
            ),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::TooLarge { limit } => Some(format!("at most {limit} bytes are taken here")),
            Self::Malformed(detail) => Some(detail.clone()),
            Self::Invalid(errors) => Some(errors.join("; ")),
            Self::NotSupported(detail) | Self::Forbidden(detail) => Some((*detail).to_owned()),
            Self::WrongKind(kind) => Some(format!(
                "this address is for connections whose bot has kind = \"{kind}\""
            )),
            Self::UnknownConversation => {
                Some("a conversation begins with its first message or handover request".to_owned())
            }
            Self::UnknownThread => Some(
                "on a channel of RingCentral's own only a customer's message begins a conversation; its id is the \
                 one that the bridge told with it"
                    .to_owned(),
            ),
            Self::Unauthorized => Some(
                "bots send \"Authorization: Bearer\" with one of the connection's bot_keys (operator_keys: the addresses below /operator, and reading), \
                 a RingCentral webhook its Secret"
                    .to_owned(),
            ),
            Self::WrongPassword => Some(
                "a Webhook endpoint of Cognigy's sends Basic authentication: any user name, and one of the connection's bot_keys as \
                 the password"
                    .to_owned(),
            ),
            Self::UnknownConnection => {
                Some("the first part of the path names a connection of the configuration".to_owned())
            }
            Self::IdempotencyMismatch => Some(
                "a repeat has the same body, times included; what is new needs a key, or an id, of its own".to_owned(),
            ),
            _ => None,
        }
    }

    pub fn into_answer(self) -> Answer {
        let (status, slug, title) = self.parts();
        let mut body = json!({
            "type": format!("urn:engage-handover:problem:{slug}"),
            "title": title,
            "status": status.as_u16(),
        });
        if let Some(detail) = self.detail() {
            body["detail"] = Value::from(detail);
        }
        if let Self::Invalid(errors) = &self {
            body["errors"] = Value::from(errors.clone());
        }
        let mut answer = raw(status, "application/problem+json", body.to_string());
        match self {
            Self::Unauthorized => {
                answer
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::WrongPassword => {
                answer
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            }
            Self::MethodNotAllowed(allowed) => {
                answer
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        answer
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &Value) -> Answer {
    raw(status, "application/json", body.to_string())
}

/// Any answer.
pub fn raw(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
