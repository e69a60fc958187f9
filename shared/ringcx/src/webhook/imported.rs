//! What came in on a channel (`content.imported`; Webhooks, "Events" page, and the REST object Content).

use handover_core::Timestamp;
use handover_core::html::html_to_text;
use handover_core::ids::{CategoryId, ContentId, EventId, IdentityId, InterventionId, SourceId, ThreadId};
use handover_core::imported::{Authorship, Imported};
use handover_core::message::BODY_MAX_CHARS;
use serde_json::{Map, Value};

use crate::json;
use crate::structured::from_rce;

/// What every channel with structured content shows (REST API, "Structured messages", the table of channels).
const SHOWN_EVERYWHERE: [&str; 2] = ["select", "rich_link"];
/// Most kinds of structured content that are kept; RCE knows nine.
const CAPABILITIES_MAX: usize = 20;
/// Most categories that are kept.
const CATEGORIES_MAX: usize = 50;

/// The content in `event`; nothing if it is of another type, or names no content, thread or source.
pub(super) fn read(event: &Value, received_at: Timestamp) -> Option<Imported> {
    if event.get("type")?.as_str()? != "content.imported" {
        return None;
    }
    let resource = event.get("resource")?;
    let issued_at = json::time(event.get("issued_at")).unwrap_or(received_at);
    let mut metadata = resource.get("metadata")?.as_object()?.clone();
    if json::id(metadata.get("id")).is_none()
        && let Some(id) = resource.get("id")
    {
        metadata.insert("id".to_owned(), id.clone());
    }
    let id = EventId::new(json::id(event.get("id"))?);
    let mut imported = content(&metadata, id, issued_at)?;
    // Before 2023 events named no kind of channel; the resource's type begins with it (`whats_app/message`).
    let kind = json::text(resource.get("type")).and_then(|kind| kind.split_once('/'));
    imported.source_type = imported.source_type.or(kind.map(|(source, _)| source.to_owned()));
    Some(imported)
}

/// The content that an object of RCE describes, an event's metadata or REST's.
pub(crate) fn content(object: &Map<String, Value>, event: EventId, issued_at: Timestamp) -> Option<Imported> {
    let get = |key: &str| object.get(key);
    let flag = |key: &str| is_set(object, key);
    let (text, truncated) = text(object).map_or((None, false), |(text, cut)| (Some(text), cut));
    Some(Imported {
        event,
        content: ContentId::new(json::id(get("id"))?),
        thread: ThreadId::new(json::id(get("thread_id"))?),
        source: SourceId::new(json::id(get("source_id"))?),
        source_type: json::text(get("source_type")).map(str::to_owned),
        author: json::id(get("author_id")).map(IdentityId::new),
        authorship: authorship(object),
        text,
        truncated,
        payload: payload(object),
        in_reply_to: json::id(get("in_reply_to_id")).map(ContentId::new),
        has_files: flag("has_attachment")
            || json::count(get("attachments_count")).is_some_and(|count| count > 0)
            || !json::items(get("attachments")).is_empty(),
        private: flag("private") || flag("private_message"),
        language: json::text(get("language")).map(str::to_owned),
        capabilities: capabilities(object),
        issued_at,
        categories: json::items(get("category_ids"))
            .iter()
            .filter_map(|id| json::id(Some(id)))
            .take(CATEGORIES_MAX)
            .map(CategoryId::new)
            .collect(),
        intervention: json::id(get("intervention_id")).map(InterventionId::new),
        attended: matches!(
            json::text(get("status")),
            Some("assigned" | "forwarded" | "replied")
        ),
        deleted: flag("remotely_deleted"),
    })
}

fn is_set(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The body as text. What is longer than any message of RCE's own, such as an e-mail with all that it quotes, ends with
/// an ellipsis: agents have all of it. Beside it whether it was cut.
fn text(object: &Map<String, Value>) -> Option<(String, bool)> {
    let body = json::text(object.get("body"))?;
    let format = object.get("body_input_format").and_then(Value::as_str);
    let text = if format.is_some_and(|format| format.eq_ignore_ascii_case("html")) {
        html_to_text(body)
    } else {
        body.to_owned()
    };
    if text.trim().is_empty() {
        return None;
    }
    Some(match text.char_indices().nth(BODY_MAX_CHARS) {
        Some(_) => {
            let beginning = text.chars().take(BODY_MAX_CHARS - 1).chain(['…']);
            (beginning.collect(), true)
        }
        None => (text, false),
    })
}

/// What was picked, as the bot wrote it.
fn payload(object: &Map<String, Value>) -> Option<String> {
    let payload = json::text(object.get("structured_reply_payload"))
        .or_else(|| json::text(object.get("structured_reply")?.get("payload")))?;
    Some(from_rce(payload).unwrap_or_else(|| payload.to_owned()))
}

/// The structured content that may answer it. Before the list there was (2022-09) only whether any may.
fn capabilities(object: &Map<String, Value>) -> Vec<String> {
    match object.get("capabilities_supported").and_then(Value::as_array) {
        Some(listed) => {
            let named = listed.iter().filter_map(|it| json::text(Some(it)));
            named.take(CAPABILITIES_MAX).map(str::to_owned).collect()
        }
        None if is_set(object, "structured_content_supported") => SHOWN_EVERYWHERE.map(str::to_owned).into(),
        None => Vec::new(),
    }
}

/// Whose words they are, as far as the content tells. An agent, or a program inside RCE, has an account (`creator_id`) and
/// comes by the console or an interface (`created_from`); what the company says on the channel by other means is imported
/// like the customer's words, but as an answer (`status`); what nobody wrote, such as an invitation to a survey, is marked
/// as automatic. All else is the customer's, however it came in: words that are new must not make them unheard.
fn authorship(object: &Map<String, Value>) -> Authorship {
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let inside =
        json::id(object.get("creator_id")).is_some() || matches!(word("created_from"), "interface" | "api");
    match word("status") {
        "user_reply" | "user_initiated" => Authorship::Company,
        _ if inside || is_set(object, "auto_submitted") || is_automatic_mail(object) => Authorship::Company,
        "ignored" => Authorship::Ignored,
        _ => Authorship::Customer,
    }
}

/// Whether the headers of an e-mail, which only REST shows, say that no person wrote it: an answer to it may be answered
/// without end (RFC 3834, sections 2 and 5; `X-Auto-Response-Suppress` is Exchange's).
fn is_automatic_mail(object: &Map<String, Value>) -> bool {
    let Some(headers) = object.get("headers").and_then(Value::as_object) else {
        return false;
    };
    headers.iter().any(|(name, values)| {
        let values = match values {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut values = values.iter().filter_map(Value::as_str);
        match name.trim().to_ascii_lowercase().as_str() {
            "auto-submitted" => values.any(|value| !matches!(&*keyword(value), "no" | "")),
            "precedence" => values.any(|value| matches!(&*keyword(value), "bulk" | "junk" | "list")),
            "x-auto-response-suppress" => values.any(|value| !matches!(&*keyword(value), "none" | "")),
            _ => false,
        }
    })
}

/// The word of a header's value, without its parameters and comments.
fn keyword(value: &str) -> String {
    let word = value.split([';', '(']).next().unwrap_or_default();
    word.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
