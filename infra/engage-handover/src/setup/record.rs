//! What set-up did, so that it can be gone on with and undone. Holds no secret.
//!
//! What is about to be done is written down before it is done: whoever reads this after a crash knows that an object
//! which looks like it was meant to is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files;

/// All connections of one configuration.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    connections: BTreeMap<String, Entry>,
}

/// One connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) public_url: Option<String>,
    pub(crate) separate_urls: bool,
    pub(crate) events: Option<String>,
    pub(crate) source_id: Option<String>,
    /// Who was chosen to answer, by RCE's ids.
    pub(crate) agents: BTreeSet<String>,
    pub(crate) parent: Option<String>,
    pub(crate) folder: Option<String>,
    /// What was made here, or was about to be.
    #[serde(rename = "made")]
    pub(crate) made: Made,
    /// The source's default categories before: of customers' threads, and of the company's.
    pub(crate) defaults_before: Option<(Vec<String>, Vec<String>)>,
    /// The search of a folder that was there already.
    pub(crate) folder_query_before: Option<(String, String)>,
    /// What agents were given.
    pub(crate) granted: BTreeMap<String, Grant>,
    /// Secrets were invented, and the webhook does not have them for sure.
    pub(crate) webhook_untold: bool,
    /// Events that RCE refused by REST.
    pub(crate) refused_events: BTreeSet<String>,
    /// What a person was told to do and REST cannot show, with its value.
    pub(crate) told: BTreeMap<String, String>,
    /// Of that, what they said is done.
    pub(crate) confirmed: BTreeMap<String, String>,
}

/// An object: its id, or that it was about to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Made {
    pub(crate) parent: Option<Object>,
    pub(crate) bot_category: Option<Object>,
    pub(crate) agent_category: Option<Object>,
    pub(crate) folder: Option<Object>,
    pub(crate) webhook: Option<Object>,
    pub(crate) section: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Object {
    /// `None`: about to be made; what is found under this name is it.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Grant {
    pub(crate) permissions: BTreeSet<String>,
    /// The Agent category, by its id.
    pub(crate) category: Option<String>,
    /// The agents' identity, by its id.
    pub(crate) identity: Option<String>,
    /// The Bot category, which was taken from them.
    pub(crate) lost_category: Option<String>,
}

impl Object {
    pub(crate) fn meant(name: &str) -> Self {
        Self {
            id: None,
            name: name.to_owned(),
        }
    }

    pub(crate) fn made(id: &str, name: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            name: name.to_owned(),
        }
    }
}

/// The record, beside the configuration that it belongs to.
pub(crate) struct Record {
    path: PathBuf,
    connection: String,
    book: Book,
}

impl Record {
    pub(crate) fn open(config: &Path, connection: &str) -> Result<Self, String> {
        let path = beside(config);
        let book = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                format!(
                    "{} is not readable ({error}); it only remembers what setup made: move it away to go on without it",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Book::default(),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        Ok(Self {
            path,
            connection: connection.to_owned(),
            book,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn entry(&self) -> Entry {
        self.book
            .connections
            .get(&self.connection)
            .cloned()
            .unwrap_or_default()
    }

    /// Changes the entry, durably; nothing is written if nothing changes.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Entry)) -> anyhow::Result<()> {
        let before = self.entry();
        let mut entry = before.clone();
        change(&mut entry);
        if entry != before {
            self.book.connections.insert(self.connection.clone(), entry);
            self.save()?;
        }
        Ok(())
    }

    /// Forgets the connection.
    pub(crate) fn forget(&mut self) -> anyhow::Result<()> {
        self.book.connections.remove(&self.connection);
        if self.book.connections.is_empty() {
            match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => return Ok(()),
            }
        }
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        files::replace(&self.path, serde_json::to_string_pretty(&self.book)?.as_bytes())
    }
}

/// `connections.setup.json` for `connections.toml`.
fn beside(config: &Path) -> PathBuf {
    config.with_extension("setup.json")
}
