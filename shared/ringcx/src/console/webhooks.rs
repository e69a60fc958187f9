//! Webhooks (REST API, "Webhooks"). Every call names the token as a parameter besides authenticating with it: that
//! says whose webhook it is.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::Value;

use super::objects::{flag, id, ids, text};
use super::{Console, ConsoleError, gone};
use crate::json;
use crate::rest::Call;

const LIST: &str = "list webhooks";

/// A webhook. RCE never shows its secret, its name or its source filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub active: bool,
    /// RCE's word for how it fares: `enabled`, `disabled`, `suspended`, …
    pub status: Option<String>,
    pub registered_events: Vec<String>,
    pub verify_token: Option<String>,
    /// The token that it belongs to, by RCE's id of it.
    pub token_id: Option<String>,
}

impl Webhook {
    fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a webhook")?,
            url: text(value, "url").unwrap_or_default(),
            active: flag(value, "active"),
            status: text(value, "webhook_status"),
            registered_events: ids(value, "registered_events"),
            verify_token: text(value, "verify_token"),
            token_id: value
                .get("api_access_token")
                .and_then(|token| json::id(token.get("id"))),
        })
    }

    /// Whether events are delivered, as far as RCE says.
    pub fn delivers(&self) -> bool {
        let bad = |status: &str| {
            let status = status.to_ascii_lowercase();
            ["disabled", "suspend", "error", "fail", "invalid"]
                .iter()
                .any(|word| status.contains(word))
        };
        self.active && !self.status.as_deref().is_some_and(bad)
    }
}

/// What a webhook shall be; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange<'a> {
    pub name: Option<&'a str>,
    pub url: Option<&'a str>,
    pub active: Option<bool>,
    pub verify_token: Option<&'a str>,
    /// A new secret makes RCE validate the receiver again.
    pub secret: Option<&'a str>,
    pub registered_events: Option<&'a [&'a str]>,
}

impl Console {
    /// The webhooks of this token, and of others where its account may see them.
    ///
    /// The parameter that the pages ask for would put the token into an address, so it is left to the header first.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, ConsoleError> {
        let by_header = if self.wants_token() {
            None
        } else {
            Some(self.all(LIST, &["webhooks"], &[]).await)
        };
        let found = match by_header {
            Some(Ok(found)) => found,
            Some(Err(error)) if !error.is_refusal() => return Err(error),
            _ => {
                let token = self.account.api_access_token.clone();
                let found = self
                    .all(LIST, &["webhooks"], &[("access_token", token.expose())])
                    .await?;
                self.remember_that_it_wants_the_token();
                found
            }
        };
        found.iter().map(Webhook::read).collect()
    }

    /// `None`: there is none with this id that the token may see.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, ConsoleError> {
        let path = ["webhooks", id];
        let by_header = if self.wants_token() {
            None
        } else {
            Some(self.maybe(Call::new("read a webhook", Method::GET, &path)).await)
        };
        let found = match by_header {
            Some(Ok(found)) => found,
            Some(Err(error)) if !error.is_refusal() => return Err(error),
            _ => {
                let token = self.account.api_access_token.clone();
                let call = Call {
                    query: &[("access_token", token.expose())],
                    ..Call::new("read a webhook", Method::GET, &path)
                };
                let found = self.maybe(call).await?;
                self.remember_that_it_wants_the_token();
                found
            }
        };
        found.as_ref().map(Webhook::read).transpose()
    }

    fn wants_token(&self) -> bool {
        self.webhooks_want_token.load(Ordering::Relaxed)
    }

    /// So that the refusal is paid for once.
    fn remember_that_it_wants_the_token(&self) {
        self.webhooks_want_token.store(true, Ordering::Relaxed);
    }

    pub async fn create_webhook(&self, change: &WebhookChange<'_>) -> Result<Webhook, ConsoleError> {
        self.save("create a webhook", Method::POST, &["webhooks"], change)
            .await
    }

    /// Saves a webhook. If it is active RCE validates its receiver, also if nothing changed.
    pub async fn update_webhook(
        &self,
        id: &str,
        change: &WebhookChange<'_>,
    ) -> Result<Webhook, ConsoleError> {
        self.save("change a webhook", Method::PUT, &["webhooks", id], change)
            .await
    }

    /// Deletes a webhook; it may be gone already.
    pub async fn delete_webhook(&self, id: &str) -> Result<(), ConsoleError> {
        let token = self.account.api_access_token.clone();
        let path = ["webhooks", id];
        let call = Call {
            form: Some(&[("access_token", token.expose())]),
            ..Call::new("delete a webhook", Method::DELETE, &path)
        };
        gone(self.answer(call).await)
    }

    async fn save(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        change: &WebhookChange<'_>,
    ) -> Result<Webhook, ConsoleError> {
        let token = self.account.api_access_token.clone();
        let mut form = vec![("access_token", token.expose())];
        let members = [
            ("name", change.name),
            ("url", change.url),
            ("verify_token", change.verify_token),
            ("secret", change.secret),
            (
                "active",
                change.active.map(|active| if active { "true" } else { "false" }),
            ),
        ];
        form.extend(
            members
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        for event in change.registered_events.unwrap_or_default() {
            form.push(("registered_events[]", event));
        }
        Webhook::read(&self.change(operation, method, path, &form).await?)
    }
}
