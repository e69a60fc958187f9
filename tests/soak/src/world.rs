//! The bridge, RCE and the bot, and what was noted while they ran.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::{
    Chaos, SimulatedAgent, SimulatedConfig, SimulatedRingcx, SyncStatus, WebhookBehaviour,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::bot::{Bot, SECRET};
use crate::bridge::{Bridge, Door, MIRRORED, NATIVE};
use crate::chance::Chance;
use crate::native::{self, Natives};
use crate::options::Options;

/// Timers, in seconds: short, so that they run out while one looks.
pub(crate) const QUEUE: u64 = 15;
pub(crate) const AGENT_IDLE: u64 = 20;
pub(crate) const WARN_BEFORE: u64 = 5;
pub(crate) const RECONCILE_EVERY: u64 = 4;
pub(crate) const BOT_SILENT: u64 = 10;

/// How soon RCE repeats what the bridge did not take; in truth minutes.
const RCE_REPEATS_AFTER: Duration = Duration::from_secs(1);
const AGENTS: u64 = 8;
/// How long the bridge may refuse a call, or not be there.
const INSISTS: Duration = Duration::from_mins(1);

/// RCE's clocks that chance may choose from, in seconds ahead of ours.
const CLOCKS: [i64; 5] = [0, 190, -190, 3_600, -3_600];

/// A promise that is not kept.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) promise: &'static str,
    pub(crate) conversation: Option<String>,
    pub(crate) detail: String,
}

impl Broken {
    pub(crate) fn of(promise: &'static str, conversation: &str, detail: impl Into<String>) -> Self {
        Self {
            promise,
            conversation: Some(conversation.to_owned()),
            detail: detail.into(),
        }
    }
}

/// A moment at which RCE had nothing open for agents any more, because somebody there ended it.
#[derive(Clone, Debug)]
pub(crate) struct Close {
    pub(crate) conversation: String,
    pub(crate) how: &'static str,
    pub(crate) at: Instant,
    /// Whether RCE had an intervention open, not only a task.
    pub(crate) had_case: bool,
    /// How many events RCE had issued before, and with the end itself.
    pub(crate) events: (usize, usize),
    /// The agent's messages that RCE had delivered before: their ids as the bridge gave them.
    pub(crate) said_before: Vec<String>,
    /// Whether it is unknown so far which handover it ended.
    waits: bool,
    /// The handover that it ended, and how many events RCE had issued when the bot had it back.
    pub(crate) back: Option<(u64, usize)>,
}

/// What was noted while all ran.
#[derive(Default)]
pub(crate) struct Notes {
    /// By conversation, the texts that the bridge accepted, in order.
    pub(crate) accepted: BTreeMap<String, Vec<String>>,
    pub(crate) closes: Vec<Close>,
    pub(crate) broken: Vec<Broken>,
    /// What people and faults did, and how often.
    pub(crate) done: BTreeMap<&'static str, u64>,
    pub(crate) restarts: Vec<Instant>,
    pub(crate) down: Duration,
    /// How long a case was open at RCE while the bot had the conversation.
    pub(crate) unnoticed: Vec<Duration>,
}

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) seed: u64,
    pub(crate) clock: i64,
    pub(crate) rce: SimulatedRingcx,
    pub(crate) bot: Bot,
    pub(crate) native_bot: Bot,
    pub(crate) natives: Natives,
    pub(crate) bridge: Bridge,
    pub(crate) is_over: watch::Sender<bool>,
    pub(crate) agents: Vec<String>,
    notes: Mutex<Notes>,
    webhooks: Mutex<WebhookBehaviour>,
    dir: Mutex<Option<TempDir>>,
}

impl World {
    pub(crate) async fn start(options: &Options) -> anyhow::Result<Arc<Self>> {
        let seed = options.seed.unwrap_or_else(any_seed);
        let mut chance = Chance::of(seed, 1_000);
        let by_chance = *chance.pick(&CLOCKS);
        let clock = options.clock.unwrap_or(if options.calm { 0 } else { by_chance });
        let binary = options.binary()?;
        let rce = SimulatedRingcx::start(ringcx(options, clock)).await?;
        let moods = (!options.calm).then(|| Chance::of(seed, 1_003));
        let bot = Bot::start(moods).await?;
        let moods = (!options.calm).then(|| Chance::of(seed, 1_004));
        let native_bot = Bot::start(moods).await?;
        let dir = TempDir::with_prefix("soak-")?;
        let bridge = Bridge::new(binary, dir.path()).await?;
        let agents = rce.config().agents.iter().map(|agent| agent.id.clone()).collect();
        let config = connections(&rce, &bot.url, options) + &native::connection(&rce, &native_bot, options);
        std::fs::write(bridge.config(), config)?;
        bridge.start().await?;
        let base = bridge.webhook_url(MIRRORED);
        let check = rce.set_bridge(&base, &base).await;
        anyhow::ensure!(
            check.source_sdk && check.webhook,
            "RCE does not accept the bridge: {check:?}"
        );
        native::register(&rce, &bridge.webhook_url(NATIVE)).await?;
        if !options.calm {
            rce.set_content_index_lag(native::INDEX_LAG);
            rce.set_chaos(Chaos {
                seed,
                refuse_503: 0.03,
                rate_429: 0.002,
                drop: 0.015,
                lose_answer: 0.015,
                delay: (0.08, Duration::from_millis(400)),
            });
        }
        Ok(Arc::new(Self {
            options: options.clone(),
            seed,
            clock,
            rce,
            bot,
            native_bot,
            natives: Natives::default(),
            bridge,
            is_over: watch::Sender::new(false),
            agents,
            notes: Mutex::default(),
            webhooks: Mutex::default(),
            dir: Mutex::new(Some(dir)),
        }))
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.is_over.borrow()
    }

    /// Waits; `false` when the soak is over before.
    pub(crate) async fn wait(&self, time: Duration) -> bool {
        let mut is_over = self.is_over.subscribe();
        tokio::select! {
            () = pause(time) => !self.is_over(),
            _ = is_over.wait_for(|over| *over) => false,
        }
    }

    /// Notes that somebody did something.
    pub(crate) fn did(&self, what: &'static str) {
        *self.notes().done.entry(what).or_default() += 1;
    }

    pub(crate) fn break_promise(&self, broken: Broken) {
        self.notes().broken.push(broken);
    }

    pub(crate) fn conversations(&self) -> impl Iterator<Item = String> {
        (0..self.options.conversations).map(|number| format!("c{number:03}"))
    }

    /// Looks at a conversation that is about to be ended at RCE.
    pub(crate) fn closing(&self, conversation: &str, how: &'static str) -> Close {
        self.rce.read(|state| {
            let exported = state.contents(conversation).filter(|content| {
                content.creator_id.is_some() && content.synchronization_status == SyncStatus::Success
            });
            let before = state.events().count();
            Close {
                conversation: conversation.to_owned(),
                how,
                at: Instant::now(),
                had_case: state.open_intervention(conversation).is_some(),
                events: (before, before),
                said_before: exported
                    .filter_map(|content| content.foreign_id.clone())
                    .collect(),
                waits: true,
                back: None,
            }
        })
    }

    /// Notes that it was ended.
    pub(crate) fn closed(&self, mut close: Close) {
        close.events.1 = self.events();
        self.notes().closes.push(close);
    }

    /// How many events RCE has issued.
    pub(crate) fn events(&self) -> usize {
        self.rce.read(|state| state.events().count())
    }

    /// Whether the bot has a conversation and was told of the end of its last handover.
    pub(crate) async fn is_back(&self, conversation: &str) -> bool {
        let Some(now) = self.look(conversation).await else {
            return false;
        };
        if now["handler"] != "bot" {
            return false;
        }
        let epoch = now["handover"]["epoch"].as_u64().unwrap_or(0);
        if epoch > 0 && self.bot.end_of(conversation, epoch).is_none() {
            return false;
        }
        if let Some(end) = self.bot.end_of(conversation, epoch) {
            self.attribute(conversation, epoch, end.at);
        }
        true
    }

    /// Notes which close an end belongs to. When several were waiting for theirs, because the bridge had heard of
    /// none, it is not known which, and none of them is measured.
    fn attribute(&self, conversation: &str, epoch: u64, ended: Instant) {
        let events = self.events();
        let mut notes = self.notes();
        let waiting = notes
            .closes
            .iter_mut()
            .filter(|close| close.conversation == conversation && close.waits);
        let mut waiting: Vec<&mut Close> = waiting.collect();
        if waiting.first().is_none_or(|oldest| ended < oldest.at) {
            return;
        }
        let only = waiting.len() == 1;
        for close in &mut waiting {
            close.waits = false;
            close.back = only.then_some((epoch, events));
        }
    }

    /// A conversation as the bot API shows it.
    pub(crate) async fn look(&self, conversation: &str) -> Option<Value> {
        self.look_at(MIRRORED, conversation).await
    }

    /// The same behind a door.
    pub(crate) async fn look_at(&self, door: Door, conversation: &str) -> Option<Value> {
        let path = format!("/conversations/{conversation}");
        let (status, body) = self
            .bridge
            .call(door, Method::GET, &path, "", &Value::Null)
            .await?;
        if status != 200 {
            return None;
        }
        self.check_voice(conversation, &body);
        Some(body)
    }

    /// Repeats a call about a conversation until it is accepted, as a caller does whose bridge is restarting.
    pub(crate) async fn insist(
        &self,
        door: Door,
        conversation: &str,
        method: Method,
        rest: &str,
        key: &str,
        body: &Value,
    ) -> Option<Value> {
        let began = Instant::now();
        let path = format!("/conversations/{conversation}{rest}");
        loop {
            let answer = self.bridge.call(door, method.clone(), &path, key, body).await;
            match answer {
                Some((202, answer)) => return Some(answer),
                Some((503, _)) | None if began.elapsed() < INSISTS => pause(Duration::from_millis(50)).await,
                answer => {
                    let detail = format!("{method} {path} was answered {answer:?}");
                    self.break_promise(Broken::of("calls are accepted", conversation, detail));
                    return None;
                }
            }
        }
    }

    /// Whether the bot has a conversation on RCE's channel and was told of the end of its last handover.
    pub(crate) async fn is_native_back(&self, thread: &str) -> bool {
        let Some(now) = self.look_at(NATIVE, thread).await else {
            // Nobody has reported it so far.
            return self.native_bot.heard(thread).is_empty();
        };
        let epoch = now["handover"]["epoch"].as_u64().unwrap_or(0);
        now["handler"] == "bot" && (epoch == 0 || self.native_bot.end_of(thread, epoch).is_some())
    }

    /// How many conversations are on RCE's channel. Its times are compared with ours, so its clock must not jump.
    pub(crate) fn natives(&self) -> u64 {
        if self.options.clock_step == 0 {
            self.options.native
        } else {
            0
        }
    }

    /// How webhooks misbehave from now on.
    pub(crate) fn set_webhooks(&self, behaviour: WebhookBehaviour) {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        *webhooks = behaviour;
        self.rce.set_webhooks(behaviour);
    }

    /// What happens in this moment is reported to nobody.
    pub(crate) fn unheard<R>(&self, act: impl FnOnce() -> R) -> R {
        let webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        self.rce.set_webhooks(WebhookBehaviour {
            down: true,
            ..*webhooks
        });
        let done = act();
        self.rce.set_webhooks(*webhooks);
        done
    }

    /// Whoever runs a handover is told that an agent has the conversation, and nobody else is.
    pub(crate) fn check_voice(&self, conversation: &str, body: &Value) {
        let status = body["handover"]["status"].as_str().unwrap_or_default();
        let under_way = ["requested", "queued", "active"].contains(&status);
        let with_bot = body["handler"] == "bot";
        // An agent's end is told when the thread is back.
        let ending = status == "completed" && !with_bot;
        if under_way == with_bot && !ending {
            let detail = format!("handler {} while the handover is {status}", body["handler"]);
            self.break_promise(Broken::of("one voice", conversation, detail));
        }
    }

    /// Where the bridge's data is kept from now on.
    pub(crate) fn keep(&self) -> Option<std::path::PathBuf> {
        let dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner).take();
        dir.map(TempDir::keep)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the soak plays people, who take their time"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

fn any_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000
}

fn ringcx(options: &Options, clock: i64) -> SimulatedConfig {
    let agent = |number: u64| {
        SimulatedAgent::available(
            format!("5f0c00000000000000a9{number:04x}"),
            format!("Agent {number}"),
        )
    };
    SimulatedConfig {
        agents: (1..=AGENTS).map(agent).collect(),
        clock_ahead: SignedDuration::from_secs(clock),
        requests_per_minute: options.requests_per_minute as usize,
        create_attempts: 600,
        create_retry_delay: RCE_REPEATS_AFTER,
        webhook_retries: vec![RCE_REPEATS_AFTER; 600],
        native_sources: vec![native::source()],
        // Who speaks beside whom is judged by what the bridge was told.
        two_voices_after: Duration::from_hours(24),
        log_limit: 2_000_000,
        ..SimulatedConfig::default()
    }
}

fn connections(rce: &SimulatedRingcx, bot_url: &str, options: &Options) -> String {
    let settings = rce.config();
    let quoted = |text: &str| json!(text).to_string();
    format!(
        r"[connections.default]
bot_keys = [{key}]
get_queue_updates = true

[connections.default.ringcx]
base_api_url = {base}
api_access_token = {api}
realtime_endpoint_url = {realtime}
realtime_access_tokens = [{source}]
webhook_secrets = [{secret}]
verification_token = {verify}
bot_category_id = {bot_category}
agent_category_id = {agent_category}
requests_per_minute = {per_minute}

[connections.default.bot]
url = {bot}
signing_secrets = [{signing}]

[connections.default.timers]
queue = {QUEUE}
agent_idle = {AGENT_IDLE}
warn_before = {WARN_BEFORE}
reconcile_every = {RECONCILE_EVERY}
",
        key = quoted(MIRRORED.key),
        base = quoted(&rce.base_url()),
        api = quoted(&settings.api_token),
        realtime = quoted(&rce.realtime_url()),
        source = quoted(&settings.source_token),
        secret = quoted(&settings.webhook_secret),
        verify = quoted(&settings.verify_token),
        bot_category = quoted(&settings.bot_category_id),
        agent_category = quoted(&settings.agent_category_id),
        per_minute = options.requests_per_minute,
        bot = quoted(bot_url),
        signing = quoted(SECRET),
    )
}
