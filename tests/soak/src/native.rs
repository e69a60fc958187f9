//! Conversations on a channel that RCE owns, in the same account: people write to RCE, the bot answers by the bridge.
//!
//! What a person writes says what the bot is to do with it, so that all chance is the person's.
//!
//! | module | does |
//! |---|---|
//! | `talk` | the person, and the agents |
//! | `brain` | the bot: does what it is told |
//! | `faults` | answers of `POST /contents` get lost, late, refused |
//! | `ending` | the agents are done, everybody writes once more |
//! | `past` | what RCE, the bridge and the bot did, from their own records |
//! | `judge` | the promises of `docs/native-channels.md` |
//! | `figures` | for the report |

mod brain;
mod ending;
mod faults;
mod figures;
mod judge;
mod past;
mod talk;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use simulated_ringcx::{
    IndexLag, NATIVE_EVENTS, NativeKind, NativeSource, RECOMMENDED_EVENTS, SimulatedRingcx, WebhookState,
};

pub(crate) use brain::think;
pub(crate) use ending::Ending;
pub(crate) use faults::fail;
pub(crate) use figures::figures;
pub(crate) use judge::judge;
pub(crate) use talk::talk;

use crate::bot::{Bot, SECRET};
use crate::bridge::NATIVE;
use crate::options::Options;
use crate::world::{AGENT_IDLE, BOT_SILENT, QUEUE, RECONCILE_EVERY, WARN_BEFORE, World, pause};

const SOURCE: &str = "5f0c00000000000000005001";
/// How long RCE's search does not find what is new.
pub(crate) const INDEX_LAG: IndexLag = IndexLag::For(Duration::from_millis(700));

/// What a person wrote.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// RCE's id.
    pub(crate) content: String,
    pub(crate) at: Instant,
    /// Its webhook was lost on purpose.
    pub(crate) unheard: bool,
}

/// What the bridge accepted from the bot.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) text: String,
    /// The name of its file.
    pub(crate) file: Option<String>,
    /// Whose turn it was, as the bridge answered.
    pub(crate) handler: String,
    pub(crate) notice: bool,
}

/// One conversation; its id is RCE's of the thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) written: Vec<Written>,
    pub(crate) said: Vec<Said>,
}

/// All of them, by RCE's id of the thread.
#[derive(Default)]
pub(crate) struct Natives(Mutex<BTreeMap<String, Record>>);

impl Natives {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of the threads.
    pub(crate) fn threads(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn has(&self, thread: &str) -> bool {
        self.lock().contains_key(thread)
    }

    fn record(&self, thread: &str) -> Record {
        self.lock().get(thread).cloned().unwrap_or_default()
    }

    fn wrote(&self, thread: String, written: Written) {
        self.lock().entry(thread).or_default().written.push(written);
    }

    fn said(&self, thread: &str, said: Said) {
        self.lock().entry(thread.to_owned()).or_default().said.push(said);
    }
}

/// Whether a sweep finds what was not reported: it goes by the machine's clock, so RCE's must be right.
fn finds_unreported(world: &World) -> bool {
    world.clock == 0
}

/// The channel.
pub(crate) fn source() -> NativeSource {
    NativeSource::new(SOURCE, "Simulated WhatsApp", NativeKind::WhatsApp)
}

/// The webhook of the bridge's second connection.
pub(crate) async fn register(rce: &SimulatedRingcx, url: &str) -> anyhow::Result<()> {
    let settings = rce.config();
    let events: Vec<&str> = RECOMMENDED_EVENTS.into_iter().chain(NATIVE_EVENTS).collect();
    let body = json!({
        "name": "native", "url": url, "active": true, "registered_events": events,
        "secret": settings.webhook_secret, "verify_token": settings.verify_token,
    });
    let answer = handover_ringcx::http::client()
        .post(format!("{}/1.0/webhooks", rce.base_url()))
        .bearer_auth(&settings.api_token)
        .header("Content-Type", "application/json")
        .body(body.to_string())
        .send()
        .await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "RCE refuses the second webhook: {text}");
    let began = Instant::now();
    let is_valid = |state: &simulated_ringcx::State| {
        let mut all = state.webhooks();
        all.any(|webhook| webhook.url == url && webhook.state == WebhookState::Enabled)
    };
    while !rce.read(is_valid) {
        ensure!(
            began.elapsed() < Duration::from_secs(20),
            "the second webhook is not validated"
        );
        pause(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The second connection, for the bridge's configuration.
pub(crate) fn connection(rce: &SimulatedRingcx, bot: &Bot, options: &Options) -> String {
    let settings = rce.config();
    let quoted = |text: &str| json!(text).to_string();
    format!(
        r#"
[connections.native]
bot_keys = [{key}]

[connections.native.ringcx]
channel = "native"
source_ids = [{source}]
base_api_url = {base}
api_access_token = {api}
webhook_secrets = [{secret}]
verification_token = {verify}
bot_category_id = {bot_category}
agent_category_id = {agent_category}
requests_per_minute = {per_minute}

[connections.native.bot]
url = {bot}
signing_secrets = [{signing}]

[connections.native.files]
allow_hosts = [{host}]

[connections.native.timers]
queue = {QUEUE}
agent_idle = {AGENT_IDLE}
bot_silent = {BOT_SILENT}
warn_before = {WARN_BEFORE}
reconcile_every = {RECONCILE_EVERY}
"#,
        key = quoted(NATIVE.key),
        source = quoted(SOURCE),
        base = quoted(&rce.base_url()),
        api = quoted(&settings.api_token),
        secret = quoted(&settings.webhook_secret),
        verify = quoted(&settings.verify_token),
        bot_category = quoted(&settings.bot_category_id),
        agent_category = quoted(&settings.agent_category_id),
        per_minute = options.requests_per_minute,
        bot = quoted(&bot.url),
        signing = quoted(SECRET),
        host = quoted(bot.host()),
    )
}
