//! How a message is told on a channel of RCE's own: as one content, or as several.

use handover_core::conversation::{Conversation, Detour, UploadedFiles};
use handover_core::files::with_lines;
use handover_core::ids::AttachmentId;
use handover_core::message::{BODY_MAX_CHARS, Message, split_text};
use handover_core::settings::Connection;
use handover_core::structured::fallback_text;
use handover_ringcx::channels::reply_max_chars;
use handover_ringcx::structured::{Outgoing, outgoing, with_pictures};
use serde_json::Value;

/// Most files of one content.
const FILES_AT_ONCE: usize = 10;

/// What becomes one content of RCE.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    pub(super) structured: Option<Value>,
    pub(super) attachments: Vec<AttachmentId>,
    /// What follows of the message is left out: it was too long.
    pub(super) cut: bool,
}

/// Structured content with the text that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) body: Option<String>,
    pub(super) content: Value,
}

/// The structured content of a message, if the person's channel shows it.
pub(super) fn shown(conversation: &Conversation, message: &Message, detours: &[Detour]) -> Option<Shown> {
    let structured = message.structured.as_ref()?;
    let kind = structured.get("type")?.as_str()?;
    let native = conversation.native.as_deref()?;
    let is_shown = native.capabilities.iter().any(|capability| capability == kind);
    if !is_shown || detours.contains(&Detour::Text) {
        return None;
    }
    match outgoing(message.text.as_deref(), structured) {
        Outgoing::Content { body, content } => Some(Shown { body, content }),
        Outgoing::Text { .. } => None,
    }
}

/// All contents of a message, in order: texts first, then files, and what wants an answer last. What a platform says ends at
/// [`BODY_MAX_CHARS`] with an ellipsis: a flow in a loop would be hundreds of messages on a chat channel.
pub(super) fn of(
    connection: &Connection,
    conversation: &Conversation,
    message: &Message,
    shown: Option<&Shown>,
    files: &UploadedFiles,
) -> Vec<Part> {
    let native = conversation.native.as_deref();
    let kind = native.and_then(|native| native.source_type.as_deref());
    let max = connection
        .ringcx
        .native
        .reply_max_chars
        .unwrap_or_else(|| reply_max_chars(kind));
    let text = message.text.as_deref();
    let said = match (&message.structured, shown) {
        (Some(hidden), None) => fallback_text(text, hidden),
        (_, Some(shown)) => shown.body.clone(),
        (None, None) => text.map(str::to_owned),
    };
    let (said, cut) = match said {
        Some(said) if connection.bot.kind.is_platform() => {
            let (said, cut) = cut_off(said);
            (Some(said), cut)
        }
        said => (said, false),
    };
    let said = with_lines(said.as_deref(), &files.lines);
    let mut texts: Vec<String> = said
        .iter()
        .flat_map(|said| split_text(said, max))
        .filter(|part| !part.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let heading = shown.and_then(|_| texts.pop());
    let mut parts: Vec<Part> = texts.into_iter().map(text_part).collect();
    for files in files.attachments.chunks(FILES_AT_ONCE) {
        match parts.last_mut().filter(|last| last.attachments.is_empty()) {
            Some(last) => last.attachments = files.to_vec(),
            None => parts.push(Part {
                text: None,
                structured: None,
                attachments: files.to_vec(),
                cut: false,
            }),
        }
    }
    if let Some(shown) = shown {
        parts.push(Part {
            text: heading,
            structured: Some(with_pictures(&shown.content, &files.pictures)),
            attachments: Vec::new(),
            cut: false,
        });
    }
    if let Some(last) = parts.last_mut() {
        last.cut = cut;
    }
    parts
}

/// As much of a text as one message may have, and whether that is not all of it.
fn cut_off(mut text: String) -> (String, bool) {
    let mut ends = text.char_indices().map(|(at, _)| at).skip(BODY_MAX_CHARS - 1);
    match (ends.next(), ends.next()) {
        (Some(end), Some(_)) => {
            text.truncate(end);
            text.push('…');
            (text, true)
        }
        _ => (text, false),
    }
}

fn text_part(text: String) -> Part {
    Part {
        text: Some(text),
        structured: None,
        attachments: Vec::new(),
        cut: false,
    }
}
