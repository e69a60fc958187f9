//! The headers of Standard Webhooks 1.0.0.

use std::error::Error;

use handover_core::Timestamp;
use handover_core::ports::{BotError, Delivery};
use handover_core::secret::Secret;
use reqwest::RequestBuilder;
use standardwebhooks::Webhook;

/// Adds them. All secrets sign, so that a receiver may rotate without a gap; without any, nothing is signed.
pub fn sign(
    request: RequestBuilder,
    secrets: &[Secret],
    delivery: &Delivery,
    id: &str,
    body: &[u8],
) -> Result<RequestBuilder, BotError> {
    sign_at(request, secrets, delivery.now, id, body)
}

/// The same for what is no delivery.
pub(crate) fn sign_at(
    request: RequestBuilder,
    secrets: &[Secret],
    now: Timestamp,
    id: &str,
    body: &[u8],
) -> Result<RequestBuilder, BotError> {
    if secrets.is_empty() {
        return Ok(request);
    }
    let seconds = now.as_second();
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let webhook = Webhook::new(secret.expose()).map_err(unusable)?;
        signatures.push(webhook.sign(id, seconds, body).map_err(unusable)?);
    }
    Ok(request
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signatures.join(" ")))
}

/// The configuration check refuses such secrets, so this is a fault of ours; retrying keeps the event.
fn unusable(error: impl Error + Send + Sync + 'static) -> BotError {
    BotError::NoAnswer(Box::new(error))
}
