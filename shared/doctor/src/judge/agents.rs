//! Who answers.

use handover_core::settings::Hours;
use handover_ringcx::console::User;

use super::{Case, list};
use crate::check::Sheet;
use crate::facts::{Seen, SourceFacts};

/// What an agent needs on the source (REST API, "Sources permissions").
const NEEDED: [&str; 2] = ["read", "reply"];

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    case.each_source(sheet, |facts, sheet| permissions(case, facts, sheet));
    now(case, sheet);
    hours(case, sheet);
}

fn permissions(case: &Case<'_>, facts: &SourceFacts, sheet: &mut Sheet) {
    let id = "agent-permissions";
    let agents = &case.facts.agents;
    let source = &facts.id;
    let how = format!(
        "Give them read and reply on source {source} (Admin > Users > permissions on sources, or `engage-handover setup`)."
    );
    let look = format!(
        "Look whether the agents have read and reply on source {source} (Admin > Users > permissions on sources)."
    );
    let Seen::Yes(holders) = &agents.holders else {
        return sheet.skip(id, case.unseen(&agents.holders), look);
    };
    if !matches!(facts.source, Seen::Yes(Some(_))) {
        return sheet.skip(id, "not to be seen while the source cannot be read", look);
    }
    let me = case.facts.account.me.yes().map(|me| me.id.as_str());
    let enabled: Vec<&User> = holders
        .iter()
        .filter(|user| user.enabled && Some(user.id.as_str()) != me)
        .collect();
    let mut lacking = Vec::new();
    let mut read = 0;
    let mut unseen = None;
    for user in &enabled {
        match facts.agents.get(&user.id) {
            Some(Seen::Yes(has)) => {
                read += 1;
                let missing: Vec<&str> = NEEDED
                    .into_iter()
                    .filter(|wanted| !has.iter().any(|has| has == wanted))
                    .collect();
                if !missing.is_empty() {
                    lacking.push(format!(
                        "{} ({}) lacks {}",
                        user.name,
                        user.id,
                        missing.join(" and ")
                    ));
                }
            }
            Some(other) => unseen = Some(other),
            None => {}
        }
    }
    if !lacking.is_empty() {
        return sheet.error(id, list(&lacking), how);
    }
    match unseen {
        _ if enabled.is_empty() => sheet.skip(id, "there are no agents to look at", ""),
        Some(unseen) if read == 0 => sheet.skip(id, case.unseen(unseen), look),
        _ => sheet.ok(
            id,
            format!(
                "{read} of {} agents looked at, all may read and reply",
                enabled.len()
            ),
        ),
    }
}

fn now(case: &Case<'_>, sheet: &mut Sheet) {
    let agents = &case.facts.agents;
    let reasons = ["agent-category", "agent-category-held", "agent-permissions"];
    if agents.with_room == Some(0)
        && let Some(reason) = reasons.into_iter().find(|id| sheet.failed(id))
    {
        return sheet.skip(
            "agents-now",
            format!("not to be judged before {reason} is mended"),
            "",
        );
    }
    match agents.with_room {
        None => sheet.skip("agents-now", "who is logged in is not known", ""),
        Some(0) if agents.is_open == Some(false) => sheet.ok("agents-now", "nobody, and it is after hours"),
        Some(0) => {
            let refused = case.connection.availability.require_agent;
            let effect = if refused {
                "handovers are refused (\"no_agents\") until somebody is there"
            } else {
                "handovers wait"
            };
            sheet.warn(
                "agents-now",
                format!("nobody who holds the Agent category is logged in on the source's channel group, available and with room: {effect}"),
                "Let an agent log in and set the channel to available. If somebody is: compare their channels and categories with the source's channel group.",
            );
        }
        Some(count) => sheet.ok("agents-now", format!("{count} could take one")),
    }
}

fn hours(case: &Case<'_>, sheet: &mut Sheet) {
    let what = match (case.connection.availability.hours, case.facts.agents.is_open) {
        (Hours::None, _) => "always open (hours = \"none\")",
        (Hours::Source, None) => "always open: no time sheet names the source, or it cannot be read",
        (Hours::Source, Some(true)) => "open now",
        (Hours::Source, Some(false)) => "closed now: handovers are refused until it opens",
    };
    sheet.ok("opening-hours", what);
}
