//! What a test or a soak changes while the account runs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::chaos::{Chaos, ChaosCounts};
use crate::config::{Rights, WebhookBehaviour, WebhookCounts};
use crate::log::RequestKind;
use crate::model::TimeSheet;
use crate::simulated::SimulatedRingcx;
use crate::time::now;

impl SimulatedRingcx {
    /// Sets what the REST token may do, as an administrator does in the console.
    pub fn set_rights(&self, rights: Rights) {
        self.hub.change(|state| state.rights = rights);
    }

    /// Replaces the business hours.
    pub fn set_time_sheets(&self, sheets: Vec<TimeSheet>) {
        self.hub.change(|state| state.time_sheets = sheets);
    }

    /// Sets how webhooks misbehave from now on.
    pub fn set_webhooks(&self, behaviour: WebhookBehaviour) {
        self.hub.change(|state| state.webhook_behaviour = behaviour);
    }

    /// What became of the events so far.
    pub fn webhook_counts(&self) -> WebhookCounts {
        self.read(|state| state.webhook_counts)
    }

    /// From now on, requests of the bridge fail by chance; `Chaos::default()` ends it.
    pub fn set_chaos(&self, chaos: Chaos) {
        self.hub.change(|state| state.dice.set(chaos));
    }

    /// What chance did so far.
    pub fn chaos_counts(&self) -> ChaosCounts {
        self.read(|state| state.dice.counts())
    }

    /// How many REST requests arrived in the last 60 seconds, whatever became of them.
    pub fn rest_requests_in_last_minute(&self) -> usize {
        self.rest_operations(Duration::from_mins(1)).values().sum()
    }

    /// The REST requests of this last time by operation, as in `GET /content_threads/{id}`, as far as the log reaches.
    pub fn rest_operations(&self, last: Duration) -> BTreeMap<String, usize> {
        let since = now().checked_sub(last).unwrap_or(Timestamp::MIN);
        self.read(|state| {
            let mut operations = BTreeMap::new();
            for request in state.requests() {
                if request.kind == RequestKind::Rest && request.at >= since {
                    *operations.entry(operation(&request.what)).or_default() += 1;
                }
            }
            operations
        })
    }

    /// Changes the source's *API access token*: it signs and is asked for from now on, the one of before no more.
    pub fn set_source_token(&self, token: &str) {
        self.hub.change(|state| token.clone_into(&mut state.source_token));
    }

    /// Changes the *Secret* of every webhook. What is on its way goes on with the one of before.
    pub fn set_webhook_secret(&self, secret: &str) {
        self.hub.change(|state| {
            for webhook in state.webhooks.values_mut() {
                secret.clone_into(&mut webhook.secret);
            }
        });
    }

    /// Sets the platform's clock: what it dates from now on is this far ahead of the machine, or behind it.
    pub fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.hub.change(|state| state.clock_ahead = ahead);
    }

    /// Sets the platform's clock to a time; it goes on from there.
    pub fn set_clock(&self, shown: Timestamp) {
        self.set_clock_ahead(shown.duration_since(now()));
    }
}

/// The method and path of a request without its ids.
fn operation(what: &str) -> String {
    let (method, path) = what.split_once(' ').unwrap_or((what, ""));
    let is_id = |part: &str| part.len() == 24 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = path
        .trim_start_matches("/1.0")
        .split('/')
        .map(|part| if is_id(part) { "{id}" } else { part })
        .collect();
    format!("{method} {}", parts.join("/"))
}
