//! Webhooks: validation, authentication and the events that matter to a handover.
//!
//! The header [`SECRET_HEADER`] *is* the secret; nothing signs the body (Webhooks, "Secret").

use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::imported::Imported;
use handover_core::secret::{Secret, any_matches};
use handover_core::settings::RingCxSettings;
use handover_core::signal::{AgentNews, Signal};

use crate::json::{self, ParseError};
use crate::verified::{Verified, Webhook};

mod aftermath;
mod event;
pub(crate) mod imported;

pub(crate) use event::delivery_status;

/// Carries the webhook's secret on deliveries and on the validation request.
pub const SECRET_HEADER: &str = "x-dimelo-secret";

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookAuthError {
    #[error("no webhook secret is configured for this connection, so nothing can be accepted")]
    NotConfigured,
    #[error(
        "the request carries no {SECRET_HEADER} header; set the connection's secret on the webhook's page"
    )]
    Missing,
    #[error("the {SECRET_HEADER} header is none of the connection's webhook secrets")]
    Wrong,
}

/// Checks who delivers. Without a configured secret nobody is believed.
pub fn authenticate(
    secrets: &[Secret],
    header: Option<&[u8]>,
    body: Bytes,
) -> Result<Verified<Webhook>, WebhookAuthError> {
    if secrets.is_empty() {
        return Err(WebhookAuthError::NotConfigured);
    }
    let header = header
        .filter(|header| !header.is_empty())
        .ok_or(WebhookAuthError::Missing)?;
    if any_matches(secrets, header) {
        Ok(Verified::new(body))
    } else {
        Err(WebhookAuthError::Wrong)
    }
}

/// Why a validation request is not answered with its challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    /// To be answered 403. Does not tell which of them was wrong: whoever asks may be guessing.
    #[error("mode, verification token or webhook secret is not the connection's")]
    Forbidden,
    /// To be answered 400.
    #[error("the query has no `hub.challenge`")]
    MissingChallenge,
}

/// Answers RCE's validation of a webhook: the decoded challenge, to be sent back as it is.
///
/// RCE asks `?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…` whenever an active webhook is
/// saved, with the secret's header when the webhook has a secret. Anybody can send this, and chooses
/// the challenge: never answer it as HTML.
pub fn validate_subscription(
    settings: &RingCxSettings,
    query: Option<&str>,
    secret_header: Option<&[u8]>,
) -> Result<String, ValidationError> {
    let parameter = |wanted: &str| {
        form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let token = parameter("hub.verify_token");
    let token_is_right = !token.is_empty() && settings.verification_token.matches(token.as_bytes());
    let secret_is_right = settings.webhook_secrets.is_empty()
        || any_matches(&settings.webhook_secrets, secret_header.unwrap_or_default());
    if !(token_is_right & secret_is_right) || parameter("hub.mode") != "subscribe" {
        return Err(ValidationError::Forbidden);
    }
    let challenge = parameter("hub.challenge");
    if challenge.is_empty() {
        return Err(ValidationError::MissingChallenge);
    }
    Ok(challenge)
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// RCE's id of the request. A repeat may carry events in another one: only a hint.
    pub id: Option<String>,
    pub signals: Vec<Signal>,
    /// What came in on a channel, in the order of what was said.
    pub contents: Vec<Imported>,
    /// Agents who came, went, or have room or none.
    pub agents: Vec<AgentNews>,
    /// How many events were left out: of types that mean nothing to a handover or that we do not
    /// know, or without an id.
    pub ignored: usize,
}

/// Reads a delivery: `{id, domain_id, events: [{type, id, issued_at, user_id?, resource: {type, id,
/// metadata}}]}`.
///
/// One odd event never fails the others, because RCE would send all of them again and in the end
/// switch the webhook off.
pub fn parse_batch(verified: &Verified<Webhook>, received_at: Timestamp) -> Result<Batch, ParseError> {
    let envelope = json::object(verified.bytes())?;
    let events = envelope
        .get("events")
        .and_then(|events| events.as_array())
        .ok_or(ParseError::Member("events"))?;
    let signals: Vec<Signal> = events
        .iter()
        .filter_map(|event| event::signal(event, received_at))
        .collect();
    let agents: Vec<AgentNews> = events.iter().filter_map(event::agent_news).collect();
    let mut contents: Vec<Imported> = events
        .iter()
        .filter_map(|event| imported::read(event, received_at))
        .collect();
    contents.sort_by_key(|content| content.issued_at);
    Ok(Batch {
        id: json::id(envelope.get("id")),
        ignored: events.len() - signals.len() - agents.len(),
        signals,
        contents,
        agents,
    })
}

#[cfg(test)]
mod tests;
