//! The demo's settings: connections as an integrator would write them, with secrets made up on the spot.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handover_handlers::config::Lookup;

/// The name of the first tab's connection, and so the first part of the bridge's URLs.
pub(super) const CONNECTION: &str = "demo";
/// The name of the second tab's.
pub(super) const NATIVE_CONNECTION: &str = "native";

/// What the parties of the demo share, new at every start.
pub(super) struct Secrets {
    pub(super) bot_key: String,
    pub(super) operator_key: String,
    /// Signs the events to the bot.
    pub(super) signing_secret: String,
    /// RCE's REST API.
    pub(super) api_token: String,
    /// RCE's source: signs both directions.
    pub(super) source_token: String,
    pub(super) webhook_secret: String,
    pub(super) verification_token: String,
}

impl Secrets {
    pub(super) fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            bot_key: hex::encode(random::<24>()?),
            operator_key: hex::encode(random::<24>()?),
            signing_secret: format!("whsec_{}", STANDARD.encode(random::<32>()?)),
            api_token: hex::encode(random::<24>()?),
            source_token: hex::encode(random::<32>()?),
            webhook_secret: hex::encode(random::<24>()?),
            verification_token: hex::encode(random::<24>()?),
        })
    }
}

impl Secrets {
    /// Those of another connection of the same account.
    pub(super) fn beside(&self) -> anyhow::Result<Self> {
        Ok(Self {
            api_token: self.api_token.clone(),
            ..Self::generate()?
        })
    }
}

/// The demo's settings hold their secrets: nothing is looked up.
pub(super) struct NoReferences;

impl Lookup for NoReferences {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<String, io::Error> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("no randomness from the operating system: {error}"))?;
    Ok(bytes)
}

/// Where the simulated account can be reached and what its objects are called.
pub(super) struct Account {
    pub(super) api_base: String,
    pub(super) realtime_endpoint: String,
    pub(super) source_id: String,
    pub(super) native_source_id: String,
    pub(super) bot_category_id: String,
    pub(super) agent_category_id: String,
    pub(super) bot_identity: String,
    pub(super) agent_identity: String,
}

/// The content of `connections.toml`: the same text that `serve --config` would read.
pub(super) fn connections_toml(secrets: &Secrets, account: &Account, bot_url: &str) -> String {
    format!(
        r#"[connections.{CONNECTION}]
enabled = true
bot_keys = ["{bot_key}"]
operator_keys = ["{operator_key}"]
forward_only_handover_conversations = false
get_queue_updates = true

[connections.{CONNECTION}.ringcx]
channel = "source_sdk"
base_api_url = "{api_base}"
api_access_token = "{api_token}"
realtime_endpoint_url = "{realtime_endpoint}"
realtime_access_tokens = ["{source_token}"]
webhook_secrets = ["{webhook_secret}"]
verification_token = "{verification_token}"
source_id = "{source_id}"
bot_category_id = "{bot_category_id}"
agent_category_id = "{agent_category_id}"
bot_identity = {{ id = "{bot_identity}", name = "{bot_name}" }}
agent_identity = {{ id = "{agent_identity}", name = "Support" }}

[connections.{CONNECTION}.bot]
kind = "webhook"
url = "{bot_url}"
signing_secrets = ["{signing_secret}"]

[connections.{CONNECTION}.availability]
require_agent = false
hours = "none"
"#,
        bot_key = secrets.bot_key,
        operator_key = secrets.operator_key,
        api_base = account.api_base,
        api_token = secrets.api_token,
        realtime_endpoint = account.realtime_endpoint,
        source_token = secrets.source_token,
        webhook_secret = secrets.webhook_secret,
        verification_token = secrets.verification_token,
        source_id = account.source_id,
        bot_category_id = account.bot_category_id,
        agent_category_id = account.agent_category_id,
        bot_identity = account.bot_identity,
        bot_name = super::bot::NAME,
        agent_identity = account.agent_identity,
        signing_secret = secrets.signing_secret,
    )
}

/// The second connection: a channel of the same account that RCE owns. `bot_silent`: in seconds. `files`: host and port
/// of the server that has the bot's files.
pub(super) fn native_toml(
    secrets: &Secrets,
    account: &Account,
    bot_url: &str,
    bot_silent: u64,
    files: &str,
) -> String {
    format!(
        r#"
[connections.{NATIVE_CONNECTION}]
bot_keys = ["{bot_key}"]
operator_keys = ["{operator_key}"]
get_queue_updates = true

[connections.{NATIVE_CONNECTION}.ringcx]
channel = "native"
base_api_url = "{api_base}"
api_access_token = "{api_token}"
source_id = "{source_id}"
webhook_secrets = ["{webhook_secret}"]
verification_token = "{verification_token}"
bot_category_id = "{bot_category_id}"
agent_category_id = "{agent_category_id}"

[connections.{NATIVE_CONNECTION}.bot]
kind = "webhook"
url = "{bot_url}"
signing_secrets = ["{signing_secret}"]

[connections.{NATIVE_CONNECTION}.availability]
hours = "none"

[connections.{NATIVE_CONNECTION}.timers]
bot_silent = {bot_silent}

[connections.{NATIVE_CONNECTION}.files]
allow_hosts = ["{files}"]
"#,
        bot_key = secrets.bot_key,
        operator_key = secrets.operator_key,
        api_base = account.api_base,
        api_token = secrets.api_token,
        source_id = account.native_source_id,
        webhook_secret = secrets.webhook_secret,
        verification_token = secrets.verification_token,
        bot_category_id = account.bot_category_id,
        agent_category_id = account.agent_category_id,
        signing_secret = secrets.signing_secret,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_a_valid_configuration() {
        let secrets = Secrets::generate().unwrap();
        let account = Account {
            api_base: "http://127.0.0.1:9000".to_owned(),
            realtime_endpoint: "http://127.0.0.1:9000/realtime/sdk/5f0c000000000000000050c1".to_owned(),
            source_id: "5f0c000000000000000050c1".to_owned(),
            native_source_id: "5f0c000000000000000050c2".to_owned(),
            bot_category_id: "5f0c0000000000000000ca0b".to_owned(),
            agent_category_id: "5f0c0000000000000000ca0a".to_owned(),
            bot_identity: "bot".to_owned(),
            agent_identity: "agent".to_owned(),
        };
        let own = connections_toml(&secrets, &account, "http://127.0.0.1:8080/bot/events");
        let native = native_toml(
            &secrets.beside().unwrap(),
            &account,
            "http://127.0.0.1:8080/bot/native/events",
            20,
            "127.0.0.1:8080",
        );
        let connections = handover_handlers::config::parse(&(own + &native), &NoReferences).unwrap();
        let ids: Vec<&str> = connections.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, [CONNECTION, NATIVE_CONNECTION]);
    }
}
