use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::Timestamp;
use crate::files::{FileFacts, FileKey};
use crate::ids::ConnectionId;
use crate::secret::Secret;

use super::causes;

/// Keeps files until they expire.
///
/// A key is derived from what the file belongs to, so that putting the same file again finds or replaces the same one.
/// After `Ok` a crash of the process loses nothing.
#[async_trait]
pub trait FileStore: Send + Sync {
    async fn put(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        facts: &FileFacts,
        bytes: Bytes,
    ) -> Result<(), FileStoreError>;

    /// What is known about a file. `None`: there is none, or it has expired.
    async fn facts(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<FileFacts>, FileStoreError>;

    /// The file itself, or where it is. `None`: there is none, or it has expired.
    async fn open(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<OpenedFile>, FileStoreError>;

    /// Removes what has expired. Harmless at any time; not needed where a store does so by itself.
    async fn sweep(&self, now: Timestamp) -> Result<(), FileStoreError> {
        let _ = now;
        Ok(())
    }
}

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenedFile {
    Here {
        facts: FileFacts,
        bytes: Bytes,
    },
    /// At an address that works for a few minutes.
    Elsewhere {
        link: String,
    },
}

/// The store of files cannot be reached, read or written; the same call may succeed later.
#[derive(Debug, thiserror::Error)]
#[error("the store of files is unavailable: {}", causes(&**.0))]
pub struct FileStoreError(pub Box<dyn std::error::Error + Send + Sync>);

/// Fetches files from strangers' addresses, within limits of time and size, and never from a private network.
#[async_trait]
pub trait FileFetcher: Send + Sync {
    async fn fetch(&self, wanted: &Fetch<'_>) -> Result<Fetched, FetchError>;
}

/// What is to be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    pub url: &'a Url,
    /// Goes to the host of `url` only, as RCE's `access_token` parameter; never to where it redirects.
    pub access_token: Option<&'a Secret>,
    /// Hosts (`host` or `host:port`) that may have any address and need no TLS.
    pub allow_hosts: &'a [String],
    pub max_bytes: u64,
}

/// A file as its server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub bytes: Bytes,
    /// As the server says.
    pub content_type: Option<String>,
}

/// Why a file was not fetched. No URL appears in it: it may hold a key.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the file's address is not allowed")]
    NotAllowed,
    #[error("the file is larger than {limit} bytes")]
    TooLarge { size: Option<u64>, limit: u64 },
    #[error("the file's server answered {status}")]
    Answered { status: u16 },
    #[error("the file's server redirects too often, or to nowhere")]
    Redirects,
    #[error("the file did not arrive in time")]
    TooSlow,
    #[error("no answer from the file's server: {}", causes(&**.0))]
    NoAnswer(Box<dyn std::error::Error + Send + Sync>),
}

impl FetchError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotAllowed | Self::TooLarge { .. } | Self::Redirects => false,
            Self::Answered { status } => matches!(status, 408 | 425 | 429 | 500..),
            Self::TooSlow | Self::NoAnswer(_) => true,
        }
    }
}

/// Neither keeps nor fetches anything.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

fn nowhere() -> FileStoreError {
    FileStoreError("files are not kept here".into())
}

#[async_trait]
impl FileStore for NoFiles {
    async fn put(
        &self,
        _: &ConnectionId,
        _: &FileKey,
        _: &FileFacts,
        _: Bytes,
    ) -> Result<(), FileStoreError> {
        Err(nowhere())
    }

    async fn facts(
        &self,
        _: &ConnectionId,
        _: &FileKey,
        _: Timestamp,
    ) -> Result<Option<FileFacts>, FileStoreError> {
        Err(nowhere())
    }

    async fn open(
        &self,
        _: &ConnectionId,
        _: &FileKey,
        _: Timestamp,
    ) -> Result<Option<OpenedFile>, FileStoreError> {
        Err(nowhere())
    }
}

#[async_trait]
impl FileFetcher for NoFiles {
    async fn fetch(&self, _: &Fetch<'_>) -> Result<Fetched, FetchError> {
        Err(FetchError::NotAllowed)
    }
}
