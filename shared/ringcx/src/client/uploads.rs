//! Files on their way into RCE (`POST /attachments`).

use handover_core::ids::AttachmentId;
use handover_core::ports::{RingCxError, Upload};
use handover_core::settings::Connection;
use reqwest::Method;

use super::RingCxClient;
use crate::json;
use crate::rest::{Body, Call};

impl RingCxClient {
    /// Uploads a file. It is public to whoever knows its address, which is what structured content asks of pictures.
    pub(super) async fn post_attachment(
        &self,
        connection: &Connection,
        file: &Upload,
    ) -> Result<AttachmentId, RingCxError> {
        let call = Call::new("upload", Method::POST, &["attachments"]);
        let answer = self.rest_with(connection, call, Some(Body::File(file))).await?;
        let id = json::id(answer.json()?.get("id"));
        id.map(AttachmentId::new).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })
    }
}
