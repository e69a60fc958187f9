//! `contents`: lists, single messages, and dismissing one. Replies are in `create_content`.

use crate::model::Content;
use crate::rest::params::{Params, Search};
use crate::rest::{Answer, RestError, create_content, render};
use crate::state::State;

/// What a search of contents can ask for (REST API, "Getting all contents").
const KEYWORDS: [&str; 9] = [
    "id",
    "identity",
    "identity_group",
    "intervention",
    "order",
    "source",
    "status_in",
    "text",
    "thread",
];

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => one(state, id),
        ("POST", []) => create_content::create(state, params),
        ("PUT", [id, "ignore"]) => {
            find(state, id)?;
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

pub(super) fn one(state: &State, id: &str) -> Answer {
    Ok(render::content(state, find(state, id)?))
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Content, RestError> {
    let content = state.contents.get(id).filter(|it| is_readable(state, it));
    content.ok_or_else(RestError::not_found)
}

fn is_readable(state: &State, content: &Content) -> bool {
    state.token_may(state.source_of(&content.thread_id), "read")
}

fn list(state: &mut State, params: &Params) -> serde_json::Value {
    let search = Search::parse(params.first("q").unwrap_or_default());
    let known = search.knows_only(&KEYWORDS);
    let mut found: Vec<String> = match search.values("thread").next() {
        Some(_) => {
            let threads = search
                .values("thread")
                .filter(|id| state.threads.contains_key(*id));
            let contents = threads.flat_map(|thread| state.contents(thread));
            contents.map(|content| content.id.clone()).collect()
        }
        None => state.contents.keys().cloned().collect(),
    };
    found.retain(|id| {
        let fits = known
            && state
                .contents
                .get(id)
                .is_some_and(|content| fits(state, content, &search));
        fits && state
            .contents
            .get_mut(id)
            .is_some_and(|content| content.lag.is_over())
    });
    // Ids sort by age, also within a second.
    found.sort();
    if !search.values("order").any(|order| order == "created_at.asc") {
        found.reverse();
    }
    let found = found.iter().filter_map(|id| state.contents.get(id)).collect();
    params.page(found, |content| render::content(state, content))
}

fn fits(state: &State, content: &Content, search: &Search) -> bool {
    let says = |text: &str| {
        let body = content.body.as_deref().unwrap_or_default();
        body.to_lowercase().contains(&text.to_lowercase())
    };
    is_readable(state, content)
        && search.allows("id", |id| content.id == id)
        && search.allows("source", |source| source == state.source_of(&content.thread_id))
        && search.allows("status_in", |status| status == content.status)
        && search.allows("intervention", |it| {
            content.intervention_id.as_deref() == Some(it)
        })
        && search.allows("identity", |identity| content.author_id == identity)
        // Nobody here has a group.
        && search.allows("identity_group", |_| false)
        && search.allows("text", says)
}
