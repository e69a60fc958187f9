//! Why a call to AWS failed, in words that name the thing and say where to look.

use std::fmt;

use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use handover_core::ports::QueueError;

/// What was to be used.
#[derive(Clone, Debug)]
pub(crate) enum Thing {
    Queue(String),
    Table(String),
    Parameter(String),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(url) => write!(f, "queue {url}"),
            Self::Table(name) => write!(f, "table {name}"),
            Self::Parameter(name) => write!(f, "parameter {name}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the {0} does not exist: set {setting} to the stage's own, in the function's region", setting = setting(.0))]
    Missing(Thing),
    #[error(
        "no permission for {action} on the {thing}: check the function's role, or an operator's own rights ({detail})"
    )]
    NotPermitted {
        action: &'static str,
        thing: Thing,
        detail: String,
    },
    #[error("{action} on the {thing} failed: {detail}")]
    Failed {
        action: &'static str,
        thing: Thing,
        detail: String,
    },
    #[error("a job cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

fn setting(thing: &Thing) -> &'static str {
    match thing {
        Thing::Queue(_) => "HANDOVER_TO_BOT_QUEUE_URL and its like",
        Thing::Table(_) => "HANDOVER_TABLE",
        Thing::Parameter(_) => "HANDOVER_SETTINGS_PATH",
    }
}

impl Fault {
    /// What the SDK could not do, after its own repeats. `action` is the one that the role must allow.
    pub(crate) fn of<E, R>(action: &'static str, thing: Thing, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match code(error) {
            "NonExistentQueue" | "QueueDoesNotExist" | "ResourceNotFoundException" => Self::Missing(thing),
            code @ ("AccessDenied"
            | "AccessDeniedException"
            | "KmsAccessDenied"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredToken"
            | "ExpiredTokenException") => Self::NotPermitted {
                action,
                thing,
                detail: message(error).unwrap_or(code).to_owned(),
            },
            _ => Self::Failed {
                action,
                thing,
                detail: describe(error),
            },
        }
    }
}

/// The error's code without the namespaces that SQS and KMS put before it.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.and_then(|code| code.rsplit('.').next()).unwrap_or_default()
}

pub(crate) fn message<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::message)
}

/// Code and cause, never the request: it holds what people wrote.
fn describe<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(_) => {
            let code = Some(code(error)).filter(|code| !code.is_empty());
            let (code, message) = (code.unwrap_or("no code"), message(error).unwrap_or("no message"));
            format!("{code} ({message})")
        }
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || "not sent".to_owned(),
            |error| DisplayErrorContext(error).to_string(),
        ),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::ResponseError(_) => "the answer is not readable".to_owned(),
        _ => "the call could not be made".to_owned(),
    }
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}
