//! `users`: people's accounts and what they may do on sources. Needs the right `read_user`, and `update_user` for
//! changes; the own account is there for everybody.

use serde_json::{Value, json};

use crate::console::{Account, SET_UP, SOURCE_PERMISSIONS};
use crate::events::TOKEN_USER;
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;
use crate::time::seconds;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", ["me"]) => Ok(render(state, find(state, TOKEN_USER)?)),
        ("GET", _) => {
            state.must_have_right("read_user")?;
            read(state, path, params)
        }
        ("PUT", [id]) => {
            state.must_have_right("update_user")?;
            update(state, id, params)
        }
        ("PUT", [id, "sources_permissions"]) => {
            state.must_have_right("update_user")?;
            permit(state, id, params)
        }
        _ => Err(RestError::not_found()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Account, RestError> {
    state.console.account(id).ok_or_else(RestError::not_found)
}

fn read(state: &State, path: &[&str], params: &Params) -> Answer {
    match path {
        [] => Ok(list(state, params)),
        [id] => Ok(render(state, find(state, id)?)),
        [id, "sources_permissions"] => Ok(permissions(state, find(state, id)?)),
        _ => Err(RestError::not_found()),
    }
}

/// The newest account comes first.
fn list(state: &State, params: &Params) -> Value {
    let allows = |name: &str, fits: &dyn Fn(&str) -> bool| params.first(name).is_none_or(fits);
    let mut found: Vec<&Account> = state.console.accounts.iter().rev().collect();
    found.retain(|account| {
        allows("email", &|email| account.email.eq_ignore_ascii_case(email))
            && allows("category_id", &|id| {
                account.category_ids.iter().any(|it| it == id)
            })
            && allows("identity_id", &|id| {
                account.identity_ids.iter().any(|it| it == id)
            })
            && allows("external_id", &|_| false)
            && allows("role_id", &|id| account.role_id == id)
            && allows("team_id", &|id| teams(state, account).contains(&id))
    });
    params.page(found, |account| render(state, account))
}

fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    let mut account = find(state, id)?.clone();
    for (name, member) in [
        ("firstname", &mut account.firstname),
        ("lastname", &mut account.lastname),
        ("email", &mut account.email),
    ] {
        if let Some(value) = params.given(name) {
            value.clone_into(member);
        }
    }
    account.enabled = params.flag("enabled").unwrap_or(account.enabled);
    if let Some(categories) = params.all("category_ids") {
        if !categories.iter().all(|id| state.console.category(id).is_some()) {
            return Err(RestError::invalid("Categories are invalid"));
        }
        account.category_ids = categories;
    }
    if let Some(identities) = params.all("identity_ids") {
        for id in &identities {
            let known = state.identities.get(id);
            if !known.is_some_and(|identity| state.is_controlled(&identity.foreign_id)) {
                return Err(RestError::invalid("Identities are invalid"));
            }
        }
        account.identity_ids = identities;
    }
    account.updated_at = seconds(state.now());
    let answer = render(state, &account);
    *state.console.account_mut(id)? = account;
    Ok(answer)
}

/// Only the sources that are named change.
fn permit(state: &mut State, id: &str, params: &Params) -> Answer {
    find(state, id)?;
    let mut changed = Vec::new();
    for source in &state.console.sources {
        if let Some(permissions) = params.all(&source.id) {
            if !permissions
                .iter()
                .all(|it| SOURCE_PERMISSIONS.contains(&it.as_str()))
            {
                return Err(RestError::invalid("Permissions are invalid"));
            }
            changed.push((source.id.clone(), permissions));
        }
    }
    state.console.account_mut(id)?.permissions.extend(changed);
    Ok(permissions(state, find(state, id)?))
}

/// Every source, with an empty list where nothing is permitted.
fn permissions(state: &State, account: &Account) -> Value {
    let sources = state.console.sources.iter().map(|source| {
        let permissions = account.permissions.get(&source.id).cloned();
        (source.id.clone(), json!(permissions.unwrap_or_default()))
    });
    Value::Object(sources.collect())
}

fn teams<'a>(state: &'a State, account: &Account) -> Vec<&'a str> {
    let teams = state.console.teams.iter();
    let own = teams.filter(|team| team.user_ids.contains(&account.id));
    own.map(|team| team.id.as_str()).collect()
}

fn render(state: &State, account: &Account) -> Value {
    json!({
        "category_ids": account.category_ids,
        "created_at": SET_UP,
        "email": account.email,
        "enabled": account.enabled,
        "external_id": null,
        "firstname": account.firstname,
        "gender": null,
        "id": account.id,
        "identity_ids": account.identity_ids,
        "invitation_pending": false,
        "lastname": account.lastname,
        "locale": "en",
        "nickname": account.firstname,
        "no_password": false,
        "rc_user_id": null,
        "role_id": account.role_id,
        "spoken_languages": ["en"],
        "team_ids": teams(state, account),
        "timezone": "UTC",
        "updated_at": account.updated_at,
        "user_capacity_id": null,
    })
}
