//! Where the configuration and the record are kept: files beside each other, or parameters of a stage on AWS.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use handover_core::Timestamp;

use handover_handlers::config::Lookup;
use handover_machine::Environment;

use super::files;
use crate::commands::Failure;

/// Which bridge is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// One that reads this file.
    File(PathBuf),
    /// A stage on AWS.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "only a build with AWS finds one")
    )]
    Stage {
        name: String,
        /// Where it is reached from outside, without a slash at its end.
        public_url: String,
    },
}

impl Home {
    /// The arguments of a command that lead here.
    pub(crate) fn arguments(&self) -> String {
        match self {
            Self::File(path) => format!("--config {}", path.display()),
            Self::Stage { name, .. } => format!("--stage {name}"),
        }
    }

    pub(crate) fn is_stage(&self) -> bool {
        matches!(self, Self::Stage { .. })
    }

    /// Where secrets are found that are not written out.
    pub(crate) fn lookup(&self) -> &'static dyn Lookup {
        match self {
            Self::File(_) => &Environment,
            Self::Stage { .. } => &Nowhere,
        }
    }

    /// What a stage knows of itself.
    pub(crate) fn public_url(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Stage { public_url, .. } => Some(public_url),
        }
    }
}

/// A function has no files of the integrator's, and its environment is no place for secrets.
struct Nowhere;

impl Lookup for Nowhere {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> io::Result<String> {
        Err(io::Error::other(
            "a stage's parameter has its secrets in itself, because a function has no files",
        ))
    }
}

/// A text that is read once and replaced as a whole, durably.
#[async_trait]
pub(crate) trait Shelf: Send + Sync {
    /// What people call it: a path, or a parameter's name.
    fn name(&self) -> String;

    /// `None`: there is nothing yet.
    async fn read(&self) -> Result<Option<String>, Failure>;

    /// It is stored when this returns.
    async fn replace(&self, text: &str) -> anyhow::Result<()>;

    /// Sees to it that the text can be had after it was replaced; says where.
    async fn keep(&self, text: &str, now: Timestamp) -> anyhow::Result<String>;

    /// Nothing is there afterwards.
    async fn remove(&self) -> anyhow::Result<()>;
}

/// A file.
pub(crate) struct FileShelf(PathBuf);

impl FileShelf {
    pub(crate) fn new(path: &Path) -> Self {
        // Through a link: the file that it points to is replaced, not the link.
        Self(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[async_trait]
impl Shelf for FileShelf {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    async fn read(&self) -> Result<Option<String>, Failure> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::Theirs(format!("cannot read {}: {error}", self.name()))),
        }
    }

    async fn replace(&self, text: &str) -> anyhow::Result<()> {
        files::replace(&self.0, text.as_bytes())
    }

    async fn keep(&self, text: &str, now: Timestamp) -> anyhow::Result<String> {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let backup = self
            .0
            .with_file_name(format!("{name}.{}.bak", now.strftime("%Y%m%dT%H%M%SZ")));
        files::replace(&backup, text.as_bytes())?;
        Ok(backup.display().to_string())
    }

    async fn remove(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
