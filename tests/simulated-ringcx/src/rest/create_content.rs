//! `POST /contents`: a reply of the token's account, or the first words to somebody (REST API, "Creating a content").

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::cases::Reply;
use crate::events::TOKEN_USER;
use crate::model::{AuthorKind, Content, SyncStatus};
use crate::native::{NativeKind, NativeSource, Privacy};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, contents};
use crate::state::State;
use crate::structured;

/// The extensions of pictures in structured contents, and the largest of them in bytes.
const PICTURES: [&str; 3] = [".jpg", ".jpeg", ".png"];
const MAX_PICTURE: usize = 5 << 20;

pub(super) fn create(state: &mut State, params: &Params) -> Answer {
    match params.first("in_reply_to_id") {
        Some(answered) => answer(state, params, answered),
        None => initiate(state, params),
    }
}

/// What two requests have in common that say the same to the same.
pub(super) fn key(params: &Params) -> Value {
    json!({
        "in_reply_to_id": params.first("in_reply_to_id"),
        "source_id": params.first("source_id"),
        "to": params.first("to"),
        "body": params.first("body"),
        "structured_content": structured(params).ok().flatten(),
        "attachments": params.all("attachment_ids").map(|ids| ids.len()),
    })
}

fn answer(state: &mut State, params: &Params, answered: &str) -> Answer {
    let answered = state.contents.get(answered).cloned();
    let answered = answered.filter(|content| state.token_may(state.source_of(&content.thread_id), "read"));
    let Some(answered) = answered else {
        return Err(RestError::invalid("In reply to is invalid"));
    };
    let thread = answered.thread_id.clone();
    let source = state.source_of(&thread).to_owned();
    if !state.token_may(&source, "reply") {
        return Err(RestError::forbidden(
            "You are not allowed to reply on this source",
        ));
    }
    if state.console.source(&source).is_some_and(|source| !source.active) {
        return Err(RestError::invalid("Source is inactive"));
    }
    if state.must_be_unlocked(&thread).is_err() {
        let message = "Can't reply to closed thread";
        return Err(RestError::new(
            StatusCode::FORBIDDEN,
            "cant_reply_to_closed_thread",
            message,
        ));
    }
    must_be_answerable(state, &answered)?;
    let native = state.native(&source).cloned();
    let mut reply = reply(state, params, native.as_ref())?;
    reply.in_reply_to_id = Some(answered.id);
    let author = author(state, params, &thread, native.as_ref())?;
    let id = state.write(&thread, author, TOKEN_USER, "api", reply);
    state.must_stay_private(&id);
    if let Some(it) = state.open_intervention(&thread).map(|it| it.id.clone()) {
        state.count_reply(&it, &id);
    }
    state.emit_content("replied", &id, Some(TOKEN_USER));
    let answer = contents::one(state, &id);
    state.export(&id);
    answer
}

/// Only what is synchronised can be answered, and by setting only what is under an open intervention.
fn must_be_answerable(state: &State, answered: &Content) -> Result<(), RestError> {
    if answered.synchronization_status != SyncStatus::Success {
        return Err(RestError::invalid("In reply to is not synchronized"));
    }
    let is_open = state.open_intervention(&answered.thread_id).is_some();
    if state.config.replies_need_intervention && !is_open {
        return Err(RestError::invalid(
            "In reply to is not under an open intervention",
        ));
    }
    Ok(())
}

/// What is to be said, as far as the channel takes it.
fn reply(state: &mut State, params: &Params, native: Option<&NativeSource>) -> Result<Reply, RestError> {
    let body = params.first("body").filter(|body| !body.trim().is_empty());
    let structured = structured(params)?;
    if body.is_none() && structured.is_none() {
        return Err(RestError::invalid("Body can't be blank"));
    }
    if native.is_some_and(|native| body.is_some_and(|body| body.chars().count() > native.max_characters)) {
        return Err(RestError::invalid("Body is too long"));
    }
    if let Some(structured) = &structured {
        must_be_supported(state, structured, body, native)?;
    }
    let private = params.flag("private").unwrap_or(false);
    if private && native.is_some_and(|native| native.privacy == Privacy::Unsupported) {
        return Err(RestError::invalid("Private is not supported on this source"));
    }
    Ok(Reply {
        body: body.map(str::to_owned),
        format: params.first("body_format").map(str::to_owned),
        structured_content: structured,
        attachments: attachments(state, params, native)?,
        private,
        auto_submitted: params.flag("auto_submitted").unwrap_or(false),
        ..Reply::default()
    })
}

/// The structured content: an object in a JSON body, or JSON in a form's field.
fn structured(params: &Params) -> Result<Option<Value>, RestError> {
    if let Some(structured) = params.json("structured_content") {
        return Ok(Some(structured.clone()));
    }
    let Some(text) = params.first("structured_content") else {
        return Ok(None);
    };
    let parsed = serde_json::from_str(text);
    parsed.map_err(|_| RestError::invalid("structured_content is invalid"))
}

fn must_be_supported(
    state: &mut State,
    structured: &Value,
    body: Option<&str>,
    native: Option<&NativeSource>,
) -> Result<(), RestError> {
    let kind = structured["type"].as_str().unwrap_or_default();
    if native.is_some_and(|native| !native.capabilities.iter().any(|it| it == kind)) {
        return Err(RestError::invalid(
            "Source doesn't support this type of structured content",
        ));
    }
    // The types that only Apple's channel knows have too many members to be checked here.
    if native.is_none() || ["select", "rich_link", "template", "carousel"].contains(&kind) {
        structured::check(structured, body).map_err(|refusal| RestError::invalid(&refusal.1))?;
    }
    must_have_pictures(state, structured)?;
    for excess in structured::excess(structured) {
        state.violate("structured-limit", excess);
    }
    Ok(())
}

/// Pictures are uploaded first and named by their ids.
fn must_have_pictures(state: &mut State, structured: &Value) -> Result<(), RestError> {
    if let Some(id) = structured["attachment_id"].as_str() {
        let Some(file) = state.attachments.get(id) else {
            return Err(RestError::invalid("Attachment is invalid"));
        };
        let name = file.filename.to_ascii_lowercase();
        if !PICTURES.iter().any(|extension| name.ends_with(extension)) || file.bytes.len() >= MAX_PICTURE {
            return Err(RestError::invalid("Attachment is no picture below 5 MB"));
        }
    }
    if !structured["attachment_url"].is_null() {
        state.violate(
            "structured-picture",
            "a picture by its URL, which this API does not know",
        );
    }
    let items = structured["items"].as_array();
    let mut items = items.into_iter().flatten();
    items.try_for_each(|item| must_have_pictures(state, item))
}

/// Uploaded files that the source takes.
fn attachments(
    state: &State,
    params: &Params,
    native: Option<&NativeSource>,
) -> Result<Vec<Value>, RestError> {
    let ids = params.all("attachment_ids").unwrap_or_default();
    ids.iter()
        .map(|id| {
            let file = state.attachments.get(id);
            let refused = || RestError::invalid("Attachment is invalid");
            let json = state.attachment_json(id).ok_or_else(refused)?;
            let fits = file.zip(native).is_none_or(|(file, native)| {
                native.attachments.takes(&file.filename) && file.bytes.len() <= native.max_attachment
            });
            if !fits {
                return Err(RestError::invalid("Attachment is not accepted by this source"));
            }
            Ok(json)
        })
        .collect()
}

/// The identity that speaks: one of the source that the token's account has, by default the first of them.
fn author(
    state: &mut State,
    params: &Params,
    thread: &str,
    native: Option<&NativeSource>,
) -> Result<(String, AuthorKind, String), RestError> {
    let refused = || RestError::invalid("Author is invalid");
    let Some(native) = native else {
        let id = match params.first("author_id") {
            Some(id) if state.identities.contains_key(id) => id.to_owned(),
            Some(_) => return Err(refused()),
            None => state.speaks_as(TOKEN_USER, thread)?,
        };
        let identity = &state.identities[&id];
        let is_bot = identity.foreign_id == state.config.bot_identity;
        let kind = if is_bot {
            AuthorKind::Bot
        } else {
            AuthorKind::Agent
        };
        return Ok((id, kind, identity.screenname.clone()));
    };
    let account = state.console.account(TOKEN_USER);
    let own = account
        .map(|account| account.identity_ids.clone())
        .unwrap_or_default();
    let is_own = |id: &&String| {
        let identity = state.identities.get(*id);
        identity.is_some_and(|identity| identity.source_id.as_deref() == Some(native.id.as_str()))
    };
    let mut own = own.iter().filter(is_own);
    let id = match params.first("author_id") {
        Some(wanted) => own.find(|id| *id == wanted),
        None => own.next(),
    };
    let id = id.ok_or_else(refused)?.clone();
    let name = state.identities[&id].screenname.clone();
    Ok((id, AuthorKind::Bot, name))
}

/// The first words to somebody who did not write, where the channel can.
fn initiate(state: &mut State, params: &Params) -> Answer {
    let Some(source) = params.first("source_id") else {
        return Err(RestError::invalid("In reply to can't be blank"));
    };
    let source = state.console.source(source).map(|source| source.id.clone());
    let Some(source) = source.filter(|source| state.token_may(source, "read")) else {
        return Err(RestError::invalid("Source is invalid"));
    };
    if !state.token_may(&source, "initiate_discussion") {
        return Err(RestError::forbidden(
            "You are not allowed to initiate a discussion on this source",
        ));
    }
    let native = state
        .native(&source)
        .filter(|native| native.can_initiate())
        .cloned();
    let Some(native) = native else {
        return Err(RestError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "compose_disabled_on_source",
            "Compose is not supported on this source",
        ));
    };
    let customer = addressee(&native, params)?;
    let reply = reply(state, params, Some(&native))?;
    let thread = state.initiated_thread(&source, &customer, params.first("title").or(params.first("body")));
    let author = author(state, params, &thread, Some(&native))?;
    let id = state.write(&thread, author, TOKEN_USER, "api", reply);
    state.begin(&id, TOKEN_USER);
    contents::one(state, &id)
}

/// Who is written to, by the parameters that each channel makes mandatory for it.
fn addressee(native: &NativeSource, params: &Params) -> Result<String, RestError> {
    let need = |name: &str| {
        let value = params.first(name).map(str::to_owned);
        value.ok_or_else(|| RestError::invalid(&format!("{name} can't be blank")))
    };
    match native.kind {
        NativeKind::Email => {
            need("title")?;
            let to = params.all("to").and_then(|to| to.into_iter().next());
            return to.ok_or_else(|| RestError::invalid("to can't be blank"));
        }
        NativeKind::WhatsApp => {
            need("template_name")?;
            need("template_language")?;
        }
        _ => {}
    }
    let to = need("to")?;
    let is_number = to.starts_with('+') || to.starts_with("00");
    if !is_number && matches!(native.kind, NativeKind::Sms | NativeKind::WhatsApp) {
        return Err(RestError::invalid("to is invalid"));
    }
    Ok(to)
}
