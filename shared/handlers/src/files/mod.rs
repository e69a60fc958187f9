//! Files that are kept here: their keys, their addresses, and the answer to whoever opens one.
//!
//! A file's address is all that is needed to open it, so its key is a digest that nobody can guess. It is the same for
//! the same file of the same message: a repeat after a crash says the same link.

mod serve;

use std::sync::Arc;

use handover_core::files::{FileFacts, FileKey};
use handover_core::ports::{FileFetcher, FileStore, NoFiles};
use handover_core::settings::{Connection, Rehost};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use tokio::sync::Semaphore;
use url::Url;

use crate::App;

pub use serve::disposition;
pub(crate) use serve::serve;

/// Means to fetch and to keep files.
#[derive(Clone)]
pub struct Files {
    pub store: Arc<dyn FileStore>,
    pub fetcher: Arc<dyn FileFetcher>,
    /// Where this stage is reached from outside, if it knows by itself; a connection's `public_url` wins.
    pub public_url: Option<Url>,
    /// As many files are in memory at the same time.
    pub room: Arc<Semaphore>,
}

impl Files {
    pub fn new(store: Arc<dyn FileStore>, fetcher: Arc<dyn FileFetcher>, room: usize) -> Self {
        Self {
            store,
            fetcher,
            public_url: None,
            room: Arc::new(Semaphore::new(room)),
        }
    }

    /// Files neither come nor go: for a stage that has nowhere to put them.
    pub fn none() -> Self {
        Self::new(Arc::new(NoFiles), Arc::new(NoFiles), 1)
    }

    /// How files of this connection are hosted. `None`: they cannot be, because nobody knows our address.
    pub(crate) fn host<'a>(&self, connection: &'a Connection) -> Option<Host<'a>> {
        let url = connection
            .files
            .public_url
            .as_ref()
            .or(self.public_url.as_ref())?;
        let base = url.as_str().trim_end_matches('/');
        let base = format!("{base}/{}/files/", connection.id);
        Some(Host { connection, base })
    }

    /// The same, if files from elsewhere are to be hosted.
    pub(crate) fn rehost<'a>(&self, connection: &'a Connection) -> Option<Host<'a>> {
        self.host(connection)
            .filter(|_| connection.files.rehost != Rehost::Never)
    }
}

/// A connection that may host files.
pub(crate) struct Host<'a> {
    connection: &'a Connection,
    /// Ends in a slash.
    base: String,
}

/// What stays as it is in an address: unreserved characters (RFC 3986).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Sets these digests apart from whatever else the secret is used for.
const PURPOSE: &[u8] = b"engage-handover file key";

impl Host<'_> {
    /// The key of what these parts describe, and of nothing else. It changes with the source's first token.
    pub(crate) fn key(&self, parts: &[&[u8]]) -> FileKey {
        let ringcx = &self.connection.ringcx;
        // Who relays no messages has no source, and so no token of one.
        let secret = ringcx.realtime_access_tokens.first();
        let secret = secret.unwrap_or(&ringcx.api_access_token).expose();
        let Ok(mut digest) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            unreachable!("HMAC takes keys of any length")
        };
        for part in [PURPOSE, self.connection.id.as_str().as_bytes()]
            .iter()
            .chain(parts)
        {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        FileKey::of(&digest.finalize().into_bytes())
    }

    /// Largest file, in bytes.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.connection.files.max_bytes
    }

    pub(crate) fn link(&self, key: &FileKey, facts: &FileFacts) -> String {
        let name = utf8_percent_encode(&facts.filename, KEPT);
        format!("{}{}/{name}", self.base, key.as_str())
    }

    /// The key in an address of ours. `None`: it is somebody else's.
    pub(crate) fn ours(&self, url: &str) -> Option<FileKey> {
        let rest = url.strip_prefix(&self.base)?;
        FileKey::parse(rest.split(['/', '?', '#']).next()?)
    }

    /// A file that is kept from now on, as long as the connection says.
    pub(crate) fn facts(
        &self,
        app: &App,
        accepted: handover_core::files::Accepted,
        size: usize,
    ) -> FileFacts {
        FileFacts {
            filename: accepted.filename,
            content_type: accepted.content_type,
            size: size as u64,
            expires_at: app.now() + self.connection.files.keep,
            refused: None,
        }
    }
}
