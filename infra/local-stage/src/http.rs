//! The listener: from the wire to `handle` and back.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use handover_handlers::App;
use handover_handlers::respond::Answer;
use handover_handlers::routes::{self, BodyTooLarge, RCE_BODY_LIMIT};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::monitor::Monitor;

/// How long a client may take to send its headers, and its body.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// A body that is too large is read (and forgotten) up to here, so that the client sees the answer instead
/// of a broken connection.
const READ_AND_FORGET: usize = 64 * 1024 * 1024;
/// How long open requests may take to finish after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until it is told to stop; then it lets open requests finish.
pub(crate) async fn serve<A, F>(listener: TcpListener, mut stopped: watch::Receiver<bool>, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or a client that is gone already: the next accept may work.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot accept a connection"
                );
                tokio::task::yield_now().await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// Answers a request to the bridge, and counts the answer.
pub(crate) async fn answer(
    app: App,
    monitor: Arc<Monitor>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let started = Instant::now();
    let path = request.uri().path().to_owned();
    let answer = handle(&app, &monitor, request).await;
    monitor.answered(&path, answer.status(), started.elapsed()).await;
    answer
}

/// Answers a scraper on an address of its own.
pub(crate) async fn answer_scraper(
    monitor: Arc<Monitor>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    monitor.metrics_of_all().await.map(Full::new)
}

async fn handle(app: &App, monitor: &Monitor, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), loggable(parts.uri.path()));
    // Whoever is before us may have read the other length, and taken the rest for another request.
    if parts.headers.contains_key(CONTENT_LENGTH) && parts.headers.contains_key(TRANSFER_ENCODING) {
        let mut refused = plain(StatusCode::BAD_REQUEST);
        refused
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        return refused;
    }
    let body = match tokio::time::timeout(READ_TIMEOUT, read(body)).await {
        Ok(Ok(Some(body))) => body,
        Ok(Ok(None)) => {
            parts.extensions.insert(BodyTooLarge);
            Bytes::new()
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    let span = tracing::info_span!(
        "request", request.id = app.ids.next(), http.method = %method, http.path = path,
        http.status = tracing::field::Empty
    );
    let request = Request::from_parts(parts, body);
    let handled = async {
        match monitor.answer(&request).await {
            Some(answer) => answer,
            None => routes::handle(app, request).await,
        }
    };
    let handled = AssertUnwindSafe(handled.instrument(span.clone()))
        .catch_unwind()
        .await;
    let answer: Answer = handled.unwrap_or_else(|_| {
        tracing::error!(%method, "a handler panicked; the request was not done");
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    });
    span.record("http.status", answer.status().as_u16());
    tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
    answer.map(Full::new)
}

/// Longest path that a log shows, in bytes: strangers choose it.
const PATH_SHOWN: usize = 400;

/// A path as a log may show it: a file's address is all that is needed to open it, and holds its name. However it is
/// written, because whoever has the address may write it in any way that works.
fn loggable(path: &str) -> String {
    let mut shown = String::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        shown.push_str(segment);
        if segments.peek().is_none() {
            break;
        }
        shown.push('/');
        let is_files = percent_decode_str(segment).eq(*b"files");
        if is_files || shown.len() > PATH_SHOWN {
            shown.truncate(shown.floor_char_boundary(PATH_SHOWN));
            shown.push('…');
            return shown;
        }
    }
    shown.truncate(shown.floor_char_boundary(PATH_SHOWN));
    shown
}

/// The whole body; `None` if it is larger than anything that is taken here.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen > READ_AND_FORGET {
            break;
        }
        if seen <= RCE_BODY_LIMIT {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((seen <= RCE_BODY_LIMIT).then(|| bytes.freeze()))
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::loggable;

    #[test]
    fn the_address_of_a_file_is_not_logged() {
        for path in [
            "/acme/files/k3y/Ada%20Lovelace.pdf",
            "/acme/files/k3y",
            "/acme/files/",
        ] {
            assert_eq!(loggable(path), "/acme/files/…");
        }
        assert_eq!(loggable("/acme/%66iles/k3y/Ada.pdf"), "/acme/%66iles/…");
        assert_eq!(loggable("//acme//files/k3y/Ada.pdf"), "//acme//files/…");
        assert!(loggable(&"/é".repeat(10_000)).len() < 410);
        for path in [
            "/acme/conversations/c-1/files",
            "/acme/handover/rce",
            "/health",
            "/",
        ] {
            assert_eq!(loggable(path), path);
        }
    }
}
