//! A running `engage-handover serve`, the simulated RCE it talks to, and a bot that takes notes.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx};
use standardwebhooks::Webhook;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

pub(crate) const BOT_KEY: &str = "bot-key-of-the-command-tests";
pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-command-tests";
const PATIENCE: Duration = Duration::from_mins(1);

/// What the bot received: the `webhook-id` and the event.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) event: Value,
}

#[derive(Default)]
struct Notes {
    told: Mutex<Vec<Told>>,
    status: Mutex<Option<u16>>,
    /// Whatever is not signed with it is answered with 401.
    secret: Mutex<Option<String>>,
    count: watch::Sender<usize>,
}

pub(crate) struct Bridge {
    pub(crate) rce: SimulatedRingcx,
    pub(crate) dir: TempDir,
    notes: Arc<Notes>,
    http: reqwest::Client,
    port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
    filter: String,
    /// Where the bot takes events.
    pub(crate) bot_url: String,
    /// The bot's key.
    pub(crate) key: String,
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engage-handover"));
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

impl Bridge {
    pub(crate) async fn start() -> Self {
        Self::start_with("info", |toml| toml, &[]).await
    }

    /// With a log of its own (`RUST_LOG`), with a change to the configuration, and with more arguments of `serve`.
    pub(crate) async fn start_with(
        log: &str,
        change: impl FnOnce(String) -> String,
        arguments: &[&str],
    ) -> Self {
        let mut bridge = Self::unconfigured(SimulatedConfig::default()).await;
        let toml = change(config(&bridge.rce, &bridge.bot_url));
        std::fs::write(bridge.config(), toml).unwrap();
        log.clone_into(&mut bridge.filter);
        bridge.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        bridge.start_process().await;
        let base = bridge.url("/handover/rce");
        bridge.rce.set_bridge(&base, &base).await;
        bridge
    }

    /// RCE and the bot are there; the bridge has no configuration and does not run.
    pub(crate) async fn unconfigured(config: SimulatedConfig) -> Self {
        let rce = SimulatedRingcx::start(SimulatedConfig {
            requests_per_minute: 1_000_000,
            queue_update_interval: Duration::from_hours(1),
            ..config
        })
        .await
        .unwrap();
        let notes = Arc::new(Notes::default());
        let bot = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bot_url = format!("http://{}/events", bot.local_addr().unwrap());
        let app = Router::new()
            .route("/events", post(take_note))
            .with_state(Arc::clone(&notes));
        tokio::spawn(async move { axum::serve(bot, app).await.unwrap() });

        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let http = handover_ringcx::http::client();
        Self {
            rce,
            dir,
            notes,
            http,
            port,
            arguments: Vec::new(),
            process: None,
            filter: "info".to_owned(),
            bot_url,
            key: BOT_KEY.to_owned(),
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("connections.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts `serve` and waits until it says that it is ready.
    pub(crate) async fn start_process(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let process = command()
            .args(["serve", "--listen", &listen, "--log", "json", "--config"])
            .arg(self.config())
            .arg("--data")
            .arg(self.data())
            .args(&self.arguments)
            .env("RUST_LOG", &self.filter)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let health = format!("http://{listen}/health");
        let ready = async {
            while !self
                .http
                .get(&health)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, ready).await;
        assert!(in_time.is_ok(), "serve did not get ready:\n{}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// SIGKILL: no instruction of the process runs after this one.
    pub(crate) async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// SIGTERM, and how it exits.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        let mut process = self.process.take().unwrap();
        tokio::time::timeout(PATIENCE, process.wait())
            .await
            .expect("it stops")
            .unwrap()
            .code()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/default{path}", self.port)
    }

    /// What an address of this machine answers.
    pub(crate) async fn get(&self, url: &str, key: Option<&str>) -> (u16, String) {
        let mut request = self.http.get(url);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// An address outside of all connections.
    pub(crate) fn root_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// One call of the bot API; an error if the process is gone.
    pub(crate) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let request = self
            .http
            .request(method, self.url(path))
            .bearer_auth(&self.key)
            .body(body.to_string());
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Repeats a call until it is accepted, as a caller does whose bridge is restarting.
    pub(crate) async fn insist(&self, path: &str, body: Value) {
        let accepted = async {
            while !matches!(self.api(Method::POST, path, body.clone()).await, Ok((202, _))) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, accepted)
            .await
            .expect("the call is accepted");
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.notes.told.lock().unwrap().clone()
    }

    /// Waits until so many conversations wait at the desk.
    pub(crate) async fn until_queued(&self, count: usize) {
        let queued = |state: &simulated_ringcx::State| state.queue().count() == count;
        assert!(self.rce.wait_until(queued, PATIENCE).await, "{}", self.log());
    }

    /// What the bot answers from now on; `None` is 200.
    pub(crate) fn bot_answers(&self, status: Option<u16>) {
        *self.notes.status.lock().unwrap() = status;
    }

    /// The bot takes nothing from now on but what is signed with this secret.
    pub(crate) fn bot_takes_only(&self, secret: &str) {
        *self.notes.secret.lock().unwrap() = Some(secret.to_owned());
    }

    /// Changes the configuration and tells the process.
    pub(crate) async fn reload(&self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        std::fs::write(self.config(), change(text)).unwrap();
        self.hang_up().await;
    }

    /// SIGHUP; waits until the log says what became of it.
    pub(crate) async fn hang_up(&self) {
        let before = self.reloads();
        self.signal("-HUP");
        let taken = async {
            while self.reloads() == before {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, taken).await;
        assert!(in_time.is_ok(), "the configuration was not read:\n{}", self.log());
    }

    fn reloads(&self) -> usize {
        let log = self.log();
        log.matches("configuration read again").count() + log.matches("configuration not taken").count()
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().unwrap().id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until what the bot was told satisfies `enough`.
    pub(crate) async fn until_told(&self, enough: impl Fn(&[Told]) -> bool) {
        let mut count = self.notes.count.subscribe();
        let told = count.wait_for(|_| enough(&self.notes.told.lock().unwrap()));
        let told = tokio::time::timeout(PATIENCE, told).await;
        assert!(
            told.is_ok(),
            "the bot was not told:\n{:#?}\n{}",
            self.told(),
            self.log()
        );
    }
}

async fn take_note(State(notes): State<Arc<Notes>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Some(status) = *notes.status.lock().unwrap() {
        return StatusCode::from_u16(status).unwrap();
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    if let Some(secret) = notes.secret.lock().unwrap().as_deref() {
        let seconds = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let expected = Webhook::new(secret).unwrap().sign(&id, seconds, &body).unwrap();
        let given = headers["webhook-signature"].to_str().unwrap();
        if !given.split(' ').any(|given| given == expected) {
            return StatusCode::UNAUTHORIZED;
        }
    }
    notes.told.lock().unwrap().push(Told {
        id,
        event: serde_json::from_slice(&body).unwrap(),
    });
    notes.count.send_modify(|count| *count += 1);
    StatusCode::OK
}

fn config(rce: &SimulatedRingcx, bot_url: &str) -> String {
    let settings = rce.config();
    let json = json!([rce.base_url(), rce.realtime_url()]);
    let (base, realtime) = (&json[0], &json[1]);
    format!(
        r#"
[connections.default]
bot_keys = ["{BOT_KEY}"]
operator_keys = ["{OPERATOR_KEY}"]
get_queue_updates = true

[connections.default.ringcx]
base_api_url = {base}
api_access_token = "{api}"
realtime_endpoint_url = {realtime}
realtime_access_tokens = ["{source}"]
webhook_secrets = ["{secret}"]
verification_token = "{verify}"
bot_category_id = "{bot}"
agent_category_id = "{agent}"
requests_per_minute = 100000

[connections.default.bot]
url = "{bot_url}"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
"#,
        api = settings.api_token,
        source = settings.source_token,
        secret = settings.webhook_secret,
        verify = settings.verify_token,
        bot = settings.bot_category_id,
        agent = settings.agent_category_id,
    )
}
