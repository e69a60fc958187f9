//! `attachments`: uploads, and what was uploaded.

use serde_json::Value;

use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => state.attachment_json(id).ok_or_else(RestError::not_found),
        ("POST", []) => create(state, params),
        _ => Err(RestError::not_found()),
    }
}

/// The newest comes first.
fn list(state: &State, params: &Params) -> Value {
    let extension = params.first("extension");
    let mut ids: Vec<&String> = state
        .attachments
        .iter()
        .filter(|(_, file)| {
            extension.is_none_or(|wanted| {
                let found = file.filename.rsplit_once('.');
                found.is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
            })
        })
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    params.page(ids, |id| state.attachment_json(id).unwrap_or_default())
}

fn create(state: &mut State, params: &Params) -> Answer {
    let file = params.part("file");
    let Some((file, filename)) = file.and_then(|file| Some((file, file.filename.clone()?))) else {
        return Err(RestError::invalid("File can't be blank"));
    };
    if file.bytes.is_empty() || filename.is_empty() {
        return Err(RestError::invalid("File is empty"));
    }
    let content_type = file.content_type.as_deref().unwrap_or("application/octet-stream");
    let private = params.flag("private").unwrap_or(false);
    let id = state.store_file(&filename, content_type, file.bytes.clone(), private);
    state.attachment_json(&id).ok_or_else(RestError::not_found)
}
