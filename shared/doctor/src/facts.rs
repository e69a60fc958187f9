//! What was seen, before anybody judges it.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::SourceId;
use handover_core::ports::{BotError, Probed, RingCxError};
use handover_ringcx::console::{
    Category, Channel, ConsoleError, Dates, Identity, Role, Source, User, Webhook,
};
use url::Url;

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    Yes(T),
    /// The token is not accepted, or its account lacks the right.
    Forbidden,
    /// Unknown, or not readable.
    NotFound,
    /// RCE limits our rate.
    Limited,
    /// Our own limiter held the call back.
    Held,
    /// What answers is no REST API of RCE's: it answers so to everything, or with something else than JSON.
    NoApi(u16),
    /// No answer, or none that can be understood; in words.
    Failed(String),
    /// Nobody looked.
    NotAsked,
}

impl<T> Seen<T> {
    pub fn of(result: Result<T, ConsoleError>) -> Self {
        match result {
            Ok(found) => Self::Yes(found),
            Err(error) if error.is_forbidden() => Self::Forbidden,
            Err(error) if error.is_not_found() => Self::NotFound,
            Err(error) => match error.error {
                RingCxError::RateLimited { .. } => Self::Limited,
                RingCxError::BudgetUsedUp { .. } => Self::Held,
                RingCxError::Unavailable {
                    status: status @ ..400,
                } => Self::NoApi(status),
                _ => Self::Failed(handover_core::ports::causes(&error)),
            },
        }
    }

    /// The same reason for something else that was not seen either.
    pub(crate) fn but<U>(&self) -> Seen<U> {
        match self {
            Self::Yes(_) | Self::NotAsked => Seen::NotAsked,
            Self::Forbidden => Seen::Forbidden,
            Self::NotFound => Seen::NotFound,
            Self::Limited => Seen::Limited,
            Self::Held => Seen::Held,
            Self::NoApi(status) => Seen::NoApi(*status),
            Self::Failed(why) => Seen::Failed(why.clone()),
        }
    }

    pub fn yes(&self) -> Option<&T> {
        match self {
            Self::Yes(found) => Some(found),
            _ => None,
        }
    }
}

/// Everything that was seen of one connection.
#[derive(Debug)]
pub struct Facts {
    pub at: Timestamp,
    pub rest_calls: u32,
    /// Calls that RCE refused because there were too many.
    pub limited_calls: u32,
    /// Calls that were not made, because our own limiter held them back.
    pub held_calls: u32,
    pub account: AccountFacts,
    /// One for each source of the connection, in its order; there is always one.
    pub sources: Vec<SourceFacts>,
    pub channels: Seen<Vec<Channel>>,
    pub bot_category: Seen<Option<Category>>,
    pub agent_category: Seen<Option<Category>>,
    pub bot_identity: Seen<Vec<Identity>>,
    pub agent_identity: Seen<Vec<Identity>>,
    pub agents: AgentFacts,
    pub webhooks: Seen<Vec<Webhook>>,
    pub address: AddressFacts,
    pub round_trip: RoundTrip,
    /// `None`: not tried.
    pub send_api: Option<Result<(), RingCxError>>,
    pub bot: BotFacts,
    /// `None`: nobody said where the bridge keeps its work.
    pub work: Option<WorkFacts>,
    /// `None`: not on this machine.
    pub machine: Option<MachineFacts>,
    /// Since when an operator lets no new handover begin.
    pub draining_since: Option<Timestamp>,
    /// The stage knows where its files would be reached.
    pub can_host_files: bool,
}

/// One source of the connection.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    pub id: SourceId,
    pub source: Seen<Option<Source>>,
    /// What the first agents may do on it, by their id.
    pub agents: BTreeMap<String, Seen<Vec<String>>>,
    /// What the token's account may do on it, where the bridge answers by REST.
    pub own: Seen<Vec<String>>,
    /// Whom the bot is to speak as on it, where that is configured.
    pub author: Seen<Option<Identity>>,
}

impl Facts {
    /// Whether one of the sources was read.
    pub(crate) fn has_source(&self) -> bool {
        self.sources
            .iter()
            .any(|facts| matches!(facts.source, Seen::Yes(Some(_))))
    }

    /// Where RCE answers 404 to everything, nothing of it says anything about a source or a category.
    pub(crate) fn settle(&mut self) {
        const NOT_THERE: u16 = 404;
        fn lacks<T>(seen: &Seen<T>) -> bool {
            matches!(seen, Seen::NotFound)
        }
        let account = &self.account;
        let knows_nothing = lacks(&account.me)
            && [
                &account.interventions,
                &account.monitor,
                &account.users,
                &account.time_sheets,
            ]
            .into_iter()
            .all(lacks);
        if knows_nothing {
            let account = &mut self.account;
            account.me = Seen::NoApi(NOT_THERE);
            account.role = Seen::NoApi(NOT_THERE);
            for right in [
                &mut account.interventions,
                &mut account.monitor,
                &mut account.users,
                &mut account.time_sheets,
            ] {
                *right = Seen::NoApi(NOT_THERE);
            }
            for facts in &mut self.sources {
                facts.source = Seen::NoApi(NOT_THERE);
                facts.own = Seen::NoApi(NOT_THERE);
                facts.author = Seen::NoApi(NOT_THERE);
            }
            self.account.faces = Seen::NoApi(NOT_THERE);
            self.account.identities = Seen::NoApi(NOT_THERE);
            self.channels = Seen::NoApi(NOT_THERE);
            self.bot_category = Seen::NoApi(NOT_THERE);
            self.agent_category = Seen::NoApi(NOT_THERE);
            self.bot_identity = Seen::NoApi(NOT_THERE);
            self.agent_identity = Seen::NoApi(NOT_THERE);
            self.agents.holders = Seen::NoApi(NOT_THERE);
            self.agents.bot_holders = Seen::NoApi(NOT_THERE);
            self.webhooks = Seen::NoApi(NOT_THERE);
        }
    }
}

/// The token's account.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    pub me: Seen<User>,
    pub role: Seen<Role>,
    pub dates: Option<Dates>,
    pub interventions: Seen<()>,
    pub monitor: Seen<()>,
    pub users: Seen<()>,
    pub time_sheets: Seen<()>,
    /// Where the bridge answers by REST: whether it may see who writes.
    pub identities: Seen<()>,
    /// The first identities that the account speaks as, where the bridge answers by REST.
    pub faces: Seen<Vec<Identity>>,
}

/// Who answers.
#[derive(Clone, Debug)]
pub struct AgentFacts {
    /// Who holds the Agent category.
    pub holders: Seen<Vec<User>>,
    /// Who holds the Bot category.
    pub bot_holders: Seen<Vec<User>>,
    /// How many could take a conversation now. `None`: unknown.
    pub with_room: Option<usize>,
    /// `None`: no opening hours.
    pub is_open: Option<bool>,
}

/// What one call found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Why it was not made.
    NotTried(&'static str),
    NoAnswer(NoAnswer),
    Answered {
        status: u16,
        took: Duration,
        /// Where a redirect leads.
        location: Option<String>,
        /// The body, or its signature, is what it has to be.
        right: bool,
    },
}

/// Why nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    TimedOut,
    Certificate(String),
    NotConnected(String),
}

impl Call {
    /// Answered with this status, and rightly.
    pub fn is(&self, wanted: u16) -> bool {
        matches!(self, Self::Answered { status, right: true, .. } if *status == wanted)
    }

    /// Whether there is any use in judging the answers one by one: a redirect, a 404 or a 5xx is not the bridge's word.
    pub fn is_an_answer(&self) -> bool {
        matches!(self, Self::Answered { status, .. } if !(300..400).contains(status) && *status != 404 && *status < 500)
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Our own addresses, called as RCE calls them.
#[derive(Clone, Debug)]
pub struct AddressFacts {
    /// Where the bridge is reached, and whether somebody said so (or it was read off the webhook).
    pub public_url: Option<Url>,
    pub is_given: bool,
    /// The webhook of this connection, by its id.
    pub webhook: Option<String>,
    /// A signed `implementation.info`.
    pub info: Call,
    /// The options that its answer declares.
    pub options: Vec<String>,
    /// The same, unsigned.
    pub unsigned: Call,
    pub validation: Call,
    pub delivery: Call,
    pub forged_delivery: Call,
    /// What the bridge that runs says of the settings that it has read.
    pub serving: Serving,
    /// `GET /availability` with the first bot key.
    pub bot_key: Call,
}

/// What the running bridge has read. An older one does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serving {
    pub sources: Option<Vec<String>>,
    pub settings: Option<String>,
}

/// RCE was made to call the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundTrip {
    /// Why it was not tried.
    NotTried(&'static str),
    /// RCE did not save the webhook.
    NotSaved(String),
    Tried {
        /// The bridge noted a validation. `None`: nobody could look.
        heard: Option<bool>,
        /// RCE says that the webhook delivers.
        delivers: bool,
        /// The bridge's note of the last accepted delivery.
        last_delivery: Option<Timestamp>,
    },
}

/// The bot and others who are told.
#[derive(Debug)]
pub struct BotFacts {
    pub signed: Result<Probed, BotError>,
    pub forged: Result<Probed, BotError>,
    /// One for each subscriber, in the configuration's order.
    pub subscribers: Vec<Result<Probed, BotError>>,
}

/// What waits, and what was given up. Only this connection's.
#[derive(Clone, Debug, Default)]
pub struct WorkFacts {
    /// Reason and time, oldest first. `None`: could not be read.
    pub dead: Option<Vec<(String, Timestamp)>>,
    /// About how many jobs wait, of all connections. `None`: could not be read.
    pub waiting: Option<u64>,
    /// When RCE last called the source's address.
    pub source_heard: Option<Timestamp>,
    /// Since when each overdue handover should have been looked after. `None`: could not be read.
    pub overdue: Option<Vec<Timestamp>>,
}

/// The machine with the data directory.
#[derive(Clone, Debug)]
pub struct MachineFacts {
    /// A bridge ran on the directory, so there is something to look into.
    pub has_begun: bool,
    /// Why the directory cannot be written.
    pub not_writable: Option<String>,
    pub free_bytes: Option<u64>,
    pub is_serving: bool,
}
