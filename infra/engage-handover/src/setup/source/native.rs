//! Channels of RCE's own: chosen among those that the account has.

use handover_ringcx::console::Source;

use super::Found;
use crate::commands::Failure;
use crate::setup::patience::Patience;
use crate::setup::wish::Gather;
use crate::setup::{Tools, account, agents};

/// The channels of RCE's own that the bot answers: those of the configuration and those that are named, else whichever the
/// person names. None is dropped because another one is named: its customers would reach nobody.
pub(super) async fn find(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
) -> Result<Found, Failure> {
    let all = patience.read(async || tools.console.sources().await).await?;
    let written = gather.config.sources_of(&gather.args.connection);
    let named = &gather.args.source;
    if !(written.is_empty() && named.is_empty()) {
        let mut sources = these(&all, &written).map_err(|Unfit { why: error, .. }| {
            Failure::Theirs(format!(
                "source_ids of [connections.{}] in {}: {error}. If the bot shall not answer it any more, take it out of source_ids first",
                gather.args.connection,
                gather.config.name()
            ))
        })?;
        for source in these(&all, named).map_err(|unfit| Failure::Theirs(unfit.to_string()))? {
            if !sources.iter().any(|known| known.id == source.id) {
                sources.push(source);
            }
        }
        let left = left(gather, &all, &sources);
        return Ok(Found::native(sources, left));
    }
    let there_are = offered(&all);
    if all.iter().all(Source::is_sdk) {
        return Err(Failure::Theirs(no_native(&there_are)));
    }
    gather.terminal.say("");
    gather.terminal.say("The account's own channels:");
    for (index, source) in native(&all).enumerate() {
        gather
            .terminal
            .say(&format!("  {}. {}", index + 1, shown(source)));
    }
    loop {
        let hint = "By number, name or id; several separated by commas";
        let typed = gather
            .terminal
            .ask("The channels that the bot answers", hint, None)
            .await?;
        let named: Vec<String> = typed
            .split(',')
            .map(|name| numbered(&all, name.trim()))
            .filter(|name| !name.is_empty())
            .collect();
        match these(&all, &named) {
            Ok(sources) if !sources.is_empty() => {
                let left = left(gather, &all, &sources);
                return Ok(Found::native(sources, left));
            }
            Ok(_) => {}
            // The list is on the screen.
            Err(Unfit { why, .. }) => gather.terminal.say(&format!("  {why}.")),
        }
    }
}

/// Those whose default category was set here and that somebody took out of the configuration since, unless another
/// connection has them now.
fn left(gather: &Gather<'_>, all: &[Source], sources: &[Source]) -> Vec<Source> {
    let config = gather.config;
    let is_taken = |id: &str| {
        let names = config.connections();
        let mut others = names.iter().filter(|name| **name != gather.args.connection);
        others.any(|name| config.sources_of(name).iter().any(|source| source == id))
    };
    let was_ours = |source: &&Source| gather.entry.defaults_of.contains_key(&source.id);
    let is_meant = |source: &Source| sources.iter().any(|meant| meant.id == source.id);
    all.iter()
        .filter(was_ours)
        .filter(|source| !is_meant(source) && !is_taken(&source.id))
        .cloned()
        .collect()
}

/// Why a name is of no channel of RCE's own, and those that are.
#[derive(Debug)]
struct Unfit {
    why: String,
    instead: String,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}. {}", self.why, no_native(&self.instead))
    }
}

/// Each that is named, once, in that order.
fn these(all: &[Source], named: &[String]) -> Result<Vec<Source>, Unfit> {
    let unfit = |why: String| Unfit {
        why,
        instead: offered(all),
    };
    let mut chosen: Vec<Source> = Vec::new();
    for name in named {
        let name = name.trim();
        let by_id = all.iter().find(|source| source.id == name);
        let mut by_name = all.iter().filter(|source| account::same_name(&source.name, name));
        let found = match (by_id, by_name.next(), by_name.next()) {
            (None, Some(_), Some(_)) => {
                return Err(unfit(format!(
                    "several sources are called {name}; name it by its id"
                )));
            }
            (by_id, by_name, _) => by_id.or(by_name),
        };
        let Some(found) = found else {
            return Err(unfit(format!(
                "there is no source {name}, or the token's account may not read it (Admin > Users > the account > permissions on the source)"
            )));
        };
        if found.is_sdk() {
            return Err(unfit(format!(
                "the source \"{}\" is of type {}, a channel of the bot's own: set it up without --channel native",
                found.name,
                found.kind.as_deref().unwrap_or("?"),
            )));
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
    agents::listed(native(all).map(shown))
}

fn native(all: &[Source]) -> impl Iterator<Item = &Source> {
    all.iter().filter(|source| !source.is_sdk())
}

fn shown(source: &Source) -> String {
    let kind = source.kind.as_deref().unwrap_or("?");
    format!("{} ({kind}, {})", source.name, source.id)
}

/// A number of the list is the id of what stands there; everything else is itself.
fn numbered(all: &[Source], typed: &str) -> String {
    let is_itself = |source: &Source| source.id == typed || account::same_name(&source.name, typed);
    let number = typed.parse().ok().and_then(|number: usize| number.checked_sub(1));
    match number.and_then(|index| native(all).nth(index)) {
        Some(found) if !all.iter().any(is_itself) => found.id.clone(),
        _ => typed.to_owned(),
    }
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
        let chosen = these(&all, &named).map_err(|unfit| unfit.to_string())?;
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
    fn a_number_is_that_of_the_list_unless_a_channel_is_called_so() {
        let all = [
            source("50c1", "Bot", "sdk"),
            source("5001", "WhatsApp", "whats_app"),
            source("5002", "1", "sms"),
        ];
        assert_eq!(numbered(&all, "2"), "5002", "Source SDK channels are not counted");
        for itself in ["0", "1", "3", "5001", "WhatsApp", ""] {
            assert_eq!(numbered(&all, itself), itself);
        }
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
