//! An example bot as a process, and the customer at its chat door.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::process::Child;
use tokio::time::{Instant, interval};

use crate::installed::Example;

pub(crate) const KEY: &str = "bot-key-of-the-example-bots";
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// How long anything may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The conversation of the story; its id needs escaping in a URL.
pub(crate) const CHAT: &str = "chat/4 2";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) from: String,
    pub(crate) name: Option<String>,
    pub(crate) text: String,
}

pub(crate) struct Bot {
    base: String,
    events: String,
    log: PathBuf,
    http: reqwest::Client,
    process: Child,
}

impl Bot {
    /// Starts it on `port` and waits until its door is open.
    pub(crate) async fn start(example: Example, port: u16, bridge: &str, dir: &Path) -> Self {
        let log = dir.join("bot.log");
        let output = File::create(&log).unwrap();
        let process = example
            .command()
            .env("BRIDGE_URL", bridge)
            .env("BOT_KEY", KEY)
            .env("SIGNING_SECRET", SECRET)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{example:?} cannot be started: {error}"));
        let base = format!("http://127.0.0.1:{port}");
        let mut bot = Self {
            events: format!("{base}{}", example.events_path()),
            base,
            log,
            http: handover_ringcx::http::client(),
            process,
        };
        bot.until_it_listens().await;
        bot
    }

    async fn until_it_listens(&mut self) {
        let (deadline, mut look) = (Instant::now() + PATIENCE, interval(Duration::from_millis(20)));
        while self.http.get(self.door("nobody")).send().await.is_err() {
            look.tick().await;
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", self.log());
        }
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The customer says something, and it is passed on.
    pub(crate) async fn hears(&self, id: &str, text: &str) {
        let status = self.is_told(id, text).await;
        assert!(status.is_success(), "{status}: {}", self.log());
    }

    /// The customer says something; how that went.
    pub(crate) async fn is_told(&self, id: &str, text: &str) -> StatusCode {
        let user = json!({"id": "u-7", "firstname": "Ada", "email": "ada@example.org"});
        let said = json!({"conversation": CHAT, "id": id, "text": text, "user": user});
        let request = self
            .http
            .post(format!("{}/chat", self.base))
            .body(said.to_string());
        let request = request
            .header("content-type", "application/json")
            .timeout(PATIENCE);
        request.send().await.unwrap().status()
    }

    /// What the customer sees.
    pub(crate) async fn window(&self) -> Vec<Line> {
        let answer = self.http.get(self.door(CHAT)).send().await.unwrap();
        let lines: Vec<Value> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        lines
            .iter()
            .map(|line| Line {
                from: text(&line["from"]).unwrap(),
                name: text(&line["name"]),
                text: text(&line["text"]).unwrap(),
            })
            .collect()
    }

    /// Waits until the customer sees what satisfies `enough`.
    pub(crate) async fn shows(&self, what: &str, enough: impl Fn(&[Line]) -> bool) -> Vec<Line> {
        let (deadline, mut look) = (Instant::now() + PATIENCE, interval(Duration::from_millis(20)));
        loop {
            look.tick().await;
            let lines = self.window().await;
            if enough(&lines) {
                return lines;
            }
            let log = self.log();
            assert!(Instant::now() < deadline, "not shown: {what}\n{lines:#?}\n{log}");
        }
    }

    /// Waits until somebody's line with these words is shown so many times.
    pub(crate) async fn shows_times(&self, from: &str, words: &str, times: usize) -> Vec<Line> {
        self.shows(&format!("{words}, {times} times"), |lines| {
            count(lines, from, words) == times
        })
        .await
    }

    /// Sends an event as the bridge does, signed with `secret` so many seconds ago.
    pub(crate) async fn gets_event(
        &self,
        secret: &str,
        seconds_ago: i64,
        id: &str,
        event: &Value,
    ) -> StatusCode {
        let (body, at) = (event.to_string(), now() - seconds_ago);
        let webhook = Webhook::new(secret).unwrap();
        let signature = webhook.sign(id, at, body.as_bytes()).unwrap();
        self.gets(id, at, &signature, body).await
    }

    /// Sends a body to where the bridge's events go.
    pub(crate) async fn gets(&self, id: &str, at: i64, signature: &str, body: String) -> StatusCode {
        let path = self.events.strip_prefix(&self.base).unwrap_or_default();
        self.gets_at(path, id, at, signature, body).await
    }

    /// Sends a signed body anywhere.
    pub(crate) async fn gets_at(
        &self,
        path: &str,
        id: &str,
        at: i64,
        signature: &str,
        body: String,
    ) -> StatusCode {
        let url = format!("{}{path}", self.base);
        let request = self.http.post(url).header("webhook-id", id);
        let request = request.header("webhook-timestamp", at.to_string());
        let request = request.header("webhook-signature", signature).body(body);
        request.send().await.unwrap().status()
    }

    /// Any call of the process; its answer as JSON.
    pub(crate) async fn asks(&self, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.base);
        let request = match body {
            Some(body) => self.http.post(url).body(body.to_string()),
            None => self.http.get(url),
        };
        let answer = request.timeout(PATIENCE).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    fn door(&self, conversation: &str) -> String {
        let id = conversation.replace('/', "%2F").replace(' ', "%20");
        format!("{}/chat/{id}", self.base)
    }
}

/// How many of somebody's lines have these words.
pub(crate) fn count(lines: &[Line], from: &str, words: &str) -> usize {
    lines
        .iter()
        .filter(|line| line.from == from && line.text.contains(words))
        .count()
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process compares it with its own clock"
)]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
