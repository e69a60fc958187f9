//! The bot, and who else is told.

use handover_core::ports::{BotError, Probed, causes};

use super::{Case, list};
use crate::check::Sheet;

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let kind = &case.connection.bot.kind;
    let host = kind.origin().host_str().unwrap_or_default();
    let signature_how = format!(
        "Compare signing_secrets with the secret that the bot at {host} verifies with (it begins with whsec_); and let the bot answer 2xx to events that it does not know."
    );
    match &case.facts.bot.signed {
        Ok(Probed::Took(told)) => {
            sheet.ok("bot", format!("{host} answers"));
            sheet.ok(
                "bot-signature",
                format!("a signed event that means nothing was taken ({})", told.status),
            );
        }
        Ok(Probed::Answers(told)) => {
            sheet.ok("bot", format!("{host} answers ({})", told.status));
            sheet.skip(
                "bot-signature",
                format!(
                    "{} offers nothing that could be tried without speaking to a person",
                    kind.as_str()
                ),
                "Try one conversation, and look at `engage-handover dead-letters list`.",
            );
        }
        Ok(Probed::Nothing) => {
            sheet.skip("bot", "nothing was tried", "");
            sheet.skip("bot-signature", "nothing was tried", "");
        }
        Err(
            BotError::SecretRefused { status }
            | BotError::Refused {
                status: status @ (400 | 422),
            },
        ) => {
            sheet.ok("bot", format!("{host} answers"));
            let what = format!(
                "the bot refuses a signed event ({status}): its signing secret differs, or it refuses events that it does not know"
            );
            sheet.error("bot-signature", what, signature_how);
        }
        Err(error) => {
            let (what, how) = unreachable(host, error);
            sheet.error("bot", what, how);
            sheet.skip("bot-signature", "the bot was not reached", "");
        }
    }
    verifies(case, sheet);
    subscribers(case, sheet);
}

fn unreachable(host: &str, error: &BotError) -> (String, String) {
    let look = "Compare the bot's address in the configuration with where it runs";
    match error {
        BotError::Refused { status } if (300..400).contains(status) => (
            format!("{host} redirects ({status}); events are not redirected"),
            "Configure the address to which it redirects.".to_owned(),
        ),
        BotError::Refused { status } => (
            format!("{host} answers {status} to an event"),
            format!("{look}: host and path."),
        ),
        BotError::Gone => (
            format!("{host} answers 410: it wants no events any more"),
            format!("{look}."),
        ),
        BotError::Busy { status: 429, .. } => (
            format!("{host} answers 429: it takes no more requests just now"),
            "Examine again in a minute. If it answers so every time, raise the limit of requests in front of the bot.".to_owned(),
        ),
        BotError::Busy { status, .. } => (
            format!("{host} is in trouble ({status})"),
            "Look at the bot's log; it has to answer 2xx to events that it does not know, too.".to_owned(),
        ),
        other => (
            format!("{host} does not answer: {}", causes(other)),
            format!("{look}, and look whether this machine may call it (firewall, certificate, DNS)."),
        ),
    }
}

fn verifies(case: &Case<'_>, sheet: &mut Sheet) {
    let id = "bot-verifies";
    if !matches!(case.facts.bot.signed, Ok(Probed::Took(_))) {
        return sheet.skip(
            id,
            "a signed event was not taken, so a forged one tells nothing",
            "",
        );
    }
    match &case.facts.bot.forged {
        Ok(Probed::Took(told)) => sheet.warn(
            id,
            format!("the bot took an event with a wrong signature ({})", told.status),
            "Let the bot verify the signature (Standard Webhooks) before it reads the body; the examples show how.",
        ),
        Ok(_) => sheet.skip(id, "nothing was tried", ""),
        Err(BotError::Refused { status } | BotError::SecretRefused { status }) => {
            sheet.ok(id, format!("refused with {status}"));
        }
        Err(BotError::Busy { status, .. }) => sheet.ok(id, format!("refused with {status}, which we take for trouble; 401 would say more")),
        Err(_) => sheet.skip(id, "there was no answer", ""),
    }
}

fn subscribers(case: &Case<'_>, sheet: &mut Sheet) {
    let id = "queue-subscribers";
    let configured = &case.connection.bot.queue_subscribers;
    if configured.is_empty() {
        return sheet.skip(id, "there are none", "");
    }
    let trouble: Vec<String> = configured
        .iter()
        .zip(&case.facts.bot.subscribers)
        .filter_map(|(subscriber, outcome)| {
            let error = outcome.as_ref().err()?;
            let host = subscriber.url.host_str().unwrap_or_default();
            Some(format!("{host}: {}", causes(error)))
        })
        .collect();
    if trouble.is_empty() {
        sheet.ok(id, format!("{} of {}", configured.len(), configured.len()));
    } else {
        sheet.error(
            id,
            list(&trouble),
            "Compare url and signing_secrets under queue_subscribers with the receiver's; 400, 401 or 403 is its secret.",
        );
    }
}
