//! Why a commit or a read was not done.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use handover_core::ports::{Recorded, StoreError};

use crate::fault::{Fault as CallFault, Thing};

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("somebody else changed the conversation")]
    Conflict,
    #[error("already claimed")]
    Claimed(Recorded),
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error("a commit with messages to keep names no conversation")]
    KeptForNobody,
    #[error("an item is not readable by this version (JSON, column {column})")]
    Unreadable { column: usize },
}

impl Fault {
    /// What the SDK could not do, after its own repeats. `action` is the one that the role must allow.
    pub(super) fn of<E, R>(action: &'static str, table: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        Self::Call(CallFault::of(action, Thing::Table(table.to_owned()), error))
    }

    /// A transaction that was refused for reasons of the service.
    pub(super) fn refused(table: &str, detail: impl Into<String>) -> Self {
        Self::Call(CallFault::Failed {
            action: "dynamodb:TransactWriteItems",
            thing: Thing::Table(table.to_owned()),
            detail: detail.into(),
        })
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
