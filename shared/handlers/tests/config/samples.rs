//! Two configurations, and a machine on which their references lead somewhere.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};

use handover_core::settings::Connection;
use handover_handlers::config::{Lookup, parse};

/// Every setting there is.
pub(crate) const FULL: &str = r#"
[connections.shop]
enabled = false
bot_keys = ["env:SHOP_BOT_KEY", "literal-bot-key-0001"]
operator_keys = "literal-operator-key-1"
forward_only_handover_conversations = true
get_queue_updates = true

[connections.shop.ringcx]
channel = "source_sdk"
base_api_url = "https://shop.api.engagement.dimelo.com"
api_access_token = "file:/run/secrets/shop-rce"
realtime_endpoint_url = "https://shop.engagement.dimelo.com/realtime/sdk/77aa00bb"
realtime_access_tokens = ["env:SHOP_SOURCE_TOKEN", "old-source-token"]
webhook_secrets = "literal-webhook-secret"
verification_token = "literal-verify-token"
source_id = "77aa00cc"
bot_category_id = "c0b0"
agent_category_id = "c0a0"
bot_identity = { id = "robo", name = "Robo" }
agent_identity = { id = "team", name = "The team" }
agent_takeover = false
customer_reopens = true
requests_per_minute = 120

[connections.shop.bot]
kind = "webhook"
url = "http://127.0.0.1:9000/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"]
[[connections.shop.bot.queue_subscribers]]
url = "https://wall.example.org/queue"
signing_secrets = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"

[connections.shop.dialogs]
opened = "d-opened"
closed = "d-closed"

[connections.shop.availability]
require_agent = true
refuse_unknown = true
hours = "none"
cache_seconds = 3

[connections.shop.timers]
queue = 60
user_idle = 61
agent_idle = 62
max_age = 64
warn_before = 65
reconcile_every = 63

[connections.shop.files]
public_url = "https://bridge.example.org/"
max_bytes = 5000000
keep_days = 7
rehost = "always"
allow_hosts = ["files.corp", "10.0.0.7:8080", "[fd00::7]"]
"#;

/// As little as is possible.
pub(crate) const LEAST: &str = r#"
[connections.least]
bot_keys = "literal-bot-key-0002"
[connections.least.ringcx]
base_api_url = "acme.api.engagement.dimelo.com"
api_access_token = "rce-token"
realtime_endpoint_url = "https://acme.engagement.dimelo.com/realtime/sdk/5f0d1111"
realtime_access_tokens = "source-token"
webhook_secrets = "another-webhook-secret"
verification_token = "another-verify-token"
bot_category_id = "b"
agent_category_id = "a"
[connections.least.bot]
url = "https://bot.example.org/events"
signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
"#;

/// Everything in the samples, or behind their references, that nobody may read in an error.
pub(crate) const SECRETS: [&str; 13] = [
    "value-of-shop-bot-key",
    "literal-bot-key-0001",
    "literal-operator-key-1",
    "token-from-a-file",
    "value-of-shop-source-token",
    "old-source-token",
    "literal-webhook-secret",
    "literal-verify-token",
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
    "literal-bot-key-0002",
    "another-webhook-secret",
    "another-verify-token",
];

struct Machine(HashMap<&'static str, &'static str>);

impl Lookup for Machine {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &str) -> Result<String, Error> {
        match path {
            "/run/secrets/shop-rce" => Ok("token-from-a-file\r\n".to_owned()),
            "/empty" => Ok("\n".to_owned()),
            _ => Err(Error::new(ErrorKind::NotFound, "no such file")),
        }
    }
}

pub(crate) fn read(text: &str) -> Result<Vec<Connection>, Vec<String>> {
    let machine = Machine(HashMap::from([
        ("SHOP_BOT_KEY", "value-of-shop-bot-key"),
        ("SHOP_SOURCE_TOKEN", "value-of-shop-source-token"),
        ("SHORT", "fifteen-letters"),
    ]));
    parse(text, &machine).map_err(|error| {
        let shown = error.to_string();
        assert!(error.0.iter().all(|line| shown.contains(line)), "{shown}");
        for secret in SECRETS {
            assert!(!shown.contains(secret), "a secret is in: {shown}");
        }
        error.0
    })
}
