//! Files with secrets: replaced as a whole, on disk before anybody goes on, readable by few.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use anyhow::Context as _;

/// Replaces a file, or makes it with mode 0600. Of an older one, owner and group stay, and so does what they may do.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".engage-handover-")
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
