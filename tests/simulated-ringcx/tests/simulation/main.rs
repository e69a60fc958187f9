//! The simulation against a small bridge of the tests' own.

mod aftermath;
mod bridge;
mod by_hand;
mod chaos;
mod clock;
mod console;
mod desk;
mod hours;
mod native;
mod rest;
mod rights;
mod samples;
mod send_api;
mod source_sdk;
mod stories;
mod webhooks;

use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx, sign};

use crate::bridge::Bridge;

/// Far more than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// The simulated account, its bridge, and a client that speaks as the bridge.
pub(crate) struct World {
    pub(crate) rce: SimulatedRingcx,
    pub(crate) bridge: Bridge,
    pub(crate) http: reqwest::Client,
}

impl World {
    /// A connected pair; retries run a thousand times as fast as documented.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut SimulatedConfig)) -> Self {
        let world = Self::unconnected(change).await;
        let check = world
            .rce
            .set_bridge(&world.bridge.url(), &world.bridge.url())
            .await;
        assert!(
            check.source_sdk && check.webhook,
            "{check:?} {:?}",
            world.rce.violations()
        );
        world
    }

    pub(crate) async fn unconnected(change: impl FnOnce(&mut SimulatedConfig)) -> Self {
        let mut config = SimulatedConfig {
            speed: 10_000.0,
            ..SimulatedConfig::default()
        };
        change(&mut config);
        let bridge = Bridge::start(&config).await;
        let rce = SimulatedRingcx::start(config)
            .await
            .expect("the simulation starts");
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("a client");
        Self { rce, bridge, http }
    }

    /// Posts a signed action to the Send API.
    pub(crate) async fn send(&self, action: &str, params: Value) -> (u16, String) {
        let body = json!({"action": action, "params": params}).to_string();
        let signature = sign(&self.rce.config().source_token, body.as_bytes());
        self.send_raw(&self.rce.realtime_url(), body.into_bytes(), &signature)
            .await
            .expect("an answer")
    }

    pub(crate) async fn send_raw(
        &self,
        url: &str,
        body: Vec<u8>,
        signature: &str,
    ) -> reqwest::Result<(u16, String)> {
        let request = self
            .http
            .post(url)
            .header("X-SMCCSDK-SIGNATURE", signature)
            .body(body);
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    /// A customer's message, accepted.
    pub(crate) async fn customer_says(&self, thread: &str, id: &str, body: &str) {
        assert_eq!(
            self.send("messages.create", message(thread, id, body)).await,
            (200, "ok".to_owned())
        );
    }

    pub(crate) async fn rest(&self, method: &str, path: &str, form: &str) -> (u16, Value) {
        self.rest_as(&self.rce.config().api_token, method, path, form)
            .await
            .expect("an answer")
    }

    pub(crate) async fn rest_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        form: &str,
    ) -> reqwest::Result<(u16, Value)> {
        let method = method.parse().expect("a method");
        let request = self
            .http
            .request(method, format!("{}/1.0{path}", self.rce.base_url()))
            .bearer_auth(token)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// The platform's id of a thread.
    pub(crate) fn id(&self, thread: &str) -> String {
        self.rce.thread(thread).expect("a known thread").id
    }

    /// Recategorises a thread as a bridge does.
    pub(crate) async fn to_agents(&self, thread: &str) {
        let category = self.rce.config().agent_category_id.clone();
        self.categorise(thread, &category).await;
    }

    pub(crate) async fn to_bot(&self, thread: &str) {
        let category = self.rce.config().bot_category_id.clone();
        self.categorise(thread, &category).await;
    }

    async fn categorise(&self, thread: &str, category: &str) {
        let path = format!("/content_threads/{}/update_categories", self.id(thread));
        let (status, body) = self
            .rest("PUT", &path, &format!("thread_category_ids%5B%5D={category}"))
            .await;
        assert_eq!((status, &body["thread_category_ids"]), (200, &json!([category])));
    }

    /// Waits until nothing is on its way to the bridge.
    pub(crate) async fn settle(&self) {
        let idle = self.rce.wait_until(simulated_ringcx::State::is_idle, SOON).await;
        assert!(idle, "deliveries: {:#?}", self.rce.deliveries());
    }

    pub(crate) fn agent(&self, number: usize) -> String {
        self.rce.config().agents[number].id.clone()
    }

    pub(crate) fn no_violations(&self) {
        let violations = self.rce.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    pub(crate) fn rules(&self) -> Vec<&'static str> {
        self.rce
            .violations()
            .iter()
            .map(|violation| violation.rule)
            .collect()
    }
}

pub(crate) fn customer() -> Value {
    json!({"id": "usr-42", "screenname": "Nadia V.", "created_at": "2026-02-03T10:09:58Z"})
}

pub(crate) fn bot() -> Value {
    json!({"id": "bot", "screenname": "Ada", "created_at": "2026-01-01T00:00:00Z", "puppetizable": true})
}

pub(crate) fn message(thread: &str, id: &str, body: &str) -> Value {
    json!({
        "id": id, "thread_id": thread, "author": customer(), "body": body, "format": "text",
        "created_at": "2026-02-03T10:11:12Z", "updated_at": "2026-02-03T10:11:12Z",
    })
}
