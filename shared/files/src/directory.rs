//! Files in a directory of this machine: `<directory>/<connection>/<key>`, what is known about a file in its first
//! line, its bytes behind it.
//!
//! A file is written beside its place, brought to the disk and moved there, so it is there whole or not at all.

use std::fs::{DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::files::{FileFacts, FileKey};
use handover_core::ids::ConnectionId;
use handover_core::ports::{FileStore, FileStoreError, OpenedFile};

/// What a file is called while it is written.
const UNFINISHED: &str = ".unfinished-";
/// A write that was not finished for so long will never be.
const ABANDONED: Duration = Duration::from_hours(1);
/// Longest first line, in bytes: a name, a type and some numbers.
const FACTS_MAX: u64 = 16 * 1024;

/// Keeps files in a directory. A cheap handle.
#[derive(Clone, Debug)]
pub struct FileDirectory(PathBuf);

impl FileDirectory {
    /// The directory is made with the first file.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    fn place(&self, connection: &ConnectionId, key: &FileKey) -> PathBuf {
        self.0.join(connection.as_str()).join(key.as_str())
    }
}

/// File systems block.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FileStoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| FileStoreError(error.into())),
        Err(error) => Err(FileStoreError(error.into())),
    }
}

#[async_trait]
impl FileStore for FileDirectory {
    async fn put(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        facts: &FileFacts,
        bytes: Bytes,
    ) -> Result<(), FileStoreError> {
        let (place, facts) = (self.place(connection, key), facts.clone());
        aside(move || write(&place, &facts, &bytes)).await
    }

    async fn facts(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<FileFacts>, FileStoreError> {
        let place = self.place(connection, key);
        let opened = aside(move || open(&place)).await?;
        let facts = opened.map(|(facts, _)| facts);
        Ok(facts.filter(|facts| facts.expires_at > now))
    }

    async fn open(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<OpenedFile>, FileStoreError> {
        let place = self.place(connection, key);
        aside(move || {
            let Some((facts, mut rest)) = open(&place)?.filter(|(facts, _)| facts.expires_at > now) else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            rest.read_to_end(&mut bytes)?;
            let bytes = Bytes::from(bytes);
            Ok(Some(OpenedFile::Here { facts, bytes }))
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), FileStoreError> {
        let directory = self.0.clone();
        aside(move || sweep(&directory, now)).await
    }
}

fn write(place: &Path, facts: &FileFacts, bytes: &[u8]) -> io::Result<()> {
    let directory = place.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(directory)?;
    let mut first_line = serde_json::to_vec(facts)?;
    first_line.push(b'\n');
    file.write_all(&first_line)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(place).map_err(|error| error.error)?;
    // The move too must survive a loss of power, and so must directories that were just made.
    for directory in directory.ancestors().take(3) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// What is known about a file, and its bytes yet to be read. `None`: there is no file.
fn open(place: &Path) -> io::Result<Option<(FileFacts, BufReader<File>)>> {
    let file = match File::open(place) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut first_line = Vec::new();
    reader
        .by_ref()
        .take(FACTS_MAX)
        .read_until(b'\n', &mut first_line)?;
    let facts = serde_json::from_slice(&first_line)?;
    Ok(Some((facts, reader)))
}

/// A file that cannot be judged stays, and does not keep the others from being judged.
fn sweep(directory: &Path, now: Timestamp) -> io::Result<()> {
    for connection in entries(directory)? {
        for place in entries(&connection)? {
            let over = if is_unfinished(&place) {
                is_abandoned(&place, now)
            } else {
                open(&place).map(|opened| opened.is_some_and(|(facts, _)| facts.expires_at <= now))
            };
            let removed = over.and_then(|over| {
                if over {
                    std::fs::remove_file(&place)
                } else {
                    Ok(())
                }
            });
            if let Err(error) = removed {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a kept file cannot be looked at"
                );
            }
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn is_unfinished(place: &Path) -> bool {
    let name = place.file_name().map(std::ffi::OsStr::as_encoded_bytes);
    name.is_some_and(|name| name.starts_with(UNFINISHED.as_bytes()))
}

fn is_abandoned(place: &Path, now: Timestamp) -> io::Result<bool> {
    let changed = std::fs::metadata(place)?.modified()?;
    let changed = Timestamp::try_from(changed).map_err(io::Error::other)?;
    Ok(changed + ABANDONED < now)
}

#[cfg(test)]
mod tests;
