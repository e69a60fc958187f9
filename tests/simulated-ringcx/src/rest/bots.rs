//! The Bots API: the platform's own bot, the virtual agent, takes a case, ends it, or hands it over. Every refusal is
//! a 422.

use serde_json::{Value, json};

use crate::events::TOKEN_USER;
use crate::model::Intervention;
use crate::native::NativeKind;
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, render};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("POST", ["engage"]) => engage(state, params),
        ("POST", ["complete"]) => complete(state, params),
        ("POST", ["handover"]) => hand_over(state, params),
        _ => Err(RestError::not_found()),
    }
}

fn virtual_agent(state: &State) -> Result<String, RestError> {
    let id = state.config.virtual_agent_id.clone();
    id.ok_or_else(|| RestError::invalid("There is no virtual agent"))
}

/// A readable intervention that is open.
fn open(state: &State, params: &Params) -> Result<Intervention, RestError> {
    let it = params
        .first("intervention_id")
        .and_then(|id| state.interventions.get(id))
        .filter(|it| state.token_may(state.source_of(&it.thread_id), "read"))
        .ok_or_else(|| RestError::invalid("Intervention is invalid"))?;
    if it.closed_at.is_some() {
        return Err(RestError::invalid("Intervention is closed"));
    }
    Ok(it.clone())
}

fn success() -> Value {
    json!({"status": "200", "message": "Success"})
}

fn engage(state: &mut State, params: &Params) -> Answer {
    let bot = virtual_agent(state)?;
    let content = params.first("content_id").and_then(|id| state.contents.get(id));
    let thread = content
        .map(|content| content.thread_id.clone())
        .filter(|thread| state.token_may(state.source_of(thread), "read"))
        .ok_or_else(|| RestError::invalid("Content is invalid"))?;
    if state.open_intervention(&thread).is_some() {
        return Err(RestError::invalid("Intervention is already opened"));
    }
    let id = state
        .engage(&thread, &bot)
        .map_err(|error| RestError::invalid(&error.to_string()))?;
    let it = state.interventions.get(&id).ok_or_else(RestError::not_found)?;
    Ok(render::intervention(state, it))
}

/// Ends the case of the virtual agent, whether it said something or not. Its categories are added to the thread's.
fn complete(state: &mut State, params: &Params) -> Answer {
    let bot = virtual_agent(state)?;
    let it = open(state, params)?;
    if it.user_id != bot {
        return Err(RestError::invalid("Intervention is not engaged by a bot"));
    }
    if let Some(added) = categories(state, params)? {
        let thread = state.threads.get(&it.thread_id);
        let mut all = thread
            .map(|thread| thread.category_ids.clone())
            .unwrap_or_default();
        all.extend(added);
        let mut seen = std::collections::HashSet::new();
        all.retain(|id| seen.insert(id.clone()));
        state.categorise(&it.thread_id, all, Some(&bot));
    }
    state.end_intervention(&it.id, &bot);
    state.complete_task(&it.thread_id, Some(&bot), "closed");
    if params.flag("close_thread") == Some(true) && state.may_close(&it.thread_id) {
        state.set_closed(&it.thread_id, true, Some(&bot));
    }
    Ok(success())
}

fn hand_over(state: &mut State, params: &Params) -> Answer {
    let side = |name: &str| {
        let value = params.first(name);
        value
            .filter(|value| ["bot", "agent"].contains(value))
            .ok_or_else(|| RestError::invalid(&format!("{name} is invalid")))
    };
    let (from, to) = (side("from")?, side("to")?);
    if from == to {
        return Err(RestError::invalid("from and to are the same"));
    }
    match params.first("type") {
        Some("engage_virtual_agent") => hand_over_case(state, params, to),
        Some("messenger") => hand_over_on_messenger(state, params, to),
        _ => Err(RestError::invalid("type is invalid")),
    }
}

/// The case stays open: agents find it where its thread's categories put it, or the virtual agent has it again.
fn hand_over_case(state: &mut State, params: &Params, to: &str) -> Answer {
    let bot = virtual_agent(state)?;
    let it = open(state, params)?;
    let is_bots = it.user_id == bot;
    if is_bots != (to == "agent") {
        return Err(RestError::invalid("Intervention is not engaged by that side"));
    }
    let categories = categories(state, params)?;
    if to == "bot" {
        state.complete_task(&it.thread_id, Some(TOKEN_USER), "closed");
        state.change_owner(&it.id, &bot);
    }
    if let Some(categories) = categories {
        state.categorise(&it.thread_id, categories, Some(&bot));
    }
    Ok(success())
}

/// Facebook's own hand-over, by the customer.
fn hand_over_on_messenger(state: &mut State, params: &Params, to: &str) -> Answer {
    let customer = params.first("identity_foreign_id").unwrap_or_default();
    let thread = state.threads.values().rev().find(|thread| {
        let identity = thread
            .customer_id
            .as_ref()
            .and_then(|id| state.identities.get(id));
        let native = state.native(&thread.source_id);
        native.is_some_and(|native| native.kind == NativeKind::Messenger)
            && identity.is_some_and(|identity| identity.foreign_id == customer)
    });
    let thread = thread.map(|thread| thread.id.clone());
    let thread = thread.ok_or_else(|| RestError::invalid("Identity is invalid"))?;
    if to == "bot" {
        if params.first("app_id").is_none() {
            return Err(RestError::invalid("app_id can't be blank"));
        }
        if state.open_intervention(&thread).is_some() {
            return Err(RestError::invalid("An intervention is engaged"));
        }
    }
    if let Some(categories) = categories(state, params)? {
        state.categorise(&thread, categories, Some(TOKEN_USER));
    }
    Ok(success())
}

fn categories(state: &State, params: &Params) -> Result<Option<Vec<String>>, RestError> {
    let wanted = params.all("thread_category_ids");
    match wanted {
        Some(wanted) if !wanted.iter().all(|id| state.console.is_selectable(id)) => {
            Err(RestError::invalid("Category is unknown"))
        }
        wanted => Ok(wanted),
    }
}
