//! The one-machine stage, a simulated RCE, and a bot that answers what it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::ensure;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_handlers::config::{self, Lookup};
use local_stage::{Monitoring, Stage, StageOptions};
use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::browser::pause;

pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-browser-test";
const BOT_KEY: &str = "bot-key-of-the-browser-test";
const PATIENCE: Duration = Duration::from_secs(30);

struct NoReferences;

impl Lookup for NoReferences {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

struct Bot {
    refused: Mutex<String>,
    told: Mutex<Vec<String>>,
}

pub(crate) struct World {
    rce: SimulatedRingcx,
    bot: Arc<Bot>,
    stage: Option<Stage>,
    http: reqwest::Client,
    base: String,
    _data: TempDir,
}

impl World {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let rce = SimulatedRingcx::start(SimulatedConfig {
            requests_per_minute: 100_000,
            ..SimulatedConfig::default()
        })
        .await?;
        let bot = Arc::new(Bot {
            refused: Mutex::default(),
            told: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let bot_url = format!("http://{}/events", listener.local_addr()?);
        let app = Router::new()
            .route("/events", post(take))
            .with_state(Arc::clone(&bot));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let data = tempfile::tempdir()?;
        let stage = Stage::start(StageOptions {
            connections: config::parse(&settings(&rce, &bot_url), &NoReferences)?,
            data: data.path().join("data"),
            listen: "127.0.0.1:0".parse()?,
            monitoring: Monitoring::default(),
        })
        .await?;
        let base = format!("http://{}/shop", stage.address());
        let hook = format!("{base}/handover/rce");
        rce.set_bridge(&hook, &hook).await;
        Ok(Self {
            rce,
            bot,
            stage: Some(stage),
            http: handover_ringcx::http::client(),
            base,
            _data: data,
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn stop(mut self) {
        self.stop_the_bridge().await;
        self.rce.stop().await;
    }

    pub(crate) async fn stop_the_bridge(&mut self) {
        if let Some(stage) = self.stage.take() {
            stage.shutdown().await;
        }
    }

    /// The bot answers 400 to whatever has these words in it; none: to nothing.
    pub(crate) fn bot_refuses(&self, words: &str) {
        if let Ok(mut refused) = self.bot.refused.lock() {
            words.clone_into(&mut refused);
        }
    }

    async fn call(&self, conversation: &str, what: &str, body: Value) -> anyhow::Result<()> {
        let mut url = reqwest::Url::parse(&self.url("/conversations"))?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("a URL with a path"))?
            .extend([conversation, what]);
        let request = self.http.request(Method::POST, url).bearer_auth(BOT_KEY);
        let answer = request.body(body.to_string()).send().await?;
        ensure!(answer.status() == 202, "{}", answer.text().await?);
        Ok(())
    }

    pub(crate) async fn writes(&self, conversation: &str, text: &str) -> anyhow::Result<()> {
        self.call(conversation, "messages", json!({"from": "user", "text": text}))
            .await
    }

    pub(crate) async fn asks_for_a_human(&self, conversation: &str) -> anyhow::Result<()> {
        self.call(conversation, "handover", json!({"reason": "asked"}))
            .await
    }

    pub(crate) async fn until_waiting(&self, count: usize) -> anyhow::Result<()> {
        let waiting = |state: &simulated_ringcx::State| state.queue().count() == count;
        ensure!(self.rce.wait_until(waiting, PATIENCE).await, "nobody waits");
        Ok(())
    }

    /// An agent takes it and writes.
    pub(crate) fn agent_writes(&self, conversation: &str, text: &str) -> anyhow::Result<()> {
        let thread = ForeignThreadId::of(&ConversationId::new(conversation));
        let agent = self.rce.config().agents[0].id.clone();
        self.rce
            .take(thread.as_str(), &agent)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        self.rce
            .reply(thread.as_str(), &agent, text)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(())
    }

    pub(crate) async fn until_told(&self, text: &str) -> anyhow::Result<()> {
        for _ in 0..600 {
            let told = self
                .bot
                .told
                .lock()
                .is_ok_and(|told| told.iter().any(|it| it.contains(text)));
            if told {
                return Ok(());
            }
            pause(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the bot was not told {text:?}")
    }
}

async fn take(State(bot): State<Arc<Bot>>, body: String) -> StatusCode {
    let is_refused = |words: &str| !words.is_empty() && body.contains(words);
    if bot.refused.lock().is_ok_and(|words| is_refused(&words)) {
        return StatusCode::BAD_REQUEST;
    }
    if let Ok(mut told) = bot.told.lock() {
        told.push(body);
    }
    StatusCode::OK
}

fn settings(rce: &SimulatedRingcx, bot_url: &str) -> String {
    let settings = rce.config();
    format!(
        r#"
[connections.shop]
bot_keys = ["{BOT_KEY}"]
operator_keys = ["{OPERATOR_KEY}"]
get_queue_updates = true

[connections.shop.ringcx]
base_api_url = "{base}"
api_access_token = "{api}"
realtime_endpoint_url = "{realtime}"
realtime_access_tokens = ["{source}"]
webhook_secrets = ["{secret}"]
verification_token = "{verify}"
bot_category_id = "{bot}"
agent_category_id = "{agent}"

[connections.shop.bot]
url = "{bot_url}"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
"#,
        base = rce.base_url(),
        realtime = rce.realtime_url(),
        api = settings.api_token,
        source = settings.source_token,
        secret = settings.webhook_secret,
        verify = settings.verify_token,
        bot = settings.bot_category_id,
        agent = settings.agent_category_id,
    )
}
