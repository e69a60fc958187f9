//! The generic bot: every event is `POSTed` to one URL, signed by Standard Webhooks 1.0.0.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use handover_core::ports::{BotError, BotPlatform, Delivery, Told};
use handover_core::settings::{BotKind, Connection, Endpoint};
use reqwest::Client;
use standardwebhooks::Webhook;

use crate::{answer, body};

/// How long a receiver may take to answer (Standard Webhooks advises 15 to 30 seconds; a person waits).
const TIMEOUT: Duration = Duration::from_secs(15);

/// Tells bots by HTTP.
#[derive(Clone, Debug)]
pub struct WebhookBots {
    http: Client,
}

impl WebhookBots {
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    async fn post(
        &self,
        connection: &Connection,
        to: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        let body = body::render(connection, delivery);
        let seconds = delivery.now.as_second();
        let signatures = sign(to, &delivery.id, seconds, &body)?;
        let answer = self
            .http
            .post(to.url.clone())
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures)
            .body(body)
            .send()
            .await
            .map_err(|error| BotError::NoAnswer(error.without_url().into()))?;
        answer::read(answer.status().as_u16(), answer.headers(), delivery.now)
    }
}

/// All secrets sign, so that a receiver may rotate without a gap.
fn sign(to: &Endpoint, id: &str, seconds: i64, body: &[u8]) -> Result<String, BotError> {
    let mut signatures = Vec::with_capacity(to.signing_secrets.len());
    for secret in &to.signing_secrets {
        let webhook = Webhook::new(secret.expose()).map_err(unusable)?;
        signatures.push(webhook.sign(id, seconds, body).map_err(unusable)?);
    }
    Ok(signatures.join(" "))
}

/// The configuration check refuses such secrets, so this is a fault of ours; retrying keeps the event.
fn unusable(error: impl Error + Send + Sync + 'static) -> BotError {
    BotError::NoAnswer(Box::new(error))
}

#[async_trait]
impl BotPlatform for WebhookBots {
    async fn tell(&self, connection: &Connection, delivery: &Delivery) -> Result<Told, BotError> {
        let BotKind::Webhook(endpoint) = &connection.bot.kind;
        self.post(connection, endpoint, delivery).await
    }

    async fn tell_subscriber(
        &self,
        connection: &Connection,
        to: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        self.post(connection, to, delivery).await
    }
}
