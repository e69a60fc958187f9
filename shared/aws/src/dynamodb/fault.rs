//! What went wrong, in words that name the table.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use handover_core::ports::{Recorded, StoreError};

/// Why a call to the table failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("somebody else changed the conversation")]
    Conflict,
    #[error("already claimed")]
    Claimed(Recorded),
    #[error(
        "the table {table} does not exist: set HANDOVER_TABLE to the stage's table, in the function's region"
    )]
    NoTable { table: String },
    #[error("no permission for {operation} on the table {table}: check the function's role ({detail})")]
    NotPermitted {
        operation: &'static str,
        table: String,
        detail: String,
    },
    #[error("{operation} on the table {table} failed: {detail}")]
    Failed {
        operation: &'static str,
        table: String,
        detail: String,
    },
    #[error("a commit with messages to keep names no conversation")]
    KeptForNobody,
    #[error("an item is not readable by this version (JSON, column {column})")]
    Unreadable { column: usize },
}

impl Fault {
    /// What the SDK could not do, after its own repeats.
    pub(super) fn of<E, R>(operation: &'static str, table: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let table = table.to_owned();
        let code = error.code().unwrap_or_default();
        match code {
            "ResourceNotFoundException" => Self::NoTable { table },
            "AccessDeniedException" | "UnrecognizedClientException" | "ExpiredTokenException" => {
                Self::NotPermitted {
                    operation,
                    table,
                    detail: error.message().unwrap_or(code).to_owned(),
                }
            }
            _ => Self::Failed {
                operation,
                table,
                detail: describe(error),
            },
        }
    }
}

/// Codes and causes, never the request: it holds what people wrote.
fn describe<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            let code = error.code().unwrap_or("no code");
            format!("{code} ({})", error.message().unwrap_or("no message"))
        }
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || "not sent".to_owned(),
            |error| DisplayErrorContext(error).to_string(),
        ),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        _ => "the call could not be made".to_owned(),
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Conflict,
            Fault::Claimed(recorded) => Self::Claimed(recorded),
            fault => Self::Unavailable(Box::new(fault)),
        }
    }
}
