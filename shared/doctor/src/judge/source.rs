//! The source and its channel group.

use handover_core::settings::Topology;
use handover_ringcx::console::Source;

use super::Case;
use crate::check::Sheet;
use crate::facts::{Seen, SourceFacts};

const IDS: [&str; 5] = [
    "source-type",
    "source-active",
    "source-status",
    "source-group",
    "default-categories",
];

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let is_wrong = sheet.failed("bot-category") || super::categories::are_swapped(case);
    case.each_source(sheet, |facts, sheet| one(case, facts, is_wrong, sheet));
}

/// `is_wrong`: whether `bot_category_id` is known to be.
fn one(case: &Case<'_>, facts: &SourceFacts, is_wrong: bool, sheet: &mut Sheet) {
    let id = &facts.id;
    let where_id = if case.connection.is_mirrored() {
        "Compare source_id with the end of the Realtime Endpoint URL."
    } else {
        "Compare the id with the address of the source's page (Admin > Sources > Edit)."
    };
    let source = match &facts.source {
        Seen::Yes(Some(source)) => {
            sheet.ok("source", format!("{:?} ({id})", source.name));
            source
        }
        Seen::Yes(None) | Seen::NotFound => {
            sheet.error(
                "source",
                format!("source {id} does not exist, or the token's account has no read permission on it (404)"),
                format!("{where_id} Then give the token's account read on this source (Admin > Users > permissions on sources)."),
            );
            return skip_the_rest("there is no source to look at", sheet);
        }
        Seen::Forbidden if !case.token_is_refused() => {
            sheet.error(
                "source",
                format!("the token's account may not see source {id} (403)"),
                "Give the token's account read on this source (Admin > Users > permissions on sources).",
            );
            return skip_the_rest("the source cannot be read", sheet);
        }
        other => {
            sheet.skip("source", case.unseen(other), "");
            return skip_the_rest("the source was not read", sheet);
        }
    };
    kind(case, source, sheet);
    if source.active {
        sheet.ok("source-active", "it is active");
    } else {
        let how = "Tick Active on the source's page (Admin > Sources).";
        sheet.error("source-active", "the source is not active", how);
    }
    status(case, source, sheet);
    group(case, source, sheet);
    default_categories(case, source, is_wrong, sheet);
}

fn skip_the_rest(why: &str, sheet: &mut Sheet) {
    for id in IDS {
        sheet.skip(id, why, "");
    }
}

fn kind(case: &Case<'_>, source: &Source, sheet: &mut Sheet) {
    let kind = source.kind.as_deref().unwrap_or("unknown");
    if case.connection.topology() == Topology::TaskOnly {
        sheet.ok(
            "source-type",
            format!("{kind}; any will do without relayed messages"),
        );
    } else if case.connection.is_native() {
        if source.kind.is_some() && source.is_sdk() {
            sheet.error(
                "source-type",
                format!("the source is of type {kind:?}: what is written there by REST comes back to whoever owns the channel"),
                "Name a channel of RingCentral's own in source_ids, or set channel = \"source_sdk\" and what belongs to it.",
            );
        } else {
            sheet.ok("source-type", kind.to_owned());
        }
    } else if source.is_sdk() {
        sheet.ok("source-type", kind.to_owned());
    } else {
        sheet.error(
            "source-type",
            format!("the source is of type {kind:?}"),
            "Create a source of type \"RingCX Digital channel SDK\" (Admin > Sources > Add), and copy its Realtime Endpoint URL and token. For a channel of RingCentral's own set channel = \"native\".",
        );
    }
}

fn status(case: &Case<'_>, source: &Source, sheet: &mut Sheet) {
    let status = source.status.as_deref().unwrap_or("ok");
    let is_ok = status.eq_ignore_ascii_case("ok") && source.error_message.is_none();
    if is_ok {
        return sheet.ok("source-status", "ok");
    }
    let said = source
        .error_message
        .as_deref()
        .map_or(String::new(), |said| format!(": {said}"));
    if !case.connection.is_mirrored() {
        return sheet.error(
            "source-status",
            format!("RingCentral says {status:?} of the source{said}"),
            "Usually RingCentral's access to the outside platform has ended: open the source's page (Admin > Sources), authorise it anew, and save.",
        );
    }
    sheet.error(
        "source-status",
        format!("RingCentral says {status:?} of the source{said}"),
        "Usually the Endpoint URL (Base URI) on the source's page is wrong or was not reachable. Compare it with the address under \"source-sdk\", and save the page once more.",
    );
}

fn group(case: &Case<'_>, source: &Source, sheet: &mut Sheet) {
    let how = "Put the source into a channel group with a routing strategy (Admin > Channels).";
    let Seen::Yes(channels) = &case.facts.channels else {
        let why = case.unseen(&case.facts.channels);
        return match &source.channel_id {
            Some(id) => sheet.ok("source-group", format!("group {id}; {why}")),
            None => sheet.skip("source-group", why, how),
        };
    };
    let found = channels.iter().find(|channel| {
        source.channel_id.as_ref() == Some(&channel.id) || channel.source_ids.contains(&source.id)
    });
    let Some(channel) = found else {
        return sheet.warn("source-group", "the source is in no channel group", how);
    };
    // Without tasks there is no queue, so nobody has a place in it.
    if channel.hard_capability == Some(0)
        && case.connection.get_queue_updates
        && case.connection.is_mirrored()
    {
        let what = format!(
            "channel group {:?} gives agents no tasks (hard limit 0), so there are no places in a queue",
            channel.name
        );
        return sheet.warn(
            "source-group",
            what,
            "Set the group's soft and hard limits (Admin > Channels), or get_queue_updates = false.",
        );
    }
    let limits = match (channel.soft_capability, channel.hard_capability) {
        (Some(soft), Some(hard)) => format!(", {soft} to {hard} conversations an agent"),
        _ => String::new(),
    };
    sheet.ok(
        "source-group",
        format!("channel group {:?}{limits}", channel.name),
    );
}

fn default_categories(case: &Case<'_>, source: &Source, is_wrong: bool, sheet: &mut Sheet) {
    let settings = &case.connection.ringcx;
    let (bot, agent) = (
        settings.bot_category_id.as_str(),
        settings.agent_category_id.as_str(),
    );
    if bot.is_empty() || agent.is_empty() {
        return sheet.skip(
            "default-categories",
            "does not apply: the connection moves no threads",
            "",
        );
    }
    if is_wrong {
        let why = "not to be judged while bot_category_id is wrong";
        return sheet.skip("default-categories", why, "");
    }
    let how = format!(
        "On the source's page (Admin > Sources) set both default categories, of customers' messages and of agents' messages, to the Bot category {bot}."
    );
    let sides = [
        ("customers begin", &source.default_category_ids),
        ("the company begins", &source.user_thread_default_category_ids),
    ];
    let has = |ids: &[String], wanted: &str| ids.iter().any(|id| id == wanted);
    if let Some((who, _)) = sides.iter().find(|(_, ids)| has(ids, agent)) {
        let what = format!(
            "threads that {who} start in the Agent category ({agent}): agents are given what the bot still leads"
        );
        return sheet.error("default-categories", what, how);
    }
    let lacking: Vec<&str> = sides
        .iter()
        .filter(|(_, ids)| !has(ids, bot))
        .map(|(who, _)| *who)
        .collect();
    match lacking.as_slice() {
        [] => sheet.ok("default-categories", format!("the Bot category ({bot})")),
        ["the company begins"] => sheet.warn(
            "default-categories",
            "threads that the company begins (the bot greets first) do not start in the Bot category",
            how,
        ),
        _ => sheet.error(
            "default-categories",
            format!(
                "threads that {} do not start in the Bot category ({bot})",
                lacking.join(", or ")
            ),
            how,
        ),
    }
}
