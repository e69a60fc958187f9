//! A file from an address that a stranger gave.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use handover_core::ports::{Fetch, FetchError, Fetched, FileFetcher};
use handover_ringcx::http::{CertificateDer, builder};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response};
use url::Url;

use crate::guard::{PrivateName, PublicNames, Way, way};

/// Longest time for a whole file, redirects included. A person waits behind it.
const DEADLINE: Duration = Duration::from_secs(20);
/// Most redirects that are followed.
const REDIRECTS: usize = 3;

/// Fetches files by HTTP.
#[derive(Clone, Debug)]
pub struct HttpFetcher {
    /// Connects to public addresses only.
    guarded: Client,
    /// For hosts that an operator named.
    unguarded: Client,
    deadline: Duration,
}

impl Default for HttpFetcher {
    fn default() -> Self {
        Self::trusting(Vec::new())
    }
}

impl HttpFetcher {
    /// Trusts also these authorities: a company's proxy, or a test's.
    ///
    /// # Panics
    ///
    /// When the compiled-in TLS settings contradict each other, which no input can bring about.
    pub fn trusting(authorities: Vec<CertificateDer<'static>>) -> Self {
        let build = |builder: reqwest::ClientBuilder| {
            // Strangers' servers are many and seldom called twice; the deadline is kept here, over all requests.
            let builder = builder.pool_max_idle_per_host(1).timeout(DEADLINE);
            builder.build().expect("a client without system resources")
        };
        Self {
            guarded: build(builder(authorities.clone()).dns_resolver(Arc::new(PublicNames))),
            unguarded: build(builder(authorities)),
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
        let client = match way(url, wanted.allow_hosts).ok_or(FetchError::NotAllowed)? {
            Way::Guarded => &self.guarded,
            Way::Allowed => &self.unguarded,
        };
        let mut url = url.clone();
        url.set_fragment(None);
        if let Some(token) = wanted.access_token.filter(|_| with_token) {
            url.query_pairs_mut().append_pair("access_token", token.expose());
        }
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
