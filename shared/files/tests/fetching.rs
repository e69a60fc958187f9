//! A file's server may be slow, endless, elsewhere or hostile; fetching ends all the same, and never at a private
//! address.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use handover_core::ports::{Fetch, FetchError, Fetched, FileFetcher as _};
use handover_core::secret::Secret;
use handover_files::HttpFetcher;
use tokio::net::TcpListener;

const LIMIT: u64 = 1_000;

struct Server {
    /// `127.0.0.1:PORT`
    host: String,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route(
                "/small",
                get(|| async { ([(header::CONTENT_TYPE, "image/png")], "png") }),
            )
            .route("/exact", get(|| async { "x".repeat(1_000) }))
            .route("/large", get(|| async { "x".repeat(1_001) }))
            .route(
                "/endless",
                get(|| async { Body::from_stream(stream::repeat_with(chunk)) }),
            )
            .route(
                "/stuck",
                get(|| async { Body::from_stream(stream::pending::<Chunk>()) }),
            )
            .route("/silent", get(std::future::pending::<()>))
            .route(
                "/to",
                get(|RawQuery(to): RawQuery| async move { redirect(&to.unwrap()) }),
            )
            .route("/hop/{port}", get(hop))
            .route("/round", get(|| async { redirect("/round") }))
            .route("/nowhere", get(|| async { StatusCode::FOUND }))
            .route("/seen", get(|uri: Uri| async move { uri.to_string() }))
            .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { host }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    async fn fetch(&self, url: &str) -> Result<Fetched, FetchError> {
        fetch(url, std::slice::from_ref(&self.host), None).await
    }

    async fn text(&self, url: &str) -> String {
        let fetched = self.fetch(url).await.unwrap();
        String::from_utf8(fetched.bytes.into()).unwrap()
    }
}

type Chunk = Result<Bytes, std::io::Error>;

#[expect(clippy::unnecessary_wraps, reason = "the items of a body's stream")]
fn chunk() -> Chunk {
    Ok(Bytes::from_static(&[0; 64]))
}

async fn hop(Path(port): Path<u16>) -> Response {
    redirect(&format!("http://127.0.0.1:{port}/seen?b=2"))
}

fn redirect(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

async fn fetch(url: &str, allow_hosts: &[String], token: Option<&Secret>) -> Result<Fetched, FetchError> {
    let url = url.parse().unwrap();
    let wanted = Fetch {
        url: &url,
        access_token: token,
        allow_hosts,
        max_bytes: LIMIT,
    };
    HttpFetcher::default()
        .within(Duration::from_millis(300))
        .fetch(&wanted)
        .await
}

#[tokio::test]
async fn a_file_comes_with_the_type_that_its_server_gives_it() {
    let server = Server::start().await;
    let fetched = server.fetch(&server.url("/small")).await.unwrap();
    assert_eq!(
        (&fetched.bytes[..], fetched.content_type.as_deref()),
        (&b"png"[..], Some("image/png"))
    );
}

#[tokio::test]
async fn a_file_may_be_as_large_as_the_limit_and_no_larger() {
    let server = Server::start().await;
    assert_eq!(
        server.fetch(&server.url("/exact")).await.unwrap().bytes.len(),
        1_000
    );
    let announced = server.fetch(&server.url("/large")).await.unwrap_err();
    assert!(
        matches!(
            announced,
            FetchError::TooLarge {
                size: Some(1_001),
                limit: LIMIT
            }
        ),
        "{announced:?}"
    );
    let endless = server.fetch(&server.url("/endless")).await.unwrap_err();
    assert!(
        matches!(
            endless,
            FetchError::TooLarge {
                size: None,
                limit: LIMIT
            }
        ),
        "{endless:?}"
    );
    assert!(!announced.is_transient() && !endless.is_transient());
}

#[tokio::test]
async fn a_file_that_does_not_arrive_in_time_is_given_up() {
    let server = Server::start().await;
    for path in ["/silent", "/stuck"] {
        let slow = server.fetch(&server.url(path)).await.unwrap_err();
        assert!(
            matches!(slow, FetchError::TooSlow) && slow.is_transient(),
            "{path}: {slow:?}"
        );
    }
}

#[tokio::test]
async fn an_address_on_this_machine_is_refused_in_every_form() {
    let server = Server::start().await;
    let port = server.host.split(':').next_back().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/small");
            let refused = fetch(&url, &[], None).await.unwrap_err();
            assert!(matches!(refused, FetchError::NotAllowed), "{url}: {refused:?}");
            assert!(!refused.is_transient());
        }
    }
}

#[tokio::test]
async fn a_redirect_is_followed_three_times_and_judged_each_time() {
    let server = Server::start().await;
    assert_eq!(server.text(&server.url("/to?/to?/to?/seen")).await, "/seen");
    for path in ["/to?/to?/to?/to?/seen", "/round", "/nowhere"] {
        let refused = server.fetch(&server.url(path)).await.unwrap_err();
        assert!(matches!(refused, FetchError::Redirects), "{path}: {refused:?}");
    }
    let other = Server::start().await;
    for target in [
        other.url("/small"),
        "https://localhost/a".to_owned(),
        "http://169.254.169.254/latest".to_owned(),
        "https://[::ffff:10.0.0.1]/a".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let refused = server
            .fetch(&server.url(&format!("/to?{target}")))
            .await
            .unwrap_err();
        assert!(matches!(refused, FetchError::NotAllowed), "{target}: {refused:?}");
    }
}

#[tokio::test]
async fn a_token_goes_to_the_first_host_only() {
    let (server, other) = (Server::start().await, Server::start().await);
    let token = Secret::new("s&cret");
    let hosts = [server.host.clone(), other.host.clone()];
    let seen = fetch(&server.url("/seen?a=1#top"), &hosts, Some(&token))
        .await
        .unwrap();
    assert_eq!(&seen.bytes[..], b"/seen?a=1&access_token=s%26cret");
    let port = other.host.rsplit(':').next().unwrap();
    let seen = fetch(&server.url(&format!("/hop/{port}")), &hosts, Some(&token))
        .await
        .unwrap();
    assert_eq!(&seen.bytes[..], b"/seen?b=2");
}

#[tokio::test]
async fn an_answer_that_is_no_file_is_an_error_and_errors_show_no_address() {
    let server = Server::start().await;
    let missing = server.fetch(&server.url("/missing")).await.unwrap_err();
    assert!(matches!(missing, FetchError::Answered { status: 404 }) && !missing.is_transient());
    let busy = server.fetch(&server.url("/busy")).await.unwrap_err();
    assert!(matches!(busy, FetchError::Answered { status: 503 }) && busy.is_transient());
    let gone = fetch("http://127.0.0.1:1/secret-path", &["127.0.0.1".to_owned()], None)
        .await
        .unwrap_err();
    assert!(
        gone.is_transient() && !gone.to_string().contains("secret-path"),
        "{gone}"
    );
}
