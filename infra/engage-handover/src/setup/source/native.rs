//! Channels of RCE's own: chosen among those that the account has.

use handover_ringcx::console::Source;

use super::Found;
use crate::commands::Failure;
use crate::setup::patience::Patience;
use crate::setup::wish::Gather;
use crate::setup::{Tools, account, agents};

/// The channels of RCE's own that the bot answers: those that are named, else those of the configuration, else whichever
/// the person names.
pub(super) async fn find(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
) -> Result<Found, Failure> {
    let all = patience.read(async || tools.console.sources().await).await?;
    let written = gather.config.sources_of(&gather.args.connection);
    let mut named = gather.args.source.clone();
    if named.is_empty() {
        named = written;
    }
    if !named.is_empty() {
        let sources = these(&all, &named).map_err(Failure::Theirs)?;
        return Ok(Found {
            sources,
            realtime_url: None,
            public_url: None,
        });
    }
    let there_are = offered(&all);
    if all.iter().all(Source::is_sdk) {
        return Err(Failure::Theirs(no_native(&there_are)));
    }
    loop {
        let hint = format!("By name or id, separated by commas. The account's own channels: {there_are}");
        let typed = gather
            .terminal
            .ask("The channels that the bot answers", &hint, None)
            .await?;
        let named: Vec<String> = typed
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        match these(&all, &named) {
            Ok(sources) if !sources.is_empty() => {
                return Ok(Found {
                    sources,
                    realtime_url: None,
                    public_url: None,
                });
            }
            Ok(_) => {}
            Err(error) => gather.terminal.say(&format!("  {error}")),
        }
    }
}

/// Each that is named, once, in that order.
fn these(all: &[Source], named: &[String]) -> Result<Vec<Source>, String> {
    let mut chosen: Vec<Source> = Vec::new();
    for name in named {
        let name = name.trim();
        let by_id = all.iter().find(|source| source.id == name);
        let mut by_name = all.iter().filter(|source| account::same_name(&source.name, name));
        let found = match (by_id, by_name.next(), by_name.next()) {
            (None, Some(_), Some(_)) => {
                return Err(format!(
                    "several sources are called {name}; name it by its id. The account's own channels: {}. Nothing was changed",
                    offered(all)
                ));
            }
            (by_id, by_name, _) => by_id.or(by_name),
        };
        let Some(found) = found else {
            return Err(format!(
                "there is no source {name}, or the token's account may not read it (Admin > Users > the account > permissions on the source). {}",
                no_native(&offered(all))
            ));
        };
        if found.is_sdk() {
            return Err(format!(
                "the source \"{}\" is of type {}, a channel of the bot's own: set it up without --channel native. The account's own channels: {}. Nothing was changed",
                found.name,
                found.kind.as_deref().unwrap_or("?"),
                offered(all)
            ));
        }
        if !chosen.iter().any(|source| source.id == found.id) {
            chosen.push(found.clone());
        }
    }
    Ok(chosen)
}

fn no_native(there_are: &str) -> String {
    format!("The account's own channels that the token's account may read: {there_are}. Nothing was changed")
}

/// The channels of RCE's own, by name, type and id.
fn offered(all: &[Source]) -> String {
    let native = all.iter().filter(|source| !source.is_sdk());
    agents::listed(native.map(|source| {
        let kind = source.kind.as_deref().unwrap_or("?");
        format!("{} ({kind}, {})", source.name, source.id)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(id: &str, name: &str, kind: &str) -> Source {
        Source {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: Some(kind.to_owned()),
            active: true,
            status: None,
            error_message: None,
            channel_id: None,
            community_id: None,
            default_category_ids: Vec::new(),
            user_thread_default_category_ids: Vec::new(),
        }
    }

    fn chosen(named: &[&str]) -> Result<Vec<String>, String> {
        let all = [
            source("5001", "WhatsApp", "whats_app"),
            source("5002", "Mail, support", "emails"),
            source("5003", "Mail", "emails"),
            source("5004", "mail", "emails"),
            source("50c1", "Bot", "sdk"),
        ];
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let chosen = these(&all, &named)?;
        Ok(chosen.into_iter().map(|source| source.id).collect())
    }

    #[test]
    fn channels_are_named_by_id_or_name_each_once() {
        assert_eq!(chosen(&["whatsapp"]).unwrap(), ["5001"]);
        assert_eq!(
            chosen(&["5003", " MAIL, support ", "5002", "5001"]).unwrap(),
            ["5003", "5002", "5001"]
        );
    }

    #[test]
    fn what_is_no_channel_of_rce_s_own_is_refused_with_those_that_are() {
        let offered = "WhatsApp (whats_app, 5001), Mail, support (emails, 5002)";
        for (named, why) in [
            ("SMS", "there is no source SMS"),
            ("Bot", "of type sdk, a channel of the bot's own"),
            ("mail", "several sources are called mail"),
        ] {
            let refused = chosen(&["5001", named]).unwrap_err();
            assert!(refused.contains(why), "{why:?} is not in {refused}");
            assert!(refused.contains(offered), "{refused}");
            assert!(
                !refused.contains("50c1"),
                "a Source SDK channel is not offered: {refused}"
            );
        }
    }
}
