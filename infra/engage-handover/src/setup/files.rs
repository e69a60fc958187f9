//! Files with secrets: replaced as a whole, on disk before anybody goes on, readable by few.

use std::fs::{File, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use anyhow::Context as _;

use crate::commands::Failure;

const PREFIX: &str = ".engage-handover-";

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether there is a directory to write the file into.
pub(crate) fn check_directory(path: &Path) -> Result<(), Failure> {
    let directory = directory(path);
    if directory.is_dir() {
        return Ok(());
    }
    Err(Failure::Theirs(format!(
        "--config: there is no directory {}; make it first",
        directory.display()
    )))
}

/// Keeps other set-ups away from the file's directory as long as it lives. `None`: its file system knows no locks.
pub(crate) fn lock(path: &Path) -> Result<Option<File>, Failure> {
    let directory = directory(path);
    let held = File::open(directory).map_err(|error| {
        Failure::Theirs(format!("--config: cannot open {}: {error}", directory.display()))
    })?;
    match held.try_lock() {
        Ok(()) => Ok(Some(held)),
        Err(TryLockError::WouldBlock) => Err(Failure::Theirs(format!(
            "another engage-handover setup is at work in {}; wait until it is done, or stop it",
            directory.display()
        ))),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Removes what a set-up left that was killed while it wrote. Only for who holds the lock.
pub(crate) fn remove_leftovers(path: &Path) {
    let entries = std::fs::read_dir(directory(path));
    for entry in entries.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Replaces a file, or makes it with mode 0600. Of an older one, owner and group stay, and so does what they may do.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let directory = directory(path);
    let mut file = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)
        .with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    if let Ok(before) = std::fs::metadata(path) {
        let ours = file.as_file().metadata().with_context(failed)?;
        if (before.uid(), before.gid()) != (ours.uid(), ours.gid()) {
            chown(file.path(), Some(before.uid()), Some(before.gid())).with_context(failed)?;
        }
        let mode = Permissions::from_mode(before.mode() & 0o770);
        file.as_file().set_permissions(mode).with_context(failed)?;
    }
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).with_context(failed)?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .with_context(failed)
}
