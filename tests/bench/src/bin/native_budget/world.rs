//! The bridge between the simulated RCE and a bot that answers at once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use handover_handlers::config::{self, Lookup};
use local_stage::{Monitoring, Stage, StageOptions};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, NativeSource, SimulatedConfig, SimulatedRingcx};
use tempfile::TempDir;
use tokio::net::TcpListener;

const SOURCE: &str = "5f0c00000000000000005001";
const BOT_KEY: &str = "bench-bot-key-0123456789";
/// What the bot does with words that begin so; everything else is answered with an echo.
pub(crate) const WANTS_HUMAN: &str = "human";
pub(crate) const WANTS_FILE: &str = "file";

pub(crate) struct World {
    pub(crate) rce: SimulatedRingcx,
    stage: Stage,
    _data: TempDir,
}

/// What the bot's handler needs; the bridge's address is known only once the bot's is.
struct Bot {
    http: reqwest::Client,
    bridge: tokio::sync::OnceCell<String>,
    url: String,
}

impl World {
    /// `throttle`: RCE's own limit; `limit`: the connection's.
    pub(crate) async fn start(throttle: u32, limit: u32) -> anyhow::Result<Self> {
        let source = NativeSource::new(SOURCE, "Simulated chat", NativeKind::WhatsApp);
        let rce = SimulatedRingcx::start(SimulatedConfig {
            requests_per_minute: usize::try_from(throttle)?,
            log_limit: 1_000_000,
            ..SimulatedConfig::native(vec![source])
        })
        .await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let bot = Arc::new(Bot {
            http: handover_ringcx::http::client(),
            bridge: tokio::sync::OnceCell::new(),
            url: url.clone(),
        });
        let routes = Router::new()
            .route("/events", post(hear))
            .route("/file.txt", get(|| async { "a file" }))
            .with_state(Arc::clone(&bot));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let data = TempDir::new()?;
        let stage = Stage::start(StageOptions {
            connections: config::parse(&settings(&rce, &url, limit), &NoLookup)?,
            data: data.path().to_owned(),
            listen: "127.0.0.1:0".parse()?,
            monitoring: Monitoring::default(),
        })
        .await?;
        let bridge = format!("http://{}/bench", stage.address());
        bot.bridge.set(bridge.clone())?;
        if !rce.set_webhook(&format!("{bridge}/handover/rce")).await {
            bail!("the bridge does not take RCE's webhook");
        }
        Ok(Self {
            rce,
            stage,
            _data: data,
        })
    }

    /// A customer writes; returns the thread.
    pub(crate) fn writes(&self, customer: &str, text: &str) -> anyhow::Result<String> {
        self.says(NativeMessage::new(customer, text))
    }

    pub(crate) fn says(&self, message: NativeMessage) -> anyhow::Result<String> {
        let content = self.rce.customer_writes(message.named("Somebody"));
        let content = content.map_err(|error| anyhow::anyhow!("RCE: {error:?}"))?;
        let thread = self.rce.thread_of(&content).context("a content has a thread")?;
        Ok(thread.id)
    }

    /// Waits until RCE is as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl FnMut(&simulated_ringcx::State) -> bool,
        at_most: Duration,
    ) -> anyhow::Result<()> {
        if !self.rce.wait_until(wanted, at_most).await {
            bail!("{what}: not within {at_most:?}");
        }
        Ok(())
    }

    pub(crate) async fn stop(self) {
        self.stage.shutdown().await;
        self.rce.stop().await;
    }
}

/// Answers by the bot API, and then takes the event: the next one comes after that, so answers stay in order.
async fn hear(State(bot): State<Arc<Bot>>, body: String) {
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let message = &event["data"]["message"];
    if event["type"] != "message.created" || message["from"] != "user" {
        return;
    }
    let text = message["text"].as_str().unwrap_or_default().to_owned();
    let conversation = event["data"]["conversation"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let id = format!("re-{}", message["id"].as_str().unwrap_or_default());
    let Some(bridge) = bot.bridge.get() else { return };
    let (path, body) = if text.starts_with(WANTS_HUMAN) {
        (
            "handover",
            json!({"reason": "asked for a human", "summary": "wants a human"}),
        )
    } else {
        let mut body = json!({"id": id, "from": "bot", "text": format!("re {text}")});
        if text.starts_with(WANTS_FILE) {
            body["attachments"] = json!([{"url": format!("{}/file.txt", bot.url), "filename": "file.txt"}]);
        }
        ("messages", body)
    };
    let call = bot
        .http
        .post(format!("{bridge}/conversations/{conversation}/{path}"));
    let call = call
        .bearer_auth(BOT_KEY)
        .header("content-type", "application/json");
    match call.body(body.to_string()).send().await {
        Ok(answer) if answer.status().is_success() => {}
        Ok(answer) => {
            let status = answer.status();
            eprintln!(
                "the bridge answers the bot {status}: {}",
                answer.text().await.unwrap_or_default()
            );
        }
        Err(error) => eprintln!("the bridge does not answer the bot: {error}"),
    }
}

fn settings(rce: &SimulatedRingcx, bot: &str, limit: u32) -> String {
    let (config, rce) = (rce.config(), rce.base_url());
    let SimulatedConfig {
        api_token,
        webhook_secret,
        verify_token,
        bot_category_id,
        agent_category_id,
        ..
    } = config;
    let host = bot.trim_start_matches("http://");
    format!(
        r#"
[connections.bench]
bot_keys = ["{BOT_KEY}"]
[connections.bench.ringcx]
base_api_url = "{rce}"
api_access_token = "{api_token}"
channel = "native"
source_ids = ["{SOURCE}"]
webhook_secrets = ["{webhook_secret}"]
verification_token = "{verify_token}"
bot_category_id = "{bot_category_id}"
agent_category_id = "{agent_category_id}"
requests_per_minute = {limit}
[connections.bench.bot]
url = "{bot}/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
[connections.bench.files]
allow_hosts = ["{host}"]
"#
    )
}

/// Everything is a literal.
struct NoLookup;

impl Lookup for NoLookup {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}
