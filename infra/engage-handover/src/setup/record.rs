//! What set-up did, so that it can be gone on with and undone. Holds no secret of ours.
//!
//! What is about to be done is written down before it is done: whoever reads this after a crash knows that an object
//! which looks like it was meant to is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::commands::Failure;

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
    /// Channels of RCE's own, instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_ids: Vec<String>,
    /// Who was chosen to answer, by RCE's ids.
    pub(crate) agents: BTreeSet<String>,
    pub(crate) parent: Option<String>,
    pub(crate) folder: Option<String>,
    /// What was made here, or was about to be.
    #[serde(rename = "made")]
    pub(crate) made: Made,
    /// Default categories before, of customers' threads and of the company's: those of `source_id` …
    pub(crate) defaults_before: Option<Defaults>,
    /// … and those of `source_ids`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) defaults_of: BTreeMap<String, Defaults>,
    /// The search of a folder that was there already.
    pub(crate) folder_query_before: Option<(String, String)>,
    /// What agents were given.
    pub(crate) granted: BTreeMap<String, Grant>,
    /// Secrets were invented, and the webhook does not have them for sure.
    pub(crate) webhook_untold: bool,
    /// A webhook that was there already and was taken into use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_before: Option<WebhookBefore>,
    /// What a person was told to do and REST cannot show, with its value.
    pub(crate) told: BTreeMap<String, String>,
    /// Of that, what they said is done.
    pub(crate) confirmed: BTreeMap<String, String>,
}

/// Default categories of customers' threads, and of the company's.
pub(crate) type Defaults = (Vec<String>, Vec<String>);

impl Entry {
    /// What each source's default categories were.
    pub(crate) fn all_defaults(&self) -> Vec<(&str, &Defaults)> {
        let one = self.source_id.as_deref().zip(self.defaults_before.as_ref());
        let several = self
            .defaults_of
            .iter()
            .map(|(source, before)| (source.as_str(), before));
        one.into_iter().chain(several).collect()
    }

    /// Remembers them, unless that was done before; `None` forgets them.
    pub(crate) fn set_defaults(&mut self, source: &str, before: Option<Defaults>) {
        let is_one = self.source_id.as_deref() == Some(source);
        match before {
            Some(before) if is_one => drop(self.defaults_before.get_or_insert(before)),
            Some(before) => {
                self.defaults_of.entry(source.to_owned()).or_insert(before);
            }
            None if is_one => self.defaults_before = None,
            None => drop(self.defaults_of.remove(source)),
        }
    }

    /// Whether the webhook with this id is one that was made here, as far as is known.
    pub(crate) fn made_webhook(&self, id: &str) -> bool {
        let made = self.made.webhook.as_ref();
        made.is_some_and(|made| made.id.as_deref().is_none_or(|made| made == id))
    }
}

/// What a webhook was. RCE never shows its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookBefore {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) active: bool,
    pub(crate) events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verify_token: Option<String>,
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
    /// On `source_id` …
    pub(crate) permissions: BTreeSet<String>,
    /// … and on each of `source_ids`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) permissions_on: BTreeMap<String, BTreeSet<String>>,
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

/// The record of one configuration.
pub(crate) struct Record {
    shelf: Arc<dyn Shelf>,
    connection: String,
    book: Book,
}

impl Record {
    pub(crate) async fn open(shelf: Arc<dyn Shelf>, connection: &str) -> Result<Self, Failure> {
        let book = match shelf.read().await? {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Failure::Theirs(format!(
                    "{} is not readable ({error}); it only remembers what setup made: move it away to go on without it",
                    shelf.name()
                ))
            })?,
            None => Book::default(),
        };
        Ok(Self {
            shelf,
            connection: connection.to_owned(),
            book,
        })
    }

    pub(crate) fn entry(&self) -> Entry {
        self.book
            .connections
            .get(&self.connection)
            .cloned()
            .unwrap_or_default()
    }

    /// Changes the entry, durably; nothing is written if nothing changes.
    pub(crate) async fn change(&mut self, change: impl FnOnce(&mut Entry)) -> anyhow::Result<()> {
        let before = self.entry();
        let mut entry = before.clone();
        change(&mut entry);
        if entry != before {
            self.book.connections.insert(self.connection.clone(), entry);
            self.save().await?;
        }
        Ok(())
    }

    /// Remembers this of the connection, and nothing else.
    pub(crate) async fn keep_only(&mut self, entry: Entry) -> anyhow::Result<()> {
        if entry == Entry::default() {
            return self.forget().await;
        }
        self.change(|now| *now = entry).await
    }

    /// Forgets the connection.
    async fn forget(&mut self) -> anyhow::Result<()> {
        self.book.connections.remove(&self.connection);
        if self.book.connections.is_empty() {
            return self.shelf.remove().await;
        }
        self.save().await
    }

    async fn save(&self) -> anyhow::Result<()> {
        self.shelf
            .replace(&serde_json::to_string_pretty(&self.book)?)
            .await
    }
}

/// `connections.setup.json` for `connections.toml`.
pub(crate) fn beside(config: &Path) -> PathBuf {
    config.with_extension("setup.json")
}
