//! `messages.create`: an agent's message in our words (Source SDK, message object).

use handover_core::files::media_type;
use handover_core::html::html_to_text;
use handover_core::ids::{ContentId, MessageId};
use handover_core::json::is_too_deep;
use handover_core::message::{AgentMessage, Attachment};
use handover_core::structured::fallback_text;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::json;
use crate::structured::incoming;

/// Content ids up to this length go into our ids as they are.
const READABLE_MAX_BYTES: usize = 120;

pub(super) fn read(params: &Map<String, Value>) -> AgentMessage {
    let content = json::id(params.get("content_id"));
    let attachments = attachments(params);
    let structured = params
        .get("structured_content")
        .filter(|value| value.is_object() && !is_too_deep(value));
    let text = text(params).or_else(|| {
        let shown = structured.filter(|_| attachments.is_empty())?;
        fallback_text(None, shown)
    });
    AgentMessage {
        id: MessageId::new(our_id(content.as_deref(), params)),
        content: content.map(ContentId::new),
        text,
        attachments,
        structured: structured.map(incoming),
        agent_name: json::text(params.get("sender_name")).map(|name| name.trim().to_owned()),
        written_at: json::time(params.get("created_at")),
        retry: params.get("retry").and_then(Value::as_bool).unwrap_or(false),
    }
}

/// The body as text. HTML is the documented default of `format`, but only HTML has tags: a body
/// without a format and without any keeps its line breaks.
fn text(params: &Map<String, Value>) -> Option<String> {
    let body = json::text(params.get("body"))?;
    let text = match params.get("format").and_then(Value::as_str) {
        Some(format) if format.eq_ignore_ascii_case("text") => body.to_owned(),
        None if !body.contains('<') => {
            let lines: Vec<String> = body.lines().map(html_to_text).collect();
            lines.join("\n")
        }
        _ => html_to_text(body),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Its `type` is a media type, or only a word such as `image`.
fn attachments(params: &Map<String, Value>) -> Vec<Attachment> {
    json::items(params.get("attachments"))
        .iter()
        .filter_map(|attachment| {
            let member = |name: &str| json::text(attachment.get(name)).map(str::to_owned);
            let (url, filename) = (member("url")?, member("filename"));
            let content_type = media_type(member("type").as_deref(), filename.as_deref(), &url);
            Some(Attachment {
                url,
                filename,
                content_type,
            })
        })
        .collect()
}

/// The id that we answer with, and that makes repeats the same message: new, the same every time, and
/// never one that RCE gave something else.
fn our_id(content: Option<&str>, params: &Map<String, Value>) -> String {
    let Some(content) = content else {
        return format!("rcx-f-{}", fingerprint(params));
    };
    let readable = content.len() <= READABLE_MAX_BYTES
        && content
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if readable {
        format!("rcx-{content}")
    } else {
        format!("rcx-h-{}", digest(content.as_bytes()))
    }
}

/// Stands in for the content id, which tenants older than 2024 do not send.
fn fingerprint(params: &Map<String, Value>) -> String {
    let member = |name: &str| params.get(name).cloned().unwrap_or(Value::Null);
    let urls: Vec<Value> = json::items(params.get("attachments"))
        .iter()
        .map(|attachment| attachment.get("url").cloned().unwrap_or(Value::Null))
        .collect();
    let identity = json!([
        member("author_id"),
        member("thread_id"),
        member("in_reply_to_id"),
        member("created_at"),
        member("body"),
        urls,
    ]);
    digest(identity.to_string().as_bytes())
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}
