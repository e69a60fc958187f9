//! What the configuration says by itself.

use handover_core::ids::SourceId;
use handover_core::settings::{IdentitySettings, Rehost};
use handover_ringcx::base_url;

use super::Case;
use crate::check::Sheet;
use crate::facts::Call;
use crate::observe::NOT_PROVEN;

/// RCE's limit for all integrations of an account is 500; from here on little is left for the others.
const CAREFUL_REQUESTS_PER_MINUTE: u32 = 400;

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    slider(case, sheet);
    file_hosting(case, sheet);
    shared_source(case, sheet);
    realtime_url(case, sheet);
    public_address(case, sheet);
    rest_budget(case, sheet);
    unused(case, sheet);
}

fn slider(case: &Case<'_>, sheet: &mut Sheet) {
    if let Some(since) = case.facts.draining_since {
        let what = format!("drained since {since:.0}: no new handover begins");
        sheet.warn(
            "slider",
            what,
            "`engage-handover drain --off` when people shall reach agents again.",
        );
    } else if case.connection.enabled {
        sheet.ok("slider", "enabled = true");
    } else {
        let how = "Set enabled = true when people shall reach agents again.";
        sheet.warn("slider", "enabled = false: the connection is switched off", how);
    }
}

fn file_hosting(case: &Case<'_>, sheet: &mut Sheet) {
    let files = &case.connection.files;
    let knows = case.facts.can_host_files;
    match (files.rehost, knows) {
        (Rehost::Always, false) => sheet.error(
            "file-hosting",
            "files.rehost = \"always\", but files.public_url is not set",
            "Set files.public_url to the address under which this bridge is reached, or rehost = \"auto\".",
        ),
        (Rehost::Never, _) => sheet.ok("file-hosting", "files are not hosted (rehost = \"never\")"),
        (_, true) => sheet.ok("file-hosting", "files are hosted"),
        (Rehost::Auto, false) => sheet.ok(
            "file-hosting",
            "files pass by their own addresses: no files.public_url",
        ),
    }
}

fn shared_source(case: &Case<'_>, sheet: &mut Sheet) {
    let ours = &case.connection.ringcx;
    let mut shared: Vec<&str> = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    for other in case
        .neighbours
        .iter()
        .filter(|other| other.id != case.connection.id)
    {
        if !other.ringcx.is_same_account(ours) {
            continue;
        }
        let common = ours.sources().filter(|source| other.ringcx.has_source(source));
        let before = shared.len();
        shared.extend(common.map(SourceId::as_str));
        if shared.len() > before {
            others.push(other.id.as_str());
        }
    }
    shared.sort_unstable();
    shared.dedup();
    if others.is_empty() {
        let mine: Vec<&str> = ours.sources().map(SourceId::as_str).collect();
        let what = match mine.as_slice() {
            [one] => format!("source {one} is this connection's alone"),
            all => format!("sources {} are this connection's alone", super::list(all)),
        };
        sheet.ok("shared-source", what);
    } else {
        sheet.error(
            "shared-source",
            format!(
                "source {} is also that of the connection {}",
                super::list(&shared),
                super::list(&others)
            ),
            "Give each connection a source of its own, or remove one of the connections.",
        );
    }
}

fn realtime_url(case: &Case<'_>, sheet: &mut Sheet) {
    let settings = &case.connection.ringcx;
    if let Some(why) = case.without_source_sdk() {
        return sheet.skip("realtime-url", why, "");
    }
    let how = "Copy Realtime Endpoint URL from the source's page as it is; source_id is its last part, and Base API URL has the same account.";
    let url = &settings.realtime_endpoint_url;
    if let Some(named) = base_url::source_id(url).filter(|named| *named != settings.source_id) {
        let what = format!(
            "the realtime endpoint URL is that of source {named}, but source_id is {}",
            settings.source_id
        );
        sheet.error("realtime-url", what, how);
        return;
    }
    // A proxy or a test server belongs to no account.
    let (sends, asks) = (
        base_url::account_host(url),
        base_url::account_host(&settings.api_base),
    );
    if let (Some(sends), Some(asks)) = (sends, asks)
        && sends != asks
    {
        let what =
            format!("the realtime endpoint URL belongs to {sends}, Base API URL to {asks}: two accounts");
        sheet.error("realtime-url", what, how);
        return;
    }
    sheet.ok(
        "realtime-url",
        format!("it is that of source {}", settings.source_id),
    );
}

fn public_address(case: &Case<'_>, sheet: &mut Sheet) {
    let address = &case.facts.address;
    match &address.public_url {
        Some(url) if url.scheme() != "https" && !base_url::is_loopback(url) => sheet.error(
            "public-address",
            format!("{url} is not https"),
            "Put a reverse proxy with a certificate in front of the bridge; agents' messages and secrets travel on this way.",
        ),
        Some(url) if address.is_given => sheet.ok("public-address", url.to_string()),
        Some(url) if address.info.is_an_answer() && !case.connection.is_mirrored() && address.validation == Call::NotTried(NOT_PROVEN) => sheet.warn(
            "public-address",
            format!("{url} was read off the webhook, and who answers there did not prove to be the bridge: nothing about it was tried"),
            super::SAY_WHERE,
        ),
        Some(url) => sheet.ok("public-address", format!("{url} (read off the webhook)")),
        None if case.facts.webhooks.yes().is_none() => sheet.skip(
            "public-address",
            "not known: nobody said it, and the webhooks were not read",
            super::SAY_WHERE,
        ),
        None => sheet.warn(
            "public-address",
            "nobody said where the bridge is reached, and no webhook tells",
            super::SAY_WHERE,
        ),
    }
}

/// What was set and means nothing where the channel is RCE's own: somebody expects something of it.
fn unused(case: &Case<'_>, sheet: &mut Sheet) {
    let (id, connection) = ("unused-settings", case.connection);
    if !connection.is_native() {
        return sheet.ok(id, "nothing is set that means nothing here");
    }
    let settings = &connection.ringcx;
    // As they are where nobody sets them.
    let is = |face: &IdentitySettings, id: &str, name: &str| face.id == id && face.name == name;
    let set = [
        (
            "forward_only_handover_conversations",
            connection.forward_only_handover_conversations,
        ),
        ("get_queue_updates", connection.get_queue_updates),
        (
            "realtime_endpoint_url",
            settings.realtime_endpoint_url != settings.api_base,
        ),
        (
            "realtime_access_tokens",
            !settings.realtime_access_tokens.is_empty(),
        ),
        ("bot_identity", !is(&settings.bot_identity, "bot", "Bot")),
        ("agent_identity", !is(&settings.agent_identity, "agent", "Agent")),
    ];
    let unused: Vec<&str> = set
        .iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| *name)
        .collect();
    if unused.is_empty() {
        sheet.ok(id, "nothing is set that means nothing here");
    } else {
        sheet.warn(
            id,
            format!(
                "on a channel of RingCentral's own these change nothing: {}",
                unused.join(", ")
            ),
            "Take them out of the configuration. RingCentral has every conversation there anyway, tells no places in a queue for it, and takes the bot's words by REST, under the identity of the token's account there (native.author_identities chooses among several).",
        );
    }
}

fn rest_budget(case: &Case<'_>, sheet: &mut Sheet) {
    let limit = case.connection.ringcx.requests_per_minute;
    let (calls, limited) = (case.facts.rest_calls, case.facts.limited_calls);
    let held = case.facts.held_calls;
    if limited == 0 && held > 0 {
        let needed = calls + held;
        let what = format!(
            "requests_per_minute = {limit}: our own limiter held back {held} of the {needed} calls of this examination"
        );
        if limit < needed {
            let how = format!(
                "Raise requests_per_minute: an examination takes {needed} calls or more, and 300 leaves 200 a minute to other integrations."
            );
            sheet.error("rest-budget", what, how);
        } else {
            let how = "The bridge itself used the rest of it; examine again in a minute. If that happens often, raise requests_per_minute.";
            sheet.warn("rest-budget", what, how);
        }
    } else if limited > 0 {
        sheet.error(
            "rest-budget",
            format!("RingCentral refused {limited} of {calls} calls with 429, too many requests"),
            "Find out which other integration uses the account's calls, lower requests_per_minute here, or ask RingCentral for a higher limit; then examine again in a minute.",
        );
    } else if limit > CAREFUL_REQUESTS_PER_MINUTE {
        sheet.warn(
            "rest-budget",
            format!(
                "requests_per_minute = {limit}, of 500 that RingCentral allows to all integrations together"
            ),
            "300 carries far more than a thousand handovers an hour; leave room for other integrations.",
        );
    } else {
        sheet.ok(
            "rest-budget",
            format!("requests_per_minute = {limit}; this examination took {calls} calls"),
        );
    }
}
