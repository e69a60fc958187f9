//! The simulated account as a test or the demo holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::SimulatedConfig;
use crate::console::MAIN_TOKEN;
use crate::error::SendError;
use crate::events::DOMAIN;
use crate::faults::{Fault, FaultTarget, ScriptedFault};
use crate::hub::Hub;
use crate::log::{Delivery, LoggedRequest, Violation};
use crate::model::{Content, Thread, Webhook, WebhookState};
use crate::source_sdk::BridgeAnswer;
use crate::state::State;
use crate::{queue, server, webhooks};

/// How long `stop` waits for running requests.
const GRACE: Duration = Duration::from_secs(2);

/// A running simulated account. Stops when it is dropped.
pub struct SimulatedRingcx {
    pub(crate) hub: Arc<Hub>,
    addr: SocketAddr,
    server: JoinHandle<()>,
    jobs: Vec<JoinHandle<()>>,
}

/// How the bridge answered when its addresses were entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BridgeCheck {
    /// `implementation.info` was answered usably.
    pub source_sdk: bool,
    /// The webhook's receiver returned the challenge.
    pub webhook: bool,
}

impl SimulatedRingcx {
    /// Binds, serves, and starts the regular jobs. Where the configuration has the bridge's addresses, the bridge is
    /// asked at once and in the background.
    pub async fn start(config: SimulatedConfig) -> std::io::Result<Self> {
        if !config.listen.ip().is_loopback() {
            let error = "the simulated RCE listens on loopback only";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, error));
        }
        let listener = TcpListener::bind(config.listen).await?;
        let addr = listener.local_addr()?;
        let hub = Hub::new(config)?;
        hub.change(|state| state.base_url = format!("http://{addr}"));
        let server = tokio::spawn(server::serve(Arc::clone(&hub), listener));
        let mut jobs = vec![
            tokio::spawn(webhooks::deliver_events(Arc::clone(&hub))),
            tokio::spawn(queue::announce_positions(Arc::clone(&hub))),
        ];
        if let Some(interval) = hub.config.polling_interval {
            jobs.push(tokio::spawn(queue::synchronise(Arc::clone(&hub), interval)));
        }
        if hub.config.base_uri.is_some() || hub.config.webhook_url.is_some() {
            let (base_uri, webhook) = (hub.config.base_uri.clone(), hub.config.webhook_url.clone());
            let hub = Arc::clone(&hub);
            jobs.push(tokio::spawn(async move {
                connect(&hub, base_uri.as_deref(), webhook.as_deref()).await;
            }));
        }
        Ok(Self {
            hub,
            addr,
            server,
            jobs,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The "Realtime Endpoint URL" of the bridge's source.
    pub fn realtime_url(&self) -> String {
        format!("{}/realtime/sdk/{}", self.base_url(), self.config().source_id)
    }

    /// What it was started with.
    pub fn config(&self) -> &SimulatedConfig {
        &self.hub.config
    }

    /// Enters the bridge's addresses, as an administrator does in the console: asks for the capabilities and
    /// validates the webhook. Returns when both answered.
    pub async fn set_bridge(&self, base_uri: &str, webhook_url: &str) -> BridgeCheck {
        connect(&self.hub, Some(base_uri), Some(webhook_url)).await
    }

    /// Enters the webhook's address alone, for a bridge that has no source; returns whether its receiver returned the
    /// challenge.
    pub async fn set_webhook(&self, webhook_url: &str) -> bool {
        connect(&self.hub, None, Some(webhook_url)).await.webhook
    }

    /// Ends everything and waits for it.
    pub async fn stop(mut self) {
        self.hub.stop();
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }

    // What a test sees.

    /// Looks at the state.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        self.hub.read(look)
    }

    /// Waits until the state is as wanted; `false` when the time is over before.
    #[must_use = "a condition that was not met in time is a failed test"]
    pub async fn wait_until(&self, mut wanted: impl FnMut(&State) -> bool, timeout: Duration) -> bool {
        let mut changed = self.hub.subscribe();
        let met = async {
            loop {
                changed.mark_unchanged();
                if self.hub.read(&mut wanted) {
                    return true;
                }
                if changed.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(timeout, met).await.unwrap_or(false)
    }

    /// Everything the bridge asked.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.read(|state| state.requests().cloned().collect())
    }

    /// Everything the bridge was asked.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.read(|state| state.deliveries().cloned().collect())
    }

    /// What the bridge did wrong.
    pub fn violations(&self) -> Vec<Violation> {
        self.read(|state| state.violations().cloned().collect())
    }

    /// The messages of a conversation.
    pub fn contents(&self, thread: &str) -> Vec<Content> {
        self.read(|state| state.contents(thread).cloned().collect())
    }

    /// A conversation.
    pub fn thread(&self, thread: &str) -> Option<Thread> {
        self.read(|state| state.thread(thread).cloned())
    }

    /// The types of all events so far, in order.
    pub fn event_types(&self) -> Vec<String> {
        self.read(|state| {
            state
                .events()
                .filter_map(|event| event["type"].as_str().map(str::to_owned))
                .collect()
        })
    }

    /// The JSON of `GET /desk/state`.
    pub fn snapshot(&self) -> Value {
        self.read(State::snapshot)
    }

    // What a test scripts.

    /// The next `times` requests of `target` suffer `fault`.
    pub fn fail_next(&self, target: FaultTarget, fault: Fault, times: u32) {
        self.hub
            .change(|state| state.faults.arm(ScriptedFault { target, fault, times }));
    }

    /// Forgets all armed faults.
    pub fn clear_faults(&self) {
        self.hub.change(|state| state.faults.clear());
    }

    /// Posts any bytes with any signature to the Source SDK endpoint.
    pub async fn send_source_sdk_raw(
        &self,
        body: impl Into<Bytes>,
        signature: Option<&str>,
    ) -> Result<BridgeAnswer, SendError> {
        self.hub.send_signed(body.into(), signature).await
    }

    /// Signs a whole envelope (`{"action", "params", …}`) and posts it to the Source SDK endpoint.
    pub async fn send_action(&self, envelope: Value) -> Result<BridgeAnswer, SendError> {
        self.hub.send_envelope(&envelope).await
    }

    /// Posts events in an envelope of their own with the configured secret, once; returns the answer's status.
    pub async fn send_webhook_raw(&self, events: Value) -> Result<u16, SendError> {
        let envelope = self
            .hub
            .change(|state| json!({"id": state.ids.next(), "domain_id": DOMAIN, "events": events}));
        let webhook = self.read(|state| state.bridge_webhook().cloned());
        let webhook = webhook.ok_or(SendError::NoBridge)?;
        let status = self
            .hub
            .post_events(&webhook.url, &webhook.secret, &envelope)
            .await;
        status.ok_or_else(|| SendError::Transport("the webhook got no answer".to_owned()))
    }

    /// An event about a thread as it is now, for `send_webhook_raw`. Members of `changes` replace those of the
    /// event; its `metadata` those of the resource.
    pub fn event(&self, kind: &str, thread: &str, changes: &Value) -> Value {
        self.hub.change(|state| {
            let resource = state.resource_for(kind, thread);
            changed(state.build_event(kind, None, None, resource), changes)
        })
    }

    /// The same about one content; `None` where there is none.
    pub fn event_of(&self, kind: &str, content: &str, changes: &Value) -> Option<Value> {
        self.hub.change(|state| {
            let resource = state.content_resource(state.content(content)?);
            Some(changed(state.build_event(kind, None, None, resource), changes))
        })
    }
}

impl Drop for SimulatedRingcx {
    fn drop(&mut self) {
        self.hub.stop();
        for job in &self.jobs {
            job.abort();
        }
    }
}

fn changed(mut event: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().into_iter().flatten() {
        if key == "metadata" {
            for (key, value) in value.as_object().into_iter().flatten() {
                event["resource"]["metadata"][key] = value.clone();
            }
        } else {
            event[key] = value.clone();
        }
    }
    event
}

async fn connect(hub: &Arc<Hub>, base_uri: Option<&str>, webhook_url: Option<&str>) -> BridgeCheck {
    hub.change(|state| state.base_uri = base_uri.map(str::to_owned));
    let source_sdk = base_uri.is_some() && hub.ask_capabilities().await;
    let webhook = webhook_url.and_then(|url| hub.change(|state| state.register(url)));
    let webhook = match webhook {
        Some(webhook) => hub.validate(&webhook).await,
        None => false,
    };
    hub.webhooks.notify_one();
    BridgeCheck { source_sdk, webhook }
}

impl State {
    /// Registers the configured webhook with this receiver, or changes its receiver.
    fn register(&mut self, url: &str) -> Option<Webhook> {
        if self.config.registered_events.is_empty() {
            return None;
        }
        let id = self.main_webhook.clone().unwrap_or_else(|| self.ids.next());
        let webhook = Webhook {
            id: id.clone(),
            token_id: MAIN_TOKEN.to_owned(),
            name: "Simulated webhook".to_owned(),
            url: url.to_owned(),
            active: true,
            verify_token: self.config.verify_token.clone(),
            secret: self.config.webhook_secret.clone(),
            registered_events: self.config.registered_events.clone(),
            state: WebhookState::Pending,
        };
        self.webhooks.insert(id.clone(), webhook.clone());
        self.main_webhook = Some(id);
        Some(webhook)
    }

    /// The resource that an event of this kind is about; made up where the thread has none yet.
    fn resource_for(&mut self, kind: &str, thread: &str) -> Value {
        let made_up = self.ids.next();
        let thread_id = self
            .thread(thread)
            .map_or_else(|| thread.to_owned(), |thread| thread.id.clone());
        let source = &self.config.source_id;
        let (name, known) = match kind.split('.').next().unwrap_or_default() {
            "intervention" => (
                "intervention",
                self.interventions(thread)
                    .next_back()
                    .map(|it| self.intervention_resource(it)),
            ),
            "task" => (
                "task",
                self.tasks(thread)
                    .next_back()
                    .map(|task| self.task_resource(task)),
            ),
            "intervention_segment" => (
                "intervention_segment",
                self.interventions(thread)
                    .next_back()
                    .map(|it| self.segment_resource(it, "A summary")),
            ),
            "content" => (
                "sdk/content",
                self.contents(thread)
                    .next_back()
                    .map(|it| self.content_resource(it)),
            ),
            other => (other, None),
        };
        let metadata = json!({
            "source_id": source,
            "thread_id": thread_id,
            "closed_at": null,
            "created_at": crate::time::seconds(self.now()),
        });
        known.unwrap_or_else(|| json!({"type": name, "id": made_up, "metadata": metadata}))
    }
}
