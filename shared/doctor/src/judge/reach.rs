//! Whether the bridge is reached: called from here, and by RCE itself.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::SourceId;
use handover_core::serving;
use jiff::SignedDuration;

use super::{Case, SAY_WHERE, list};
use crate::check::Sheet;
use crate::facts::{AddressFacts, Call, NoAnswer, RoundTrip};
use crate::observe::NOT_PROVEN;

/// RCE counts "too long" as an error without saying how long that is.
const SLOW: Duration = Duration::from_secs(2);
/// A delivery of RCE's own that came so lately shows that it reaches us.
const LATELY: SignedDuration = SignedDuration::from_hours(24);
/// The option by which a source asks for places in the queue.
const QUEUE_UPDATES: &str = "messaging.queuing_update";

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let address = &case.facts.address;
    reachable(case, sheet);
    source_sdk(case, sheet);
    options(case, sheet);
    source_calls(case, sheet);
    validation(address, sheet);
    delivery(address, sheet);
    strangers(
        "webhook-strangers",
        &address.forged_delivery,
        "a delivery with a wrong secret",
        sheet,
    );
    answer_time(address, sheet);
    bot_key(address, sheet);
    running(case, sheet);
    round_trip(case, sheet);
}

fn base(case: &Case<'_>) -> String {
    let url = case.facts.address.public_url.as_ref();
    url.map_or(String::new(), |url| url.as_str().trim_end_matches('/').to_owned())
}

fn reachable(case: &Case<'_>, sheet: &mut Sheet) {
    let (base, connection) = (base(case), case.connection.id.as_str());
    match &case.facts.address.info {
        Call::NotTried(why) => sheet.skip("reachable", *why, ""),
        Call::NoAnswer(NoAnswer::TimedOut) => sheet.error(
            "reachable",
            format!("{base} does not answer within ten seconds"),
            "Look whether the bridge runs, and whether a firewall lets strangers through to it.",
        ),
        Call::NoAnswer(NoAnswer::Certificate(why)) => sheet.error(
            "reachable",
            format!("no TLS connection to {base}, or its certificate is not accepted: {why}"),
            "If https ends at a reverse proxy, let it listen there. Use a certificate of a public authority for exactly this host name, with its whole chain, that has not expired.",
        ),
        Call::NoAnswer(NoAnswer::NotConnected(why)) => sheet.error(
            "reachable",
            format!("nobody answers at {base}: {why}"),
            "Start the bridge, and look whether name, port and reverse proxy lead to it.",
        ),
        Call::Answered { location: Some(location), status, .. } if (300..400).contains(status) => sheet.error(
            "reachable",
            format!("{base} redirects ({status}) to {location}"),
            "Give RingCentral the address that answers itself, or let the proxy pass requests on instead of redirecting them; redirects are not followed.",
        ),
        Call::Answered { status: 404, .. } => sheet.error(
            "reachable",
            format!("{base} knows no connection {connection:?} (404), or it is not the bridge that answers there"),
            "Look whether host, port and the path in front of the connection lead to the bridge. If they do, the bridge that runs there has another configuration: restart it with this file.",
        ),
        Call::Answered { status, .. } if *status >= 500 => sheet.error(
            "reachable",
            format!("{base} answers {status}"),
            "Look at the log of the bridge, and of the proxy in front of it.",
        ),
        Call::Answered { .. } => sheet.ok("reachable", base),
    }
}

fn source_sdk(case: &Case<'_>, sheet: &mut Sheet) {
    let address = &case.facts.address;
    if let Some(why) = case.without_source_sdk() {
        sheet.skip("source-sdk", why, "");
        return sheet.skip("source-sdk-strangers", why, "");
    }
    if !address.info.is_an_answer() {
        let why = "the bridge was not reached";
        sheet.skip("source-sdk", why, "");
        return sheet.skip("source-sdk-strangers", why, "");
    }
    let url = format!("{}/{}/handover/rce/source", base(case), case.connection.id);
    match &address.info {
        Call::Answered { status: 200, right: true, .. } => {
            sheet.ok("source-sdk", format!("{url}; the source's page has to name it, or its first part up to /rce, as Endpoint URL"));
        }
        Call::Answered { status: 200, .. } => sheet.error(
            "source-sdk",
            format!("{url} answers without the signature of this source's token"),
            "Somebody else answers there, or a proxy changes the answer. Let the proxy pass bodies and headers on as they are.",
        ),
        Call::Answered { status: 401, .. } => sheet.error(
            "source-sdk",
            format!("{url} refuses calls that are signed with realtime_access_tokens (401)"),
            "The bridge that runs has other tokens than this configuration: restart it. Otherwise a proxy drops the header X-SMCCSDK-SIGNATURE.",
        ),
        other => sheet.error(
            "source-sdk",
            format!("{url} answers {}", other.status().unwrap_or_default()),
            "It has to answer 200. Look at the log of the bridge, and of the proxy in front of it.",
        ),
    }
    strangers(
        "source-sdk-strangers",
        &address.unsigned,
        "an unsigned call",
        sheet,
    );
}

fn strangers(id: &'static str, call: &Call, what: &str, sheet: &mut Sheet) {
    match call {
        Call::Answered { status, .. } if (200..300).contains(status) => sheet.error(
            id,
            format!("{what} was taken ({status})"),
            "It is not the bridge that answers there, or a proxy answers in its place. Let nothing but the bridge answer.",
        ),
        Call::Answered { status, .. } if call.is_an_answer() => sheet.ok(id, format!("refused with {status}")),
        Call::Answered { .. } => sheet.skip(id, "the bridge was not reached", ""),
        Call::NotTried(why) => sheet.skip(id, *why, tell_where(why)),
        Call::NoAnswer(_) => sheet.skip(id, "there was no answer", ""),
    }
}

fn options(case: &Case<'_>, sheet: &mut Sheet) {
    let address = &case.facts.address;
    if let Some(why) = case.without_source_sdk() {
        return sheet.skip("source-sdk-options", why, "");
    }
    if !address.info.is(200) {
        return sheet.skip("source-sdk-options", "the bridge's own answer was not read", "");
    }
    let declares = address.options.iter().any(|option| option == QUEUE_UPDATES);
    let wanted = case.connection.get_queue_updates;
    if declares == wanted {
        let what = if declares {
            "queue updates are declared"
        } else {
            "no queue updates, as configured"
        };
        return sheet.ok("source-sdk-options", what);
    }
    sheet.error(
        "source-sdk-options",
        format!("get_queue_updates = {wanted}, but the running bridge {} queue updates", if declares { "declares" } else { "does not declare" }),
        "The bridge that runs has another configuration: restart it, then save the source's page in RingCentral once.",
    );
}

fn source_calls(case: &Case<'_>, sheet: &mut Sheet) {
    let id = "source-calls";
    let Some(work) = case.facts.work.as_ref().filter(|_| case.connection.is_mirrored()) else {
        let why = if let Some(why) = case.without_source_sdk() {
            why
        } else if case.facts.machine.is_some() {
            "not known: no bridge ran on the data directory yet"
        } else {
            "not known without --data or --stage"
        };
        return sheet.skip(id, why, "");
    };
    let address = &case.facts.address;
    let lately = work.source_heard.is_some_and(|at| is_lately(at, case.facts.at));
    if !lately && !address.info.is(200) {
        // To enter the address that does not answer would help nobody, and a wrong token has a check of its own.
        let why = match &address.info {
            Call::NotTried(_) => "not known: the bridge's address was not tried",
            Call::Answered { status: 401, .. } => {
                "RingCentral's calls would be refused, as ours are: see source-sdk"
            }
            Call::Answered { status: 200, .. } => {
                "not known: it is not the bridge that answers, see source-sdk"
            }
            _ => "the bridge does not answer at its address: see reachable",
        };
        return sheet.skip(id, why, "");
    }
    if !lately && case.source_token_is_refused() {
        let why = "calls with RingCentral's own token are refused while realtime_access_tokens is wrong: see send-api";
        return sheet.skip(id, why, "");
    }
    let how = format!(
        "Set Endpoint URL on the source's page (Admin > Sources) to {}/{}/handover/rce/source and save: that makes RingCentral call.",
        base(case),
        case.connection.id
    );
    match work.source_heard {
        Some(at) if is_lately(at, case.facts.at) => sheet.ok(id, format!("last at {at:.0}")),
        Some(at) => sheet.warn(
            id,
            format!("RingCentral has not called the bridge for this source since {at:.0}"),
            how,
        ),
        None => sheet.warn(
            id,
            "RingCentral has not called the bridge for this source yet",
            how,
        ),
    }
}

fn validation(address: &AddressFacts, sheet: &mut Sheet) {
    match &address.validation {
        call if call.is(200) => sheet.ok("webhook-validation", "the challenge came back"),
        Call::Answered { status: 200, .. } => sheet.error(
            "webhook-validation",
            "the answer is 200, but not the challenge",
            "Somebody else answers there, or a proxy changes the answer.",
        ),
        Call::Answered { status: 403, .. } => sheet.error(
            "webhook-validation",
            "the bridge refuses verification_token or the first of webhook_secrets (403)",
            "The bridge that runs has another configuration than this one: restart it.",
        ),
        call if call.is_an_answer() => sheet.error(
            "webhook-validation",
            format!(
                "a validation request is answered {}",
                call.status().unwrap_or_default()
            ),
            "Look at the URL on the webhook's page: it ends in /handover/rce/webhook (or /handover/rce).",
        ),
        Call::Answered { .. } | Call::NoAnswer(_) => {
            sheet.skip("webhook-validation", "the bridge was not reached", "");
        }
        Call::NotTried(why) => sheet.skip("webhook-validation", *why, tell_where(why)),
    }
}

fn delivery(address: &AddressFacts, sheet: &mut Sheet) {
    match &address.delivery {
        call if call.is(200) => sheet.ok("webhook-delivery", "an empty delivery was taken"),
        Call::Answered { status: 401 | 403, .. } => sheet.error(
            "webhook-delivery",
            "the bridge refuses the first of webhook_secrets",
            "The bridge that runs has another configuration than this one: restart it. Otherwise a proxy drops the header X-Dimelo-Secret.",
        ),
        call if call.is_an_answer() => sheet.error(
            "webhook-delivery",
            format!("a delivery is answered {}; only 200 counts", call.status().unwrap_or_default()),
            "Look at the log of the bridge, and of the proxy in front of it.",
        ),
        Call::Answered { .. } | Call::NoAnswer(_) => sheet.skip("webhook-delivery", "the bridge was not reached", ""),
        Call::NotTried(why) => sheet.skip("webhook-delivery", *why, tell_where(why)),
    }
}

fn answer_time(address: &AddressFacts, sheet: &mut Sheet) {
    let calls = [&address.info, &address.validation, &address.delivery];
    let took = calls.into_iter().filter_map(|call| match call {
        Call::Answered { took, .. } => Some(*took),
        _ => None,
    });
    match took.max() {
        None => sheet.skip("answer-time", "there was no answer", ""),
        Some(took) if took > SLOW => sheet.warn(
            "answer-time",
            format!("the slowest of its answers took {} ms", took.as_millis()),
            "Look at the load of the machine, its disk, and the way between (proxy, VPN). On AWS a first call after a pause takes longer: examine twice.",
        ),
        Some(took) => sheet.ok("answer-time", format!("{} ms at most", took.as_millis())),
    }
}

fn bot_key(address: &AddressFacts, sheet: &mut Sheet) {
    match &address.bot_key {
        call if call.is(200) => sheet.ok("bot-key", "accepted"),
        Call::Answered { status: 401, .. } => sheet.error(
            "bot-key",
            "the running bridge refuses the first of bot_keys (401)",
            "The bridge that runs has another configuration than this one: restart it.",
        ),
        call if call.is_an_answer() => sheet.error(
            "bot-key",
            format!("GET /availability answers {}", call.status().unwrap_or_default()),
            "Look at the log of the bridge, and of the proxy in front of it.",
        ),
        Call::Answered { .. } | Call::NoAnswer(_) => sheet.skip("bot-key", "the bridge was not reached", ""),
        Call::NotTried(why) => sheet.skip("bot-key", *why, tell_where(why)),
    }
}

/// Whether the bridge that runs has read what was examined.
fn running(case: &Case<'_>, sheet: &mut Sheet) {
    let (id, address) = ("running-settings", &case.facts.address);
    let how = "Restart the bridge, or send it SIGHUP: it reads the configuration again.";
    let serving = &address.serving;
    let Some(sources) = &serving.sources else {
        let why = match &address.validation {
            Call::NotTried(why) => why,
            call if call.is(200) => "the bridge that runs is older and does not say",
            Call::Answered { status: 403, .. } => {
                "it does not tell this configuration: see webhook-validation"
            }
            _ => "the bridge was not reached",
        };
        return sheet.skip(id, why, tell_where(why));
    };
    let ours: Vec<&str> = case.connection.ringcx.sources().map(SourceId::as_str).collect();
    let lacking: Vec<&str> = ours
        .iter()
        .copied()
        .filter(|source| !sources.iter().any(|known| known == source))
        .collect();
    let besides: Vec<&str> = sources
        .iter()
        .map(String::as_str)
        .filter(|source| !ours.contains(source))
        .collect();
    if !lacking.is_empty() {
        let what = format!("the running bridge does not answer source {} yet", list(&lacking));
        return sheet.error(id, what, how);
    }
    if !besides.is_empty() {
        let what = format!(
            "the running bridge still answers source {}, which this configuration does not name",
            list(&besides)
        );
        return sheet.error(id, what, how);
    }
    // The functions of a stage read everything anew within a minute.
    let is_stage = case.facts.machine.is_none() && case.facts.work.is_some();
    match &serving.settings {
        Some(theirs) if !is_stage && *theirs != serving::settings_of(case.connection) => sheet.warn(
            id,
            "the running bridge has other settings than this configuration, or is of another version",
            how,
        ),
        _ => sheet.ok(id, "it has"),
    }
}

fn round_trip(case: &Case<'_>, sheet: &mut Sheet) {
    const HOW: &str = "RingCentral has another secret than webhook_secrets, or it does not reach this address (firewall, DNS inside only). Set Secret and Verify token on the webhook's page (Admin > Webhooks) anew, let RingCentral through, tick Active, and save.";
    match &case.facts.round_trip {
        RoundTrip::NotTried(why) if *why == NOT_PROVEN => sheet.skip("round-trip", *why, tell_where(why)),
        RoundTrip::NotTried(why) => sheet.skip("round-trip", *why, look_instead(case)),
        RoundTrip::NotSaved(why) => sheet.warn(
            "round-trip",
            format!("RingCentral did not save the webhook unchanged: {why}"),
            "The token's account needs the right to manage API access tokens, or the webhook has to be its own. Save it once by hand (Admin > Webhooks) and see whether it stays active.",
        ),
        RoundTrip::Tried { delivers: false, .. } => sheet.error(
            "round-trip",
            "RingCentral validated the webhook and switched it off: its secret or verify token is wrong, or it does not reach the bridge",
            HOW,
        ),
        RoundTrip::Tried { heard: Some(true), .. } => sheet.ok("round-trip", "RingCentral's validation arrived"),
        RoundTrip::Tried { heard: None, .. } => {
            sheet.ok("round-trip", "RingCentral keeps the webhook active after its validation (whether that arrived is known with --data or --stage)");
        }
        RoundTrip::Tried { last_delivery: Some(at), .. } if is_lately(*at, case.facts.at) => sheet.ok(
            "round-trip",
            format!("RingCentral did not validate an unchanged webhook, but delivered events lately ({at:.0})"),
        ),
        RoundTrip::Tried { .. } => sheet.warn(
            "round-trip",
            "no validation of RingCentral's was accepted within 15 seconds, and no event lately either: RingCentral does not reach this address, or the bridge refuses it because the webhook has another secret",
            "Examine again after somebody wrote to an agent. If nothing arrives then, set Secret on the webhook's page (Admin > Webhooks) anew to webhook_secrets, and look at firewall and DNS.",
        ),
    }
}

/// What has to be said before a call can be made.
fn tell_where(why: &str) -> &'static str {
    if why == NOT_PROVEN { SAY_WHERE } else { "" }
}

/// Where to look if nobody dared to save the webhook.
fn look_instead(case: &Case<'_>) -> &'static str {
    let all = case.facts.webhooks.yes().into_iter().flatten();
    let chosen = case.facts.address.webhook.as_ref();
    match all.into_iter().find(|webhook| Some(&webhook.id) == chosen) {
        Some(webhook) if webhook.delivers() && webhook.verify_token.is_none() => {
            "Compare Verify token on the webhook's page (Admin > Webhooks) with verification_token, save the page once, and see whether the webhook stays active."
        }
        _ => "",
    }
}

fn is_lately(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < LATELY
}
