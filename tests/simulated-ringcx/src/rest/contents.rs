//! `contents`: lists, single messages, and replies as the token's account.

use crate::cases::Reply;
use crate::events::TOKEN_USER;
use crate::model::AuthorKind;
use crate::rest::params::{Params, Search};
use crate::rest::{Answer, RestError, render};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => one(state, id),
        ("POST", []) => create(state, params),
        ("PUT", [id, "ignore"]) => {
            state
                .contents
                .get_mut(*id)
                .ok_or_else(RestError::not_found)?
                .status = "ignored";
            let task = state
                .tasks
                .values()
                .find(|task| task.is_open() && task.content_id.as_deref() == Some(id));
            if let Some(thread) = task.map(|task| task.thread_id.clone()) {
                state.destroy_task(&thread);
            }
            one(state, id)
        }
        _ => Err(RestError::not_found()),
    }
}

fn one(state: &State, id: &str) -> Answer {
    let content = state.contents.get(id).ok_or_else(RestError::not_found)?;
    Ok(render::content(state, content))
}

fn list(state: &State, params: &Params) -> serde_json::Value {
    let search = Search::parse(params.first("q").unwrap_or_default());
    let known = search.knows_only(&[
        "id",
        "intervention",
        "identity",
        "source",
        "thread",
        "text",
        "order",
    ]);
    let mut found: Vec<_> = match search.values("thread").next() {
        Some(_) => search
            .values("thread")
            .flat_map(|thread| state.contents(thread))
            .collect(),
        None => state.contents.values().collect(),
    };
    found.retain(|content| {
        let thread = state.threads.get(&content.thread_id);
        known
            && search.allows("thread", |thread| content.thread_id == thread)
            && search.allows("id", |id| content.id == id)
            && search.allows("source", |source| source == state.config.source_id)
            && search.allows("intervention", |it| {
                content.intervention_id.as_deref() == Some(it)
            })
            && search.allows("identity", |identity| content.author_id == identity)
            && search.allows("text", |text| {
                content.body.as_deref().is_some_and(|body| body.contains(text))
            })
            && thread.is_some()
    });
    if !search.values("order").any(|order| order == "created_at.asc") {
        found.reverse();
    }
    params.page(found, |content| render::content(state, content))
}

/// A message of the token's account. It travels to the customer like an agent's.
fn create(state: &mut State, params: &Params) -> Answer {
    if !state.token_may(&state.config.source_id, "reply") {
        return Err(RestError::forbidden(
            "You are not allowed to reply on this source",
        ));
    }
    let structured = params.json("structured_content").cloned();
    let body = params.first("body").map(str::to_owned);
    if body.is_none() && structured.is_none() {
        return Err(RestError::invalid("Body can't be blank"));
    }
    let answered = params
        .first("in_reply_to_id")
        .and_then(|id| state.contents.get(id));
    let Some(thread) = answered.map(|content| content.thread_id.clone()) else {
        return Err(RestError::invalid("In reply to is invalid"));
    };
    if state.must_be_unlocked(&thread).is_err() {
        let status = axum::http::StatusCode::FORBIDDEN;
        let message = "Can't reply to a closed thread";
        return Err(RestError::new(status, "cant_reply_to_closed_thread", message));
    }
    let author = match params.first("author_id") {
        Some(id) if state.identities.contains_key(id) => id.to_owned(),
        Some(_) => return Err(RestError::invalid("Author is invalid")),
        None => {
            let puppet = state.config.agent_identity.clone();
            state.identity_or_placeholder(&puppet, "Simulated agents")
        }
    };
    let identity = &state.identities[&author];
    let kind = if identity.foreign_id == state.config.bot_identity {
        AuthorKind::Bot
    } else {
        AuthorKind::Agent
    };
    let name = identity.screenname.clone();
    let reply = Reply {
        body,
        format: params.first("body_format").map(str::to_owned),
        structured_content: structured,
        ..Reply::default()
    };
    let id = state.write(&thread, (author, kind, name), TOKEN_USER, "api", reply);
    state.emit_content("replied", &id, Some(TOKEN_USER));
    let answer = one(state, &id);
    state.export(&id);
    answer
}
