//! `content_sources`: what the token's account may read. Changes need the right `update_content_source`.

use serde_json::{Value, json};

use crate::console::{SET_UP, Source};
use crate::events::{ASYNC_CHANNEL, REALTIME_CHANNEL};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;
use crate::time::seconds;

/// The colours that a source can have.
const COLORS: u8 = 10;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => list(state, params),
        ("GET", [id]) => Ok(render(find(state, id)?)),
        ("PUT", [id]) => update(state, id, params),
        _ => Err(RestError::not_found()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Source, RestError> {
    let readable = state.console.source(id).filter(|_| state.token_may(id, "read"));
    readable.ok_or_else(RestError::not_found)
}

fn list(state: &State, params: &Params) -> Answer {
    let permission = params.first("permission").unwrap_or("read");
    if !matches!(permission, "read" | "initiate_discussion") {
        let status = axum::http::StatusCode::BAD_REQUEST;
        return Err(RestError::new(status, "bad_request", "permission is invalid"));
    }
    let active = params.flag("active");
    let found = state.console.sources.iter().filter(|source| {
        state.token_may(&source.id, permission) && active.is_none_or(|active| active == source.active)
    });
    Ok(params.page(found.collect(), render))
}

fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    state.must_have_right("update_content_source")?;
    let mut source = find(state, id)?.clone();
    if let Some(name) = params.given("name") {
        if name.is_empty() {
            return Err(RestError::invalid("Name can't be blank"));
        }
        name.clone_into(&mut source.name);
    }
    if let Some(channel) = params.first("channel_id") {
        if ![REALTIME_CHANNEL, ASYNC_CHANNEL].contains(&channel) {
            return Err(RestError::invalid("Channel is invalid"));
        }
        channel.clone_into(&mut source.channel_id);
    }
    if let Some(color) = params.first("color") {
        let color = color.parse().ok().filter(|color| *color < COLORS);
        source.color = color.ok_or_else(|| RestError::invalid("Color is not included in the list"))?;
    }
    for (name, member) in [
        ("default_category_ids", &mut source.default_category_ids),
        (
            "user_thread_default_category_ids",
            &mut source.user_thread_default_category_ids,
        ),
    ] {
        if let Some(categories) = params.all(name) {
            if !categories.iter().all(|id| state.console.is_selectable(id)) {
                return Err(RestError::invalid("Default categories are invalid"));
            }
            *member = categories;
        }
    }
    source.active = params.flag("active").unwrap_or(source.active);
    source.updated_at = seconds(state.now());
    let answer = render(&source);
    *state.console.source_mut(id)? = source;
    Ok(answer)
}

fn render(source: &Source) -> Value {
    let status = if source.error_message.is_some() {
        "error"
    } else {
        "ok"
    };
    json!({
        "active": source.active,
        "attachments_security_level": source.attachments_level.as_str(),
        "channel_id": source.channel_id,
        "color": source.color,
        "community_id": source.community_id,
        "created_at": SET_UP,
        "default_category_ids": source.default_category_ids,
        "error_message": source.error_message,
        "id": source.id,
        "name": source.name,
        "status": status,
        "time_sheet_ids": [],
        "type": source.kind,
        "updated_at": source.updated_at,
        "user_thread_default_category_ids": source.user_thread_default_category_ids,
    })
}
