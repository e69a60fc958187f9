//! `content_threads`: the search by the bridge's id, categories, archiving, closing.

use crate::events::TOKEN_USER;
use crate::model::Thread;
use crate::rest::params::{Params, Search};
use crate::rest::{Answer, RestError, render};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(search(state, params)),
        ("GET", [id]) => Ok(render::whole_thread(state, find(state, id)?)),
        ("PUT", [id, "update_categories"]) => update_categories(state, id, params),
        ("PUT", [id, "ignore"]) => {
            find(state, id)?;
            state.archive(id);
            Ok(render::thread(find(state, id)?))
        }
        ("PUT", [id, "close"]) => {
            find(state, id)?;
            // Closing is for other kinds of channels.
            if !state.may_close(id) {
                return Err(RestError::forbidden("Thread can not be closed"));
            }
            set_closed(state, id, true)
        }
        ("GET", [id, "open"]) => set_closed(state, id, false),
        _ => Err(RestError::not_found()),
    }
}

/// Only the platform's own id will do, never the bridge's.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a Thread, RestError> {
    let thread = state.threads.get(id);
    let readable = thread.filter(|thread| state.token_may(&thread.source_id, "read"));
    readable.ok_or_else(RestError::not_found)
}

fn search(state: &mut State, params: &Params) -> serde_json::Value {
    let search = Search::parse(params.first("q").unwrap_or_default());
    let mut candidates: Vec<String> = match search.values("foreign").next() {
        Some(_) => search
            .values("foreign")
            .filter_map(|id| state.thread_by_foreign.get(id).cloned())
            .collect(),
        None => state.threads.keys().rev().cloned().collect(),
    };
    let known = search.knows_only(&["foreign", "source", "identity", "categorized_in", "text", "order"]);
    candidates.retain(|id| {
        let Some(thread) = state.threads.get_mut(id) else {
            return false;
        };
        known && thread.lag.is_over() && matches(state, id, &search)
    });
    if search
        .values("order")
        .any(|order| order.split_once('.').is_some_and(|(_, way)| way == "asc"))
    {
        candidates.sort();
    }
    let found = candidates.iter().filter_map(|id| state.threads.get(id)).collect();
    params.page(found, render::thread)
}

fn matches(state: &State, id: &str, search: &Search) -> bool {
    let Some(thread) = state.threads.get(id) else {
        return false;
    };
    state.token_may(&thread.source_id, "read")
        && search.allows("source", |source| source == thread.source_id)
        && search.allows("identity", |identity| {
            thread.customer_id.as_deref() == Some(identity)
        })
        && search.allows("categorized_in", |category| {
            thread.category_ids.iter().any(|known| known == category)
        })
        && search.allows("text", |text| {
            state
                .contents(id)
                .any(|content| content.body.as_deref().is_some_and(|body| body.contains(text)))
        })
}

/// The answer shows the state before, as it is done asynchronously.
fn set_closed(state: &mut State, id: &str, closed: bool) -> Answer {
    let answer = render::thread(find(state, id)?);
    state.set_closed(id, closed, Some(TOKEN_USER));
    Ok(answer)
}

fn update_categories(state: &mut State, id: &str, params: &Params) -> Answer {
    find(state, id)?;
    let Some(mut wanted) = params.all("thread_category_ids") else {
        return Err(RestError::invalid("thread_category_ids is missing"));
    };
    let mut seen = std::collections::HashSet::new();
    wanted.retain(|category| seen.insert(category.clone()));
    if !wanted.iter().all(|id| state.console.is_selectable(id)) {
        return Err(RestError::invalid("Category is unknown"));
    }
    state.categorise(id, wanted, Some(TOKEN_USER));
    Ok(render::thread(find(state, id)?))
}
