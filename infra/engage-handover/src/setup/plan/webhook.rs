//! The webhook: found, made or repaired; never two.

use handover_ringcx::console::Webhook;

use super::{Act, Given, Plan, Step, Verdict, by_eye};
use crate::setup::account::Observed;

/// Under which it is remembered that a person was told of a webhook that nobody sees.
pub(crate) const WEBHOOK: &str = "webhook";

/// What is to be done with the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookPlan {
    /// The one that is kept, if there is one.
    pub(crate) found: Option<Webhook>,
    /// Events that it shall have besides those that it has.
    pub(crate) add: Vec<&'static str>,
    /// Secret and verify token have to be told.
    pub(crate) tell: bool,
}

pub(super) fn plan(observed: &Observed, given: &Given<'_>, plan: &mut Plan) {
    let url = given.wish.webhook_url();
    let wanted = given.wish.event_list();
    let Some(all) = &observed.webhooks else {
        let act = Act::Webhook(WebhookPlan {
            found: None,
            add: wanted,
            tell: true,
        });
        let mut step = by_eye(act, WEBHOOK, &url, given, format!("webhook to {url}"));
        if given.verification_token.is_none() || given.entry.webhook_untold {
            step.verdict = Verdict::ByHand;
        }
        plan.steps
            .push(step.because("the token's account may not see webhooks"));
        return;
    };
    let made = given
        .entry
        .made
        .webhook
        .as_ref()
        .and_then(|made| made.id.as_deref());
    let mut ours: Vec<&Webhook> = all
        .iter()
        .filter(|webhook| given.wish.is_ours(&webhook.url) || made == Some(&webhook.id))
        .collect();
    // The best one first: the right address, then the one that was made here, then one that works.
    ours.sort_by_key(|webhook| (webhook.url != url, made != Some(&webhook.id), !webhook.delivers()));
    let found = ours.first().copied();
    plan.steps.push(match found {
        None => {
            let act = Act::Webhook(WebhookPlan {
                found: None,
                add: wanted.clone(),
                tell: true,
            });
            Step::new(act, Verdict::Create, format!("webhook to {url}")).because(format!(
                "{} events; needs the bridge to answer there",
                wanted.len()
            ))
        }
        Some(found) => mend(found, &url, wanted, given),
    });
    for other in ours.iter().skip(1) {
        let verdict = if given.wish.delete_other_webhooks {
            Verdict::Delete
        } else {
            Verdict::ByHand
        };
        let step = Step::new(
            Act::DeleteWebhook((*other).clone()),
            verdict,
            format!("webhook {} to {}", other.id, other.url),
        );
        plan.steps.push(step.because(
            "it leads here as well: every event would come twice. --delete-other-webhooks deletes it",
        ));
    }
}

fn mend(found: &Webhook, url: &str, wanted: Vec<&'static str>, given: &Given<'_>) -> Step {
    let has = |event: &&str| found.registered_events.iter().any(|known| known == event);
    let add: Vec<&'static str> = wanted.into_iter().filter(|event| !has(event)).collect();
    let other_token = match (&found.verify_token, &given.verification_token) {
        (Some(theirs), Some(ours)) => theirs != ours.expose(),
        _ => false,
    };
    let new_secrets = given.verification_token.is_none() || given.entry.webhook_untold;
    let tell = other_token || new_secrets || !found.delivers();
    let mut why = Vec::new();
    if found.url != url {
        why.push(format!("leads to {}", found.url));
    }
    if !found.active {
        why.push("switched off".to_owned());
    } else if !found.delivers() {
        why.push(format!(
            "active, but RingCentral says \"{}\"",
            found.status.as_deref().unwrap_or("?")
        ));
    }
    if !add.is_empty() {
        why.push(format!("lacks {}", add.join(", ")));
    }
    if other_token {
        why.push("has another verify token".to_owned());
    }
    if new_secrets {
        why.push("gets the configuration's secret and verify token".to_owned());
    }
    let verdict = if why.is_empty() {
        Verdict::Keep
    } else {
        Verdict::Change
    };
    let act = Act::Webhook(WebhookPlan {
        found: Some(found.clone()),
        add,
        tell,
    });
    let step = Step::new(act, verdict, format!("webhook to {url}"));
    if why.is_empty() {
        step
    } else {
        step.because(why.join("; "))
    }
}
