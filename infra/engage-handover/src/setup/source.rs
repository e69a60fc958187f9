//! The source that the conversations are on: found, or made by a person.

use handover_ringcx::console::{Console, Source};
use url::Url;

use super::patience::{Patience, Waited};
use super::record::Record;
use super::report::Report;
use super::wish::Gather;
use super::{Tools, account, agents, by_hand, plan, wish};
use crate::commands::Failure;

mod native;

/// What was found; also our public address, if it came up on the way.
pub(super) struct Found {
    /// One, but on channels of RCE's own.
    pub(super) sources: Vec<Source>,
    pub(super) realtime_url: Option<Url>,
    pub(super) public_url: Option<String>,
    /// Set up before, and not meant any more.
    pub(super) left: Vec<Source>,
}

impl Found {
    fn one(source: Source, realtime_url: Option<Url>) -> Self {
        Self {
            realtime_url,
            ..Self::native(vec![source], Vec::new())
        }
    }

    fn native(sources: Vec<Source>, left: Vec<Source>) -> Self {
        Self {
            sources,
            realtime_url: None,
            public_url: None,
            left,
        }
    }
}

/// One source has one bridge's address, one webhook's and one bot, so it belongs to one connection.
pub(super) fn check(found: &Found, gather: &Gather<'_>) -> Result<(), Failure> {
    let (args, config) = (gather.args, gather.config);
    let is_said = !args.source.is_empty() || args.realtime_endpoint_url.is_some();
    for source in &found.sources {
        if let Some(url) = found.realtime_url.as_ref().filter(|_| is_said) {
            wish::check_realtime_url(url, &source.id)?;
        }
        let other = config
            .connections()
            .into_iter()
            .find(|name| *name != args.connection && config.sources_of(name).contains(&source.id));
        let Some(other) = other else { continue };
        let why = if gather.is_native() {
            "and a source has one bot: with two, both would answer the same people"
        } else {
            "and RingCentral calls one address only for it"
        };
        return Err(Failure::Theirs(format!(
            "the source \"{}\" ({}) is used by the connection \"{other}\" already, {why}: \"{}\" would take it away. Use another source, or --connection {other}. Nothing was changed",
            source.name, source.id, args.connection
        )));
    }
    Ok(())
}

/// The source, or the sources; also its realtime URL and our public one, if they came up on the way.
pub(super) async fn find(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
    report: &Report,
    record: &mut Record,
) -> Result<Found, Failure> {
    if gather.is_native() {
        return native::find(gather, tools, patience).await;
    }
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
                "the source \"{}\" is of type {}; a bot's conversations need one of type Engage Digital Source SDK. There are: {}. If the bot shall answer on that channel of RingCentral's own: --channel native. Nothing was changed",
                found.name,
                found.kind.as_deref().unwrap_or("?"),
                sdk().await?
            )));
        }
        return Ok(Found::one(found, url));
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
            return Ok(Found::one(chosen.clone(), url));
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
) -> Result<Found, Failure> {
    let public_url = gather.public_url().await?;
    let uri = wish::base_uri(&public_url, &gather.args.connection, gather.separate_urls());
    let clicks = by_hand::source(&uri);
    report.by_hand(&clicks);
    gather.terminal.say("");
    gather
        .terminal
        .say("The account has no Engage Digital Source SDK source yet. (For channels of RingCentral's own stop here and add --channel native.)");
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
            Ok(Found {
                public_url: Some(public_url),
                ..Found::one(source, None)
            })
        }
        Waited::Said | Waited::TooLong => Err(Failure::Theirs(
            "there is no source yet; run this again when it is there. Nothing was changed".to_owned(),
        )),
    }
}
