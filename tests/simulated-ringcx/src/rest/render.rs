//! The JSON of threads, contents, interventions, tasks and identities, with every member that the platform shows.

use serde_json::{Map, Value, json};

use crate::console::{Account, COMMUNITY};
use crate::events::REALTIME_CHANNEL;
use crate::model::{Content, Identity, Intervention, Task, Thread};
use crate::native::NativeKind;
use crate::state::State;
use crate::time::seconds;

pub(super) fn thread(thread: &Thread) -> Value {
    json!({
        "category_ids": thread.category_ids,
        "closed": thread.closed,
        "contents_count": thread.content_ids.len(),
        "created_at": seconds(thread.created_at),
        "extra_data": {},
        "foreign_id": thread.foreign_id,
        "id": thread.id,
        "interventions_count": thread.intervention_ids.len(),
        "source_id": thread.source_id,
        "thread_category_ids": thread.category_ids,
        "title": thread.title,
        "updated_at": seconds(thread.updated_at),
    })
}

/// A single thread has some members more than one in a list.
pub(super) fn whole_thread(state: &State, thread: &Thread) -> Value {
    let mut json = self::thread(thread);
    let first = state.contents(&thread.id).next();
    let last = state.contents(&thread.id).next_back();
    let interventions = || state.interventions(&thread.id);
    json["first_categorization_at"] = json!(seconds(thread.created_at));
    json["first_content_author_id"] = json!(first.map(|content| &content.author_id));
    json["first_content_id"] = json!(first.map(|content| &content.id));
    json["intervention_user_ids"] = interventions().map(|it| json!(it.user_id)).collect();
    json["last_content_at"] = json!(last.map(|content| seconds(content.created_at)));
    json["last_content_id"] = json!(last.map(|content| &content.id));
    json["opened_intervention_user_ids"] = interventions()
        .filter(|it| it.closed_at.is_none())
        .map(|it| json!(it.user_id))
        .collect();
    json
}

pub(super) fn content(state: &State, content: &Content) -> Value {
    let thread = state.threads.get(&content.thread_id);
    let answered = content
        .in_reply_to_id
        .as_ref()
        .and_then(|id| state.contents.get(id));
    let body = content.body.as_deref().unwrap_or_default();
    let native = state.native_of(&content.thread_id);
    let (text, html) = if content.format == "html" {
        (without_tags(body), body.to_owned())
    } else {
        (body.to_owned(), format!("<p>{}</p>", escape(body)))
    };
    let mut json = json!({
        "approval_required": false,
        "attachments": content.attachments,
        "attachments_count": content.attachments.len(),
        "author_id": content.author_id,
        "auto_submitted": content.auto_submitted,
        "body": content.body,
        "body_formatted": {"text": text, "html": html},
        "body_input_format": content.format,
        "capabilities_supported": state.capabilities_of(&content.thread_id),
        "category_ids": thread.map(|thread| &thread.category_ids),
        "created_at": seconds(content.created_at),
        "created_from": content.created_from,
        "creator_id": content.creator_id,
        "first_in_thread": thread.is_some_and(|thread| thread.content_ids.first() == Some(&content.id)),
        "foreign_id": content.foreign_id,
        "id": content.id,
        "identity_group_id": null,
        "in_reply_to_author_id": answered.map(|content| &content.author_id),
        "in_reply_to_id": content.in_reply_to_id,
        "intervention_id": content.intervention_id,
        "language": "en",
        "private_message": content.private,
        "published": true,
        "remotely_deleted": content.remotely_deleted,
        "source_id": state.source_of(&content.thread_id),
        "source_type": native.map_or("sdk", |native| native.kind.source_type()),
        "source_url": null,
        "status": content.status,
        "synchronization_error": content.synchronization_error,
        "synchronization_status": content.synchronization_status.as_str(),
        "thread_id": content.thread_id,
        "title": null,
        "type": "message",
        "updated_at": seconds(content.updated_at),
    });
    // Only an e-mail has them (REST API, "Content").
    if native.is_some_and(|native| native.kind == NativeKind::Email) {
        let mut headers = Map::new();
        for (name, value) in &content.headers {
            let values = headers.entry(name).or_insert_with(|| json!([]));
            values
                .as_array_mut()
                .into_iter()
                .for_each(|values| values.push(json!(value)));
        }
        json["headers"] = headers.into();
    }
    if let Some(structured) = &content.structured_content {
        json["structured_content"] = structured.clone();
    }
    if let Some(payload) = &content.structured_reply_payload {
        json["structured_reply_payload"] = json!(payload);
    }
    json
}

/// HTML as plain text, roughly.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            character if !inside => text.push(character),
            _ => {}
        }
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

pub(super) fn intervention(state: &State, it: &Intervention) -> Value {
    let first = it.first_reply.as_ref();
    let in_seconds = first.map(|(_, at)| at.as_second() - it.created_at.as_second());
    let label = match (it.closed_at, it.deferred_at) {
        (Some(_), _) => "Closed",
        (None, Some(_)) => "Deferred",
        (None, None) => "In progress",
    };
    json!({
        "category_ids": it.category_ids,
        "closed": it.closed_at.is_some(),
        "closed_at": it.closed_at.map(seconds),
        "comments_count": it.comments.len(),
        "content_id": it.content_id,
        "created_at": seconds(it.created_at),
        "custom_fields": {},
        "deferred_at": it.deferred_at.map(seconds),
        "first_user_reply_id": first.map(|(id, _)| id),
        "first_user_reply_in": in_seconds,
        "first_user_reply_in_bh": null,
        "id": it.id,
        "identity_group_id": null,
        "identity_id": it.identity_id,
        "last_user_reply_in": null,
        "last_user_reply_in_bh": null,
        "source_id": state.source_of(&it.thread_id),
        "status": label,
        "thread_id": it.thread_id,
        "updated_at": seconds(it.updated_at),
        "user_id": it.user_id,
        "user_replies_count": it.replies,
        "user_reply_in_average": null,
        "user_reply_in_average_bh": null,
        "user_reply_in_average_count": 0,
    })
}

pub(super) fn task(task: &Task) -> Value {
    json!({
        "accepted_at": task.accepted_at.map(seconds),
        "agent_ids": task.agent_ids,
        "channel_id": REALTIME_CHANNEL,
        "completed_at": task.completed_at.map(seconds),
        "content_id": task.content_id,
        "created_at": seconds(task.created_at),
        "expire_at": null,
        "id": task.id,
        "intervention_id": task.intervention_id,
        "locked_at": null,
        "priority": 1,
        "step": "realtime_default_target",
        "thread_id": task.thread_id,
        "transfered_at": task.transferred_at.map(seconds),
        "updated_at": seconds(task.updated_at),
    })
}

/// The community that an identity belongs to.
pub(super) fn community(state: &State, identity: &Identity) -> String {
    let native = identity.source_id.as_deref();
    native.map_or_else(|| COMMUNITY.to_owned(), |source| state.native_community(source))
}

pub(super) fn identity(state: &State, identity: &Identity) -> Value {
    let speaks = |account: &&Account| account.identity_ids.contains(&identity.id);
    let users = state.console.accounts.iter().filter(speaks);
    let native = identity.source_id.as_deref();
    let kind = native
        .and_then(|source| state.native(source))
        .map(|native| native.kind);
    let member = |name: &str| identity.profile.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "avatar_url": member("avatar_url"),
        "community_id": community(state, identity),
        "community_url": null,
        "company": null,
        "created_at": seconds(identity.created_at),
        "display_name": identity.screenname,
        "email": member("email"),
        "extra_values": member("context_data").as_object().cloned().unwrap_or_default(),
        "firstname": member("firstname"),
        "foreign_id": identity.foreign_id,
        "gender": member("gender"),
        "home_phone": member("home_phone"),
        "id": identity.id,
        "identity_group_id": null,
        "lastname": member("lastname"),
        "mobile_phone": member("mobile_phone"),
        "screenname": identity.screenname,
        "type": kind.map_or("sdk", NativeKind::source_type),
        "updated_at": seconds(identity.updated_at),
        "user_ids": users.map(|account| &account.id).collect::<Vec<_>>(),
        "uuid": null,
    })
}
