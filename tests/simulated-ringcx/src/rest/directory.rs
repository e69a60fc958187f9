//! What is only read: categories, sources, channel groups, agents and their availability, identities.

use serde_json::{Value, json};

use crate::config::AgentStatus;
use crate::events::{ASYNC_CHANNEL, REALTIME_CHANNEL, TOKEN_USER};
use crate::model::Agent;
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, render};
use crate::state::State;

/// When the account was set up.
pub(super) const SET_UP: &str = "2026-01-01T00:00:00Z";
/// The parent of all categories.
const ROOT: &str = "5f0c0000000000000000ca00";

pub(super) fn handle(state: &State, resource: &str, path: &[&str], params: &Params) -> Answer {
    match (resource, path) {
        ("categories", []) => Ok(categories(state, params)),
        ("categories", [id]) => one(all_categories(state), id),
        ("content_sources", []) => Ok(params.page(vec![source(state)], |source| source)),
        ("content_sources", [id]) => one(vec![source(state)], id),
        ("channels", []) => Ok(params.page(channels(state), |channel| channel)),
        ("channels", [id]) => one(channels(state), id),
        ("status", []) => status(state),
        ("status", [agent]) => agent_status(state, agent),
        ("users", []) => Ok(params.page(users(state), |user| user)),
        ("users", ["me"]) => Ok(token_user(state)),
        ("users", [id]) => one(users(state), id),
        ("users", [_, "sources_permissions"]) => {
            Ok(json!({&state.config.source_id: ["read", "reply", "initiate_discussion"]}))
        }
        ("identities", []) => Ok(identities(state, params)),
        ("identities", [id]) => state
            .identities
            .get(*id)
            .map(render::identity)
            .ok_or_else(RestError::not_found),
        ("communities", []) => {
            let community = json!({"id": render::COMMUNITY, "name": "Simulated community", "type": "sdk"});
            Ok(params.page(vec![community], |community| community))
        }
        ("custom_fields" | "presence_status", []) => Ok(params.page(Vec::<Value>::new(), |field| field)),
        _ => Err(RestError::not_found()),
    }
}

fn one(all: Vec<Value>, id: &str) -> Answer {
    all.into_iter()
        .find(|item| item["id"] == id)
        .ok_or_else(RestError::not_found)
}

fn all_categories(state: &State) -> Vec<Value> {
    let category = |id: &str, name: &str, parent: Option<&str>| {
        json!({
            "color": 0, "created_at": SET_UP, "id": id, "mandatory": false, "multiple": false, "name": name,
            "parent_id": parent, "post_qualification": false, "source_ids": [], "unselectable": parent.is_none(),
            "updated_at": SET_UP,
        })
    };
    let children = state
        .config
        .categories()
        .map(|(id, name)| category(id, name, Some(ROOT)));
    std::iter::once(category(ROOT, "Simulated bridge", None))
        .chain(children)
        .collect()
}

fn categories(state: &State, params: &Params) -> Value {
    let mut all = all_categories(state);
    if let Some(ids) = params.all("ids") {
        all.retain(|category| ids.iter().any(|id| category["id"] == **id));
    }
    if let Some(parent) = params.first("parent_id") {
        all.retain(|category| category["parent_id"] == parent);
    }
    params.page(all, |category| category)
}

fn source(state: &State) -> Value {
    json!({
        "active": true, "attachments_security_level": "relaxed", "channel_id": REALTIME_CHANNEL,
        "community_id": render::COMMUNITY, "created_at": SET_UP,
        "default_category_ids": [state.config.bot_category_id], "error_message": null,
        "id": state.config.source_id, "name": "Simulated channel", "status": "ok", "type": "sdk",
        "updated_at": SET_UP, "user_thread_default_category_ids": [state.config.bot_category_id],
    })
}

fn channels(state: &State) -> Vec<Value> {
    let channel = |id: &str, name: &str, sources: &[&str]| json!({"id": id, "name": name, "source_ids": sources, "created_at": SET_UP, "updated_at": SET_UP});
    vec![
        channel(REALTIME_CHANNEL, "Realtime", &[&state.config.source_id]),
        channel(ASYNC_CHANNEL, "Async", &[]),
    ]
}

/// A bare list of the agents who are logged in; needs the right to monitor tasks.
fn status(state: &State) -> Answer {
    may_monitor(state)?;
    let connected = state
        .agents
        .iter()
        .filter(|agent| agent.status != AgentStatus::Disconnected);
    Ok(connected.map(|agent| availability(state, agent)).collect())
}

fn agent_status(state: &State, id: &str) -> Answer {
    may_monitor(state)?;
    let agent = state.agent(id).map_err(|_| RestError::not_found())?;
    if agent.status == AgentStatus::Disconnected {
        let status = axum::http::StatusCode::NOT_FOUND;
        return Err(RestError::new(status, "disconnected", "Agent is disconnected"));
    }
    Ok(availability(state, agent))
}

fn may_monitor(state: &State) -> Result<(), RestError> {
    if state.rights.may_monitor {
        return Ok(());
    }
    Err(RestError::forbidden(
        "You are not allowed to monitor the task view",
    ))
}

fn availability(state: &State, agent: &Agent) -> Value {
    json!({"agent_id": agent.id, "channels": state.agent_channels(agent), "custom_status": null})
}

fn users(state: &State) -> Vec<Value> {
    let agents = state
        .agents
        .iter()
        .map(|agent| user(&agent.id, &agent.name, &[&state.config.agent_category_id]));
    agents.chain([token_user(state)]).collect()
}

fn token_user(state: &State) -> Value {
    user(
        TOKEN_USER,
        "Simulated API",
        &[&state.config.bot_category_id, &state.config.agent_category_id],
    )
}

fn user(id: &str, name: &str, categories: &[&str]) -> Value {
    let (firstname, lastname) = name.split_once(' ').unwrap_or((name, ""));
    json!({
        "category_ids": categories, "created_at": SET_UP, "email": format!("{id}@simulated.example"),
        "enabled": true, "external_id": null, "firstname": firstname, "gender": null, "id": id,
        "identity_ids": [], "invitation_pending": false, "lastname": lastname, "locale": "en",
        "nickname": firstname, "no_password": false, "rc_user_id": null, "role_id": "5f0c00000000000000b01e01",
        "spoken_languages": ["en"], "team_ids": [], "timezone": "UTC", "updated_at": SET_UP,
        "user_capacity_id": null,
    })
}

fn identities(state: &State, params: &Params) -> Value {
    let source = params
        .first("source_id")
        .is_none_or(|id| id == state.config.source_id);
    let community = params
        .first("community_id")
        .is_none_or(|id| id == render::COMMUNITY);
    let found = state
        .identities
        .values()
        .filter(|identity| {
            source
                && community
                && params
                    .first("foreign_id")
                    .is_none_or(|id| id == identity.foreign_id)
        })
        .collect();
    params.page(found, render::identity)
}
