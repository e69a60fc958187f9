//! The webhook, as RCE has it.

use handover_core::secret::Secret;
use handover_ringcx::console::Webhook;

use super::{Case, list, many};
use crate::check::Sheet;
use crate::facts::Seen;
use crate::observe::{Aim, aim};

/// Either tells that an agent is done; without both nobody does (docs/operations.md).
const ENDS: [&str; 2] = ["intervention.closed", "task.completed"];
/// Worth registering in every mode.
const RECOMMENDED: [&str; 9] = [
    "intervention.opened",
    "intervention.closed",
    "intervention.canceled",
    "intervention.reopened",
    "intervention.user_updated",
    "task.taken",
    "task.completed",
    "task.destroyed",
    "task.recategorized",
];
/// Where a handover is refused while nobody is there, that should be known at once.
const PRESENCE: [&str; 4] = [
    "push_agent.connected",
    "push_agent.disconnected",
    "push_agent.availability_change",
    "push_agent.busyness_change",
];
/// On a channel of RCE's own: by which it tells what customers write.
const IMPORTED: &str = "content.imported";
/// There, too: what is lost without each.
const ANSWERS: [(&str, &str); 2] = [
    (
        "content.exported",
        "whether an answer arrived is asked for by REST, which takes longer and calls of the budget",
    ),
    (
        "content.replied",
        "the bot is not told what agents say, and goes on beside an agent who only writes",
    ),
];
/// The right with which other tokens' webhooks are listed, too.
const SEES_ALL: &str = "manage_api_access_tokens";
const PAGE: &str = "the webhook's page (Admin > Webhooks)";
const IDS: [&str; 7] = [
    "webhook-single",
    "webhook-active",
    "webhook-events",
    "webhook-imported",
    "webhook-answers",
    "webhook-recommended-events",
    "webhook-verify-token",
];

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let Seen::Yes(all) = &case.facts.webhooks else {
        let why = case.unseen(&case.facts.webhooks);
        sheet.skip("webhook", why.clone(), format!("Look at {PAGE}: the list needs the right to manage API access tokens, or the token's own webhooks."));
        return skip_the_rest(&why, sheet);
    };
    let public = case
        .facts
        .address
        .public_url
        .as_ref()
        .filter(|_| case.facts.address.is_given);
    let aims = |webhook: &Webhook| aim(&webhook.url, case.connection, case.neighbours, public);
    let here: Vec<&Webhook> = all.iter().filter(|webhook| aims(webhook) == Aim::Here).collect();
    let chosen = case.facts.address.webhook.as_ref();
    let Some(webhook) = here.iter().copied().find(|webhook| Some(&webhook.id) == chosen) else {
        missing(case, all, sheet);
        return skip_the_rest("there is no webhook to look at", sheet);
    };
    let token = webhook
        .token_id
        .as_deref()
        .map_or(String::new(), |token| format!(", of the token {token}"));
    sheet.ok(
        "webhook",
        format!("{} ({}{token})", shown(&webhook.url), webhook.id),
    );
    single(&here, webhook, sheet);
    active(webhook, sheet);
    events(case, webhook, sheet);
    contents(case, webhook, sheet);
    verify_token(&case.connection.ringcx.verification_token, webhook, sheet);
}

fn skip_the_rest(why: &str, sheet: &mut Sheet) {
    for id in IDS {
        sheet.skip(id, why, "");
    }
}

/// A URL without its query, which may hold a secret.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// What follows from it on a channel of RCE's own, where more depends on it.
fn nobody_tells(case: &Case<'_>) -> &'static str {
    if case.connection.is_native() {
        ": the bot hears nobody"
    } else {
        ""
    }
}

fn missing(case: &Case<'_>, all: &[Webhook], sheet: &mut Sheet) {
    let public = case.facts.address.public_url.as_ref();
    let near: Vec<String> = all
        .iter()
        .filter_map(
            |webhook| match aim(&webhook.url, case.connection, case.neighbours, public) {
                Aim::Near(but) => Some(format!("{} would, but {but}", shown(&webhook.url))),
                _ => None,
            },
        )
        .collect();
    let base = public
        .map_or("https://<this bridge>", |url| url.as_str())
        .trim_end_matches('/');
    let url = format!("{base}/{}/handover/rce/webhook", case.connection.id);
    if near.is_empty() {
        let follows = nobody_tells(case);
        let what = match all.len() {
            0 => format!("the token sees no webhook, so none that reports to {url}{follows}"),
            count => format!(
                "of {} that the token sees none reports to {url}{follows}",
                many(count, "webhook")
            ),
        };
        let sees_all = case.facts.account.role.yes().is_some_and(|role| {
            let rights = &role.rights;
            rights.iter().any(|right| right == SEES_ALL)
        });
        let unless = if sees_all {
            String::new()
        } else {
            format!(
                " If there is one already, it may belong to somebody else's token: those are only seen with the right {SEES_ALL}, and have to be looked at by hand (Admin > Webhooks)."
            )
        };
        sheet.error(
            "webhook",
            what,
            format!(
                "Create one (Admin > Webhooks > Add, or `engage-handover setup`) with the URL {url}.{unless}"
            ),
        );
    } else {
        sheet.error(
            "webhook",
            format!("none reports here{}; {}", nobody_tells(case), list(&near)),
            format!("Set the URL on {PAGE} to {url}."),
        );
    }
}

fn single(here: &[&Webhook], looked_at: &Webhook, sheet: &mut Sheet) {
    let active: Vec<String> = here
        .iter()
        .filter(|webhook| webhook.active)
        .map(|webhook| format!("{} ({})", shown(&webhook.url), webhook.id))
        .collect();
    if active.len() > 1 {
        let what = format!(
            "{} webhooks report to this connection: {}; only {} is looked at here",
            active.len(),
            list(&active),
            looked_at.id
        );
        sheet.warn("webhook-single", what, "Delete all but one (Admin > Webhooks).");
    } else {
        sheet.ok("webhook-single", "only one");
    }
}

fn active(webhook: &Webhook, sheet: &mut Sheet) {
    let status = webhook.status.as_deref().unwrap_or("unknown");
    let how = format!(
        "Mend what the checks under \"reaching the bridge\" name, then tick Active on {PAGE} and save."
    );
    if !webhook.active {
        sheet.error("webhook-active", "the webhook is not active", how);
    } else if webhook.delivers() {
        sheet.ok("webhook-active", format!("active, {status}"));
    } else {
        let what = format!(
            "RingCentral switched the webhook off (its status is {status:?}): validation or too many deliveries failed"
        );
        sheet.error("webhook-active", what, how);
    }
}

fn events(case: &Case<'_>, webhook: &Webhook, sheet: &mut Sheet) {
    let has = |event: &&str| {
        webhook
            .registered_events
            .iter()
            .any(|registered| registered == event)
    };
    if ENDS.iter().any(has) {
        sheet.ok(
            "webhook-events",
            format!("{} events", webhook.registered_events.len()),
        );
    } else {
        let what = "neither intervention.closed nor task.completed is registered";
        sheet.error(
            "webhook-events",
            what,
            format!("Tick intervention.closed on {PAGE}."),
        );
    }
    let presence: &[&str] = if case.connection.availability.require_agent {
        &PRESENCE
    } else {
        &[]
    };
    let missing: Vec<&str> = RECOMMENDED
        .iter()
        .chain(presence)
        .copied()
        .filter(|event| !has(event))
        .collect();
    if missing.is_empty() {
        sheet.ok("webhook-recommended-events", "all of them are registered");
    } else {
        let what = format!("not registered: {}", missing.join(", "));
        sheet.warn(
            "webhook-recommended-events",
            what,
            format!("Tick them on {PAGE}."),
        );
    }
}

/// What customers say on a channel of RCE's own, and what became of what was said to them.
fn contents(case: &Case<'_>, webhook: &Webhook, sheet: &mut Sheet) {
    if !case.connection.is_native() {
        let why = "does not apply: people write to the bot, not to RingCentral";
        sheet.skip("webhook-imported", why, "");
        return sheet.skip("webhook-answers", why, "");
    }
    let has = |event: &str| {
        webhook
            .registered_events
            .iter()
            .any(|registered| registered == event)
    };
    if has(IMPORTED) {
        sheet.ok("webhook-imported", format!("{IMPORTED} is registered"));
    } else {
        sheet.error(
            "webhook-imported",
            format!("{IMPORTED} is not registered: the bot hears nobody"),
            format!("Tick {IMPORTED} on {PAGE}."),
        );
    }
    let lacking: Vec<&(&str, &str)> = ANSWERS.iter().filter(|(event, _)| !has(event)).collect();
    if lacking.is_empty() {
        return sheet.ok("webhook-answers", "both are registered");
    }
    let what: Vec<String> = lacking
        .iter()
        .map(|(event, lost)| format!("without {event} {lost}"))
        .collect();
    let names: Vec<&str> = lacking.iter().map(|(event, _)| *event).collect();
    sheet.warn(
        "webhook-answers",
        what.join("; "),
        format!("Tick {} on {PAGE}.", names.join(" and ")),
    );
}

fn verify_token(ours: &Secret, webhook: &Webhook, sheet: &mut Sheet) {
    match &webhook.verify_token {
        Some(theirs) if ours.matches(theirs.as_bytes()) => sheet.ok("webhook-verify-token", "the same"),
        Some(_) => sheet.error(
            "webhook-verify-token",
            "the verify token on the webhook's page is not verification_token",
            format!("Copy verification_token to Verify token on {PAGE}, and save."),
        ),
        None => sheet.skip(
            "webhook-verify-token",
            "RingCentral does not show it",
            format!("Compare Verify token on {PAGE} with verification_token."),
        ),
    }
}
