//! RCE is made to call the bridge: saving an active webhook makes RCE validate its receiver, asynchronously (Webhooks,
//! "Validation"). The bridge notes when it answered one.

use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::heard::Heard;
use handover_core::ports::Store;
use handover_ringcx::console::{Console, Webhook, WebhookChange};

use super::{Instruments, Patient};
use crate::facts::{AddressFacts, RoundTrip, Seen};

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
    if !(address.validation.is(200) && address.delivery.is(200)) {
        return RoundTrip::NotTried(
            "the bridge did not answer here, so RingCentral would switch the webhook off",
        );
    }
    let before = note(patient.store.as_ref(), with, Heard::Validation, patient).await;
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
