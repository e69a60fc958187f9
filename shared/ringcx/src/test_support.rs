//! What the tests of several modules share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::ids::{CategoryId, ConnectionId, SourceId};
use handover_core::ports::Clock;
use handover_core::secret::Secret;
use handover_core::settings::{
    Availability, BotKind, BotSettings, Channel, Connection, Dialogs, Endpoint, FileSettings, Hours,
    IdentitySettings, NativeSettings, RingCxSettings, Timers,
};
use serde_json::Value;

use crate::verified::Verified;

pub(crate) const TOKEN: &str = "ringcx-test-token-of-our-own";
pub(crate) const API_TOKEN: &str = "rest-token-of-the-tests";
pub(crate) const SOURCE: &str = "50c1";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn verified<By>(body: &Value) -> Verified<By> {
    Verified::new(Bytes::from(body.to_string()))
}

pub(crate) fn verified_bytes<By>(body: impl Into<Bytes>) -> Verified<By> {
    Verified::new(body.into())
}

/// A clock that stands still until it is told to move.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(at("2026-03-01T12:00:00Z"))))
    }

    pub(crate) fn pass(&self, time: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A connection whose RCE answers at `origin` (`http://127.0.0.1:…`).
pub(crate) fn connection(origin: &str) -> Connection {
    let identity = |id: &str, name: &str| IdentitySettings {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    Connection {
        id: ConnectionId::new("test"),
        enabled: true,
        bot_keys: Vec::new(),
        operator_keys: Vec::new(),
        forward_only_handover_conversations: false,
        relay_messages: true,
        get_queue_updates: true,
        ringcx: RingCxSettings {
            channel: Channel::SourceSdk,
            api_base: format!("{origin}/1.0").parse().unwrap(),
            api_access_token: Secret::new(API_TOKEN),
            realtime_endpoint_url: format!("{origin}/realtime/sdk/{SOURCE}?tenant=a%20b")
                .parse()
                .unwrap(),
            realtime_access_tokens: vec![Secret::new(TOKEN), Secret::new("an-older-token-of-ours")],
            webhook_secrets: vec![
                Secret::new("webhook-secret-new"),
                Secret::new("webhook-secret-old"),
            ],
            verification_token: Secret::new("verify-me-with-this"),
            source_id: SourceId::new(SOURCE),
            further_sources: Vec::new(),
            native: NativeSettings::default(),
            bot_category_id: CategoryId::new("ca-bot"),
            agent_category_id: CategoryId::new("ca-agent"),
            bot_identity: identity("bot", "Ada"),
            agent_identity: identity("agent", "Support"),
            agent_takeover: true,
            customer_reopens: false,
            requests_per_minute: 300,
        },
        bot: BotSettings {
            kind: BotKind::Webhook(Endpoint {
                url: "https://bot.example.org/events".parse().unwrap(),
                signing_secrets: Vec::new(),
            }),
            message_failed_text: "Not delivered.".to_owned(),
            queue_subscribers: Vec::new(),
        },
        dialogs: Dialogs::default(),
        availability: Availability {
            require_agent: false,
            refuse_unknown: false,
            hours: Hours::None,
            cache: Duration::from_secs(10),
        },
        timers: Timers::default(),
        files: FileSettings::default(),
    }
}
