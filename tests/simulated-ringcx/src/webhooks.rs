//! Delivers events: validation first, then batches, each until the bridge answers exactly 200 or all retries of the
//! documented schedule failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::events::DOMAIN;
use crate::hub::Hub;
use crate::log::{Delivery, DeliveryKind};
use crate::model::{Webhook, WebhookState};
use crate::state::State;
use crate::time::now;

/// How long a batch that shall come late waits for a successor.
const HOLD: Duration = Duration::from_millis(200);

#[derive(Clone)]
struct Batch {
    url: String,
    secret: String,
    envelope: Value,
    /// Not before this.
    due: Instant,
    late: bool,
    twice: bool,
    /// The repeat is a request of its own, with the same events.
    repeat_is_new: bool,
}

impl Batch {
    fn events(&self) -> u64 {
        let events = self.envelope["events"].as_array();
        events.map_or(0, |events| events.len() as u64)
    }
}

impl State {
    /// Whether a validated webhook has events to get.
    pub(crate) fn has_events_to_deliver(&self) -> bool {
        self.webhooks.values().any(|webhook| {
            webhook.active
                && webhook.state == WebhookState::Enabled
                && self
                    .event_queues
                    .get(&webhook.id)
                    .is_some_and(|queue| !queue.is_empty())
        })
    }

    /// The next request that is sent at all.
    fn next_batch(&mut self) -> Option<Batch> {
        loop {
            let batch = self.take_batch()?;
            if !is_nth(self.webhook_batches, self.webhook_behaviour.drop_every) {
                self.webhooks_in_flight += 1;
                return Some(batch);
            }
            self.webhook_counts.dropped += batch.events();
        }
    }

    fn take_batch(&mut self) -> Option<Batch> {
        let ready = self
            .webhooks
            .values()
            .filter(|webhook| webhook.active && webhook.state == WebhookState::Enabled);
        let (webhook, queue) = ready
            .filter_map(|webhook| Some((webhook, self.event_queues.get(&webhook.id)?)))
            .find(|(_, queue)| !queue.is_empty())?;
        let count = queue.len().min(self.config.webhook_batch_size.max(1));
        let (id, url, secret) = (webhook.id.clone(), webhook.url.clone(), webhook.secret.clone());
        let taken = self.event_queues.get_mut(&id)?.drain(..count);
        let (issued, events): (Vec<Instant>, Vec<Value>) = taken.unzip();
        self.webhook_batches += 1;
        let (number, behaviour) = (self.webhook_batches, self.webhook_behaviour);
        let envelope = json!({"id": self.ids.next(), "domain_id": DOMAIN, "events": events});
        Some(Batch {
            url,
            secret,
            envelope,
            due: issued.last().copied()? + behaviour.delay,
            late: is_nth(number, behaviour.reorder_every),
            twice: is_nth(number, behaviour.duplicate_every),
            // Half of the repeats are the same request, half the same events in a new one.
            repeat_is_new: is_nth(number, behaviour.duplicate_every.saturating_mul(2)),
        })
    }
}

/// The job that empties the queues of events.
pub(crate) async fn deliver_events(hub: Arc<Hub>) {
    let mut stop = hub.stopping();
    let mut held: Option<Batch> = None;
    loop {
        let Some(batch) = hub.change(State::next_batch) else {
            let late = async {
                match &held {
                    Some(_) => crate::time::sleep(HOLD).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = hub.webhooks.notified() => {}
                () = late => if let Some(batch) = held.take() { deliver(&hub, batch).await },
                () = Hub::stopped(&mut stop) => return,
            }
            continue;
        };
        if !hub
            .pause(batch.due.saturating_duration_since(Instant::now()))
            .await
        {
            return;
        }
        if held.is_none() && batch.late {
            held = Some(batch);
            continue;
        }
        deliver(&hub, batch).await;
        if let Some(batch) = held.take() {
            hub.change(|state| state.webhook_counts.reordered += batch.events());
            deliver(&hub, batch).await;
        }
    }
}

fn is_nth(number: u32, every: u32) -> bool {
    every > 0 && number.is_multiple_of(every)
}

async fn deliver(hub: &Arc<Hub>, batch: Batch) {
    let delivered = attempt(hub, &batch).await;
    if batch.twice {
        hub.change(|state| state.webhook_counts.duplicated += batch.events());
        let mut repeat = batch.clone();
        if batch.repeat_is_new {
            repeat.envelope["id"] = json!(hub.change(|state| state.ids.next()));
        }
        attempt(hub, &repeat).await;
    }
    if delivered {
        hub.change(|state| state.webhooks_in_flight -= 1);
    } else {
        tokio::spawn(retry(Arc::clone(hub), batch));
    }
}

async fn retry(hub: Arc<Hub>, batch: Batch) {
    let mut delivered = false;
    for delay in hub.config.webhook_retries.clone() {
        if !hub.pause(hub.config.scaled(delay)).await {
            return;
        }
        delivered = attempt(&hub, &batch).await;
        if delivered {
            break;
        }
    }
    hub.change(|state| {
        state.webhooks_in_flight -= 1;
        if !delivered {
            state.violate(
                "webhook-undelivered",
                format!("never answered with 200: {}", types(&batch.envelope)),
            );
        }
    });
}

async fn attempt(hub: &Arc<Hub>, batch: &Batch) -> bool {
    let status = hub.post_events(&batch.url, &batch.secret, &batch.envelope).await;
    status == Some(200)
}

impl Hub {
    /// Posts an envelope with the secret; `None` is no answer.
    pub(crate) async fn post_events(
        self: &Arc<Self>,
        url: &str,
        secret: &str,
        envelope: &Value,
    ) -> Option<u16> {
        let mut request = self
            .client
            .post(url)
            .header("Content-Type", "application/json")
            .body(envelope.to_string());
        if !secret.is_empty() {
            request = request.header("X-Dimelo-Secret", secret);
        }
        let sent = (url, types(envelope));
        self.post_logged(DeliveryKind::Webhook, sent, envelope.clone(), request)
            .await
            .0
    }

    async fn post_logged(
        self: &Arc<Self>,
        kind: DeliveryKind,
        (url, what): (&str, String),
        body: Value,
        request: reqwest::RequestBuilder,
    ) -> (Option<u16>, String) {
        let (at, clock) = (now(), Instant::now());
        let (status, answer) = match request.send().await {
            Ok(response) => (
                Some(response.status().as_u16()),
                response.text().await.unwrap_or_default(),
            ),
            Err(error) => (None, format!("{:?}", error.without_url())),
        };
        let took = clock.elapsed();
        let delivery = Delivery {
            url: url.to_owned(),
            kind,
            what,
            body,
            status,
            answer: answer.clone(),
            at,
            took,
        };
        self.change(|state| state.delivery_log.push(delivery));
        (status, answer)
    }

    /// Validates a webhook's receiver: it has to return the challenge.
    pub(crate) async fn validate(self: &Arc<Self>, webhook: &Webhook) -> bool {
        let challenge = self.change(|state| state.ids.next());
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.challenge", challenge.as_str()),
            ("hub.verify_token", webhook.verify_token.as_str()),
        ];
        let mut request = self.client.get(Self::with_query(&webhook.url, &query));
        if !webhook.secret.is_empty() {
            request = request.header("X-Dimelo-Secret", &webhook.secret);
        }
        let sent = json!({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": webhook.verify_token});
        let what = "GET validation".to_owned();
        let (status, answer) = self
            .post_logged(DeliveryKind::Handshake, (&webhook.url, what), sent, request)
            .await;
        let valid = status == Some(200) && answer == challenge;
        self.change(|state| {
            // What was saved meanwhile is validated on its own.
            let same = |known: &&mut Webhook| known.url == webhook.url && known.secret == webhook.secret;
            if let Some(known) = state.webhooks.get_mut(&webhook.id).filter(same) {
                known.active &= valid;
                known.state = if valid {
                    WebhookState::Enabled
                } else {
                    WebhookState::Disabled
                };
            }
            if !valid {
                state.event_queues.remove(&webhook.id);
                state.violate(
                    "webhook-handshake",
                    format!("validation answered {status:?}: {answer}"),
                );
            }
        });
        valid
    }
}

fn types(envelope: &Value) -> String {
    let events = envelope["events"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect::<Vec<_>>()
        .join(",")
}
