//! Files of the account. Private ones are given to whoever has the REST token, as a header or as `access_token` (REST
//! API, "Attachments").

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::rest;
use crate::simulated::SimulatedRingcx;
use crate::state::State;
use crate::time::seconds;

/// A file of the account.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
    /// Whether it takes the token to read it.
    pub(crate) private: bool,
    pub(crate) created_at: Timestamp,
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
        let bytes = bytes.into();
        let url = self.hub.change(|state| {
            let id = state.store_file(filename, content_type, bytes, true);
            if let Some(file) = state.attachments.get_mut(&id) {
                file.refusals = refusals.iter().rev().copied().collect();
            }
            state.attachment_url(&id)
        });
        json!({"url": url, "type": content_type, "filename": filename})
    }

    /// A customer's file, with everything that the API says of it, for the `attachments` of a
    /// [`NativeMessage`](crate::NativeMessage). A private one is read with the token only.
    pub fn upload(
        &self,
        filename: &str,
        content_type: &str,
        bytes: impl Into<Bytes>,
        private: bool,
    ) -> Value {
        let bytes = bytes.into();
        self.hub.change(|state| {
            let id = state.store_file(filename, content_type, bytes, private);
            state.attachment_json(&id).unwrap_or_default()
        })
    }

    /// The bytes of a file, by its id.
    pub fn file(&self, attachment: &str) -> Option<Bytes> {
        self.read(|state| state.attachments.get(attachment).map(|file| file.bytes.clone()))
    }
}

impl State {
    pub(crate) fn store_file(
        &mut self,
        filename: &str,
        content_type: &str,
        bytes: Bytes,
        private: bool,
    ) -> String {
        let id = self.ids.next();
        let attachment = Attachment {
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            bytes,
            private,
            created_at: self.now(),
            refusals: Vec::new(),
        };
        self.attachments.insert(id.clone(), attachment);
        id
    }

    fn attachment_url(&self, id: &str) -> String {
        format!("{}/attachments/{id}", self.base_url)
    }

    /// A file as the API shows it.
    pub(crate) fn attachment_json(&self, id: &str) -> Option<Value> {
        let file = self.attachments.get(id)?;
        Some(json!({
            "content_type": file.content_type,
            "created_at": seconds(file.created_at),
            "embed": false,
            "filename": file.filename,
            "foreign_id": null,
            "id": id,
            "public?": !file.private,
            "size": file.bytes.len(),
            "updated_at": seconds(file.created_at),
            "url": self.attachment_url(id),
            "video_metadata": [],
        }))
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
    headers: HeaderMap,
) -> Response {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.and_then(|value| value.strip_prefix("Bearer "));
    let found = hub.change(|state| {
        let token = header.or(token.access_token.as_deref());
        let is_known = state.knows_token(token);
        // Without the token nobody learns what exists.
        let attachment = state
            .attachments
            .get_mut(&id)
            .filter(|file| is_known || !file.private);
        match attachment {
            Some(file) => Ok((file.refusals.pop(), file.clone())),
            None if is_known => Err(StatusCode::NOT_FOUND),
            None => Err(StatusCode::FORBIDDEN),
        }
    });
    match found {
        Err(StatusCode::FORBIDDEN) => {
            rest::error(StatusCode::FORBIDDEN, "forbidden", "Authentication required")
        }
        Err(status) => rest::error(status, "not_found", "Not found"),
        Ok((Some(refusal), _)) => {
            let status = StatusCode::from_u16(refusal).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            rest::error(status, "unavailable", "Simulated trouble")
        }
        Ok((None, file)) => ([(CONTENT_TYPE, file.content_type)], file.bytes).into_response(),
    }
}
