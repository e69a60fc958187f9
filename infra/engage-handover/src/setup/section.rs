//! What a connection's section shall say.

use super::config_file::ConfigFile;
use super::secrets;
use super::wish::{Asked, Login, Wish};
use crate::cli::{BotEndpoint, BotKind};
use crate::commands::Failure;

/// Stands for a category that does not exist yet, while planning.
pub(crate) const NOT_YET: &str = "(new)";

/// The two categories, by RCE's ids.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) bot: &'a str,
    pub(crate) agent: &'a str,
}

/// Fills in what is missing or different; invents secrets that are missing. Everything else stays.
pub(crate) fn fill(file: &mut ConfigFile, wish: &Wish, login: &Login, ids: Ids<'_>) -> Result<(), Failure> {
    if wish.bot.kind != BotKind::Chatlayer {
        invent(file, &["bot_keys"], secrets::invent)?;
    }
    invent(file, &["operator_keys"], secrets::invent)?;
    // RCE tells places in the queue to Source SDK channels only.
    if !wish.is_native() && !file.has(&["get_queue_updates"]) {
        file.set_flag(&["get_queue_updates"], true)?;
    }
    ringcx(file, wish, login, ids)?;
    bot(file, wish)?;
    // A stage knows its own address, also when it gets another one.
    let is_known = file.home().public_url() == Some(wish.public_url.as_str());
    if is_known && !file.has(&["files", "public_url"]) {
        return Ok(());
    }
    file.set_text(&["files", "public_url"], &wish.public_url)
}

/// Every setting that is filled in.
const SETTINGS: [&[&str]; 29] = [
    &["bot_keys"],
    &["operator_keys"],
    &["get_queue_updates"],
    &["ringcx", "base_api_url"],
    &["ringcx", "api_access_token"],
    &["ringcx", "realtime_endpoint_url"],
    &["ringcx", "realtime_access_tokens"],
    &["ringcx", "webhook_secrets"],
    &["ringcx", "verification_token"],
    &["ringcx", "channel"],
    &["ringcx", "source_id"],
    &["ringcx", "source_ids"],
    &["ringcx", "bot_category_id"],
    &["ringcx", "agent_category_id"],
    &["ringcx", "bot_identity"],
    &["ringcx", "agent_identity"],
    &["bot", "kind"],
    &["bot", "url"],
    &["bot", "endpoint_base_url"],
    &["bot", "api_url"],
    &["bot", "access_token"],
    &["bot", "bot_id"],
    &["bot", "endpoint"],
    &["bot", "url_token"],
    &["bot", "webhook_channel_url"],
    &["bot", "webhook_channel_token"],
    &["bot", "signing_secrets"],
    &["bot", "verify_tokens"],
    &["files", "public_url"],
];

/// What is invented if it is missing.
pub(crate) const SECRETS: [&str; 6] = [
    "bot_keys",
    "operator_keys",
    "webhook_secrets",
    "verification_token",
    "signing_secrets",
    "verify_tokens",
];

/// The names of the settings that differ. Never their values.
pub(crate) fn differing(before: &ConfigFile, after: &ConfigFile) -> Vec<String> {
    SETTINGS
        .into_iter()
        .filter(|path| before.written(path) != after.written(path))
        .map(|path| path.last().copied().unwrap_or_default().to_owned())
        .collect()
}

fn ringcx(file: &mut ConfigFile, wish: &Wish, login: &Login, ids: Ids<'_>) -> Result<(), Failure> {
    let same_account = file
        .text(&["ringcx", "base_api_url"])
        .and_then(|text| handover_ringcx::base_url::api_base(&text).ok())
        .is_some_and(|base| base == login.api_base);
    if !same_account {
        file.set_text(&["ringcx", "base_api_url"], &login.base_api_url)?;
    }
    file.set_text(&["ringcx", "api_access_token"], login.token.written.expose())?;
    match &wish.realtime {
        Some(realtime) => {
            file.set_text(&["ringcx", "realtime_endpoint_url"], realtime.url.as_str())?;
            file.set_first(
                &["ringcx", "realtime_access_tokens"],
                realtime.token.written.expose(),
            )?;
        }
        None => file.set_text(&["ringcx", "channel"], "native")?,
    }
    invent(file, &["ringcx", "webhook_secrets"], secrets::invent)?;
    if !file.has(&["ringcx", "verification_token"]) {
        file.set_text(&["ringcx", "verification_token"], &secrets::invent()?)?;
    }
    sources(file, wish)?;
    file.set_text(&["ringcx", "bot_category_id"], ids.bot)?;
    file.set_text(&["ringcx", "agent_category_id"], ids.agent)?;
    if wish.is_native() {
        return Ok(());
    }
    let (bot, agent) = (&wish.bot_face, &wish.agent_face);
    file.set_face(&["ringcx", "bot_identity"], &bot.id, &bot.name)?;
    file.set_face(&["ringcx", "agent_identity"], &agent.id, &agent.name)
}

fn sources(file: &mut ConfigFile, wish: &Wish) -> Result<(), Failure> {
    match (&wish.realtime, wish.source_ids.first()) {
        (Some(realtime), Some(source)) => {
            let learnt = handover_ringcx::base_url::source_id(&realtime.url);
            let is_learnt = learnt.is_some_and(|learnt| learnt.as_str() == source);
            if is_learnt && !file.has(&["ringcx", "source_id"]) {
                return Ok(());
            }
            file.set_text(&["ringcx", "source_id"], source)
        }
        _ if file.sources_of(&wish.connection) == wish.source_ids => Ok(()),
        _ => {
            file.unset(&["ringcx", "source_id"]);
            file.set_list(&["ringcx", "source_ids"], &wish.source_ids)
        }
    }
}

fn bot(file: &mut ConfigFile, wish: &Wish) -> Result<(), Failure> {
    let bot = &wish.bot;
    let (kind, address) = match bot.kind {
        BotKind::Webhook => ("webhook", "url"),
        BotKind::Cognigy => ("cognigy", "endpoint_base_url"),
        BotKind::Chatlayer => ("chatlayer", "api_url"),
    };
    let said = file.text(&["bot", "kind"]);
    if said.as_deref().unwrap_or("webhook") != kind {
        file.set_text(&["bot", "kind"], kind)?;
    }
    if let Some(url) = &bot.url {
        file.set_text(&["bot", address], url)?;
    }
    asked(file, &bot.asked)?;
    match bot.kind {
        BotKind::Webhook => invent(file, &["bot", "signing_secrets"], secrets::invent_signing_secret),
        BotKind::Cognigy => Ok(()),
        BotKind::Chatlayer => {
            if let Some(token) = &bot.access_token {
                file.set_text(&["bot", "access_token"], token.written.expose())?;
            }
            if let Some(id) = &bot.bot_id {
                file.set_text(&["bot", "bot_id"], id)?;
            }
            invent(file, &["bot", "verify_tokens"], secrets::invent)
        }
    }
}

fn asked(file: &mut ConfigFile, asked: &Asked) -> Result<(), Failure> {
    if let Some(endpoint) = asked.endpoint {
        let kind = match endpoint {
            BotEndpoint::Rest => "rest",
            BotEndpoint::Webhook => "webhook",
        };
        file.set_text(&["bot", "endpoint"], kind)?;
    }
    if let Some(url) = &asked.webhook_channel_url {
        file.set_text(&["bot", "webhook_channel_url"], url)?;
    }
    for (key, given) in [
        ("url_token", &asked.url_token),
        ("webhook_channel_token", &asked.webhook_channel_token),
    ] {
        if let Some(given) = given {
            file.set_text(&["bot", key], given.written.expose())?;
        }
    }
    Ok(())
}

fn invent(
    file: &mut ConfigFile,
    path: &[&str],
    how: impl FnOnce() -> anyhow::Result<String>,
) -> Result<(), Failure> {
    if !file.has(path) {
        file.set_first(path, &how()?)?;
    }
    Ok(())
}
