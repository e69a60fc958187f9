//! What RCE's answers mean.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ports::RingCxError;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// RCE's word for "too many requests", whatever the status.
const RATE_LIMITED: &str = "rate_limit_exceeded";

/// The code of an answer that names none.
const NO_CODE: &str = "no code";

const CODE_MAX_BYTES: usize = 64;

/// An answer, read as far as we care.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// What RCE's clock showed.
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Vec<u8>,
    /// The body was longer than we read.
    pub(crate) cut: bool,
}

impl Answer {
    /// Reads at most `cap` bytes of the body.
    ///
    /// The status says whether it was done, so a body that breaks off is as good as a short one.
    pub(crate) async fn read(mut response: Response, cap: usize, now: Timestamp) -> Self {
        let mut answer = Self {
            status: response.status(),
            retry_after: retry_after(response.headers(), now),
            date: date(response.headers()),
            body: Vec::new(),
            cut: false,
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = cap - answer.body.len();
                    answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if chunk.len() > room {
                        answer.cut = true;
                        return answer;
                    }
                }
                Ok(None) => return answer,
                Err(_) => {
                    answer.cut = true;
                    return answer;
                }
            }
        }
    }

    /// The body as JSON. A success that cannot be read is not RCE speaking.
    pub(crate) fn json(&self) -> Result<Value, RingCxError> {
        let unreadable = RingCxError::Unavailable {
            status: self.status.as_u16(),
        };
        if self.cut {
            return Err(unreadable);
        }
        serde_json::from_slice(&self.body).map_err(|_| unreadable)
    }

    /// The records of a page of a list, which is what [`Self::json`] gave.
    pub(crate) fn records<'a>(&self, page: &'a Value) -> Result<&'a [Value], RingCxError> {
        let records = page.get("records").and_then(Value::as_array);
        records.map(Vec::as_slice).ok_or(RingCxError::Unavailable {
            status: self.status.as_u16(),
        })
    }

    /// RCE's short word for what is wrong: `error` of its envelope, never `message`, which is
    /// localised and may quote what was sent (REST API, "Errors").
    pub(crate) fn code(&self) -> String {
        let envelope: Option<Value> = serde_json::from_slice(&self.body).ok();
        envelope
            .as_ref()
            .and_then(|envelope| envelope.get("error")?.as_str())
            .filter(|code| looks_like_a_code(code))
            .unwrap_or(NO_CODE)
            .to_owned()
    }

    /// The outcome of a REST call.
    pub(crate) fn rest_outcome(&self) -> Result<(), RingCxError> {
        if self.status.is_success() {
            return Ok(());
        }
        let status = self.status.as_u16();
        let code = self.code();
        Err(match status {
            429 => self.rate_limited(),
            400..=499 if code == RATE_LIMITED => self.rate_limited(),
            // Permission and state share this status; some words tell that it is the state.
            403 if code.starts_with("cant_") || code.contains("closed") => {
                RingCxError::Refused { status, code }
            }
            401 | 403 => RingCxError::NotPermitted { status, code },
            404 => RingCxError::NotFound,
            409 => RingCxError::Conflict,
            // The request never arrived whole.
            408 => RingCxError::Unavailable { status },
            400..=499 => RingCxError::Refused { status, code },
            _ => RingCxError::Unavailable { status },
        })
    }

    /// The outcome of a Send API call. Its error bodies are plain texts of which only the status is
    /// dependable, so the status decides and the text only says more (Send API, "Errors").
    pub(crate) fn send_outcome(&self) -> Result<(), RingCxError> {
        if self.status.is_success() {
            return Ok(());
        }
        let status = self.status.as_u16();
        let code = self
            .refusal()
            .map_or_else(|| self.code(), |refusal| refusal.code().to_owned());
        Err(match status {
            422 if self.refusal() == Some(Refusal::InvalidSignature) => {
                RingCxError::SecretRefused { status, code }
            }
            401 => RingCxError::SecretRefused { status, code },
            403 => RingCxError::NotPermitted { status, code },
            408 => RingCxError::Unavailable { status },
            429 => self.rate_limited(),
            400..=499 => RingCxError::Refused { status, code },
            _ => RingCxError::Unavailable { status },
        })
    }

    /// Whether RCE refuses the structured part of a message, so that its text may still pass.
    pub(crate) fn refuses_structured(&self) -> bool {
        let whatever_it_says = matches!(
            self.refusal(),
            Some(
                Refusal::SourceNotFound
                    | Refusal::InvalidSignature
                    | Refusal::InvalidAction
                    | Refusal::InvalidSize
            )
        );
        self.status == StatusCode::UNPROCESSABLE_ENTITY && !whatever_it_says
    }

    fn rate_limited(&self) -> RingCxError {
        RingCxError::RateLimited {
            retry_after: self.retry_after,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let text = String::from_utf8_lossy(&self.body).to_lowercase();
        REFUSALS
            .iter()
            .find_map(|(part, refusal)| text.contains(part).then_some(*refusal))
    }
}

/// Why the Send API refuses a request, by its texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    BadRequest,
    InvalidFormat,
    InvalidSize,
    SourceNotFound,
    InvalidSignature,
    InvalidAction,
    InvalidResource,
    NoStructuredContent,
    StructuredContent,
    AuthorNotPuppetizable,
}

/// Parts of the Send API's texts in lower case. The quotation marks around an attribute's name and the
/// apostrophe differ between pages, so the parts avoid them.
const REFUSALS: [(&str, Refusal); 12] = [
    ("support structured content", Refusal::NoStructuredContent),
    (
        "type is required for structured content",
        Refusal::StructuredContent,
    ),
    (
        "support this type of structured content",
        Refusal::StructuredContent,
    ),
    ("structured_content", Refusal::StructuredContent),
    ("author must be puppetizable", Refusal::AuthorNotPuppetizable),
    ("source not found", Refusal::SourceNotFound),
    ("invalid signature", Refusal::InvalidSignature),
    ("invalid action", Refusal::InvalidAction),
    ("invalid resource format", Refusal::InvalidResource),
    ("invalid request format", Refusal::InvalidFormat),
    ("invalid request size", Refusal::InvalidSize),
    ("bad request", Refusal::BadRequest),
];

impl Refusal {
    /// A word of ours: the texts may quote what was sent.
    fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::InvalidFormat => "invalid_request_format",
            Self::InvalidSize => "invalid_request_size",
            Self::SourceNotFound => "source_not_found",
            Self::InvalidSignature => "invalid_signature",
            Self::InvalidAction => "invalid_action",
            Self::InvalidResource => "invalid_resource_format",
            Self::NoStructuredContent => "structured_content_not_supported",
            Self::StructuredContent => "structured_content_invalid",
            Self::AuthorNotPuppetizable => "author_not_puppetizable",
        }
    }
}

fn looks_like_a_code(code: &str) -> bool {
    (1..=CODE_MAX_BYTES).contains(&code.len())
        && code
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// When the answer was made, by the clock of who made it (RFC 9110).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(date.trim()).ok()
}

/// `Retry-After`: seconds, or a date (RFC 9110). RCE documents none; proxies in front of it send them.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// A call that had no answer. The URL is left out of it.
pub(crate) fn no_answer(error: reqwest::Error) -> RingCxError {
    RingCxError::NoAnswer(Box::new(error.without_url()))
}
