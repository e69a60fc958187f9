//! One listener for everything: the Send API, the REST API and the desk.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::net::TcpListener;

use crate::hub::Hub;
use crate::{desk, rest, send_api};

/// The documented limit of a request's body.
pub(crate) const MAX_BODY: usize = 20_971_520;

pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener) {
    let mut stop = hub.stopping();
    let router = Router::new()
        .route("/realtime/sdk/{source}", post(send_api::receive))
        .route("/1.0/{*path}", any(rest::receive))
        .route("/desk/state", get(desk::state))
        .route("/desk/events", get(desk::events))
        .route("/desk/threads/{thread}/{action}", post(desk::thread_action))
        .route("/desk/contents/{content}/retry", post(desk::retry_content))
        .route(
            "/desk/agents/{agent}/availability",
            post(desk::agent_availability),
        )
        .route("/desk/messages", post(desk::native_message))
        .fallback(|| async { rest::error(StatusCode::NOT_FOUND, "not_found", "Simulated RCE: no such page") })
        .with_state(hub);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        Hub::stopped(&mut stop).await;
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the simulated RCE stopped serving");
    }
}

/// The whole body, or `None` above the limit. What exceeds it is read and dropped, so that the sender hears why.
pub(crate) async fn read_body(body: Body) -> Option<Bytes> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let mut total = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.ok()?;
        total += chunk.len();
        if total > 4 * MAX_BODY {
            break;
        }
        if total <= MAX_BODY {
            bytes.extend_from_slice(&chunk);
        }
    }
    (total <= MAX_BODY).then(|| bytes.freeze())
}
