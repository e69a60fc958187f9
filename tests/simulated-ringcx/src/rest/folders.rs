//! `folders`: saved searches. Changes need the right `manage_folders`. Labels may repeat: nothing says otherwise.

use serde_json::{Value, json};

use crate::console::{Folder, Restrictions};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;
use crate::time::seconds;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    if method != "GET" {
        state.must_have_right("manage_folders")?;
    }
    match (method, path) {
        ("GET", []) => Ok(params.page(state.console.folders.iter().collect(), render)),
        ("GET", [id]) => Ok(render(&state.console.folders[find(state, id)?])),
        ("POST", []) => create(state, params),
        ("PUT", [id]) => update(state, id, params),
        ("DELETE", [id]) => {
            let index = find(state, id)?;
            Ok(render(&state.console.folders.remove(index)))
        }
        _ => Err(RestError::not_found()),
    }
}

fn find(state: &State, id: &str) -> Result<usize, RestError> {
    let found = state.console.folders.iter().position(|folder| folder.id == id);
    found.ok_or_else(RestError::not_found)
}

fn create(state: &mut State, params: &Params) -> Answer {
    let now = seconds(state.now());
    let mut folder = Folder {
        id: state.ids.next(),
        label: String::new(),
        query: None,
        parent_id: None,
        position: i64::try_from(state.console.folders.len()).unwrap_or_default(),
        render_threads_count: false,
        restrictions: Restrictions::default(),
        created_at: now.clone(),
        updated_at: now,
    };
    apply(state, &mut folder, params)?;
    let answer = render(&folder);
    state.console.folders.push(folder);
    Ok(answer)
}

fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    let index = find(state, id)?;
    let mut folder = state.console.folders[index].clone();
    apply(state, &mut folder, params)?;
    folder.updated_at = seconds(state.now());
    let answer = render(&folder);
    state.console.folders[index] = folder;
    Ok(answer)
}

fn apply(state: &State, folder: &mut Folder, params: &Params) -> Result<(), RestError> {
    if let Some(label) = params.given("label") {
        label.clone_into(&mut folder.label);
    }
    if let Some(query) = params.given("query") {
        folder.query = (!query.is_empty()).then(|| query.to_owned());
    }
    if let Some(parent) = params.given("parent_id") {
        folder.parent_id = (!parent.is_empty()).then(|| parent.to_owned());
    }
    if let Some(position) = params.first("position") {
        let position = position.parse();
        folder.position = position.map_err(|_| RestError::invalid("Position is not a number"))?;
    }
    folder.render_threads_count = params
        .flag("render_threads_count")
        .unwrap_or(folder.render_threads_count);
    for (name, member) in [
        ("role_restriction", &mut folder.restrictions.roles),
        ("team_restriction", &mut folder.restrictions.teams),
        ("user_restriction", &mut folder.restrictions.users),
    ] {
        if params.all(name).is_some() {
            let status = axum::http::StatusCode::BAD_REQUEST;
            let message = format!("{name} has to be a hash");
            return Err(RestError::new(status, "bad_request", message));
        }
        if let Some(only) = params.all(&format!("{name}[only]")) {
            *member = only;
        }
    }
    if folder.label.is_empty() {
        return Err(RestError::invalid("Label can't be blank"));
    }
    let is_known = |parent: &String| *parent != folder.id && find(state, parent).is_ok();
    if !folder.parent_id.as_ref().is_none_or(is_known) {
        return Err(RestError::invalid("Parent is invalid"));
    }
    Ok(())
}

/// A folder of the whole account has no `user_id`.
fn render(folder: &Folder) -> Value {
    json!({
        "created_at": folder.created_at,
        "id": folder.id,
        "label": folder.label,
        "parent_id": folder.parent_id,
        "position": folder.position,
        "query": folder.query,
        "render_threads_count": folder.render_threads_count,
        "role_restriction": {"only": folder.restrictions.roles},
        "team_restriction": {"only": folder.restrictions.teams},
        "updated_at": folder.updated_at,
        "user_id": null,
        "user_restriction": {"only": folder.restrictions.users},
    })
}
