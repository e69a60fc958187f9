//! The token, its account's rights, and the clock.

use handover_core::settings::{BotIntervention, Hours};
use jiff::SignedDuration;

use super::{Case, GIVE_RIGHTS};
use crate::check::{Sheet, Status};
use crate::facts::Seen;

/// RCE's date has whole seconds, and an answer takes a while.
const SKEW_WARN: SignedDuration = SignedDuration::from_secs(30);
/// Standard Webhooks lets receivers refuse what is five minutes off.
const SKEW_ERROR: SignedDuration = SignedDuration::from_mins(5);

const BASE_API_URL: &str = "Compare base_api_url with the console's address: it is the same with \"api\" after the account's name, such as https://acme.api.engagement.dimelo.com.";

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    token(case, sheet);
    clock(case, sheet);
    rights(case, sheet);
    role_rights(case, sheet);
    virtual_agent(case, sheet);
}

/// Nothing that only looks tells whether RCE's Bots API would act.
fn virtual_agent(case: &Case<'_>, sheet: &mut Sheet) {
    let id = "virtual-agent";
    if !case.connection.is_native() || !case.connection.ringcx.native.virtual_agent {
        return sheet.skip(id, "does not apply: virtual_agent is off", "");
    }
    if sheet.failed("right-interventions") {
        return sheet.skip(id, "not to be judged before right-interventions is mended", "");
    }
    sheet.skip(
        id,
        "REST does not show whether the account has a virtual agent",
        "Ask whoever administers RingCentral. Without one the bot's first answer is refused: set virtual_agent = false then.",
    );
}

fn token(case: &Case<'_>, sheet: &mut Sheet) {
    let host = case.connection.ringcx.api_base.host_str().unwrap_or_default();
    let someone = "it is accepted; whose it is RingCentral does not say";
    match &case.facts.account.me {
        _ if case.token_is_refused() => sheet.error(
            "token",
            format!("{host} does not accept the API access token"),
            "Compare api_access_token with Admin > API access tokens: is it this account's, active, and copied whole? It is not the source's own token.",
        ),
        Seen::Yes(me) if me.enabled => {
            let role = case.facts.account.role.yes();
            let role = role.map_or(String::new(), |role| format!(", role {:?}", role.label));
            sheet.ok("token", format!("it acts as {} ({}){role}", me.name, me.id));
        }
        Seen::Yes(me) => sheet.error(
            "token",
            format!("its account {} ({}) is disabled", me.name, me.id),
            "Enable the account, or make a token for another one (Admin > API access tokens).",
        ),
        Seen::Forbidden => sheet.ok("token", someone),
        Seen::Limited | Seen::Held => sheet.skip("token", case.unseen(&case.facts.account.me), "Examine again in a minute."),
        Seen::NotFound if case.facts.sources.iter().any(|facts| facts.source.yes().is_some()) => {
            sheet.ok("token", someone);
        }
        Seen::NotFound => sheet.error(
            "token",
            format!("{host} does not offer RingCentral's REST API"),
            BASE_API_URL,
        ),
        Seen::NoApi(404) => sheet.error(
            "token",
            format!("{host} answers 404 to everything: it is not RingCentral's REST API"),
            BASE_API_URL,
        ),
        Seen::NoApi(status) => sheet.error(
            "token",
            format!("{host} answers {status} with something that is not RingCentral's REST API"),
            BASE_API_URL,
        ),
        Seen::Failed(why) => sheet.error(
            "token",
            format!("{host} gave no usable answer: {why}"),
            "Compare base_api_url with the console's address, and look whether this machine may call it (firewall, proxy, DNS).",
        ),
        Seen::NotAsked => sheet.skip("token", case.unseen(&case.facts.account.me), ""),
    }
}

fn clock(case: &Case<'_>, sheet: &mut Sheet) {
    let Some(dates) = case.facts.account.dates else {
        sheet.skip("clock", "RingCentral's answers have no date", "");
        return;
    };
    let ahead = dates.ours.duration_since(dates.theirs);
    let off = ahead.abs();
    let seconds = off.as_secs();
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    let what = format!("this machine's clock is {seconds} s {way} RingCentral's");
    let how = "Let the machine keep its time by NTP (timedatectl set-ntp true). On AWS the functions' clocks are right: then it is the clock of the machine at which you are.";
    if off > SKEW_ERROR {
        sheet.error("clock", what, how);
    } else if off > SKEW_WARN {
        sheet.warn("clock", what, how);
    } else {
        sheet.ok("clock", format!("they agree within {} s", seconds.max(1)));
    }
}

/// A right of the account, tried by looking at something.
struct Right<'a> {
    id: &'static str,
    seen: Seen<()>,
    /// As the roles' page calls it.
    name: &'a str,
    /// How serious it is to lack it; `Ok` means that nothing here needs it.
    lacking: Status,
}

fn rights(case: &Case<'_>, sheet: &mut Sheet) {
    let (account, connection) = (&case.facts.account, case.connection);
    // Without its own intervention the bot may not be let to answer at all.
    let engages =
        connection.is_native() && connection.ringcx.native.bot_intervention != BotIntervention::Never;
    let needed = |is: bool| if is { Status::Error } else { Status::Warning };
    let identities = match (&case.facts.bot_identity, &case.facts.agent_identity) {
        _ if connection.is_native() => account.identities.clone(),
        (Seen::Forbidden, _) | (_, Seen::Forbidden) => Seen::Forbidden,
        (Seen::Yes(_), _) => Seen::Yes(()),
        (other, _) => other.but(),
    };
    let all = [
        Right {
            id: "right-interventions",
            seen: account.interventions.clone(),
            name: "to see interventions, and read on the source",
            lacking: needed(engages),
        },
        Right {
            id: "right-monitor-tasks",
            seen: account.monitor.clone(),
            name: "\"Monitor tasks\"",
            lacking: needed(connection.availability.require_agent),
        },
        Right {
            id: "right-users",
            seen: account.users.clone(),
            name: "\"See users\" (read_user)",
            lacking: Status::Warning,
        },
        Right {
            id: "right-time-sheets",
            seen: account.time_sheets.clone(),
            name: "to see time sheets",
            lacking: if connection.availability.hours == Hours::Source {
                Status::Warning
            } else {
                Status::Ok
            },
        },
        Right {
            id: "right-identities",
            seen: identities,
            name: "\"See identities\" (read_identity)",
            lacking: needed(!connection.relay_messages),
        },
    ];
    for right in all {
        one_right(case, &right, sheet);
    }
}

fn one_right(case: &Case<'_>, right: &Right<'_>, sheet: &mut Sheet) {
    let refused = matches!(right.seen, Seen::Forbidden | Seen::NotFound);
    match &right.seen {
        Seen::Yes(()) => sheet.ok(right.id, "it may"),
        _ if refused && !case.token_is_refused() => {
            let what = format!("the account lacks the right {}", right.name);
            let how = format!("{GIVE_RIGHTS}: give it the right {}.", right.name);
            match right.lacking {
                Status::Error => sheet.error(right.id, what, how),
                Status::Warning => sheet.warn(right.id, what, how),
                Status::Ok | Status::Skipped => sheet.ok(right.id, format!("{what}; nothing here needs it")),
            }
        }
        other => sheet.skip(right.id, case.unseen(other), ""),
    }
}

/// Rights that cannot be tried without doing something; the role tells.
fn role_rights(case: &Case<'_>, sheet: &mut Sheet) {
    let relays = case.connection.relay_messages;
    let all = [
        (
            "right-close-interventions",
            "update_intervention",
            relays,
            "agents' work is never closed without relayed messages",
        ),
        (
            "right-open-threads",
            "open_content_thread",
            !case.connection.is_mirrored(),
            "threads on a Source SDK channel are never closed",
        ),
    ];
    for (id, right, needed, why_not) in all {
        match &case.facts.account.role {
            _ if !needed => sheet.skip(id, format!("does not apply: {why_not}"), ""),
            Seen::Yes(role) if role.rights.iter().any(|has| has == right) => {
                sheet.ok(id, format!("role {:?} has {right}", role.label));
            }
            Seen::Yes(role) => sheet.warn(
                id,
                format!("the account's role {:?} lacks {right}", role.label),
                format!("{GIVE_RIGHTS}: give it the right {right}."),
            ),
            other => sheet.skip(
                id,
                match other {
                    Seen::NotAsked => {
                        "not known: whose account it is, and its role, RingCentral does not say".to_owned()
                    }
                    Seen::Forbidden if !case.token_is_refused() => {
                        "not known: the token's account may not see its own role".to_owned()
                    }
                    other => case.unseen(other),
                },
                format!("{GIVE_RIGHTS}: look whether it has {right}."),
            ),
        }
    }
}
