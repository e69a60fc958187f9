//! The AWS SDK over our own HTTP client: one TLS stack, one connection pool, nothing read from disk.
//!
//! A function finds its region and credentials in its environment and nowhere else. Taking them from there, instead
//! of asking the SDK's chain of providers, leaves out what a function never uses: profiles, STS, instance metadata.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use handover_core::secret::Secret;

/// One attempt. AWS answers in milliseconds; what takes longer is better asked again.
const ATTEMPT: Duration = Duration::from_secs(2);
/// A call with its repeats: leaves the shortest function time (10 s) to answer.
const CALL: Duration = Duration::from_secs(7);
const ATTEMPTS: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Where AWS is and who asks. The names are those of the SDKs' own variables.
#[derive(Clone, Debug)]
pub struct Account {
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    /// `AWS_ENDPOINT_URL`: all services, instead of AWS.
    pub endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_endpoint: Option<String>,
}

/// The clients of one account.
pub struct Aws {
    account: Account,
    http: OurClient,
}

/// A service's configuration. Each service has a type of its own for the same words.
macro_rules! config {
    ($sdk:ident, $aws:expr, $endpoint:expr) => {{
        let Account {
            region,
            access_key_id,
            secret_access_key,
            session_token,
            ..
        } = &$aws.account;
        let credentials = $sdk::config::Credentials::new(
            access_key_id,
            secret_access_key.expose(),
            session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "environment",
        );
        let mut config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(region.clone()))
            .credentials_provider(credentials)
            .http_client($aws.http.clone())
            .timeout_config(timeouts())
            .retry_config(retries());
        config.set_endpoint_url($endpoint.or_else(|| $aws.account.endpoint.clone()));
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// All calls go through `http`.
    pub fn new(account: Account, http: reqwest::Client) -> Self {
        Self {
            account,
            http: OurClient::new(http),
        }
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        config!(aws_sdk_dynamodb, self, self.account.dynamodb_endpoint.clone())
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        config!(aws_sdk_sqs, self, None::<String>)
    }

    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        config!(aws_sdk_ssm, self, None::<String>)
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

/// Our client as the SDK wants it.
#[derive(Clone, Debug)]
pub struct OurClient(reqwest::Client);

impl OurClient {
    pub fn new(http: reqwest::Client) -> Self {
        Self(http)
    }
}

impl HttpClient for OurClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OurClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { call(client, request).await })
    }
}

async fn call(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(unusable)?;
    // All calls of ours have their body in memory, so a repeat can send it again.
    let request = request.map(|body| reqwest::Body::from(body.bytes().unwrap_or_default().to_vec()));
    let request = reqwest::Request::try_from(request).map_err(unusable)?;
    let answer = client.execute(request).await.map_err(unreachable)?;
    let status = answer.status();
    let headers = answer.headers().clone();
    let body = answer.bytes().await.map_err(unreachable)?;
    let mut answer = http::Response::new(SdkBody::from(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer.try_into().map_err(unusable)
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ConnectorError {
    ConnectorError::user(error.into())
}

fn unreachable(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
