//! `interventions`: reading them, and opening, closing and cancelling by the documented rules.

use crate::events::TOKEN_USER;
use crate::model::Intervention;
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, render};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    if !state.rights.may_read_interventions {
        return Err(RestError::forbidden("You are not allowed to see interventions"));
    }
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => Ok(render::intervention(state, find(state, id)?)),
        ("POST", []) => create(state, params),
        ("PUT", [id, "close"]) => close(state, id),
        ("DELETE", [id, "cancel"]) => cancel(state, id),
        ("PUT", [id, "reassign"]) => reassign(state, id, params),
        _ => Err(RestError::not_found()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Intervention, RestError> {
    let it = state.interventions.get(id);
    let readable = it.filter(|it| state.token_may(state.source_of(&it.thread_id), "read"));
    readable.ok_or_else(RestError::not_found)
}

fn list(state: &State, params: &Params) -> serde_json::Value {
    let wanted = |it: &&Intervention| {
        let status = match params.first("status") {
            Some("active") => it.closed_at.is_none() && it.deferred_at.is_none(),
            Some("opened" | "reopened") => it.closed_at.is_none(),
            Some("deferred") => it.closed_at.is_none() && it.deferred_at.is_some(),
            Some("closed") => it.closed_at.is_some(),
            _ => true,
        };
        status
            && state.token_may(state.source_of(&it.thread_id), "read")
            && params.first("user_id").is_none_or(|user| user == it.user_id)
            && params
                .first("identity_id")
                .is_none_or(|identity| it.identity_id.as_deref() == Some(identity))
    };
    let mut found: Vec<_> = match params.first("thread_id") {
        Some(thread) if state.threads.contains_key(thread) => {
            state.interventions(thread).rev().filter(wanted).collect()
        }
        Some(_) => Vec::new(),
        None => state.interventions.values().rev().filter(wanted).collect(),
    };
    // Ids sort by age, so what was created later comes first, also among changes of the same moment.
    if params.first("sort") == Some("updated_at") {
        found.sort_by_key(|it| std::cmp::Reverse(it.updated_at));
    }
    params.page(found, |it| render::intervention(state, it))
}

/// Opens, or reopens, an intervention as the token's account.
fn create(state: &mut State, params: &Params) -> Answer {
    let content = params.first("content_id").and_then(|id| state.contents.get(id));
    let Some(thread) = content.map(|content| content.thread_id.clone()) else {
        return Err(RestError::not_found());
    };
    if state.open_intervention(&thread).is_some() {
        return Err(RestError::invalid("Intervention is already opened"));
    }
    let id = state.engage(&thread, TOKEN_USER)?;
    Ok(render::intervention(state, find(state, &id)?))
}

/// Allowed once an agent replied. The answer shows the state before, as closing is asynchronous.
fn close(state: &mut State, id: &str) -> Answer {
    let it = find(state, id)?;
    let may_edit = it.user_id == TOKEN_USER || state.must_have_right("update_intervention").is_ok();
    if it.closed_at.is_some() || it.replies == 0 || !may_edit {
        return Err(RestError::forbidden("Intervention can not be closed"));
    }
    let answer = render::intervention(state, it);
    let thread = it.thread_id.clone();
    state.close(&thread, Some(TOKEN_USER))?;
    Ok(answer)
}

/// Allowed while no agent replied.
fn cancel(state: &mut State, id: &str) -> Answer {
    let it = find(state, id)?;
    if it.closed_at.is_some() || it.replies > 0 {
        return Err(RestError::forbidden("Intervention can not be canceled"));
    }
    let answer = render::intervention(state, it);
    let thread = it.thread_id.clone();
    state.cancel(&thread, Some(TOKEN_USER))?;
    Ok(answer)
}

fn reassign(state: &mut State, id: &str, params: &Params) -> Answer {
    state.must_have_right("update_intervention")?;
    if find(state, id)?.closed_at.is_some() {
        return Err(RestError::invalid("Intervention is closed"));
    }
    let user = params.first("user_id").unwrap_or_default().to_owned();
    if state.console.account(&user).is_none() {
        return Err(RestError::invalid("User is invalid"));
    }
    state.change_owner(id, &user);
    Ok(render::intervention(state, find(state, id)?))
}
