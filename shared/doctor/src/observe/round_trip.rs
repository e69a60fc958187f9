//! RCE is made to call the bridge: saving an active webhook makes RCE validate its receiver, asynchronously (Webhooks,
//! "Validation"). The bridge notes when it answered one.

use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::heard::Heard;
use handover_core::ports::Store;
use handover_core::secret::Secret;
use handover_ringcx::console::{Console, Webhook, WebhookChange};
use jiff::SignedDuration;

use super::{Instruments, Patient};
use crate::facts::{AddressFacts, Call, RoundTrip, Seen};

/// A validation that was answered so lately shows that the verify token is right.
const LATELY: SignedDuration = SignedDuration::from_hours(24);
/// How often, and how many times, somebody looks whether RCE called: 15 seconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOKS: u32 = 30;
/// After so many looks RCE is asked once whether it gave up; and once more at the end.
const ASK_AFTER: u32 = 4;
/// Without a store to look into, RCE is watched for so long.
const WATCH: Duration = Duration::from_secs(3);

pub(super) async fn make(
    patient: &Patient,
    with: &Instruments,
    console: &Console,
    webhooks: &Seen<Vec<Webhook>>,
    address: &AddressFacts,
) -> RoundTrip {
    let found = webhooks.yes().into_iter().flatten();
    let chosen = |webhook: &&Webhook| Some(&webhook.id) == address.webhook.as_ref();
    let Some(webhook) = found.into_iter().find(chosen) else {
        return RoundTrip::NotTried("there is no webhook that could be saved");
    };
    if !webhook.delivers() {
        return RoundTrip::NotTried("the webhook is off, and this changes nothing");
    }
    if let Call::NotTried(why) = address.validation {
        return RoundTrip::NotTried(why);
    }
    if !(address.validation.is(200) && address.delivery.is(200)) {
        return RoundTrip::NotTried(
            "the bridge did not take a validation and a delivery from here, so RingCentral would switch the webhook off",
        );
    }
    let before = note(patient.store.as_ref(), with, Heard::Validation, patient).await;
    let lately = before.is_some_and(|at| with.clock.now().duration_since(at) < LATELY);
    let ours = &patient.connection.ringcx.verification_token;
    if let Some(why) = would_be_refused(ours, webhook, lately) {
        return RoundTrip::NotTried(why);
    }
    let unchanged = WebhookChange {
        active: Some(true),
        ..WebhookChange::default()
    };
    if let Err(error) = console.update_webhook(&webhook.id, &unchanged).await {
        return RoundTrip::NotSaved(error.to_string());
    }
    let heard = match &patient.store {
        None => {
            pause(WATCH).await;
            None
        }
        Some(store) => Some(wait(store, with, patient, before, console, &webhook.id).await),
    };
    let after = console.webhook(&webhook.id).await;
    RoundTrip::Tried {
        heard,
        delivers: after.ok().flatten().is_none_or(|webhook| webhook.delivers()),
        last_delivery: note(patient.store.as_ref(), with, Heard::Delivery, patient).await,
    }
}

/// Why RCE's validation would be refused, as far as can be known: RCE switches such a webhook off when it is saved, and
/// until then it may deliver. Where REST hides the verify token, only a validation that went well lately tells.
fn would_be_refused(ours: &Secret, webhook: &Webhook, validated_lately: bool) -> Option<&'static str> {
    match &webhook.verify_token {
        Some(theirs) if ours.matches(theirs.as_bytes()) => None,
        Some(_) => Some(
            "the webhook has another verify token, so RingCentral would switch it off when it is saved: mend that first",
        ),
        None if validated_lately => None,
        None => Some(
            "RingCentral does not show the webhook's verify token; if it is another one, saving the webhook would switch it off",
        ),
    }
}

async fn wait(
    store: &Arc<dyn Store>,
    with: &Instruments,
    patient: &Patient,
    before: Option<Timestamp>,
    console: &Console,
    webhook: &str,
) -> bool {
    for look in 1..=LOOKS {
        pause(LOOK_EVERY).await;
        if note(Some(store), with, Heard::Validation, patient).await > before {
            return true;
        }
        // RCE may have given up meanwhile; then nothing more will come.
        let gave_up = look == ASK_AFTER
            && matches!(console.webhook(webhook).await, Ok(Some(webhook)) if !webhook.delivers());
        if gave_up {
            return false;
        }
    }
    false
}

pub(super) async fn note(
    store: Option<&Arc<dyn Store>>,
    with: &Instruments,
    what: Heard,
    patient: &Patient,
) -> Option<Timestamp> {
    let key = what.key(&patient.connection.id);
    let note = store?.claimed(&key, with.clock.now()).await.ok()??;
    Heard::read(&note.record)
}

#[expect(
    clippy::disallowed_methods,
    reason = "somebody waits for the report; nothing is lost if the process dies here"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(verify_token: Option<&str>) -> Webhook {
        Webhook {
            id: "w1".to_owned(),
            url: String::new(),
            active: true,
            status: None,
            registered_events: Vec::new(),
            verify_token: verify_token.map(str::to_owned),
            token_id: None,
        }
    }

    #[test]
    fn a_webhook_that_would_be_switched_off_is_not_saved() {
        let ours = Secret::new("the-right-one");
        let refused = |token, lately| would_be_refused(&ours, &webhook(token), lately);
        assert_eq!(refused(Some("the-right-one"), false), None);
        assert!(refused(Some("another-one"), true).is_some());
        assert!(refused(None, false).is_some());
        assert_eq!(refused(None, true), None);
    }
}
