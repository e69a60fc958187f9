//! `setup` as a new user runs it: the real command against a bare account, with the real bridge for RCE to validate.

mod bad_input;
mod interrupted;
mod native;
mod story;

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::{RequestKind, SimulatedConfig};
use tokio::process::{Child, Command};

use crate::bridge::{Bridge, command};

const PATIENCE: Duration = Duration::from_mins(1);

/// A new user, their account, and the bridge that they set up.
struct Newcomer {
    bridge: Bridge,
    http: reqwest::Client,
}

impl Newcomer {
    async fn with(config: SimulatedConfig) -> Self {
        let newcomer = Self {
            bridge: Bridge::unconfigured(config).await,
            http: handover_ringcx::http::client(),
        };
        let settings = newcomer.bridge.rce.config();
        std::fs::write(newcomer.token("rce"), format!("{}\n", settings.api_token)).unwrap();
        std::fs::write(newcomer.token("source"), &settings.source_token).unwrap();
        newcomer
    }

    /// The file with a token.
    fn token(&self, name: &str) -> std::path::PathBuf {
        self.bridge.dir.path().join(format!("{name}.token"))
    }

    async fn arrives() -> Self {
        Self::with(SimulatedConfig::bare()).await
    }

    /// The command with nothing but its name.
    fn bare_command(&self) -> Command {
        let mut command = command();
        command
            .arg("setup")
            .arg("--config")
            .arg(self.bridge.config())
            .env("LANG", "C.UTF-8")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// With all that there is to say, and nobody at a terminal.
    fn command(&self) -> Command {
        let rce = &self.bridge.rce;
        let mut command = self.bare_command();
        command
            .args(["--base-api-url", &rce.base_url()])
            .args([
                "--api-access-token",
                &format!("file:{}", self.token("rce").display()),
            ])
            .args(["--realtime-endpoint-url", &rce.realtime_url()])
            .args([
                "--realtime-access-token",
                &format!("file:{}", self.token("source").display()),
            ])
            .args(["--public-url", &self.bridge.origin()])
            .args(["--bot-url", &self.bridge.bot_url])
            .args(["--agents", "all"]);
        command
    }

    /// Runs it to its end, without anybody who does anything meanwhile.
    async fn run(&self, more: &[&str]) -> Finished {
        let mut command = self.command();
        if !more.contains(&"--wait") {
            command.args(["--wait", "60"]);
        }
        Finished::from(command.args(more).output().await.unwrap())
    }

    /// What a person does while it waits: starts the bridge as soon as it has a configuration, and ticks both identities.
    async fn by_hand(&mut self) {
        let announced = |state: &simulated_ringcx::State| {
            let names = ["bot", "agent"];
            names.iter().all(|name| state.identity(name).is_some())
        };
        if !self.bridge.rce.wait_until(announced, PATIENCE).await {
            return;
        }
        for identity in ["bot", "agent"] {
            let _ = self.bridge.rce.tick_controlled_identity(identity);
        }
        while !self.bridge.config().exists() {
            tokio::task::yield_now().await;
        }
        if !self.bridge.is_running() {
            self.bridge.start_process().await;
        }
    }

    /// Runs it with somebody who does by hand what it asks for.
    async fn set_up(&mut self, more: &[&str]) -> Finished {
        let child = self.command().arg("--yes").args(more).spawn().unwrap();
        self.attend(child).await
    }

    async fn attend(&mut self, child: Child) -> Finished {
        let mut ended = Box::pin(child.wait_with_output());
        let output = tokio::select! {
            output = &mut ended => output,
            () = self.by_hand() => tokio::time::timeout(PATIENCE, ended).await.expect("it ends"),
        };
        Finished::from(output.unwrap())
    }

    /// Undoes it, without being asked.
    async fn remove(&self) -> Finished {
        let removed = self.bare_command().args(["--remove", "--yes"]).output();
        Finished::from(removed.await.unwrap())
    }

    /// All records of a list, as RCE shows them.
    async fn list(&self, what: &str) -> Vec<Value> {
        let url = format!("{}/1.0/{what}?limit=150", self.bridge.rce.base_url());
        let token = &self.bridge.rce.config().api_token;
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        let page: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        page["records"].as_array().unwrap().clone()
    }

    async fn rest(&self, method: reqwest::Method, path: &str, form: &str) -> Value {
        let url = format!("{}/1.0/{path}", self.bridge.rce.base_url());
        let token = &self.bridge.rce.config().api_token;
        let answer = self
            .http
            .request(method, url)
            .bearer_auth(token)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// What was written to RCE so far: by REST, and by the Send API.
    fn writes(&self) -> Vec<String> {
        let all = self.bridge.rce.requests().into_iter();
        all.filter(|request| request.kind != RequestKind::Rest || !request.what.starts_with("GET"))
            .map(|request| request.what)
            .collect()
    }

    /// The account as far as a set-up changes it, without ids that RCE invents.
    async fn account(&self) -> Value {
        let names = |list: &[Value], member: &str| -> Vec<Value> {
            list.iter().map(|record| record[member].clone()).collect()
        };
        let categories = self.list("categories").await;
        let called = |ids: &Value| -> Vec<Value> {
            let ids = ids.as_array().unwrap().iter();
            ids.map(|id| {
                let found = categories.iter().find(|category| category["id"] == *id);
                found.map_or(Value::Null, |found| found["name"].clone())
            })
            .collect()
        };
        let mut agents = Vec::new();
        for agent in &self.bridge.rce.config().agents {
            let user = self
                .rest(reqwest::Method::GET, &format!("users/{}", agent.id), "")
                .await;
            let path = format!("users/{}/sources_permissions", agent.id);
            let permissions = self.rest(reqwest::Method::GET, &path, "").await;
            agents.push(json!({
                "categories": called(&user["category_ids"]),
                "identities": user["identity_ids"].as_array().unwrap().len(),
                "permissions": permissions[&self.bridge.rce.config().source_id],
            }));
        }
        let webhooks = self.list("webhooks").await;
        let source = format!("content_sources/{}", self.bridge.rce.config().source_id);
        let source = self.rest(reqwest::Method::GET, &source, "").await;
        json!({
            "categories": names(&categories, "name"),
            "folders": names(&self.list("folders").await, "label"),
            "webhooks": webhooks.iter().map(|webhook| json!({
                "url": webhook["url"], "status": webhook["webhook_status"],
                "events": webhook["registered_events"].as_array().unwrap().len(),
            })).collect::<Vec<_>>(),
            "defaults": called(&source["default_category_ids"]),
            "company_defaults": called(&source["user_thread_default_category_ids"]),
            "agents": agents,
        })
    }

    /// What the account is after a set-up that nothing came between.
    fn as_it_should_be(&self) -> Value {
        let agent = json!({"categories": ["Agent"], "identities": 1, "permissions": ["read", "reply"]});
        json!({
            "categories": ["Bot handover", "Bot", "Agent"],
            "folders": ["Handed over by the bot"],
            "webhooks": [{
                "url": format!("{}/default/handover/rce", self.bridge.origin()), "status": "enabled", "events": 26,
            }],
            "defaults": ["Bot"],
            "company_defaults": ["Bot"],
            "agents": [agent, agent],
        })
    }

    fn config_text(&self) -> String {
        std::fs::read_to_string(self.bridge.config()).unwrap()
    }
}

/// A run that ended.
struct Finished {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Finished {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, words: &str) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(all.contains(words), "{words:?} is not in:\n{all}");
        self
    }
}
