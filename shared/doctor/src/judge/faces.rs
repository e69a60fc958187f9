//! The Send API, and the identities that speak for the company.

use handover_core::ports::RingCxError;
use handover_core::settings::IdentitySettings;
use handover_ringcx::console::Identity;

use super::{Case, list};
use crate::check::Sheet;
use crate::facts::Seen;

const IDS: [&str; 5] = [
    "send-api",
    "bot-identity",
    "bot-identity-controlled",
    "agent-identity",
    "agent-identity-assigned",
];

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let Some(sent) = &case.facts.send_api else {
        let why = case.without_source_sdk().unwrap_or("it was not tried");
        for id in IDS {
            sheet.skip(id, why, "");
        }
        return;
    };
    send_api(case, sent, sheet);
    bot(case, sent.is_ok(), sheet);
    agent(case, sheet);
}

fn send_api(case: &Case<'_>, sent: &Result<(), RingCxError>, sheet: &mut Sheet) {
    let url = &case.connection.ringcx.realtime_endpoint_url;
    let host = url.host_str().unwrap_or_default();
    let error = match sent {
        Ok(()) => return sheet.ok("send-api", "the bot's identity was announced"),
        Err(error) => error,
    };
    let token = "Compare the first of realtime_access_tokens with API access token on the source's page (not the REST API's token).";
    let address = "Copy Realtime Endpoint URL from the source's page as it is.";
    match error {
        RingCxError::SecretRefused { code, .. } if code == "invalid_signature" => {
            sheet.error("send-api", "RingCentral does not accept the signature: the realtime access token is wrong", token);
        }
        RingCxError::NotPermitted { status, .. } | RingCxError::SecretRefused { status, .. } => {
            sheet.error("send-api", format!("RingCentral refuses the call ({status}): realtime access token or address"), format!("{token} {address}"));
        }
        RingCxError::Refused { code, .. } if code == "source_not_found" => {
            sheet.error("send-api", "RingCentral knows no source at the realtime endpoint URL, or it is not active", address);
        }
        RingCxError::NotFound => sheet.error("send-api", format!("{host} has nothing at the realtime endpoint URL (404)"), address),
        RingCxError::Refused { status, code } => sheet.error(
            "send-api",
            format!("RingCentral refuses it ({status}: {code})"),
            format!("{address} Look at the source's page for an error."),
        ),
        RingCxError::RateLimited { .. } | RingCxError::BudgetUsedUp { .. } => {
            sheet.skip("send-api", "RingCentral limits the number of calls just now", "Examine again in a minute.");
        }
        other => sheet.error(
            "send-api",
            format!("{host}: {}", handover_core::ports::causes(other)),
            "Look whether this machine may call RingCentral (firewall, proxy, DNS); if so, wait for RingCentral.",
        ),
    }
}

fn bot(case: &Case<'_>, sent: bool, sheet: &mut Sheet) {
    let settings = &case.connection.ringcx.bot_identity;
    let found = found(
        case,
        "bot-identity",
        settings,
        &case.facts.bot_identity,
        sent,
        sheet,
    );
    let id = "bot-identity-controlled";
    match found {
        Some(identity) if !identity.user_ids.is_empty() => sheet.ok(id, "it is"),
        Some(_) => sheet.skip(
            id,
            "REST does not show it",
            format!("Look in RingCentral at the identity {:?} (search for its name): Controlled identity has to be ticked.", settings.id),
        ),
        None => sheet.skip(id, "the identity was not seen", ""),
    }
}

fn found<'a>(
    case: &Case<'_>,
    id: &'static str,
    settings: &IdentitySettings,
    seen: &'a Seen<Vec<Identity>>,
    announced: bool,
    sheet: &mut Sheet,
) -> Option<&'a Identity> {
    match seen {
        Seen::Yes(all) => match all.first() {
            Some(identity) => {
                if id == "bot-identity" {
                    sheet.ok(id, format!("{:?} ({})", settings.id, identity.id));
                }
                Some(identity)
            }
            None if !case.facts.has_source() => {
                sheet.skip(id, "not to be seen while the source cannot be read", "");
                None
            }
            None if announced => {
                sheet.warn(
                    id,
                    format!("RingCentral does not know the identity {:?} (yet: it was announced just now)", settings.id),
                    "Examine again in a minute. If it is still unknown, look whether the source is active and of type SDK.",
                );
                None
            }
            None => {
                sheet.error(
                    id,
                    format!("RingCentral does not know the identity {:?}", settings.id),
                    "It is announced with the first message: `engage-handover setup`, or one handover, does it. Then tick Controlled identity on it.",
                );
                None
            }
        },
        other => {
            sheet.skip(id, case.unseen(other), "");
            None
        }
    }
}

fn agent(case: &Case<'_>, sheet: &mut Sheet) {
    let settings = &case.connection.ringcx.agent_identity;
    let assigned = "agent-identity-assigned";
    let Some(identity) = found(
        case,
        "agent-identity",
        settings,
        &case.facts.agent_identity,
        false,
        sheet,
    ) else {
        return sheet.skip(assigned, "the identity was not seen", "");
    };
    let holders = case.facts.agents.holders.yes();
    let me = case.facts.account.me.yes().map(|me| me.id.as_str());
    let agents: Vec<_> = holders
        .into_iter()
        .flatten()
        .filter(|user| user.enabled && Some(user.id.as_str()) != me)
        .collect();
    let may = |user: &&&handover_ringcx::console::User| {
        identity.user_ids.contains(&user.id) || user.identity_ids.contains(&identity.id)
    };
    let how = format!(
        "In RingCentral open the identity {:?} ({}), tick Controlled identity, and assign it to every agent who shall answer (Admin > Users, Identities).",
        settings.id, settings.name
    );
    let anybody = !identity.user_ids.is_empty() || agents.iter().any(|user| may(&user));
    if anybody {
        sheet.ok(
            "agent-identity",
            format!("{:?} ({}), controlled", settings.id, identity.id),
        );
    } else {
        let what = format!(
            "nobody may speak as the identity {:?} ({}): it is not controlled, or assigned to nobody",
            settings.id, identity.id
        );
        sheet.error("agent-identity", what, how);
        return sheet.skip(assigned, "it is assigned to nobody", "");
    }
    if holders.is_none() {
        return sheet.skip(
            assigned,
            case.unseen(&case.facts.agents.holders),
            "Look at Admin > Users, Identities.",
        );
    }
    let lacking: Vec<String> = agents
        .iter()
        .filter(|user| !may(user))
        .map(|user| format!("{} ({})", user.name, user.id))
        .collect();
    if lacking.is_empty() {
        sheet.ok(assigned, format!("{} agents", agents.len()));
    } else {
        sheet.error(assigned, format!("it is not assigned to {}", list(&lacking)), how);
    }
}
