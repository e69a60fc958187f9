//! What administrators set up: categories, sources, folders, people with their rights, tokens, controlled identities.

mod entities;
mod rights;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Channel, SimulatedConfig};
use crate::error::DeskError;
use crate::events::{REALTIME_CHANNEL, TOKEN_USER};
use crate::model::Identity;
use crate::state::State;

pub(crate) use entities::{Account, Category, Folder, Restrictions, SET_UP, Source, Team, Token};
pub use rights::ROLE_RIGHTS;
pub(crate) use rights::{AGENT_ROLE, SOURCE_PERMISSIONS, TOKEN_ROLE};

/// The parent of the categories that an account has from the start.
const ROOT: &str = "5f0c0000000000000000ca00";
/// The community of Source SDK channels.
pub(crate) const COMMUNITY: &str = "5f0c0000000000000c000001";
/// The communities of the platform's own channels, by number.
pub(crate) const NATIVE_COMMUNITY: &str = "5f0c0000000000000c00";
/// The token of the configuration.
pub(crate) const MAIN_TOKEN: &str = "5f0c00000000000000ac0001";
/// What agents of an account that is set up may do on its source.
const USUAL_PERMISSIONS: [&str; 3] = ["read", "reply", "initiate_discussion"];

/// Everything that administrators set up. All lists are oldest first.
pub(crate) struct Console {
    pub(crate) categories: Vec<Category>,
    pub(crate) sources: Vec<Source>,
    pub(crate) folders: Vec<Folder>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) teams: Vec<Team>,
    pub(crate) tokens: Vec<Token>,
    /// The identities that are ticked as controlled, in the bridge's ids.
    pub(crate) controlled: BTreeSet<String>,
    /// The rights that the role of the token's account lacks.
    pub(crate) lacking: BTreeSet<String>,
}

impl Console {
    pub(crate) fn new(config: &SimulatedConfig) -> Self {
        let defaults = if config.set_up {
            vec![config.bot_category_id.clone()]
        } else {
            Vec::new()
        };
        let token = Token {
            id: MAIN_TOKEN.to_owned(),
            value: config.api_token.clone(),
            owner: TOKEN_USER.to_owned(),
            enabled: true,
        };
        Self {
            categories: categories(config),
            sources: sources(config, &defaults),
            folders: Vec::new(),
            accounts: accounts(config),
            teams: Vec::new(),
            tokens: vec![token],
            controlled: controlled(config),
            lacking: config.lacking_rights.iter().cloned().collect(),
        }
    }

    pub(crate) fn category(&self, id: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    pub(crate) fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    pub(crate) fn source_mut(&mut self, id: &str) -> Result<&mut Source, DeskError> {
        let found = self.sources.iter_mut().find(|source| source.id == id);
        found.ok_or_else(|| DeskError::NotFound(format!("no source {id}")))
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub(crate) fn account_mut(&mut self, id: &str) -> Result<&mut Account, DeskError> {
        let found = self.accounts.iter_mut().find(|account| account.id == id);
        found.ok_or_else(|| DeskError::NotFound(format!("no account {id}")))
    }

    pub(crate) fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == id)
    }

    /// Whether a thread can carry this category: the parents of others may be mere headings.
    pub(crate) fn is_selectable(&self, id: &str) -> bool {
        self.category(id).is_some_and(|category| !category.unselectable)
    }

    /// Whether an account may do this on a source.
    pub(crate) fn may(&self, account: &str, source: &str, permission: &str) -> bool {
        self.account(account).is_some_and(|account| {
            let permissions = account.permissions.get(source);
            permissions.is_some_and(|permissions| permissions.iter().any(|it| it == permission))
        })
    }
}

impl State {
    /// Whether an administrator ticked *Controlled identity*, by the bridge's id.
    pub fn is_controlled(&self, identity: &str) -> bool {
        self.console.controlled.contains(identity)
    }

    pub(crate) fn category_name(&self, id: &str) -> Option<&str> {
        self.console.category(id).map(|category| category.name.as_str())
    }

    /// Whether the account of the REST token may read the source.
    pub(crate) fn token_may(&self, source: &str, permission: &str) -> bool {
        self.console.may(TOKEN_USER, source, permission)
    }

    /// Whether these are an agent's categories: the one of the configuration, or one that some agent holds.
    pub(crate) fn is_held_by_agents(&self, categories: &[String]) -> bool {
        if self.config.set_up && categories.contains(&self.config.agent_category_id) {
            return true;
        }
        let is_agent = |account: &&Account| account.enabled && account.id != TOKEN_USER;
        let mut agents = self.console.accounts.iter().filter(is_agent);
        agents.any(|agent| agent.category_ids.iter().any(|id| categories.contains(id)))
    }

    /// Where bots' threads are: the category of the configuration, or in an account that was bare the source's default.
    pub(crate) fn bot_category(&self) -> Option<String> {
        let configured = self.console.category(&self.config.bot_category_id);
        let source = self.console.sources.first();
        configured
            .map(|category| &category.id)
            .or_else(|| source.and_then(|source| source.default_category_ids.first()))
            .cloned()
    }

    /// Where agents' threads are: the category of the configuration, or in an account that was bare what agents hold.
    pub(crate) fn agent_category(&self) -> Option<String> {
        let configured = self.console.category(&self.config.agent_category_id);
        let agents = self
            .console
            .accounts
            .iter()
            .filter(|account| account.id != TOKEN_USER);
        configured
            .map(|category| &category.id)
            .or_else(|| agents.flat_map(|agent| &agent.category_ids).next())
            .cloned()
    }

    /// Agents act on a thread if they hold one of its categories and have the permission on its source.
    pub(crate) fn must_be_allowed(
        &self,
        agent: &str,
        thread: &str,
        permission: &str,
    ) -> Result<(), DeskError> {
        let categories = self.thread(thread).map(|thread| thread.category_ids.as_slice());
        let holds = self.console.account(agent).is_some_and(|account| {
            let mut held = account.category_ids.iter();
            held.any(|id| categories.is_some_and(|categories| categories.contains(id)))
        });
        if !holds {
            let refused = "the agent holds none of the thread's categories";
            return Err(DeskError::Forbidden(refused.to_owned()));
        }
        if !self.console.may(agent, self.source_of(thread), permission) {
            return Err(DeskError::Forbidden(format!(
                "the agent lacks the permission {permission} on the source"
            )));
        }
        Ok(())
    }

    /// The platform's id of the identity that an agent speaks as.
    pub(crate) fn speaks_as(&mut self, agent: &str, thread: &str) -> Result<String, DeskError> {
        if let Some(source) = self.native_of(thread).map(|native| native.id.clone()) {
            return Ok(self.company_identity(&source));
        }
        let assigned = self.console.account(agent).and_then(|account| {
            let mut identities = account.identity_ids.iter();
            identities.find(|id| {
                self.identities
                    .get(*id)
                    .is_some_and(|it| self.is_controlled(&it.foreign_id))
            })
        });
        if let Some(assigned) = assigned {
            return Ok(assigned.clone());
        }
        if !self.config.set_up {
            let refused = "the agent speaks as no identity of this channel: assign one";
            return Err(DeskError::Forbidden(refused.to_owned()));
        }
        let puppet = self.config.agent_identity.clone();
        Ok(self.identity_or_placeholder(&puppet, "Simulated agents"))
    }

    /// In an account that is set up, agents have their identity as soon as it exists.
    pub(crate) fn assign_new_identity(&mut self, id: &str, foreign_id: &str) {
        if !self.config.set_up || foreign_id != self.config.agent_identity {
            return;
        }
        for account in &mut self.console.accounts {
            if account.id != TOKEN_USER {
                account.identity_ids.push(id.to_owned());
            }
        }
    }

    /// Whether agents speak as this identity.
    pub(crate) fn is_agents_voice(&self, identity: &Identity) -> bool {
        let mut accounts = self.console.accounts.iter();
        identity.foreign_id == self.config.agent_identity
            || accounts.any(|account| account.identity_ids.contains(&identity.id))
    }

    /// The categories of a thread that begins: what the source says, for a customer's words and for a puppet's.
    pub(crate) fn default_categories(&self, source: &str, from_puppet: bool) -> Vec<String> {
        let source = self.console.source(source);
        let categories = source.map(|source| {
            if from_puppet {
                &source.user_thread_default_category_ids
            } else {
                &source.default_category_ids
            }
        });
        categories.cloned().unwrap_or_default()
    }
}

fn categories(config: &SimulatedConfig) -> Vec<Category> {
    if !config.set_up {
        return Vec::new();
    }
    let mut root = Category::new(ROOT, "Simulated bridge", None);
    root.unselectable = true;
    let own = [
        (config.bot_category_id.as_str(), "Bot"),
        (config.agent_category_id.as_str(), "Agent"),
    ];
    let others = config.other_categories.iter();
    let children = own
        .into_iter()
        .chain(others.map(|(id, name)| (id.as_str(), name.as_str())))
        .map(|(id, name)| Category::new(id, name, Some(ROOT)));
    std::iter::once(root).chain(children).collect()
}

/// The bridge's own source, unless every channel is the platform's own, and those.
fn sources(config: &SimulatedConfig, defaults: &[String]) -> Vec<Source> {
    let own = Source::new(&config.source_id, "Simulated channel", "sdk", COMMUNITY);
    let own = (config.channel == Channel::SourceSdk).then_some(own);
    let natives = config.all_native_sources();
    let native = natives.iter().enumerate().map(|(place, native)| {
        let community = format!("{NATIVE_COMMUNITY}{place:04x}");
        let mut source = Source::new(&native.id, &native.name, native.kind.source_type(), &community);
        source.attachments_level = native.attachments;
        source
    });
    let mut sources: Vec<Source> = own.into_iter().chain(native).collect();
    for source in &mut sources {
        REALTIME_CHANNEL.clone_into(&mut source.channel_id);
        source.default_category_ids = defaults.to_vec();
        source.user_thread_default_category_ids = defaults.to_vec();
    }
    sources
}

fn accounts(config: &SimulatedConfig) -> Vec<Account> {
    let usual = || USUAL_PERMISSIONS.map(str::to_owned).to_vec();
    let mut token = Account::new(TOKEN_USER, "Simulated API", TOKEN_ROLE);
    let natives = config.all_native_sources().into_iter().map(|native| native.id);
    let sources: Vec<String> = match config.channel {
        Channel::SourceSdk => std::iter::once(config.source_id.clone()).chain(natives).collect(),
        Channel::Native => natives.collect(),
    };
    let everywhere = || -> BTreeMap<String, Vec<String>> {
        sources.iter().map(|source| (source.clone(), usual())).collect()
    };
    token.permissions = everywhere();
    if config.set_up {
        token.category_ids = vec![config.bot_category_id.clone(), config.agent_category_id.clone()];
    }
    let agents = config.agents.iter().map(|agent| {
        let mut account = Account::new(&agent.id, &agent.name, AGENT_ROLE);
        if config.set_up {
            account.category_ids = vec![config.agent_category_id.clone()];
            account.permissions = everywhere();
        }
        account
    });
    let virtual_agent = config.virtual_agent_id.iter().map(|id| {
        let mut account = Account::new(id, "Simulated Virtual-Agent", AGENT_ROLE);
        account.permissions = everywhere();
        account
    });
    std::iter::once(token)
        .chain(agents)
        .chain(virtual_agent)
        .collect()
}

fn controlled(config: &SimulatedConfig) -> BTreeSet<String> {
    if !config.set_up {
        return config.controlled_identities.iter().cloned().collect();
    }
    let own = [config.bot_identity.clone(), config.agent_identity.clone()];
    own.into_iter()
        .chain(config.controlled_identities.iter().cloned())
        .collect()
}
