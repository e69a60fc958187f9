//! What came in on a channel (`content.imported`; Webhooks, "Events" page, and the REST object Content).

use handover_core::Timestamp;
use handover_core::html::html_to_text;
use handover_core::ids::{ContentId, EventId, IdentityId, SourceId, ThreadId};
use handover_core::imported::{Authorship, Imported};
use serde_json::{Map, Value};

use crate::json;

/// The content in `event`; nothing if it is of another type, or names no content, thread or source.
pub(super) fn read(event: &Value, received_at: Timestamp) -> Option<Imported> {
    if event.get("type")?.as_str()? != "content.imported" {
        return None;
    }
    let resource = event.get("resource")?;
    let issued_at = json::time(event.get("issued_at")).unwrap_or(received_at);
    let mut metadata = resource.get("metadata")?.as_object()?.clone();
    if let Some(id) = resource.get("id") {
        metadata.entry("id").or_insert_with(|| id.clone());
    }
    let id = EventId::new(json::id(event.get("id"))?);
    content(&metadata, id, issued_at)
}

/// The content that an object of RCE describes, an event's metadata or REST's.
pub(crate) fn content(object: &Map<String, Value>, event: EventId, issued_at: Timestamp) -> Option<Imported> {
    let get = |key: &str| object.get(key);
    let flag = |key: &str| get(key).and_then(Value::as_bool).unwrap_or(false);
    let body = json::text(get("body"));
    let is_html = get("body_input_format").and_then(Value::as_str) == Some("html");
    let text = body.map(|body| {
        if is_html {
            html_to_text(body)
        } else {
            body.to_owned()
        }
    });
    let payload = get("structured_reply_payload").or_else(|| get("structured_reply")?.get("payload"));
    let capabilities = json::items(get("capabilities_supported")).iter();
    Some(Imported {
        event,
        content: ContentId::new(json::id(get("id"))?),
        thread: ThreadId::new(json::id(get("thread_id"))?),
        source: SourceId::new(json::id(get("source_id"))?),
        source_type: json::text(get("source_type"))
            .or_else(|| json::text(get("type")))
            .map(str::to_owned),
        author: json::id(get("author_id")).map(IdentityId::new),
        authorship: authorship(object),
        text: text.filter(|text| !text.trim().is_empty()),
        payload: json::text(payload).map(str::to_owned),
        in_reply_to: json::id(get("in_reply_to_id")).map(ContentId::new),
        has_files: flag("has_attachment") || !json::items(get("attachments")).is_empty(),
        private: flag("private") || flag("private_message"),
        language: json::text(get("language")).map(str::to_owned),
        capabilities: capabilities
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect(),
        issued_at,
        deleted: flag("remotely_deleted"),
    })
}

/// Whose words they are, as far as the content tells. An agent, or a program inside RCE, has an account (`creator_id`) and
/// comes by the console or an interface (`created_from`); what the company says on the channel by other means is imported
/// like the customer's words, but as an answer (`status`); what nobody wrote is marked as automatic.
fn authorship(object: &Map<String, Value>) -> Authorship {
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let automatic = object
        .get("auto_submitted")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let inside =
        json::id(object.get("creator_id")).is_some() || matches!(word("created_from"), "interface" | "api");
    match word("status") {
        "user_reply" | "user_initiated" => Authorship::Company,
        _ if inside || automatic => Authorship::Company,
        "ignored" => Authorship::Ignored,
        _ => Authorship::Customer,
    }
}
