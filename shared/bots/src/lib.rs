//! Bot platforms: how each wants to be told what happens to a conversation.
//!
//! | module | owns |
//! |---|---|
//! | [`webhook`] | the generic bot: Standard Webhooks to one URL |
//! | [`cognigy`] | Cognigy.AI: *notify* and *inject* |
//! | [`chatlayer`] | Chatlayer: the conversation-actions API |
//! | [`body`] | the JSON body of an event, shared by everything that speaks our own event format |
//! | [`answer`] | what an HTTP answer means: taken, busy, refused, gone |
//! | [`pace`] | not more calls in a minute than a platform takes |
//! | [`signed`] | the headers of Standard Webhooks |

pub mod answer;
pub mod body;
pub mod chatlayer;
pub mod cognigy;
pub mod pace;
mod probe;
pub mod signed;
pub mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use handover_core::event::BotEvent;
use handover_core::ports::{BotError, BotPlatform, Delivery, Ping, Probed, Told};
use handover_core::settings::{BotKind, Connection, Endpoint};
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

use chatlayer::Chatlayer;
use cognigy::Cognigy;
use webhook::WebhookBots;

/// How long a receiver may take to answer (Standard Webhooks advises 15 to 30 seconds; a person waits).
const TIMEOUT: Duration = Duration::from_secs(15);

/// A call with a JSON body.
fn post(http: &Client, url: Url) -> RequestBuilder {
    http.post(url)
        .timeout(TIMEOUT)
        .header("content-type", "application/json")
}

/// Sends it. An error names no address, which may hold a token.
async fn send(request: RequestBuilder, body: Vec<u8>) -> Result<Response, BotError> {
    let sent = request.body(body).send().await;
    sent.map_err(|error| BotError::NoAnswer(error.without_url().into()))
}

/// Every kind of bot, each connection in its own words.
#[derive(Debug)]
pub struct Bots {
    http: Client,
    webhook: WebhookBots,
    cognigy: Cognigy,
    chatlayer: Chatlayer,
}

impl Bots {
    pub fn new(http: Client) -> Self {
        Self {
            webhook: WebhookBots::new(http.clone()),
            cognigy: Cognigy::new(http.clone()),
            chatlayer: Chatlayer::new(http.clone()),
            http,
        }
    }
}

#[async_trait]
impl BotPlatform for Bots {
    fn parts(&self, connection: &Connection, event: &BotEvent) -> usize {
        match &connection.bot.kind {
            BotKind::Webhook(_) => 1,
            BotKind::Cognigy(_) => cognigy::calls(&connection.bot, event).len(),
            BotKind::Chatlayer(settings) => chatlayer::calls(settings, connection, event).len(),
        }
    }

    async fn tell(&self, connection: &Connection, delivery: &Delivery) -> Result<Told, BotError> {
        match &connection.bot.kind {
            BotKind::Webhook(endpoint) => self.webhook.post(connection, endpoint, delivery).await,
            BotKind::Cognigy(settings) => self.cognigy.tell(connection, settings, delivery).await,
            BotKind::Chatlayer(settings) => self.chatlayer.tell(connection, settings, delivery).await,
        }
    }

    async fn tell_subscriber(
        &self,
        connection: &Connection,
        to: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        self.webhook.post(connection, to, delivery).await
    }

    async fn probe(
        &self,
        connection: &Connection,
        subscriber: Option<&Endpoint>,
        ping: &Ping,
    ) -> Result<Probed, BotError> {
        match (subscriber, &connection.bot.kind) {
            (Some(endpoint), _) | (None, BotKind::Webhook(endpoint)) => {
                self.webhook.probe(connection, endpoint, ping).await
            }
            // A forged call would be one more call without a meaning.
            (None, _) if ping.forged => Ok(Probed::Nothing),
            (None, kind) => probe::origin(&self.http, kind.origin()).await,
        }
    }
}
