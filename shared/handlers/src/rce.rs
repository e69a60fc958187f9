//! The URL that the vendors' set-up guides use for both Source SDK calls and webhooks.
//!
//! A call is told apart by the header that it carries and is then checked with that kind's own
//! credential; a body of the other kind is never acted on.

use handover_ringcx::{signature, webhook};

use crate::App;
use crate::respond::Answer;
use crate::routes::Call;
use crate::{source_sdk, webhook_intake};

/// Answers a POST to the shared URL.
pub async fn handle(app: &App, call: Call) -> Answer {
    let carries = |name| call.header(name).is_some_and(|value| !value.is_empty());
    let is_webhook = carries(webhook::SECRET_HEADER) && !carries(signature::SIGNATURE_HEADER);
    if is_webhook {
        webhook_intake::handle(app, call).await
    } else {
        source_sdk::handle(app, call).await
    }
}
