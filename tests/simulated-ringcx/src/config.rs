//! What a simulated account looks like and how it behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::SignedDuration;

use crate::event_names::{NATIVE_EVENTS, RECOMMENDED_EVENTS};
use crate::faults::ScriptedFault;
use crate::model::TimeSheet;
use crate::native::{FailExports, NativeKind, NativeSource};

/// A human who answers at the simulated desk.
#[derive(Clone, Debug)]
pub struct SimulatedAgent {
    /// The account id, 24 hexadecimal digits like every id of the platform.
    pub id: String,
    /// The name that customers read.
    pub name: String,
    /// The state at the start.
    pub status: AgentStatus,
}

impl SimulatedAgent {
    /// An agent who is ready for work.
    pub fn available(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            status: AgentStatus::Available,
        }
    }
}

/// Whether an agent can be given work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AgentStatus {
    /// Logged in and ready.
    Available,
    /// Logged in, on a break.
    Away,
    /// Not logged in: absent from `GET /status`.
    Disconnected,
}

impl AgentStatus {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
            Self::Disconnected => "disconnected",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Available, Self::Away, Self::Disconnected]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// How long something new stays invisible to searches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IndexLag {
    /// Found at once.
    None,
    /// This many searches find nothing.
    Searches(u32),
    /// Searches find nothing for this long.
    For(Duration),
}

/// Whose channel it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Channel {
    /// The bridge's own channel: agents' replies go to its Base URI.
    SourceSdk,
    /// A channel that the platform owns: replies are delivered by the platform itself.
    Native,
}

/// What the REST token may do beyond reading threads. `Default` is everything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rights {
    /// Look at agents' availability.
    pub may_monitor: bool,
    /// Look at business hours.
    pub may_read_time_sheets: bool,
    /// Look at interventions, and act on them.
    pub may_read_interventions: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            may_monitor: true,
            may_read_time_sheets: true,
            may_read_interventions: true,
        }
    }
}

/// How webhooks misbehave. `Default` is not at all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WebhookBehaviour {
    /// Every n-th request is never sent; 0 sends all.
    pub drop_every: u32,
    /// Every n-th request is sent twice; 0 never.
    pub duplicate_every: u32,
    /// Every n-th request is sent after its successor; 0 never.
    pub reorder_every: u32,
    /// How long an event is on its way.
    pub delay: Duration,
    /// Events that are issued meanwhile are lost for good.
    pub down: bool,
}

/// What became of the events that some webhook is registered for. Counts events, not requests.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WebhookCounts {
    /// Issued, once for each webhook that wants them.
    pub issued: u64,
    /// Of those, never sent.
    pub dropped: u64,
    /// Of those, sent twice although nothing was wrong.
    pub duplicated: u64,
    /// Of those, sent after events that were issued later.
    pub reordered: u64,
}

/// Everything that can be chosen about a simulated account. `Default` is a working one.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as in the console"
)]
pub struct SimulatedConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The account's name. Everything a person sees is labelled as simulated.
    pub account: String,
    /// The id of the bridge's source.
    pub source_id: String,
    /// The source's own token ("Realtime Access Token"): signs both directions.
    pub source_token: String,
    /// The token of the REST API.
    pub api_token: String,
    /// The category of threads that a bot answers, the default of new threads.
    pub bot_category_id: String,
    /// The category that the agents hold: they see nothing else.
    pub agent_category_id: String,
    /// Further categories, id and name, which mean nothing to routing.
    pub other_categories: Vec<(String, String)>,
    /// Whose channel the configured source is.
    pub channel: Channel,
    /// The channels that the platform owns. With [`Channel::SourceSdk`] they are there besides the bridge's own source;
    /// with [`Channel::Native`] they are all sources that there are, and without any there is the configured one, a
    /// `WhatsApp` number whose threads can be closed.
    pub native_sources: Vec<NativeSource>,
    /// The account of the platform's own bot, which the Bots API acts as; without one its calls are refused.
    pub virtual_agent_id: Option<String>,
    /// Whether `POST /contents` is refused unless the answered thread has an open intervention (REST API, "Creating a
    /// content").
    pub replies_need_intervention: bool,
    /// Whether a customer's message reopens the thread's last case wherever the thread is (webhooks, "Task life cycle");
    /// without it only where agents are.
    pub cases_reopen_anywhere: bool,
    /// Whether no customer's message reopens a case.
    pub cases_stay_closed: bool,
    /// Whether a comment of an intervention has to name its user, as the specification says and the prose does not.
    pub comments_need_user: bool,
    /// How long a content is on its way to a customer of a native channel; zero is at once.
    pub export_delay: Duration,
    /// Which exports to customers of native channels fail.
    pub fail_exports: Option<FailExports>,
    /// How long a new content stays invisible to `GET /contents`.
    pub content_index_lag: IndexLag,
    /// A reply of the token's account beside an agent's is the violation `two-voices` once the bridge was told of the
    /// agent, or at the latest after this.
    pub two_voices_after: Duration,
    /// The Source SDK endpoint of the bridge, with its query string if it has one.
    pub base_uri: Option<String>,
    /// The bridge's webhook endpoint.
    pub webhook_url: Option<String>,
    /// The value of `X-Dimelo-Secret`; empty sends no header.
    pub webhook_secret: String,
    /// The token of the validation request.
    pub verify_token: String,
    /// The events that the webhook is registered for.
    pub registered_events: Vec<String>,
    /// Who works at the desk.
    pub agents: Vec<SimulatedAgent>,
    /// The identity that the bot speaks as, in the bridge's ids.
    pub bot_identity: String,
    /// The identity that agents speak as, in the bridge's ids: the `author_id` of their messages.
    pub agent_identity: String,
    /// Identities that an administrator ticked as controlled, besides those two.
    pub controlled_identities: Vec<String>,
    /// Tasks and queues (push), or folders from which agents pick (pull).
    pub task_mode: bool,
    /// Whether somebody set the account up for the bridge: categories exist, agents hold theirs and have their
    /// permissions, identities are controlled. See [`SimulatedConfig::bare`].
    pub set_up: bool,
    /// Whether the REST token may look at agents' availability.
    pub may_monitor: bool,
    /// Whether the REST token may look at business hours.
    pub may_read_time_sheets: bool,
    /// Whether the REST token may look at interventions, or act on them.
    pub may_read_interventions: bool,
    /// The rights of [`ROLE_RIGHTS`](crate::ROLE_RIGHTS) that the role of the token's account lacks.
    pub lacking_rights: Vec<String>,
    /// The account's business hours.
    pub time_sheets: Vec<TimeSheet>,
    /// Sends the signature to the bridge as `?signature=` instead of as a header.
    pub signature_in_query: bool,
    /// How far the platform's clock is ahead of the machine's: everything that it dates is shifted by this.
    pub clock_ahead: SignedDuration,
    /// Divides every documented waiting time of retries.
    pub speed: f64,
    /// How often an agent's message is tried.
    pub create_attempts: u32,
    /// The pause before it is tried again, about the interval of synchronisation runs.
    pub create_retry_delay: Duration,
    /// The pauses before a webhook is tried again.
    pub webhook_retries: Vec<Duration>,
    /// How many events one webhook request may hold.
    pub webhook_batch_size: usize,
    /// Never sends every n-th webhook request; 0 sends all.
    pub webhook_drop_every: u32,
    /// Sends every n-th webhook request twice; 0 never.
    pub webhook_duplicate_every: u32,
    /// Sends every n-th webhook request after its successor; 0 never.
    pub webhook_reorder_every: u32,
    /// How long an event is on its way.
    pub webhook_delay: Duration,
    /// How long the bridge may take for an answer.
    pub answer_timeout: Duration,
    /// How long a new thread stays invisible to the search.
    pub index_lag: IndexLag,
    /// How often waiting customers are told their position.
    pub queue_update_interval: Duration,
    /// The estimate for each place in the queue, in seconds.
    pub seconds_per_place: f64,
    /// Synchronisation runs (`implementation.info`, `messages.list`), if any.
    pub polling_interval: Option<Duration>,
    /// Requests to the REST API in any 60 seconds.
    pub requests_per_minute: usize,
    /// The shortest time between two `typing.start` of a thread.
    pub typing_interval: Duration,
    /// With this many tasks an agent is `busy`, and with the second number `full`.
    pub workload: (usize, usize),
    /// Faults that are armed from the start.
    pub faults: Vec<ScriptedFault>,
    /// How many entries each log keeps.
    pub log_limit: usize,
}

impl Default for SimulatedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account: "simulated".to_owned(),
            source_id: "5f0c000000000000000050c1".to_owned(),
            source_token: "simulated-source-token".to_owned(),
            api_token: "simulated-api-token".to_owned(),
            bot_category_id: "5f0c0000000000000000ca0b".to_owned(),
            agent_category_id: "5f0c0000000000000000ca0a".to_owned(),
            other_categories: vec![("5f0c0000000000000000ca01".to_owned(), "Billing".to_owned())],
            channel: Channel::SourceSdk,
            native_sources: Vec::new(),
            virtual_agent_id: None,
            replies_need_intervention: false,
            cases_reopen_anywhere: false,
            cases_stay_closed: false,
            comments_need_user: false,
            export_delay: Duration::ZERO,
            fail_exports: None,
            content_index_lag: IndexLag::None,
            two_voices_after: Duration::from_secs(2),
            base_uri: None,
            webhook_url: None,
            webhook_secret: "simulated-webhook-secret".to_owned(),
            verify_token: "simulated-verify-token".to_owned(),
            registered_events: RECOMMENDED_EVENTS.map(str::to_owned).to_vec(),
            agents: vec![
                SimulatedAgent::available("5f0c00000000000000a90001", "Sam Okafor"),
                SimulatedAgent::available("5f0c00000000000000a90002", "Mira Lindqvist"),
            ],
            bot_identity: "bot".to_owned(),
            agent_identity: "agent".to_owned(),
            controlled_identities: Vec::new(),
            task_mode: true,
            set_up: true,
            may_monitor: true,
            may_read_time_sheets: true,
            may_read_interventions: true,
            lacking_rights: Vec::new(),
            time_sheets: Vec::new(),
            signature_in_query: false,
            clock_ahead: SignedDuration::ZERO,
            speed: 1.0,
            create_attempts: 3,
            create_retry_delay: Duration::from_mins(1),
            webhook_retries: [32, 240, 1020, 3120, 7200].map(Duration::from_secs).to_vec(),
            webhook_batch_size: 1,
            webhook_drop_every: 0,
            webhook_duplicate_every: 0,
            webhook_reorder_every: 0,
            webhook_delay: Duration::ZERO,
            answer_timeout: Duration::from_secs(10),
            index_lag: IndexLag::None,
            queue_update_interval: Duration::from_secs(2),
            seconds_per_place: 30.0,
            polling_interval: None,
            requests_per_minute: 500,
            typing_interval: Duration::from_secs(2),
            workload: (3, 5),
            faults: Vec::new(),
            log_limit: 20_000,
        }
    }
}

impl SimulatedConfig {
    /// An account as it is before anybody set it up for a bridge: a source and the token of the API are there, and two
    /// agents; there are no categories, permissions, controlled identities or webhooks.
    pub fn bare() -> Self {
        Self {
            set_up: false,
            ..Self::default()
        }
    }

    /// An account whose only channels are these of the platform's own, with a webhook for what happens on them.
    pub fn native(sources: Vec<NativeSource>) -> Self {
        let events = RECOMMENDED_EVENTS.into_iter().chain(NATIVE_EVENTS);
        Self {
            channel: Channel::Native,
            native_sources: sources,
            registered_events: events.map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// The channels that the platform owns.
    pub fn all_native_sources(&self) -> Vec<NativeSource> {
        if self.channel == Channel::SourceSdk || !self.native_sources.is_empty() {
            return self.native_sources.clone();
        }
        let mut only = NativeSource::new(&self.source_id, "Simulated channel", NativeKind::WhatsApp);
        only.closes_threads = true;
        vec![only]
    }

    pub(crate) fn rights(&self) -> Rights {
        Rights {
            may_monitor: self.may_monitor,
            may_read_time_sheets: self.may_read_time_sheets,
            may_read_interventions: self.may_read_interventions,
        }
    }

    pub(crate) fn webhook_behaviour(&self) -> WebhookBehaviour {
        WebhookBehaviour {
            drop_every: self.webhook_drop_every,
            duplicate_every: self.webhook_duplicate_every,
            reorder_every: self.webhook_reorder_every,
            delay: self.webhook_delay,
            down: false,
        }
    }

    /// A documented waiting time at the configured speed.
    pub(crate) fn scaled(&self, time: Duration) -> Duration {
        Duration::try_from_secs_f64(time.as_secs_f64() / self.speed).unwrap_or(time)
    }
}
