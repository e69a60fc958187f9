//! A file from an address that a stranger gave.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use handover_core::ports::{Fetch, FetchError, Fetched, FileFetcher};
use handover_ringcx::http::{CertificateDer, builder};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, ClientBuilder, Response};
use url::Url;

use crate::guard::{PrivateName, PublicNames, Way, way};

/// Longest time for a whole file, redirects included. A person waits behind it.
const DEADLINE: Duration = Duration::from_secs(20);
/// Most redirects that are followed.
const REDIRECTS: usize = 3;

/// Fetches files by HTTP. A cheap handle; its clients are made for the first file, because most functions on AWS never
/// see one.
#[derive(Clone, Debug)]
pub struct HttpFetcher {
    clients: Arc<Clients>,
    deadline: Duration,
}

#[derive(Debug, Default)]
struct Clients {
    authorities: Vec<CertificateDer<'static>>,
    /// Connects to public addresses only.
    guarded: OnceLock<Client>,
    /// For hosts that an operator named.
    unguarded: OnceLock<Client>,
}

impl Clients {
    fn for_way(&self, way: Way) -> &Client {
        match way {
            Way::Guarded => self
                .guarded
                .get_or_init(|| self.build(|builder| builder.dns_resolver(Arc::new(PublicNames)))),
            Way::Allowed => self.unguarded.get_or_init(|| self.build(|builder| builder)),
        }
    }

    fn build(&self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        // Strangers' servers are many and seldom called twice; the deadline is kept by the caller, over all requests.
        let builder = builder(self.authorities.clone())
            .pool_max_idle_per_host(1)
            .timeout(DEADLINE);
        change(builder)
            .build()
            .expect("a client without system resources")
    }
}

impl Default for HttpFetcher {
    fn default() -> Self {
        Self::trusting(Vec::new())
    }
}

impl HttpFetcher {
    /// Trusts also these authorities: a company's proxy, or a test's.
    pub fn trusting(authorities: Vec<CertificateDer<'static>>) -> Self {
        let clients = Clients {
            authorities,
            ..Clients::default()
        };
        Self {
            clients: Arc::new(clients),
            deadline: DEADLINE,
        }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    async fn follow(&self, wanted: &Fetch<'_>) -> Result<Fetched, FetchError> {
        let mut url = wanted.url.clone();
        let mut answer = self.ask(&url, wanted.access_token.is_some(), wanted).await?;
        for _ in 0..REDIRECTS {
            if !answer.status().is_redirection() {
                break;
            }
            url = target(&url, &answer).ok_or(FetchError::Redirects)?;
            answer = self.ask(&url, false, wanted).await?;
        }
        match answer.status() {
            status if status.is_success() => read(answer, wanted.max_bytes).await,
            status if status.is_redirection() => Err(FetchError::Redirects),
            status => Err(FetchError::Answered {
                status: status.as_u16(),
            }),
        }
    }

    async fn ask(&self, url: &Url, with_token: bool, wanted: &Fetch<'_>) -> Result<Response, FetchError> {
        let way = way(url, wanted.allow_hosts).ok_or(FetchError::NotAllowed)?;
        let mut url = url.clone();
        url.set_fragment(None);
        if let Some(token) = wanted.access_token.filter(|_| with_token) {
            url.query_pairs_mut().append_pair("access_token", token.expose());
        }
        let client = self.clients.for_way(way);
        client.get(url).send().await.map_err(no_answer)
    }
}

#[async_trait]
impl FileFetcher for HttpFetcher {
    async fn fetch(&self, wanted: &Fetch<'_>) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.deadline, self.follow(wanted))
            .await
            .unwrap_or(Err(FetchError::TooSlow))
    }
}

fn target(from: &Url, answer: &Response) -> Option<Url> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}

/// The body, up to the limit: what a server announces is believed only if it is too much.
async fn read(mut answer: Response, limit: u64) -> Result<Fetched, FetchError> {
    if let Some(size) = answer.content_length().filter(|size| *size > limit) {
        return Err(FetchError::TooLarge {
            size: Some(size),
            limit,
        });
    }
    let content_type = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(FetchError::TooLarge { size: None, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched {
        bytes: Bytes::from(bytes),
        content_type,
    })
}

fn no_answer(error: reqwest::Error) -> FetchError {
    if is_caused_by_guard(&error) {
        FetchError::NotAllowed
    } else if error.is_timeout() {
        FetchError::TooSlow
    } else {
        FetchError::NoAnswer(error.without_url().into())
    }
}

fn is_caused_by_guard(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<PrivateName>() {
            return true;
        }
        next = cause.source();
    }
    false
}
