//! One call to the REST API 1.0.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use handover_core::ids::ConnectionId;
use handover_core::ports::{RingCxError, Urgency};
use handover_core::settings::{Connection, RingCxSettings};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use super::RingCxClient;
use super::answer::{Answer, no_answer};

/// Longest answer that is read, in bytes. The largest page of threads is far below it.
const ANSWER_CAP: usize = 4 * 1024 * 1024;

/// Everything but RFC 3986's unreserved characters; brackets and spaces are encoded too.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call, before it is made.
pub(super) struct Call<'a> {
    /// For logs.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Path segments below the base; encoded when used.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Form fields, sent as a body.
    pub(super) form: Option<&'a [(&'a str, &'a str)]>,
    /// Who gets a place in the budget first.
    pub(super) urgency: Urgency,
}

impl<'a> Call<'a> {
    pub(super) fn new(operation: &'static str, method: Method, path: &'a [&'a str]) -> Self {
        Self {
            operation,
            method,
            path,
            query: &[],
            form: None,
            urgency: Urgency::Now,
        }
    }
}

/// What accounts turned out to lack the right to, so that it is said once and not with every call.
#[derive(Debug, Default)]
pub(super) struct Lacking(Mutex<HashSet<(ConnectionId, &'static str)>>);

impl Lacking {
    fn say(&self, connection: &ConnectionId, operation: &'static str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert((connection.clone(), operation)) {
            tracing::warn!(
                %connection, operation,
                "the API token's account may not do this, so the bridge works with less: {}", without(operation)
            );
        }
    }
}

/// What an account without the right to an operation goes without.
fn without(operation: &str) -> &'static str {
    match operation {
        "interventions" => {
            "lost events cannot be made up for, and a task that is gone does not end a handover"
        }
        "available_agents" | "source" => "whether agents are available is unknown",
        "time_sheets" => "opening hours do not count",
        "agent_name" => "agents have the name that they sign with, or none",
        "close_intervention" | "cancel_intervention" => "who leaves is not taken off the agents' list",
        "open_thread" => "a closed thread stays closed",
        "archive" => "who leaves the queue may stay in it until an agent looks",
        _ => "handovers may fail",
    }
}

impl RingCxClient {
    /// Takes a place in the account's budget, calls, and judges the answer.
    ///
    /// The token travels in a header only: URLs end up in logs.
    pub(super) async fn rest(&self, connection: &Connection, call: Call<'_>) -> Result<Answer, RingCxError> {
        let (settings, operation) = (&connection.ringcx, call.operation);
        let account = account(&settings.api_base);
        let limit = settings.requests_per_minute;
        self.budget
            .take(&account, limit, call.urgency, self.clock.now())
            .await
            .map_err(|retry_after| RingCxError::BudgetUsedUp { retry_after })?;
        let mut request = self
            .http
            .request(call.method, url(&settings.api_base, call.path, call.query))
            .header(AUTHORIZATION, bearer(settings)?)
            .header(ACCEPT, "application/json");
        if let Some(form) = call.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(pairs(form));
        }
        let started = Instant::now();
        let outcome = request.send().await;
        let status = outcome.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(
            connection = %connection.id,
            operation,
            status,
            duration_ms = started.elapsed().as_millis(),
            "rest api"
        );
        let now = self.clock.now();
        let answer = Answer::read(outcome.map_err(no_answer)?, ANSWER_CAP, now).await;
        match answer.rest_outcome() {
            Ok(()) => {
                self.budget.succeeded(&account, now).await;
                Ok(answer)
            }
            Err(RingCxError::RateLimited { retry_after }) => {
                let wait = self.budget.limited(&account, retry_after, now).await;
                Err(RingCxError::RateLimited {
                    retry_after: Some(wait),
                })
            }
            Err(error) => {
                if matches!(error, RingCxError::NotPermitted { .. }) {
                    self.lacking.say(&connection.id, operation);
                }
                Err(error)
            }
        }
    }
}

/// What RCE counts requests by.
fn account(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    base.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn bearer(settings: &RingCxSettings) -> Result<HeaderValue, RingCxError> {
    let text = format!("Bearer {}", settings.api_access_token.expose());
    let mut value = HeaderValue::from_str(&text).map_err(|_| RingCxError::NotPermitted {
        status: 0,
        code: "not sent: the API access token has characters that no header carries".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn url(base: &Url, path: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    if !query.is_empty() {
        url.set_query(Some(&pairs(query)));
    }
    url
}

/// `name=value&…`, everything percent-encoded (spaces as `%20`, brackets too).
fn pairs(fields: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, ENCODED).to_string();
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    fields.join("&")
}
