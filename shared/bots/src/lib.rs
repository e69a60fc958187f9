//! Bot platforms: how each wants to be told what happens to a conversation.
//!
//! | module | owns |
//! |---|---|
//! | [`webhook`] | the generic bot: Standard Webhooks to one URL |
//! | [`cognigy`] | Cognigy.AI: *notify* and *inject*; on channels of RCE's own, its REST or Webhook endpoint |
//! | [`chatlayer`] | Chatlayer: the conversation-actions API; on channels of RCE's own, its webhook channel |
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
use handover_core::ports::{Answered, BotError, BotPlatform, Delivery, Ping, Probed, Told};
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

/// How long a bot may take that answers the person in the same breath.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// Sends it. An error names no address, which may hold a token.
async fn send(request: RequestBuilder, body: Vec<u8>) -> Result<Response, BotError> {
    let sent = request.body(body).send().await;
    sent.map_err(|error| BotError::NoAnswer(error.without_url().into()))
}

/// Sends what must not arrive twice: what the bot says to it comes by another call, so that nobody could tell that it thought
/// twice. `None`: it may have arrived, and counts as if it had.
async fn send_once(request: RequestBuilder, body: Vec<u8>) -> Result<Option<Response>, BotError> {
    let answer = match request.body(body).send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Err(BotError::NoAnswer(error.without_url().into())),
        Err(error) => {
            let error = error.without_url();
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a bot may have been asked; nobody asks again"
            );
            return Ok(None);
        }
    };
    // A gateway, or a crash, after it got through.
    let is_uncertain = matches!(answer.status().as_u16(), 500 | 502 | 504);
    if is_uncertain {
        let status = answer.status().as_u16();
        tracing::warn!(status, "a bot may have been asked; nobody asks again");
    }
    Ok(Some(answer).filter(|_| !is_uncertain))
}

/// The body of an answer, if it is no longer than a bot can mean it to be.
async fn body_of(mut answer: Response) -> Result<Vec<u8>, BotError> {
    let mut body = Vec::new();
    loop {
        let chunk = answer.chunk().await;
        match chunk.map_err(|error| BotError::NoAnswer(error.without_url().into()))? {
            None => return Ok(body),
            Some(chunk) if body.len() + chunk.len() <= ANSWER_MAX_BYTES => body.extend_from_slice(&chunk),
            Some(_) => return Err(BotError::Unreadable("it is longer than 1 MiB")),
        }
    }
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
            BotKind::Cognigy(_) if connection.is_native() => cognigy::inputs(&connection.bot, event).len(),
            BotKind::Cognigy(_) => cognigy::calls(&connection.bot, event).len(),
            BotKind::Chatlayer(settings) => {
                let words = chatlayer::words(connection, event).iter().len();
                words + chatlayer::calls(settings, connection, event).len()
            }
        }
    }

    fn is_told_once(&self, connection: &Connection, event: &BotEvent) -> bool {
        match &connection.bot.kind {
            BotKind::Webhook(_) => false,
            BotKind::Cognigy(settings) => connection.is_native() && cognigy::is_told_once(settings),
            BotKind::Chatlayer(_) => chatlayer::words(connection, event).is_some(),
        }
    }

    async fn tell(&self, connection: &Connection, delivery: &Delivery) -> Result<Told, BotError> {
        match &connection.bot.kind {
            BotKind::Webhook(endpoint) => self.webhook.post(connection, endpoint, delivery).await,
            BotKind::Cognigy(settings) if connection.is_native() => {
                let answered = self.cognigy.ask(connection, settings, delivery).await?;
                Ok(answered.told)
            }
            BotKind::Cognigy(settings) => self.cognigy.tell(connection, settings, delivery).await,
            BotKind::Chatlayer(settings) => self.chatlayer.tell(connection, settings, delivery).await,
        }
    }

    async fn ask(&self, connection: &Connection, delivery: &Delivery) -> Result<Answered, BotError> {
        match &connection.bot.kind {
            BotKind::Cognigy(settings) if connection.is_native() => {
                self.cognigy.ask(connection, settings, delivery).await
            }
            _ => Ok(Answered {
                told: self.tell(connection, delivery).await?,
                says: Vec::new(),
            }),
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
