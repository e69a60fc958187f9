//! The source that the conversations are on: found, or made by a person.

use handover_ringcx::console::{Console, Source};
use url::Url;

use super::config_file::ConfigFile;
use super::patience::{Patience, Waited};
use super::record::Record;
use super::report::Report;
use super::wish::Gather;
use super::{Tools, account, agents, by_hand, plan, wish};
use crate::cli::Setup;
use crate::commands::Failure;

/// One source has one bridge's address and one webhook's, so it belongs to one connection.
pub(super) fn check(
    source: &Source,
    realtime_url: Option<&Url>,
    config: &ConfigFile,
    args: &Setup,
) -> Result<(), Failure> {
    let is_said = args.source.is_some() || args.realtime_endpoint_url.is_some();
    if let Some(url) = realtime_url.filter(|_| is_said) {
        wish::check_realtime_url(url, &source.id)?;
    }
    let other = config
        .connections()
        .into_iter()
        .find(|name| *name != args.connection && config.source_of(name).as_deref() == Some(&source.id));
    let Some(other) = other else { return Ok(()) };
    Err(Failure::Theirs(format!(
        "the source \"{}\" ({}) is used by the connection \"{other}\" already, and RingCentral calls one address only for it: \"{}\" would take it away. Use another source, or --connection {other}. Nothing was changed",
        source.name, source.id, args.connection
    )))
}

/// The source; also its realtime URL and our public one, if they came up on the way.
pub(super) async fn find(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
    report: &Report,
    record: &mut Record,
) -> Result<(Source, Option<Url>, Option<String>), Failure> {
    let console = &tools.console;
    let (named, url) = gather.source()?;
    let all = async || console.sources().await;
    if let Some(named) = named {
        let by_id = patience
            .maybe(async || console.source(&named).await)
            .await?
            .flatten();
        let found = if by_id.is_some() {
            by_id
        } else {
            let all = patience.read(all).await?;
            all.into_iter()
                .find(|source| account::same_name(&source.name, &named))
        };
        let sdk = async || -> Result<String, Failure> {
            let all = patience.read(all).await?;
            Ok(agents::listed(
                all.iter()
                    .filter(|source| source.is_sdk())
                    .map(|source| format!("{} ({})", source.name, source.id)),
            ))
        };
        let Some(found) = found else {
            return Err(Failure::Theirs(format!(
                "there is no source {named}, or the token's account may not read it (Admin > Users > the account > permissions on the source). Engage Digital Source SDK sources that it may read: {}. Nothing was changed",
                sdk().await?
            )));
        };
        if !found.is_sdk() {
            return Err(Failure::Theirs(format!(
                "the source \"{}\" is of type {}; a bot's conversations need one of type Engage Digital Source SDK. There are: {}. Nothing was changed",
                found.name,
                found.kind.as_deref().unwrap_or("?"),
                sdk().await?
            )));
        }
        return Ok((found, url, None));
    }
    let mut found: Vec<Source> = patience.read(all).await?;
    found.retain(Source::is_sdk);
    if found.is_empty() {
        return new_source(gather, console, patience, report, record).await;
    }
    let there_are = agents::listed(
        found
            .iter()
            .map(|source| format!("{} ({})", source.name, source.id)),
    );
    let default = (found.len() == 1).then(|| found[0].name.clone());
    loop {
        let hint = format!("By name or id. Engage Digital Source SDK sources: {there_are}");
        let typed = gather
            .terminal
            .ask(
                "The source that the bot's conversations are on",
                &hint,
                default.as_deref(),
            )
            .await?;
        let chosen = found
            .iter()
            .find(|source| source.id == typed || account::same_name(&source.name, &typed));
        if let Some(chosen) = chosen {
            return Ok((chosen.clone(), url, None));
        }
        gather.terminal.say("  There is no such source.");
    }
}

/// There is none yet: a person makes it, with the Base URI in the same visit.
async fn new_source(
    gather: &Gather<'_>,
    console: &Console,
    patience: &Patience<'_>,
    report: &Report,
    record: &mut Record,
) -> Result<(Source, Option<Url>, Option<String>), Failure> {
    let public_url = gather.public_url().await?;
    let uri = wish::base_uri(&public_url, &gather.args.connection, gather.separate_urls());
    let clicks = by_hand::source(&uri);
    report.by_hand(&clicks);
    gather.terminal.say("");
    gather
        .terminal
        .say("The account has no Engage Digital Source SDK source yet.");
    clicks.say(gather.terminal);
    let look = async || {
        let all = console.sources().await?;
        Ok(all.into_iter().find(Source::is_sdk))
    };
    match patience
        .until("waiting until I see the source", false, look)
        .await?
    {
        Waited::Seen(source) => {
            gather.terminal.say(&format!(
                "  {} seen: source \"{}\"",
                gather.terminal.mark(),
                source.name
            ));
            record
                .change(|entry| {
                    entry.confirmed.insert(plan::BASE_URI.to_owned(), uri.clone());
                })
                .await?;
            Ok((source, None, Some(public_url)))
        }
        Waited::Said | Waited::TooLong => Err(Failure::Theirs(
            "there is no source yet; run this again when it is there. Nothing was changed".to_owned(),
        )),
    }
}
