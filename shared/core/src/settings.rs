//! A connection: one RCE source joined to one bot, with everything that an integrator sets.
//!
//! Reading and checking the TOML file is the handlers' work (`handover-handlers::config`); these are the
//! checked values. Names follow the vendors' set-up guides.

use std::time::Duration;

use url::Url;

use crate::ids::{CategoryId, ConnectionId, SourceId};
use crate::secret::Secret;

/// One connection, ready for use.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: ConnectionId,
    /// The slider. Off: every handover request is answered "disabled".
    pub enabled: bool,
    /// Bearer keys of the bot API; all are valid at once.
    pub bot_keys: Vec<Secret>,
    /// Bearer keys that may also read message text.
    pub operator_keys: Vec<Secret>,
    /// On: nothing reaches RCE before a handover. Off: everything is mirrored under the Bot category.
    pub forward_only_handover_conversations: bool,
    pub get_queue_updates: bool,
    pub ringcx: RingCxSettings,
    pub bot: BotSettings,
    pub dialogs: Dialogs,
    pub availability: Availability,
    pub timers: Timers,
}

/// The RCE side of a connection.
#[derive(Clone, Debug)]
pub struct RingCxSettings {
    /// REST base, normalised: ends in `/1.0`, no trailing slash.
    pub api_base: Url,
    /// Bearer token of the REST API.
    pub api_access_token: Secret,
    /// Send API URL, used verbatim.
    pub realtime_endpoint_url: Url,
    /// The source's tokens: the first signs, all verify.
    pub realtime_access_tokens: Vec<Secret>,
    pub webhook_secrets: Vec<Secret>,
    pub verification_token: Secret,
    /// Configured, or the last segment of the realtime endpoint URL.
    pub source_id: SourceId,
    pub bot_category_id: CategoryId,
    pub agent_category_id: CategoryId,
    pub bot_identity: IdentitySettings,
    pub agent_identity: IdentitySettings,
    /// Whether an agent who writes, or takes the thread, while the bot has the conversation takes it over.
    pub agent_takeover: bool,
    /// Whether a person's message that reopens an intervention gives the conversation to the agents again.
    pub customer_reopens: bool,
    /// REST budget of the account in any 60 seconds.
    pub requests_per_minute: u32,
}

/// An identity that speaks for the company (RCE: a controlled identity, "puppet").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySettings {
    pub id: String,
    pub name: String,
}

/// The bot side of a connection.
#[derive(Clone, Debug)]
pub struct BotSettings {
    pub kind: BotKind,
    pub queue_subscribers: Vec<Endpoint>,
}

/// How the bot wants to be told.
#[derive(Clone, Debug)]
pub enum BotKind {
    /// Standard Webhooks to one URL.
    Webhook(Endpoint),
}

/// A URL that receives signed events.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: Url,
    /// Every listed secret signs.
    pub signing_secrets: Vec<Secret>,
}

/// Dialogs that the bot launches when the contact centre opens or closes; sent along with the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogs {
    pub opened: Option<String>,
    pub closed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// No handover while nobody can take it.
    pub require_agent: bool,
    /// No handover while it is not known whether anybody can.
    pub refuse_unknown: bool,
    pub hours: Hours,
    pub cache: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// The source's time sheet.
    Source,
    /// Always open.
    None,
}

/// Zero means never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    /// Nobody took it for so long.
    pub queue: Duration,
    /// The agent spoke, and the person has not answered for so long.
    pub user_idle: Duration,
    /// It is the agent's turn, and they have said nothing for so long.
    pub agent_idle: Duration,
    /// However lively it is: no handover is older.
    pub max_age: Duration,
    /// How long before a timer ends the handover the bot is warned.
    pub warn_before: Duration,
    /// How often RCE is asked whether we missed something.
    pub reconcile_every: Duration,
}

impl RingCxSettings {
    /// The ids that a customer must never carry.
    pub fn company_ids(&self) -> [&str; 2] {
        [&self.bot_identity.id, &self.agent_identity.id]
    }
}
