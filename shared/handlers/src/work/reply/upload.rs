//! The files and pictures of a reply into RCE. A repeat uploads them anew: nobody sees the first ones.

use handover_core::conversation::UploadedFiles;
use handover_core::files::placeholder;
use handover_core::message::{Attachment, Message};
use handover_core::ports::{RingCxError, StoreError};
use handover_core::retry::Disposition;
use handover_ringcx::structured::pictures;
use serde_json::Value;

use super::Next;
use crate::work::{Task, files};

/// Uploads all of them and notes their names.
pub(super) async fn all(
    task: &Task<'_>,
    message: &Message,
    structured: Option<&Value>,
) -> Result<Next, StoreError> {
    let mut uploaded = UploadedFiles::default();
    for (index, attachment) in message.attachments.iter().enumerate() {
        match one(task, message, index, attachment).await {
            Ok(Ok(id)) => uploaded.attachments.push(id),
            Ok(Err(line)) => uploaded.lines.push(line),
            Err(step) => return Ok(Next::Stop(step)),
        }
    }
    let addresses = structured.map(pictures).unwrap_or_default();
    for (index, address) in addresses.into_iter().enumerate() {
        let picture = Attachment {
            url: address.clone(),
            filename: None,
            content_type: None,
        };
        match one(task, message, message.attachments.len() + index, &picture).await {
            Ok(Ok(id)) => {
                uploaded.pictures.insert(address, id);
            }
            // A card is shown without it.
            Ok(Err(_)) => {}
            Err(step) => return Ok(Next::Stop(step)),
        }
    }
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.reply_of(&task.job.id).files = Some(uploaded.clone());
        }
    })
    .await?;
    Ok(Next::Go)
}

/// The inner `Err`: what is said in its place.
async fn one(
    task: &Task<'_>,
    message: &Message,
    index: usize,
    attachment: &Attachment,
) -> Result<Result<handover_core::ids::AttachmentId, String>, crate::work::outcome::Step> {
    let file = match files::to_upload(task, (message.foreign_id.as_str(), index), attachment).await? {
        Ok(file) => file,
        Err(refusal) => return Ok(Err(placeholder(attachment, &refusal))),
    };
    match task.app.ringcx.upload(&task.connection, &file).await {
        Ok(id) => Ok(Ok(id)),
        Err(error) if error.disposition() == Disposition::Reject && !is_account_wide(&error) => {
            let refusal = handover_core::files::Refusal::NotFetched;
            Ok(Err(placeholder(attachment, &refusal)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it is about us, not about the file.
fn is_account_wide(error: &RingCxError) -> bool {
    matches!(error, RingCxError::NotPermitted { .. })
}
