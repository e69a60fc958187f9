//! The one-machine stage with the simulated RCE, and one of the bots.

use std::io;
use std::time::Duration;

use handover_handlers::config::{self, Lookup};
use local_stage::{Stage, StageOptions};
use serde_json::json;
use simulated_ringcx::{Content, SimulatedConfig, SimulatedRingcx, State};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::bot::{Bot, KEY, PATIENCE, SECRET};
use crate::installed::Example;
use crate::stumbling::Door;

pub(crate) struct World {
    pub(crate) rce: SimulatedRingcx,
    pub(crate) bot: Bot,
    pub(crate) door: Door,
    stage: Stage,
    _dir: TempDir,
}

impl World {
    pub(crate) async fn start(example: Example) -> Self {
        let rce = SimulatedRingcx::start(SimulatedConfig {
            requests_per_minute: 1_000_000,
            queue_update_interval: Duration::from_millis(100),
            ..SimulatedConfig::default()
        })
        .await
        .unwrap();
        // The bridge and the bot must know each other's address before they start.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let dir = TempDir::new().unwrap();
        let bot = example.settings(&format!("http://127.0.0.1:{port}"), SECRET);
        let settings = settings(&rce, &bot, example.forwards_only_handovers());
        let stage = Stage::start(StageOptions {
            connections: config::parse(&settings, &NoReferences).unwrap(),
            data: dir.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            monitoring: local_stage::Monitoring::default(),
        })
        .await
        .unwrap();
        let bridge = format!("http://{}", stage.address());
        let door = Door::before(bridge.clone()).await;
        let bot = Bot::start(example, port, &format!("{}/default", door.url), dir.path()).await;
        let base = format!("{bridge}/default/handover/rce");
        let check = rce.set_bridge(&base, &base).await;
        assert!(check.source_sdk && check.webhook, "{check:?}");
        Self {
            rce,
            bot,
            door,
            stage,
            _dir: dir,
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.bot);
        self.stage.shutdown().await;
        self.rce.stop().await;
    }

    /// Waits until the desk is as wanted.
    pub(crate) async fn desk(&self, what: &str, wanted: impl FnMut(&State) -> bool) {
        let met = self.rce.wait_until(wanted, PATIENCE).await;
        assert!(met, "not at the desk: {what}\n{}", self.bot.log());
    }

    /// The id of the story's only thread.
    pub(crate) fn thread(&self) -> String {
        self.rce
            .read(|state| state.threads().next().map(|thread| thread.id.clone()))
            .expect("a thread")
    }

    /// What agents read.
    pub(crate) fn contents(&self) -> Vec<Content> {
        self.rce.contents(&self.thread())
    }
}

/// The settings hold their secrets: nothing is looked up.
struct NoReferences;

impl Lookup for NoReferences {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<String, io::Error> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn settings(rce: &SimulatedRingcx, bot: &str, forward_only: bool) -> String {
    let account = rce.config();
    let quoted = |text: &str| json!(text).to_string();
    format!(
        r"[connections.default]
bot_keys = [{key}]
get_queue_updates = true
forward_only_handover_conversations = {forward_only}

[connections.default.ringcx]
base_api_url = {base}
api_access_token = {api}
realtime_endpoint_url = {realtime}
realtime_access_tokens = [{source}]
webhook_secrets = [{secret}]
verification_token = {verify}
bot_category_id = {bot_category}
agent_category_id = {agent_category}
requests_per_minute = 100000

[connections.default.bot]
{bot}
",
        key = quoted(KEY),
        base = quoted(&rce.base_url()),
        api = quoted(&account.api_token),
        realtime = quoted(&rce.realtime_url()),
        source = quoted(&account.source_token),
        secret = quoted(&account.webhook_secret),
        verify = quoted(&account.verify_token),
        bot_category = quoted(&account.bot_category_id),
        agent_category = quoted(&account.agent_category_id),
    )
}
