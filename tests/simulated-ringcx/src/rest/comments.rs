//! `intervention_comments`: notes beside a case, which customers never see.

use serde_json::{Value, json};

use crate::events::TOKEN_USER;
use crate::model::{Comment, Intervention};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;
use crate::time::seconds;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => {
            let found = all(state).find(|(_, comment)| comment.id == *id);
            let (it, comment) = found.ok_or_else(RestError::not_found)?;
            Ok(render(it, comment))
        }
        ("POST", []) => create(state, params),
        _ => Err(RestError::not_found()),
    }
}

fn all(state: &State) -> impl DoubleEndedIterator<Item = (&Intervention, &Comment)> {
    let readable = state
        .interventions
        .values()
        .filter(|it| state.token_may(state.source_of(&it.thread_id), "read"));
    readable.flat_map(|it| it.comments.iter().map(move |comment| (it, comment)))
}

fn list(state: &State, params: &Params) -> Value {
    let allows = |name: &str, value: Option<&str>| {
        let wanted = params.first(name);
        wanted.is_none() || wanted == value
    };
    let mut found: Vec<_> = all(state)
        .filter(|(it, comment)| {
            allows("intervention_id", Some(&it.id))
                && allows("thread_id", Some(&it.thread_id))
                && allows("user_id", Some(&comment.user_id))
                && allows("identity_id", it.identity_id.as_deref())
        })
        .collect();
    found.sort_by(|(_, a), (_, b)| b.id.cmp(&a.id));
    params.page(found, |(it, comment)| render(it, comment))
}

/// As the token's account. The specification calls `user_id` mandatory, its prose says that it is the token's user.
fn create(state: &mut State, params: &Params) -> Answer {
    let id = params.first("intervention_id").unwrap_or_default();
    let it = state.interventions.get(id);
    it.filter(|it| state.token_may(state.source_of(&it.thread_id), "read"))
        .ok_or_else(RestError::not_found)?;
    let Some(body) = params.first("body") else {
        return Err(RestError::invalid("Body can't be blank"));
    };
    let user = params.first("user_id");
    if state.config.comments_need_user && user.is_none() {
        return Err(RestError::invalid("User can't be blank"));
    }
    let user = user.unwrap_or(TOKEN_USER);
    if state.console.account(user).is_none() {
        return Err(RestError::invalid("User is invalid"));
    }
    let comment = Comment {
        id: state.ids.next(),
        body: body.to_owned(),
        user_id: user.to_owned(),
        created_at: state.now(),
    };
    let it = state.interventions.get_mut(id).ok_or_else(RestError::not_found)?;
    it.comments.push(comment.clone());
    Ok(render(it, &comment))
}

fn render(it: &Intervention, comment: &Comment) -> Value {
    json!({
        "body": comment.body,
        "created_at": seconds(comment.created_at),
        "id": comment.id,
        "identity_id": it.identity_id,
        "intervention_id": it.id,
        "thread_id": it.thread_id,
        "updated_at": seconds(comment.created_at),
        "user_id": comment.user_id,
    })
}
