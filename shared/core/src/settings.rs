//! A connection: one RCE source joined to one bot, with everything that an integrator sets.
//!
//! Reading and checking the TOML file is the handlers' work (`handover-handlers::config`); these are the
//! checked values. Names follow the vendors' set-up guides.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::ids::{CategoryId, ConnectionId, IdentityId, SourceId};
use crate::secret::Secret;

/// One connection, ready for use.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the vendors' guides have that many switches"
)]
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
    /// Off ("task only"): both sides sit on the customer's channel already, so that no message is relayed; only the
    /// bot's turn is.
    pub relay_messages: bool,
    pub get_queue_updates: bool,
    pub ringcx: RingCxSettings,
    pub bot: BotSettings,
    pub dialogs: Dialogs,
    pub availability: Availability,
    pub timers: Timers,
    pub files: FileSettings,
}

/// Whose channel the person writes on, and what of it passes through the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// The bot's. Every message is mirrored into a Source SDK channel of ours.
    Mirrored,
    /// RCE's. The person's words reach the bot through us, and the bot's words them.
    Native,
    /// Both sit on it already: only the bot's turn is managed, no message passes.
    TaskOnly,
}

impl Connection {
    pub fn topology(&self) -> Topology {
        match (self.relay_messages, self.ringcx.channel) {
            (false, _) => Topology::TaskOnly,
            (true, Channel::SourceSdk) => Topology::Mirrored,
            (true, Channel::Native) => Topology::Native,
        }
    }

    /// A source that both would answer, with two voices for one person. A connection that relays nothing stands for a bot that
    /// sits on the channel itself, so it counts too.
    pub fn answers_same_source(&self, other: &Self) -> Option<&SourceId> {
        if !(self.is_native() || other.is_native()) || !self.ringcx.is_same_account(&other.ringcx) {
            return None;
        }
        let mut sources = self.ringcx.sources();
        sources.find(|source| other.ringcx.has_source(source))
    }

    /// Whether messages are mirrored into a Source SDK channel of ours.
    pub fn is_mirrored(&self) -> bool {
        self.topology() == Topology::Mirrored
    }

    /// Whether the bridge answers people on channels of RCE's own.
    pub fn is_native(&self) -> bool {
        self.topology() == Topology::Native
    }
}

/// The RCE side of a connection.
#[derive(Clone, Debug)]
pub struct RingCxSettings {
    pub channel: Channel,
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
    /// More of the account's own channels that the same bot answers; only with [`Channel::Native`].
    pub further_sources: Vec<SourceId>,
    pub native: NativeSettings,
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

/// Who owns the channel that a person writes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channel {
    /// We do: a channel made with the Source SDK.
    #[default]
    SourceSdk,
    /// RCE does (Apple Messages for Business, Messenger, e-mail, SMS, …).
    Native,
}

/// How people are answered on channels that RCE owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeSettings {
    /// Whom the bot speaks as, on each source. Where it is not said, the token user's first identity on the source.
    pub author_identities: BTreeMap<SourceId, IdentityId>,
    pub private_replies: PrivateReplies,
    pub bot_intervention: BotIntervention,
    /// The bot is one of RCE's virtual agents: it engages, hands over and completes by the Bots API.
    pub virtual_agent: bool,
    /// Longest text of one message, in characters, where the channel's kind does not tell.
    pub reply_max_chars: Option<usize>,
    /// How long a customer's message waits for one that was written before it: RCE reports in no order.
    pub settle: Duration,
    /// How often in an hour a person may answer the bot before the agents have the conversation; 0: as often as they like.
    /// Where it is not said, the channel's kind decides.
    pub max_turns_per_hour: Option<u32>,
}

impl Default for NativeSettings {
    fn default() -> Self {
        Self {
            author_identities: BTreeMap::new(),
            private_replies: PrivateReplies::LikeCustomer,
            bot_intervention: BotIntervention::WhenNeeded,
            virtual_agent: false,
            reply_max_chars: None,
            settle: Duration::from_millis(400),
            max_turns_per_hour: None,
        }
    }
}

/// Whether replies are marked as private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateReplies {
    /// Where what they answer is private. Never in public what was asked in private.
    LikeCustomer,
    Always,
    Never,
}

/// Whether the bot's own account opens interventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotIntervention {
    Never,
    /// Where RCE takes a reply under an open intervention only.
    WhenNeeded,
    /// With the first reply.
    Always,
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
    /// What the person reads when one of their messages did not reach the agents, on platforms that have no event
    /// for it.
    pub message_failed_text: String,
    pub queue_subscribers: Vec<Endpoint>,
}

/// How the bot wants to be told.
#[derive(Clone, Debug)]
pub enum BotKind {
    /// Standard Webhooks to one URL.
    Webhook(Endpoint),
    /// Cognigy.AI: agents' words by *notify*, states by *inject*.
    Cognigy(Box<CognigySettings>),
    /// Chatlayer: the conversation-actions API.
    Chatlayer(Box<ChatlayerSettings>),
}

impl BotKind {
    /// The name in the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Cognigy(_) => "cognigy",
            Self::Chatlayer(_) => "chatlayer",
        }
    }

    /// Whether it is a platform with words of its own: its flows do not read our answers, so that a refusal is told as well;
    /// it has no event for a message that failed, so that the person reads of it; and it has no key that makes a repeat
    /// harmless, so that only the last call may be one.
    pub fn is_platform(&self) -> bool {
        match self {
            Self::Webhook(_) => false,
            Self::Cognigy(_) | Self::Chatlayer(_) => true,
        }
    }

    /// Whether it does something of its own once a handover was accepted.
    pub fn is_told_of_acceptance(&self) -> bool {
        matches!(self, Self::Chatlayer(_))
    }

    /// Whether agents read a line that what came before is history. Others say so in their own summary.
    pub fn marks_history(&self) -> bool {
        matches!(self, Self::Cognigy(_))
    }

    /// Where it is called.
    pub fn origin(&self) -> &Url {
        match self {
            Self::Webhook(endpoint) => &endpoint.url,
            Self::Cognigy(cognigy) => match &cognigy.way_in {
                CognigyWayIn::Endpoint { base } | CognigyWayIn::Api { base, .. } => base,
            },
            Self::Chatlayer(chatlayer) => &chatlayer.api_url,
        }
    }
}

/// A Cognigy.AI project.
#[derive(Clone, Debug)]
pub struct CognigySettings {
    pub way_in: CognigyWayIn,
    /// How the Flow is asked on channels of RCE's own.
    pub asks: Option<CognigyAsks>,
    /// The endpoint of conversations that do not name theirs.
    pub url_token: Option<Secret>,
    /// Standard Webhooks keys: every one signs what we send, any one may have signed what we get.
    pub signing_secrets: Vec<Secret>,
    /// Whether agents read that the person came (back), or went.
    pub user_connected_message: bool,
    pub user_disconnected_message: bool,
    /// Most calls in any minute (Cognigy's shared installation takes 1,000 in five minutes from one address).
    pub calls_per_minute: u32,
}

/// The two documented ways into a conversation.
#[derive(Clone, Debug)]
pub enum CognigyWayIn {
    /// `{base}/notify/{URLToken}` and `{base}/inject/{URLToken}`, read by transformers.
    Endpoint { base: Url },
    /// `{base}/v2.0/endpoint/notify` and `…/inject` of the API service; `base` includes a prefix, if there is one.
    Api { base: Url, key: Secret },
}

/// The endpoint that a person's words on a channel of RCE's own are posted to: `{base}/{URLToken}`.
#[derive(Clone, Debug)]
pub struct CognigyAsks {
    pub base: Url,
    pub endpoint: CognigyEndpoint,
}

/// What kind of endpoint it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CognigyEndpoint {
    /// The answer to the call has all that the Flow says.
    Rest,
    /// The Flow's outputs are posted to us, each by itself.
    Webhook,
}

/// A Chatlayer bot.
#[derive(Clone, Debug)]
pub struct ChatlayerSettings {
    /// Without a trailing slash.
    pub api_url: Url,
    pub access_token: Secret,
    /// Come with the query of every call of the Offloading Webhook.
    pub verify_tokens: Vec<Secret>,
    pub bot_id: String,
    pub actions: ChatlayerActions,
    /// Its webhook channel, where people write on channels of RCE's own.
    pub channel: Option<ChatlayerChannel>,
    /// Messages of Chatlayer's emulator count like those of real people.
    pub accept_emulator: bool,
    /// Most calls in any minute (a limit of 1,200 was seen).
    pub calls_per_minute: u32,
}

/// The bot's channel of the type "webhook".
#[derive(Clone, Debug)]
pub struct ChatlayerChannel {
    /// Where people's messages are posted to; used as it is.
    pub url: Url,
    pub token: Secret,
}

/// Bodies of the conversation-actions API whose names the vendor does not document.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatlayerActions {
    pub pause: serde_json::Value,
    pub resume: serde_json::Value,
    /// `{{dialog}}` stands for the dialog's id.
    pub dialog: serde_json::Value,
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
    /// On a channel of RCE's own: the bot has not answered what the person said for so long.
    pub bot_silent: Duration,
    /// On a channel of RCE's own: the bot's own intervention ends after so long without a word.
    pub bot_intervention_idle: Duration,
}

/// What becomes of the files that people send each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Where this stage is reached from outside, without a trailing slash; needed to host files on one machine.
    pub public_url: Option<Url>,
    /// Largest file that is delivered, in bytes.
    pub max_bytes: u64,
    /// How long a hosted file is kept.
    pub keep: Duration,
    pub rehost: Rehost,
    /// Hosts (`host` or `host:port`) from which files are fetched whatever their address is.
    pub allow_hosts: Vec<String>,
}

/// Whether files are fetched and offered at an address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehost {
    /// Where that is possible.
    Auto,
    /// A stage that cannot does not start.
    Always,
    /// Addresses pass as they are.
    Never,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            max_bytes: crate::files::MAX_BYTES,
            keep: Duration::from_hours(30 * 24),
            rehost: Rehost::Auto,
            allow_hosts: Vec::new(),
        }
    }
}

impl RingCxSettings {
    /// The ids that a customer must never carry.
    pub fn company_ids(&self) -> [&str; 2] {
        [&self.bot_identity.id, &self.agent_identity.id]
    }

    /// Every source of this connection.
    pub fn sources(&self) -> impl Iterator<Item = &SourceId> {
        std::iter::once(&self.source_id).chain(&self.further_sources)
    }

    pub fn has_source(&self, source: &SourceId) -> bool {
        self.sources().any(|ours| ours == source)
    }

    /// Whether both are of one account, whose REST budget and sources they share.
    pub fn is_same_account(&self, other: &Self) -> bool {
        let account = |it: &Self| {
            // A name with a dot at its end is the same name.
            let host = it
                .api_base
                .host_str()
                .map(|host| host.trim_end_matches('.').to_owned());
            (host, it.api_base.port_or_known_default())
        };
        account(self) == account(other)
    }
}
