//! The `[connections.NAME.bot]` section: one function for each kind of bot.

use handover_core::secret::Secret;
use handover_core::settings::{
    BotKind, BotSettings, ChatlayerActions, ChatlayerChannel, ChatlayerSettings, CognigyAsks,
    CognigyEndpoint, CognigySettings, CognigyWayIn, Connection, Endpoint,
};
use serde_json::json;
use url::Url;

use super::connection::url;
use super::section::{SecretOf, Section};

/// What a person reads about a message of theirs that could not be delivered.
const MESSAGE_FAILED: &str = "Your last message could not be delivered to the agent. Please send it again.";

/// Chatlayer's regions (bot API, "Regions"), by the names that its console gives them.
const CHATLAYER_REGIONS: [(&str, &str); 3] = [
    ("eu", "https://api.chatlayer.ai"),
    ("us", "https://api.prod.us-east4.gcp.chatlayer.ai"),
    ("asia", "https://api.prod.asia-south1.gcp.chatlayer.ai"),
];

/// Cognigy's shared installation takes 1,000 requests in five minutes from one address.
const COGNIGY_CALLS_PER_MINUTE: u32 = 200;
/// Chatlayer's answers show a limit of 1,200; the window is not documented.
const CHATLAYER_CALLS_PER_MINUTE: u32 = 600;

/// The bot, and whether nobody could call us without `bot_keys`; that is known also of a section with mistakes.
pub(super) fn read(mut section: Section<'_>) -> (Option<BotSettings>, bool) {
    let kind = section.optional_text("kind");
    let needs_keys = match kind.as_deref() {
        // Cognigy's Webhook endpoint has a password only.
        Some("cognigy") => !section.has("signing_secrets") || section.is("endpoint", "webhook"),
        Some("chatlayer") => false,
        _ => true,
    };
    let kind = match kind.as_deref() {
        None | Some("webhook") => endpoint(&mut section).map(BotKind::Webhook),
        Some("cognigy") => cognigy(&mut section).map(|cognigy| BotKind::Cognigy(Box::new(cognigy))),
        Some("chatlayer") => chatlayer(&mut section).map(|chatlayer| BotKind::Chatlayer(Box::new(chatlayer))),
        Some(_) => {
            section.error("kind", "is not \"webhook\", \"cognigy\" or \"chatlayer\"");
            None
        }
    };
    let message_failed_text = section
        .optional_text("message_failed_text")
        .unwrap_or_else(|| MESSAGE_FAILED.to_owned());
    let queue_subscribers = section.each_below("queue_subscribers", |mut subscriber| {
        let read = endpoint(&mut subscriber);
        subscriber.finish();
        read
    });
    section.finish();
    let bot = kind.map(|kind| BotSettings {
        kind,
        message_failed_text,
        queue_subscribers,
    });
    (bot, needs_keys)
}

fn endpoint(section: &mut Section<'_>) -> Option<Endpoint> {
    let url = url(section, "url");
    let signing_secrets: Vec<Secret> = section.secrets("signing_secrets", SecretOf::StandardWebhooks);
    Some(Endpoint {
        url: url?,
        signing_secrets,
    })
}

fn cognigy(section: &mut Section<'_>) -> Option<CognigySettings> {
    let endpoint_base_url = optional_base(section, "endpoint_base_url");
    let api_base_url = optional_base(section, "api_base_url");
    let api_key = section.optional_secrets("api_key", SecretOf::Vendor).pop();
    let prefix = section
        .optional_text_or_empty("api_path_prefix")
        .unwrap_or_default();
    let endpoint = match section.optional_text("endpoint").as_deref() {
        None | Some("rest") => CognigyEndpoint::Rest,
        Some("webhook") => CognigyEndpoint::Webhook,
        Some(_) => {
            section.error("endpoint", "is not \"rest\" or \"webhook\"");
            CognigyEndpoint::Rest
        }
    };
    let asks = endpoint_base_url
        .clone()
        .map(|base| CognigyAsks { base, endpoint });
    let way_in = match (api_base_url, api_key, endpoint_base_url) {
        (Some(mut base), Some(key), _) => {
            let path = format!(
                "{}/{}",
                base.path().trim_end_matches('/'),
                prefix.trim_matches('/')
            );
            base.set_path(path.trim_end_matches('/'));
            Some(CognigyWayIn::Api { base, key })
        }
        (Some(_), None, _) => {
            section.error("api_key", "is missing: the API service takes no call without it");
            None
        }
        (None, Some(_), _) => {
            section.error("api_base_url", "is missing: api_key is for the API service only");
            None
        }
        (None, None, Some(base)) => Some(CognigyWayIn::Endpoint { base }),
        (None, None, None) => {
            section.error(
                "endpoint_base_url",
                "is missing: the address of Cognigy's endpoints, such as https://endpoint-trial.cognigy.ai (or set api_base_url and api_key)",
            );
            None
        }
    };
    let url_token = section.optional_secrets("url_token", SecretOf::Vendor).pop();
    let signing_secrets = section.optional_secrets("signing_secrets", SecretOf::StandardWebhooks);
    let user_connected_message = section.boolean("user_connected_message", true);
    let user_disconnected_message = section.boolean("user_disconnected_message", true);
    let calls_per_minute = section.number("calls_per_minute", COGNIGY_CALLS_PER_MINUTE, 1..=100_000);
    Some(CognigySettings {
        way_in: way_in?,
        asks,
        url_token,
        signing_secrets,
        user_connected_message,
        user_disconnected_message,
        calls_per_minute,
    })
}

fn chatlayer(section: &mut Section<'_>) -> Option<ChatlayerSettings> {
    let api_url = chatlayer_api(section);
    let access_token = section.secret("access_token", SecretOf::Vendor);
    let verify_tokens = section.secrets("verify_tokens", SecretOf::Ours);
    let bot_id = section.text("bot_id");
    let mut actions = section.below("actions");
    let defaults = ChatlayerActions {
        pause: json!({"pauseBot": true}),
        resume: json!({"pauseBot": false}),
        dialog: json!({"goToDialog": {"dialogId": "{{dialog}}"}}),
    };
    let actions_read = ChatlayerActions {
        pause: actions.json("pause").unwrap_or(defaults.pause),
        resume: actions.json("resume").unwrap_or(defaults.resume),
        dialog: actions.json("dialog").unwrap_or(defaults.dialog),
    };
    actions.finish();
    let channel_url = section
        .contains("webhook_channel_url")
        .then(|| url(section, "webhook_channel_url"))
        .flatten();
    let channel_token = section
        .optional_secrets("webhook_channel_token", SecretOf::Vendor)
        .pop();
    let channel = match (channel_url, channel_token) {
        (Some(url), Some(token)) => Some(ChatlayerChannel { url, token }),
        (Some(_), None) => {
            section.error(
                "webhook_channel_token",
                "is missing: webhook_channel_url takes no call without it",
            );
            None
        }
        (None, _) => None,
    };
    let accept_emulator = section.boolean("accept_emulator", false);
    let calls_per_minute = section.number("calls_per_minute", CHATLAYER_CALLS_PER_MINUTE, 1..=100_000);
    if !actions_read.dialog.to_string().contains("{{dialog}}") {
        section.error("actions.dialog", "has no place for the dialog's id: {{dialog}}");
    }
    Some(ChatlayerSettings {
        api_url: api_url?,
        access_token: access_token?,
        verify_tokens,
        bot_id: bot_id?,
        actions: actions_read,
        channel,
        accept_emulator,
        calls_per_minute,
    })
}

/// On channels of RCE's own the platform must be told what people write, which elsewhere it knows.
pub(super) fn can_be_asked(connections: &[Connection], errors: &mut Vec<String>) {
    for connection in connections.iter().filter(|connection| connection.is_native()) {
        let mut missing = |key: &str, what: &str| {
            errors.push(format!(
                "connections.{}.bot.{key} is missing: {what} (channel = \"native\")",
                connection.id
            ));
        };
        match &connection.bot.kind {
            BotKind::Webhook(_) => {}
            BotKind::Cognigy(cognigy) => {
                if cognigy.asks.is_none() {
                    missing(
                        "endpoint_base_url",
                        "what people write is posted to the Flow's endpoint",
                    );
                }
                if cognigy.url_token.is_none() {
                    missing("url_token", "it says which endpoint is asked");
                }
            }
            BotKind::Chatlayer(chatlayer) => {
                if chatlayer.channel.is_none() {
                    missing(
                        "webhook_channel_url",
                        "what people write is posted to the bot's webhook channel",
                    );
                }
            }
        }
    }
}

/// A region's name, or a URL; without either, Europe.
fn chatlayer_api(section: &mut Section<'_>) -> Option<Url> {
    let Some(text) = section.optional_text("api_url") else {
        return Url::parse(CHATLAYER_REGIONS[0].1).ok();
    };
    let region = CHATLAYER_REGIONS.iter().find(|(name, _)| *name == text);
    let text = region.map_or(text.as_str(), |(_, url)| url).to_owned();
    base(section, "api_url", &text)
}

fn optional_base(section: &mut Section<'_>, key: &str) -> Option<Url> {
    let text = section.optional_text(key)?;
    base(section, key, &text)
}

/// A URL to which paths are added.
fn base(section: &mut Section<'_>, key: &str, text: &str) -> Option<Url> {
    let mut url = super::connection::checked_url(section, key, text)?;
    if url.query().is_some() || url.fragment().is_some() {
        section.error(key, "is a base address: it has no query");
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}
