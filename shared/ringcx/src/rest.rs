//! One call to the REST API 1.0: the bridge's ([`crate::client`]) and an administrator's ([`crate::console`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use handover_core::ports::{Clock, RingCxError, Upload, Urgency};
use handover_core::secret::Secret;
use handover_core::settings::RingCxSettings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::answer::{Answer, no_answer};
use crate::form_data::form_data;
use crate::limiter::RestBudget;

/// Longest answer that is read, in bytes. The largest page of threads is far below it.
const ANSWER_CAP: usize = 4 * 1024 * 1024;

/// Longest wait for an answer to a file, which may be large; a job has a minute.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything but RFC 3986's unreserved characters; brackets and spaces are encoded too.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call, before it is made.
pub(crate) struct Call<'a> {
    /// For logs.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Path segments below the base; encoded when used.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Form fields, sent as a body.
    pub(crate) form: Option<&'a [(&'a str, &'a str)]>,
    /// Who gets a place in the budget first.
    pub(crate) urgency: Urgency,
}

impl<'a> Call<'a> {
    pub(crate) fn new(operation: &'static str, method: Method, path: &'a [&'a str]) -> Self {
        Self {
            operation,
            method,
            path,
            query: &[],
            form: None,
            urgency: Urgency::Now,
        }
    }

    /// The rest of what was begun with other calls.
    pub(crate) fn rest_of(operation: &'static str, method: Method, path: &'a [&'a str]) -> Self {
        Self {
            urgency: Urgency::Begun,
            ..Self::new(operation, method, path)
        }
    }
}

/// A body that is no form.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    Json(&'a Value),
    /// In parts: files are too large to be written otherwise.
    File(&'a Upload),
}

/// An account of RCE, as far as calls need it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Ends in `/1.0`, no trailing slash.
    pub api_base: Url,
    pub api_access_token: Secret,
    /// Most requests in any 60 seconds.
    pub requests_per_minute: u32,
}

impl Account {
    pub fn of(settings: &RingCxSettings) -> Self {
        Self {
            api_base: settings.api_base.clone(),
            api_access_token: settings.api_access_token.clone(),
            requests_per_minute: settings.requests_per_minute,
        }
    }
}

/// REST calls within the budget of each account.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) http: reqwest::Client,
    pub(crate) budget: Arc<dyn RestBudget>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Rest {
    /// Takes a place in the account's budget, calls, and judges the answer.
    ///
    /// The token travels in a header: URLs end up in logs.
    pub(crate) async fn call(
        &self,
        account: &Account,
        call: Call<'_>,
        body: Option<Body<'_>>,
    ) -> Result<Answer, RingCxError> {
        let answer = self.send_with(account, call, body).await?;
        answer.rest_outcome().map(|()| answer)
    }

    /// The same; an answer that refuses is an answer too. A 429 counts for the budget all the same.
    pub(crate) async fn send(&self, account: &Account, call: Call<'_>) -> Result<Answer, RingCxError> {
        self.send_with(account, call, None).await
    }

    async fn send_with(
        &self,
        account: &Account,
        call: Call<'_>,
        body: Option<Body<'_>>,
    ) -> Result<Answer, RingCxError> {
        let operation = call.operation;
        let name = counted_by(&account.api_base);
        let limit = account.requests_per_minute;
        self.budget
            .take(&name, limit, call.urgency, self.clock.now())
            .await
            .map_err(|retry_after| RingCxError::BudgetUsedUp { retry_after })?;
        let mut request = self
            .http
            .request(call.method, url(&account.api_base, call.path, call.query))
            .header(AUTHORIZATION, bearer(&account.api_access_token)?)
            .header(ACCEPT, "application/json");
        if let Some(form) = call.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(pairs(form));
        }
        request = match body {
            Some(Body::Json(json)) => request
                .header(CONTENT_TYPE, "application/json")
                .body(json.to_string()),
            Some(Body::File(file)) => {
                let (content_type, body) = form_data(file);
                request
                    .timeout(UPLOAD_TIMEOUT)
                    .header(CONTENT_TYPE, content_type)
                    .body(body)
            }
            None => request,
        };
        let started = Instant::now();
        let outcome = request.send().await;
        let status = outcome.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(
            account = name,
            operation,
            status,
            duration_ms = started.elapsed().as_millis(),
            "rest api"
        );
        let now = self.clock.now();
        let answer = Answer::read(outcome.map_err(no_answer)?, ANSWER_CAP, now).await;
        match answer.rest_outcome() {
            Ok(()) => self.budget.succeeded(&name, now).await,
            Err(RingCxError::RateLimited { retry_after }) => {
                let wait = self.budget.limited(&name, retry_after, now).await;
                return Err(RingCxError::RateLimited {
                    retry_after: Some(wait),
                });
            }
            Err(_) => {}
        }
        Ok(answer)
    }
}

/// What RCE counts requests by, for [`RestBudget`].
pub fn counted_by(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    base.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn bearer(token: &Secret) -> Result<HeaderValue, RingCxError> {
    let text = format!("Bearer {}", token.expose());
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
