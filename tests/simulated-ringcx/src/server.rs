//! One listener for everything: the Send API, the REST API and the desk.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::DATE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{any, get, post};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::net::TcpListener;

use crate::hub::Hub;
use crate::time::http_date;
use crate::{attachments, desk, rest, send_api, state};

/// The documented limit of a request's body.
pub(crate) const MAX_BODY: usize = 20_971_520;

pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener) {
    let mut stop = hub.stopping();
    let router = Router::new()
        .route("/realtime/sdk/{source}", post(send_api::receive))
        .route("/1.0/{*path}", any(rest::receive))
        .route("/attachments/{id}", get(attachments::download))
        .route("/desk/state", get(desk::state))
        .route("/desk/events", get(desk::events))
        .route("/desk/threads/{thread}/{action}", post(desk::thread_action))
        .route("/desk/contents/{content}/{action}", post(desk::content_action))
        .route(
            "/desk/agents/{agent}/availability",
            post(desk::agent_availability),
        )
        .route("/desk/console/{step}", post(desk::console_step))
        .route("/desk/messages", post(desk::native_message))
        .fallback(|| async { rest::error(StatusCode::NOT_FOUND, "not_found", "Simulated RCE: no such page") })
        .layer(map_response_with_state(Arc::clone(&hub), date))
        .with_state(hub);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        Hub::stopped(&mut stop).await;
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the simulated RCE stopped serving");
    }
}

/// An answer's `Date` is by the platform's clock, too.
async fn date(State(hub): State<Arc<Hub>>, mut response: Response) -> Response {
    if let Ok(date) = HeaderValue::from_str(&http_date(hub.read(state::State::now))) {
        response.headers_mut().insert(DATE, date);
    }
    response
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
