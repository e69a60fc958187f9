//! What a story wants to be different from the usual.

use std::io;
use std::time::Duration;

use handover_conformance::TestClock;
use handover_core::Timestamp;
use handover_core::settings::Connection;
use handover_handlers::config::{self, Lookup};
use jiff::SignedDuration;
use simulated_ringcx::SimulatedConfig;

use crate::bench::Bench;

/// The Bearer key of the bot on every connection.
pub const BOT_KEY: &str = "bot-key-0123456789abcdef";
/// The Bearer key of an operator.
pub const OPERATOR_KEY: &str = "operator-key-0123456789abcdef";
/// The key that signs what the bot is told.
pub const BOT_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// The key that signs what the wallboard is told.
pub const WALLBOARD_SECRET: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

/// Where the bridge of a story is reached from outside.
pub const PUBLIC_URL: &str = "https://bridge.example.org";

/// Builds a [`Bench`].
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Setup {
    pub(crate) rce: SimulatedConfig,
    pub(crate) clock: TestClock,
    /// RCE calls us by itself; otherwise the story does it by hand.
    pub(crate) connected: bool,
    /// How far RCE's clock is ahead of ours.
    pub(crate) rce_ahead: SignedDuration,
    /// Where the bridge finds RCE, if it is not the simulated one.
    pub(crate) rce_url: Option<String>,
    /// How long fetching a file may take.
    pub(crate) file_deadline: Duration,
    forward_only: bool,
    queue_updates: bool,
    connection: String,
    ringcx: String,
    bot: String,
    bot_is: Option<String>,
    sections: String,
    wallboards: Vec<String>,
    native: bool,
    change: Option<Change>,
    settings: Option<Settings>,
}

type Settings = Box<dyn Fn(&mut Connection) + Send>;

type Change = Box<dyn Fn(&str) -> String + Send>;

impl Default for Setup {
    fn default() -> Self {
        let rce = SimulatedConfig {
            queue_update_interval: Duration::from_hours(1),
            create_retry_delay: Duration::from_millis(5),
            webhook_retries: [5; 5].map(Duration::from_millis).to_vec(),
            // The bridge throttles by its own clock, which stands still.
            typing_interval: Duration::ZERO,
            ..SimulatedConfig::default()
        };
        Self {
            rce,
            clock: TestClock::default(),
            connected: true,
            rce_ahead: SignedDuration::ZERO,
            rce_url: None,
            file_deadline: Duration::from_secs(10),
            forward_only: false,
            queue_updates: true,
            connection: String::new(),
            ringcx: String::new(),
            bot: String::new(),
            bot_is: None,
            sections: String::new(),
            wallboards: Vec::new(),
            native: false,
            change: None,
            settings: None,
        }
    }
}

impl Setup {
    pub async fn start(self) -> Bench {
        Bench::start(self).await
    }

    /// With a last change to the whole configuration.
    pub async fn start_with(mut self, change: impl Fn(&str) -> String + Send + 'static) -> Bench {
        self.change = Some(Box::new(change));
        Bench::start(self).await
    }

    /// With a last change to the settings, after those that were asked for before.
    pub async fn start_with_settings(mut self, last: impl Fn(&mut Connection) + Send + 'static) -> Bench {
        let before = self.settings.take();
        let both = move |connection: &mut Connection| {
            if let Some(before) = &before {
                before(connection);
            }
            last(connection);
        };
        self.settings(both).start().await
    }

    /// There is no source of ours.
    pub(crate) fn start_as_native(mut self) -> Self {
        self.native = true;
        self
    }

    /// Nothing reaches RCE before a handover.
    #[must_use]
    pub fn forward_only(mut self) -> Self {
        self.forward_only = true;
        self
    }

    #[must_use]
    pub fn without_queue_updates(mut self) -> Self {
        self.queue_updates = false;
        self
    }

    /// RCE reports nothing by itself: the story sends every webhook and every agent's message.
    #[must_use]
    pub fn by_hand(mut self) -> Self {
        self.connected = false;
        self
    }

    /// Lines of `[connections.acme]`.
    #[must_use]
    pub fn connection(mut self, lines: &str) -> Self {
        self.connection.push_str(lines);
        self.connection.push('\n');
        self
    }

    /// Lines of `[connections.acme.ringcx]`.
    #[must_use]
    pub fn ringcx(mut self, lines: &str) -> Self {
        self.ringcx.push_str(lines);
        self.ringcx.push('\n');
        self
    }

    /// Lines of `[connections.acme.bot]`, in place of the usual ones: a bot of another kind.
    #[must_use]
    pub fn bot_is(mut self, lines: &str) -> Self {
        self.bot_is = Some(lines.to_owned());
        self
    }

    /// Further sections.
    #[must_use]
    pub fn section(mut self, lines: &str) -> Self {
        self.sections.push_str(lines);
        self.sections.push('\n');
        self
    }

    /// Files are hosted, and fetched also from these hosts.
    #[must_use]
    pub fn files(self, allow_hosts: &[&str]) -> Self {
        self.section(&format!(
            "[connections.acme.files]\npublic_url = \"{PUBLIC_URL}\"\nallow_hosts = {allow_hosts:?}"
        ))
    }

    /// Fetching a file may take so long.
    #[must_use]
    pub fn file_deadline(mut self, deadline: Duration) -> Self {
        self.file_deadline = deadline;
        self
    }

    /// Lines of `[connections.acme.timers]`.
    #[must_use]
    pub fn timers(self, lines: &str) -> Self {
        self.section(&format!("[connections.acme.timers]\n{lines}"))
    }

    /// Lines of `[connections.acme.availability]`.
    #[must_use]
    pub fn availability(self, lines: &str) -> Self {
        self.section(&format!("[connections.acme.availability]\n{lines}"))
    }

    /// Somebody else who wants queue updates, at this path of the bot's server.
    #[must_use]
    pub fn wallboard(mut self, path: &str) -> Self {
        self.wallboards.push(path.to_owned());
        self
    }

    /// Changes what was read from the configuration, for what its checks would not let pass.
    #[must_use]
    pub fn settings(mut self, change: impl Fn(&mut Connection) + Send + 'static) -> Self {
        self.settings = Some(Box::new(change));
        self
    }

    /// Changes the simulated account.
    #[must_use]
    pub fn rce(mut self, change: impl FnOnce(&mut SimulatedConfig)) -> Self {
        change(&mut self.rce);
        self
    }

    /// The bridge talks to this instead of the simulated RCE.
    #[must_use]
    pub fn rce_at(mut self, url: &str) -> Self {
        self.rce_url = Some(url.to_owned());
        self.by_hand()
    }

    /// RCE's clock is off by so many seconds.
    #[must_use]
    pub fn rce_ahead(mut self, seconds: i64) -> Self {
        self.rce_ahead = SignedDuration::from_secs(seconds);
        self
    }

    #[must_use]
    pub fn clock_at(mut self, now: &str) -> Self {
        self.clock = TestClock::at(now.parse().expect("an RFC 3339 time"));
        self
    }

    #[must_use]
    pub fn clock_at_time(mut self, now: Timestamp) -> Self {
        self.clock = TestClock::at(now);
        self
    }

    /// The configuration as it would be in a file.
    pub(crate) fn text(&self, rce: &str, bot: &str) -> String {
        let text = self.toml(rce, bot);
        self.change
            .as_ref()
            .map_or_else(|| text.clone(), |change| change(&text))
    }

    pub(crate) fn connections(&self, text: &str) -> Vec<Connection> {
        let mut connections = parse(text);
        if let Some(change) = &self.settings {
            connections.iter_mut().for_each(change);
        }
        connections
    }

    fn toml(&self, rce: &str, bot: &str) -> String {
        let Self {
            forward_only,
            queue_updates,
            connection,
            ringcx,
            sections,
            ..
        } = self;
        let SimulatedConfig {
            source_id,
            source_token,
            api_token,
            bot_category_id,
            agent_category_id,
            webhook_secret,
            verify_token,
            ..
        } = &self.rce;
        let wallboard = |path: &String| {
            format!(
                "[[connections.acme.bot.queue_subscribers]]\nurl = \"{bot}{path}\"\n\
                 signing_secrets = \"{WALLBOARD_SECRET}\"\n"
            )
        };
        let wallboards: Vec<String> = self.wallboards.iter().map(wallboard).collect();
        let wallboards = wallboards.concat();
        let usual = format!("url = \"{bot}/events\"\nsigning_secrets = [\"{BOT_SECRET}\"]");
        let is = self.bot_is.as_ref().unwrap_or(&usual);
        let extra_bot = &self.bot;
        let source = if self.native {
            String::new()
        } else {
            format!(
                "realtime_endpoint_url = \"{rce}/realtime/sdk/{source_id}\"\n\
                 realtime_access_tokens = [\"{source_token}\"]"
            )
        };
        format!(
            r#"
[connections.acme]
bot_keys = ["{BOT_KEY}"]
operator_keys = ["{OPERATOR_KEY}"]
forward_only_handover_conversations = {forward_only}
get_queue_updates = {queue_updates}
{connection}
[connections.acme.ringcx]
base_api_url = "{rce}"
api_access_token = "{api_token}"
{source}
webhook_secrets = ["{webhook_secret}"]
verification_token = "{verify_token}"
bot_category_id = "{bot_category_id}"
agent_category_id = "{agent_category_id}"
{ringcx}
[connections.acme.bot]
{is}
{extra_bot}
{wallboards}
{sections}
"#
        )
    }
}

pub(crate) fn parse(text: &str) -> Vec<Connection> {
    config::parse(text, &NoLookup).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Nothing is looked up: all secrets of a story are literals.
struct NoLookup;

impl Lookup for NoLookup {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, io::Error> {
        Err(io::ErrorKind::NotFound.into())
    }
}
