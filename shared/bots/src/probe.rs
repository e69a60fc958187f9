//! Whether somebody is there and knows our signature, without saying anything to anybody.

use handover_core::ports::{BotError, Ping, Probed, Told};
use handover_core::secret::Secret;
use handover_core::settings::{Connection, Endpoint};
use reqwest::Client;
use serde_json::json;
use url::Url;

use crate::webhook::WebhookBots;
use crate::{TIMEOUT, answer, body, post, send, signed};

/// The event that means nothing.
const PING: &str = "bridge.ping";
/// Nobody's key: whoever takes what it signed does not look at signatures.
const FORGED: &str = "whsec_bm9ib2R5cyBrZXk6IGEgc2lnbmF0dXJlIHRvIGJlIHJlZnVzZWQ=";

impl WebhookBots {
    /// Sends an event that means nothing. It has the members that every event has, so that bots need not know it.
    pub(crate) async fn probe(
        &self,
        connection: &Connection,
        to: &Endpoint,
        ping: &Ping,
    ) -> Result<Probed, BotError> {
        let data = json!({"connection": connection.id, "conversation": "bridge-ping", "epoch": 0, "seq": 0});
        let event = json!({"type": PING, "timestamp": body::time(ping.now), "data": data});
        let body = event.to_string().into_bytes();
        let forged = [Secret::new(FORGED)];
        let secrets = if ping.forged {
            &forged[..]
        } else {
            &to.signing_secrets
        };
        let request = post(self.http(), to.url.clone());
        let request = signed::sign_at(request, secrets, ping.now, &ping.id, &body)?;
        let answer = send(request, body).await?;
        answer::read(answer.status().as_u16(), answer.headers(), ping.now).map(Probed::Took)
    }
}

/// Any answer at all shows that somebody is there: what is at the root of a platform's address is its own business.
pub(crate) async fn origin(http: &Client, origin: &Url) -> Result<Probed, BotError> {
    let answer = send(http.get(origin.clone()).timeout(TIMEOUT), Vec::new()).await?;
    let status = answer.status().as_u16();
    match status {
        500..=599 => Err(BotError::Busy {
            status,
            retry_after: None,
        }),
        _ => Ok(Probed::Answers(Told { status })),
    }
}
