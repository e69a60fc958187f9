//! One `[connections.NAME]` section.

use std::time::Duration;

use handover_core::ids::{CategoryId, ConnectionId, SourceId};
use handover_core::secret::Secret;
use handover_core::settings::{
    Availability, Channel, Connection, Dialogs, FileSettings, Hours, IdentitySettings, Rehost,
    RingCxSettings, Timers,
};
use handover_ringcx::base_url;
use toml::Value;
use url::Url;

use super::section::{SecretOf, Section};
use super::{Lookup, bot, native};

/// Words that stand at the connection's place in other URLs.
const RESERVED: [&str; 3] = ["health", "openapi.json", "metrics"];
/// RCE takes webhook secrets of fewer than 256 characters.
const WEBHOOK_SECRET_MAX: usize = 255;

pub(super) fn read(
    name: &str,
    value: Value,
    lookup: &dyn Lookup,
    errors: &mut Vec<String>,
) -> Option<Connection> {
    let path = format!("connections.{name}");
    let Value::Table(table) = value else {
        errors.push(format!("{path} is not a section"));
        return None;
    };
    let legal = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if name.is_empty() || !legal || name.len() > 64 || RESERVED.contains(&name) {
        errors.push(format!(
            "{path}: a connection's name has 1 to 64 letters, digits, - or _ and is none of {RESERVED:?}"
        ));
    }
    let before = errors.len();
    let connection = sections(name, Section::new(path, table, lookup, errors));
    connection.filter(|_| errors.len() == before)
}

fn sections(name: &str, mut section: Section<'_>) -> Option<Connection> {
    let enabled = section.boolean("enabled", true);
    let (bot, needs_keys) = bot::read(section.below("bot"));
    let bot_keys = if needs_keys {
        section.secrets("bot_keys", SecretOf::Ours)
    } else {
        section.optional_secrets("bot_keys", SecretOf::Ours)
    };
    let operator_keys = section.optional_secrets("operator_keys", SecretOf::Ours);
    let forward_only_handover_conversations = section.boolean("forward_only_handover_conversations", false);
    let get_queue_updates = section.boolean("get_queue_updates", false);
    let relay_messages = section.boolean("relay_messages", true);
    let ringcx = ringcx(section.below("ringcx"), relay_messages);
    let channel = ringcx.as_ref().map(|ringcx| ringcx.channel);
    if !relay_messages && channel == Some(Channel::Native) {
        section.error(
            "relay_messages",
            "= false is for a channel that the platform answers itself; remove ringcx.channel = \"native\", or relay_messages",
        );
    }
    let dialogs = {
        let mut dialogs = section.below("dialogs");
        let read = Dialogs {
            opened: dialogs.optional_text("opened"),
            closed: dialogs.optional_text("closed"),
        };
        dialogs.finish();
        read
    };
    let availability = availability(section.below("availability"));
    let timers = timers(section.below("timers"), channel);
    let files = files(section.below("files"));
    section.finish();
    Some(Connection {
        id: ConnectionId::from(name),
        enabled,
        bot_keys,
        operator_keys,
        forward_only_handover_conversations,
        relay_messages,
        get_queue_updates,
        ringcx: ringcx?,
        bot: bot?,
        dialogs,
        availability,
        timers,
        files,
    })
}

/// Where no message is relayed, or on a channel of RCE's own, there is no source of ours: what belongs to it need not be
/// set, and whoever calls as if there were one is refused.
fn ringcx(mut section: Section<'_>, relays: bool) -> Option<RingCxSettings> {
    let channel = native::channel(&mut section)?;
    let is_native = channel == Channel::Native;
    let has_source_of_ours = relays && !is_native;
    let api_base = section
        .text("base_api_url")
        .and_then(|text| match base_url::api_base(&text) {
            Ok(url) => Some(url),
            Err(error) => {
                section.error("base_api_url", &error.to_string());
                None
            }
        });
    let has_realtime = has_source_of_ours || section.has("realtime_endpoint_url");
    let realtime_endpoint_url = if has_realtime {
        url(&mut section, "realtime_endpoint_url")
    } else {
        api_base.clone()
    };
    let source_id = section.optional_text("source_id").map(SourceId::new);
    let mut further_sources = native::sources(&mut section, is_native, relays);
    let source_id = source_id.or_else(|| (!further_sources.is_empty()).then(|| further_sources.remove(0)));
    further_sources.retain(|further| Some(further) != source_id.as_ref());
    let learnt = realtime_endpoint_url.as_ref().filter(|_| has_realtime);
    let source_id = source_id.or_else(|| learnt.and_then(base_url::source_id));
    if !has_realtime && source_id.is_none() {
        section.error(
            "source_id",
            if is_native && relays {
                "is missing: it says which of the account's own channels the bot answers (source_ids: several)"
            } else {
                "is missing: without relay_messages it says which source the conversations are on"
            },
        );
    } else if realtime_endpoint_url.is_some() && source_id.is_none() {
        section.error(
            "source_id",
            "is missing, and the realtime endpoint URL does not end in one",
        );
    }
    let api_access_token = section.secret("api_access_token", SecretOf::Vendor);
    let realtime_access_tokens = if has_source_of_ours {
        section.secrets("realtime_access_tokens", SecretOf::Vendor)
    } else {
        section.optional_secrets("realtime_access_tokens", SecretOf::Vendor)
    };
    let webhook_secrets = webhook_secrets(&mut section);
    let verification_token = section.secret("verification_token", SecretOf::Ours);
    let bot_category_id = category(&mut section, "bot_category_id", relays);
    let agent_category_id = category(&mut section, "agent_category_id", relays);
    let is_set = bot_category_id.as_ref().is_some_and(|id| !id.as_str().is_empty());
    if is_set && bot_category_id == agent_category_id {
        section.error(
            "agent_category_id",
            "is the same as bot_category_id; agents would see every bot conversation",
        );
    }
    let bot_identity = identity(section.below("bot_identity"), "bot", "Bot");
    let agent_identity = identity(section.below("agent_identity"), "agent", "Agent");
    if bot_identity.id == agent_identity.id {
        section.error(
            "agent_identity",
            "has the same id as bot_identity; nobody could tell agents' words from the bot's",
        );
    }
    let agent_takeover = section.boolean("agent_takeover", true);
    let customer_reopens = section.boolean("customer_reopens", false);
    let requests_per_minute = section.number("requests_per_minute", 300, 1..=100_000);
    if section.contains("native") && !is_native {
        section.error("native", "is for channel = \"native\"");
    }
    let sources: Vec<&SourceId> = source_id.iter().chain(&further_sources).collect();
    let native = native::read(section.below("native"), &sources);
    section.finish();
    Some(RingCxSettings {
        channel,
        api_base: api_base?,
        api_access_token: api_access_token?,
        realtime_endpoint_url: realtime_endpoint_url?,
        realtime_access_tokens,
        webhook_secrets,
        verification_token: verification_token?,
        source_id: source_id?,
        further_sources,
        native,
        bot_category_id: bot_category_id?,
        agent_category_id: agent_category_id?,
        bot_identity,
        agent_identity,
        agent_takeover,
        customer_reopens,
        requests_per_minute,
    })
}

fn webhook_secrets(section: &mut Section<'_>) -> Vec<Secret> {
    let secrets = section.secrets("webhook_secrets", SecretOf::Ours);
    let fits = |secret: &Secret| secret.expose().len() <= WEBHOOK_SECRET_MAX && secret.expose().is_ascii();
    if !secrets.iter().all(fits) {
        section.error(
            "webhook_secrets",
            &format!("must be ASCII of at most {WEBHOOK_SECRET_MAX} characters for RingCentral"),
        );
    }
    secrets
}

/// An empty id is a category that threads are never moved to.
fn category(section: &mut Section<'_>, key: &str, required: bool) -> Option<CategoryId> {
    if required || section.has(key) {
        section.text(key).map(CategoryId::new)
    } else {
        Some(CategoryId::new(""))
    }
}

fn identity(mut section: Section<'_>, id: &str, name: &str) -> IdentitySettings {
    let id = section.optional_text("id").unwrap_or_else(|| id.to_owned());
    if !id
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        section.error("id", "has letters, digits, - and _ only");
    }
    let name = section.optional_text("name").unwrap_or_else(|| name.to_owned());
    section.finish();
    IdentitySettings { id, name }
}

/// An absolute URL; plain http towards loopback only.
pub(super) fn url(section: &mut Section<'_>, key: &str) -> Option<Url> {
    let text = section.text(key)?;
    checked_url(section, key, &text)
}

pub(super) fn checked_url(section: &mut Section<'_>, key: &str, text: &str) -> Option<Url> {
    let Ok(url) = Url::parse(text) else {
        section.error(key, "is not a URL such as https://host/path");
        return None;
    };
    if let Err(error) = base_url::check_scheme(&url) {
        section.error(key, &error.to_string());
        return None;
    }
    Some(url)
}

fn availability(mut section: Section<'_>) -> Availability {
    let require_agent = section.boolean("require_agent", false);
    let refuse_unknown = section.boolean("refuse_unknown", false);
    let hours = match section.optional_text("hours").as_deref() {
        None | Some("source") => Hours::Source,
        Some("none") => Hours::None,
        Some(_) => {
            section.error("hours", "is not \"source\" or \"none\"");
            Hours::Source
        }
    };
    let cache = Duration::from_secs(section.number("cache_seconds", 10, 0..=3600).into());
    section.finish();
    Availability {
        require_agent,
        refuse_unknown,
        hours,
        cache,
    }
}

/// `channel`: `None` if it is not known.
fn timers(mut section: Section<'_>, channel: Option<Channel>) -> Timers {
    const WEEK: u32 = 7 * 24 * 3600;
    const YEAR: u32 = 365 * 24 * 3600;
    for key in ["bot_silent", "bot_intervention_idle"] {
        if section.contains(key) && channel == Some(Channel::SourceSdk) {
            section.error(key, "is for channel = \"native\"");
        }
    }
    let mut seconds = |key: &str, default| Duration::from_secs(section.number(key, default, 0..=YEAR).into());
    let timers = Timers {
        queue: seconds("queue", 900),
        user_idle: seconds("user_idle", 0),
        agent_idle: seconds("agent_idle", 0),
        max_age: seconds("max_age", WEEK),
        warn_before: seconds("warn_before", 60),
        reconcile_every: seconds("reconcile_every", 60),
        bot_silent: seconds("bot_silent", 120),
        bot_intervention_idle: seconds("bot_intervention_idle", 1800),
    };
    section.finish();
    timers
}

/// Largest `max_bytes`, in bytes: what RCE takes in a request.
const FILE_MAX_BYTES: u32 = 20_971_520;

fn files(mut section: Section<'_>) -> FileSettings {
    let default = FileSettings::default();
    let public_url = section
        .contains("public_url")
        .then(|| url(&mut section, "public_url"))
        .flatten();
    if public_url
        .as_ref()
        .is_some_and(|url| url.query().is_some() || url.fragment().is_some())
    {
        section.error("public_url", "is an address without ? and #");
    }
    let limit = u32::try_from(default.max_bytes).unwrap_or(FILE_MAX_BYTES);
    let max_bytes = section.number("max_bytes", limit, 1..=FILE_MAX_BYTES).into();
    let days = section.number("keep_days", 30, 1..=365);
    let rehost = match section.optional_text("rehost").as_deref() {
        None | Some("auto") => Rehost::Auto,
        Some("always") => Rehost::Always,
        Some("never") => Rehost::Never,
        Some(_) => {
            section.error("rehost", "is not \"auto\", \"always\" or \"never\"");
            Rehost::Auto
        }
    };
    let allow_hosts = section.texts("allow_hosts");
    if !allow_hosts.iter().all(|host| is_host(host)) {
        section.error(
            "allow_hosts",
            "has hosts such as files.example.org or 10.0.0.7:8080 only",
        );
    }
    section.finish();
    FileSettings {
        public_url,
        max_bytes,
        keep: Duration::from_hours(24 * u64::from(days)),
        rehost,
        allow_hosts,
    }
}

/// `host` or `host:port`, as it stands in a URL.
fn is_host(text: &str) -> bool {
    let url = Url::parse(&format!("http://{text}/"));
    url.is_ok_and(|url| {
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        let whole = format!("{}{port}", url.host_str().unwrap_or_default());
        whole.eq_ignore_ascii_case(text) || format!("{whole}:80").eq_ignore_ascii_case(text)
    })
}
