//! Channels that the platform itself owns: customers write to it, and it delivers the answers.

mod export;
mod import;
mod message;
mod moves;
mod others;
mod rules;
mod seen;
mod source;

pub(crate) use export::deliver;
pub use export::{FailExports, Which};
pub use message::NativeMessage;
pub(crate) use rules::LostReply;
pub use seen::{Seen, Speaker};
pub use source::{AttachmentsLevel, NativeKind, NativeSource, Privacy};

use crate::config::Channel;
use crate::console::NATIVE_COMMUNITY;
use crate::error::DeskError;
use crate::state::State;

/// The name that the company has on its own channels.
const COMPANY: &str = "Simulated company";

impl State {
    /// The native source of this id.
    pub(crate) fn native(&self, source: &str) -> Option<&NativeSource> {
        self.native_sources.iter().find(|native| native.id == source)
    }

    /// The native source of a thread.
    pub(crate) fn native_of(&self, thread: &str) -> Option<&NativeSource> {
        self.native(&self.threads.get(thread)?.source_id)
    }

    /// The source of a thread, by the platform's id.
    pub(crate) fn source_of(&self, thread: &str) -> &str {
        let thread = self.threads.get(thread);
        thread.map_or(&self.config.source_id, |thread| &thread.source_id)
    }

    /// What something of a channel is found by: channels use the same ids for different things. The only channel of
    /// an account needs no distinction.
    pub(crate) fn native_key(&self, source: &str, foreign_id: &str) -> String {
        let first = self.native_sources.first();
        if self.config.channel == Channel::Native && first.is_some_and(|first| first.id == source) {
            return foreign_id.to_owned();
        }
        format!("{foreign_id}@{source}")
    }

    /// The community that the identities of a native source belong to.
    pub(crate) fn native_community(&self, source: &str) -> String {
        let place = self.native_sources.iter().position(|native| native.id == source);
        format!("{NATIVE_COMMUNITY}{:04x}", place.unwrap_or_default())
    }

    /// The person of this id on the channel, who is made up where nobody knows it yet; a name replaces the one before.
    pub(crate) fn native_identity(&mut self, source: &str, foreign_id: &str, name: &str) -> String {
        let key = self.native_key(source, foreign_id);
        let now = self.now();
        if let Some(id) = self.identity_by_foreign.get(&key).cloned() {
            if let Some(known) = self.identities.get_mut(&id).filter(|_| !name.is_empty()) {
                name.clone_into(&mut known.screenname);
                known.updated_at = now;
            }
            return id;
        }
        let id = self.ids.next();
        let name = if name.is_empty() {
            "Simulated customer"
        } else {
            name
        };
        let identity = crate::model::Identity {
            id: id.clone(),
            foreign_id: foreign_id.to_owned(),
            source_id: Some(source.to_owned()),
            screenname: name.to_owned(),
            puppetizable: false,
            profile: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        };
        self.identities.insert(id.clone(), identity);
        self.identity_by_foreign.insert(key, id.clone());
        id
    }

    /// The identity of the channel's own page, number or address, which every account of the company speaks as.
    pub(crate) fn company_identity(&mut self, source: &str) -> String {
        let foreign_id = company_of(source);
        let key = self.native_key(source, &foreign_id);
        if let Some(id) = self.identity_by_foreign.get(&key) {
            return id.clone();
        }
        let id = self.native_identity(source, &foreign_id, COMPANY);
        for account in &mut self.console.accounts {
            account.identity_ids.push(id.clone());
        }
        id
    }

    /// Every channel has its page, number or address from the start.
    pub(crate) fn create_company_identities(&mut self) {
        let sources: Vec<String> = self.native_sources.iter().map(|it| it.id.clone()).collect();
        for source in sources {
            self.company_identity(&source);
        }
    }

    fn chosen_source(&self, source: Option<&str>) -> Result<NativeSource, DeskError> {
        let none = || DeskError::Conflict("this account has no channel of its own".to_owned());
        match source {
            Some(id) => self
                .native(id)
                .cloned()
                .ok_or_else(|| DeskError::NotFound(format!("no native source {id}"))),
            None => self.native_sources.first().cloned().ok_or_else(none),
        }
    }
}

/// The channel's own name for its page, number or address.
fn company_of(source: &str) -> String {
    format!("company-of-{source}")
}
