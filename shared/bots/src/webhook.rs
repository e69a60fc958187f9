//! The generic bot: every event is `POSTed` to one URL, signed by Standard Webhooks 1.0.0.

use handover_core::ports::{BotError, Delivery, Told};
use handover_core::settings::{Connection, Endpoint};
use reqwest::Client;

use crate::{answer, body, post, send, signed};

/// Tells bots by HTTP.
#[derive(Clone, Debug)]
pub struct WebhookBots {
    http: Client,
}

impl WebhookBots {
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    pub(crate) fn http(&self) -> &Client {
        &self.http
    }

    /// Sends one event.
    pub async fn post(
        &self,
        connection: &Connection,
        to: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        let body = body::render(connection, delivery);
        let request = post(&self.http, to.url.clone());
        let request = signed::sign(request, &to.signing_secrets, delivery, &delivery.id, &body)?;
        let answer = send(request, body).await?;
        answer::read(answer.status().as_u16(), answer.headers(), delivery.now)
    }
}
