//! Files of the account: to be downloaded with the REST token as `access_token` (REST API, "Attachments").

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::rest;
use crate::simulated::SimulatedRingcx;

/// A file of the account.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    content_type: String,
    bytes: Bytes,
    /// Refusals before it is given out.
    refusals: Vec<u16>,
}

impl SimulatedRingcx {
    /// An agent's file, as it stands in the `attachments` of a reply.
    pub fn attach(&self, filename: &str, content_type: &str, bytes: impl Into<Bytes>) -> Value {
        self.attach_later(filename, content_type, bytes, &[])
    }

    /// The same, with these answers before it is given out.
    pub fn attach_later(
        &self,
        filename: &str,
        content_type: &str,
        bytes: impl Into<Bytes>,
        refusals: &[u16],
    ) -> Value {
        let attachment = Attachment {
            content_type: content_type.to_owned(),
            bytes: bytes.into(),
            refusals: refusals.iter().rev().copied().collect(),
        };
        let id = self.hub.change(|state| {
            let id = state.ids.next();
            state.attachments.insert(id.clone(), attachment);
            id
        });
        let url = format!("{}/attachments/{id}", self.base_url());
        json!({"url": url, "type": content_type, "filename": filename})
    }
}

#[derive(serde::Deserialize)]
pub(crate) struct Token {
    access_token: Option<String>,
}

pub(crate) async fn download(
    Shared(hub): Shared<Arc<Hub>>,
    Path(id): Path<String>,
    Query(token): Query<Token>,
) -> Response {
    if token.access_token.as_deref() != Some(hub.config.api_token.as_str()) {
        return rest::error(StatusCode::UNAUTHORIZED, "invalid_token", "Invalid access token");
    }
    let found = hub.change(|state| {
        let attachment = state.attachments.get_mut(&id)?;
        Some((attachment.refusals.pop(), attachment.clone()))
    });
    match found {
        None => rest::error(StatusCode::NOT_FOUND, "not_found", "Not found"),
        Some((Some(refusal), _)) => {
            let status = StatusCode::from_u16(refusal).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            rest::error(status, "unavailable", "Simulated trouble")
        }
        Some((None, attachment)) => {
            ([(CONTENT_TYPE, attachment.content_type)], attachment.bytes).into_response()
        }
    }
}
