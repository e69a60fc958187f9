//! The generic bot: every event is `POSTed` to one URL, signed by Standard Webhooks 1.0.0.

use handover_core::ports::{BotError, Delivery, Told};
use handover_core::settings::{Connection, Endpoint};
use reqwest::Client;

use crate::{TIMEOUT, answer, body, signed};

/// Tells bots by HTTP.
#[derive(Clone, Debug)]
pub struct WebhookBots {
    http: Client,
}

impl WebhookBots {
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// Sends one event.
    pub async fn post(
        &self,
        connection: &Connection,
        to: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        let body = body::render(connection, delivery);
        let request = self
            .http
            .post(to.url.clone())
            .timeout(TIMEOUT)
            .header("content-type", "application/json");
        let answer = signed::sign(request, &to.signing_secrets, delivery, &delivery.id, &body)?
            .body(body)
            .send()
            .await
            .map_err(|error| BotError::NoAnswer(error.without_url().into()))?;
        answer::read(answer.status().as_u16(), answer.headers(), delivery.now)
    }
}
