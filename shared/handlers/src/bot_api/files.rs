//! Files that the bot hands over: `POST /conversations/{id}/files`, and attachments with their `content`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use handover_core::files::{FileFacts, FileKey, Refusal, judge};
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::message::Attachment;
use handover_core::ports::Commit;
use handover_core::settings::Connection;
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::idempotency::Once;
use super::input::{Errors, text};
use super::{Ask, authenticate_bot_within, unavailable};
use crate::App;
use crate::files::Host;
use crate::respond::{Answer, Problem};
use crate::routes::{Call, FILE_UPLOAD_LIMIT};

/// What is missing where files cannot be hosted.
const NO_HOST: &str =
    "this stage does not know its own address; set public_url in [connections.NAME.files] or give a url";

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file on its way into the store.
struct Kept {
    key: FileKey,
    facts: FileFacts,
    bytes: Bytes,
}

/// `POST /conversations/{id}/files`: keeps a file and says where it is, to be an attachment of a message.
pub async fn upload(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    authenticate_bot_within(call, FILE_UPLOAD_LIMIT)?;
    let connection = &call.connection;
    let host = app.files.host(connection).ok_or(Problem::NotSupported(NO_HOST))?;
    let filename = form_urlencoded::parse(call.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "filename")
        .map(|(_, value)| value.into_owned())
        .filter(|name| !name.is_empty());
    let content_type = call
        .header("content-type")
        .and_then(|value| std::str::from_utf8(value).ok())
        .map(str::to_owned);
    let said = Attachment {
        url: String::new(),
        filename,
        content_type,
    };
    let thread = ForeignThreadId::of(id);
    let (kept, link) = keep(app, &host, &thread, &said, call.body().clone()).map_err(|refusal| {
        let limit = usize::try_from(connection.files.max_bytes).unwrap_or(usize::MAX);
        match refusal {
            Refusal::TooLarge { .. } => Problem::TooLarge { limit },
            refusal => Problem::Invalid(vec![format!("the file: {refusal}")]),
        }
    })?;
    let digest = hex::encode(Sha256::digest(&kept.bytes));
    let described =
        json!({"filename": kept.facts.filename, "content_type": kept.facts.content_type, "sha256": digest});
    let ask = Ask::with(call, id, Map::new())?;
    let once = Once::of(&ask, "POST", "files", &described, None)?;
    if let Some(answer) = once.answered(app).await? {
        return Ok(answer);
    }
    let answer = json!({
        "url": link,
        "filename": kept.facts.filename,
        "content_type": kept.facts.content_type,
        "size": kept.facts.size,
    });
    let store = &app.files.store;
    store
        .put(&connection.id, &kept.key, &kept.facts, kept.bytes)
        .await
        .map_err(unavailable)?;
    once.settle(app, Commit::default(), StatusCode::CREATED, &answer)
        .await?
        .ok_or(Problem::Unavailable)
}

/// Judges a file and gives it its place: the same for the same bytes in the same conversation.
fn keep(
    app: &App,
    host: &Host<'_>,
    thread: &ForeignThreadId,
    said: &Attachment,
    bytes: Bytes,
) -> Result<(Kept, String), Refusal> {
    let limit = host.max_bytes();
    if bytes.len() as u64 > limit {
        return Err(Refusal::TooLarge {
            size: Some(bytes.len() as u64),
            limit,
        });
    }
    let accepted = judge(said, None, &bytes)?;
    let digest = Sha256::digest(&bytes);
    let key = host.key(&[
        b"given",
        thread.as_str().as_bytes(),
        accepted.filename.as_bytes(),
        &digest,
    ]);
    let facts = host.facts(app, accepted, bytes.len());
    let link = host.link(&key, &facts);
    Ok((Kept { key, facts, bytes }, link))
}

/// Files that came inside a body, taken out of it.
#[derive(Default)]
pub struct Inline(Vec<Kept>);

impl Inline {
    /// Takes every attachment's `content` out of a message or a handover request, and puts the address in its place
    /// at which the file will be.
    pub fn take(
        app: &App,
        connection: &Connection,
        thread: &ForeignThreadId,
        body: &mut Map<String, Value>,
        errors: &mut Errors,
    ) -> Self {
        let mut inline = Self::default();
        inline.take_from(app, connection, thread, body, "", errors);
        let transcript = body.get_mut("transcript").and_then(Value::as_array_mut);
        for (index, item) in transcript.into_iter().flatten().enumerate() {
            if let Value::Object(message) = item {
                let place = format!("transcript[{index}].");
                inline.take_from(app, connection, thread, message, &place, errors);
            }
        }
        inline
    }

    fn take_from(
        &mut self,
        app: &App,
        connection: &Connection,
        thread: &ForeignThreadId,
        message: &mut Map<String, Value>,
        place: &str,
        errors: &mut Errors,
    ) {
        let attachments = message.get_mut("attachments").and_then(Value::as_array_mut);
        for (index, item) in attachments.into_iter().flatten().enumerate() {
            let Value::Object(attachment) = item else { continue };
            let has = |key: &str| attachment.get(key).is_some_and(|value| !value.is_null());
            if has("url") || !has("content") {
                continue;
            }
            match given(app, connection, thread, attachment) {
                Ok((kept, link)) => {
                    *item = json!({
                        "url": link,
                        "filename": kept.facts.filename,
                        "content_type": kept.facts.content_type,
                    });
                    self.0.push(kept);
                }
                Err(error) => {
                    errors.add(format!("{place}attachments[{index}]: {error}"));
                    // One mistake is listed once.
                    *item = json!({"url": "https://refused.invalid/"});
                }
            }
        }
    }

    /// Stores them, before the call is answered. A repeat stores the same.
    pub async fn put(self, app: &App, connection: &Connection) -> Result<(), Problem> {
        for Kept { key, facts, bytes } in self.0 {
            let put = app.files.store.put(&connection.id, &key, &facts, bytes);
            put.await.map_err(unavailable)?;
        }
        Ok(())
    }
}

fn given(
    app: &App,
    connection: &Connection,
    thread: &ForeignThreadId,
    attachment: &Map<String, Value>,
) -> Result<(Kept, String), String> {
    let mut wrong = Errors::default();
    let said = Attachment {
        url: String::new(),
        filename: text(attachment, "filename", &mut wrong),
        content_type: text(attachment, "content_type", &mut wrong),
    };
    if let Some(error) = wrong.first() {
        return Err(error);
    }
    let content = attachment.get("content").and_then(Value::as_str);
    let bytes = content.and_then(|content| BASE64.decode(content).ok());
    let bytes = bytes.ok_or("content is not base64")?;
    let host = app.files.host(connection).ok_or(NO_HOST)?;
    keep(app, &host, thread, &said, Bytes::from(bytes)).map_err(|refusal| refusal.to_string())
}
