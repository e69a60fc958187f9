use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use handover_core::ports::{QueueError, Recorded, StoreError};

/// Why the data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory {} cannot be used", dir.display())]
    Directory {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("there is no data in {}: start the server with this directory first", dir.display())]
    NoData { dir: PathBuf },
    #[error("{} was written by a newer version of the bridge (its schema is {found}, this one knows up to {known})", file.display())]
    Newer { file: PathBuf, found: u32, known: u32 },
    #[error("{} was written by an older version of the bridge: start the server once to convert it", file.display())]
    Older { file: PathBuf },
    #[error("{} is not a database of the bridge", file.display())]
    Foreign { file: PathBuf },
    #[error("another server works on {}", dir.display())]
    InUse { dir: PathBuf },
    #[error("{} cannot be opened", file.display())]
    Database {
        file: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
}

/// Why a request to the database was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the version is another one")]
    Conflict,
    #[error("the claim is held by somebody else")]
    Claimed(Recorded),
    #[error("the receipt is spent")]
    Stale,
    #[error("database error")]
    Database(#[from] rusqlite::Error),
    #[error("stored content cannot be read or written as JSON (column {column})")]
    Json { column: usize },
    /// Requests that share a transaction share its failure.
    #[error("the transaction was lost")]
    Lost(#[source] Arc<rusqlite::Error>),
    #[error("messages to keep, but neither a written nor a checked conversation")]
    KeptForNobody,
    #[error("a request to the database panicked")]
    Panicked,
    #[error("the database thread has stopped")]
    Stopped,
}

impl From<serde_json::Error> for Fault {
    /// The parser's own words would quote what people wrote.
    fn from(error: serde_json::Error) -> Self {
        Self::Json {
            column: error.column(),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Conflict,
            Fault::Claimed(recorded) => Self::Claimed(recorded),
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Stale => Self::StaleReceipt,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}
