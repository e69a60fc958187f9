//! What is only read: channel groups, agents' availability, identities, communities, roles and teams.

use serde_json::{Value, json};

use crate::config::AgentStatus;
use crate::console::{AGENT_ROLE, ROLE_RIGHTS, SET_UP, TOKEN_ROLE, Team};
use crate::events::{ASYNC_CHANNEL, REALTIME_CHANNEL};
use crate::model::{Agent, Identity};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, render};
use crate::state::State;

/// What an agent may do, besides being given tasks or picking threads.
const AGENT_RIGHTS: [&str; 4] = [
    "read_own_stats",
    "search_contents",
    "update_own_intervention",
    "use_emoji",
];

pub(super) fn handle(state: &State, resource: &str, path: &[&str], params: &Params) -> Answer {
    match (resource, path) {
        ("channels", []) => Ok(params.page(channels(state), |channel| channel)),
        ("channels", [id]) => one(channels(state), id),
        ("status", []) => status(state),
        ("status", [agent]) => agent_status(state, agent),
        ("identities", []) => {
            state.must_have_right("read_identity")?;
            Ok(identities(state, params))
        }
        ("identities", [id]) => {
            state.must_have_right("read_identity")?;
            let identity = state.identities.get(*id).ok_or_else(RestError::not_found)?;
            Ok(render::identity(state, identity))
        }
        ("communities", []) => Ok(params.page(communities(state), |community| community)),
        ("communities", [id]) => one(communities(state), id),
        ("roles", []) => Ok(params.page(roles(state), |role| role)),
        ("roles", [id]) => {
            state.must_have_right("manage_roles")?;
            one(roles(state), id)
        }
        ("teams", []) => Ok(params.page(state.console.teams.iter().collect(), team)),
        ("teams", [id]) => one(state.console.teams.iter().map(team).collect(), id),
        ("custom_fields" | "presence_status", []) => Ok(params.page(Vec::<Value>::new(), |field| field)),
        _ => Err(RestError::not_found()),
    }
}

fn one(all: Vec<Value>, id: &str) -> Answer {
    all.into_iter()
        .find(|item| item["id"] == id)
        .ok_or_else(RestError::not_found)
}

fn channels(state: &State) -> Vec<Value> {
    let (soft, hard) = state.config.workload;
    let channel = |id: &str, name: &str| {
        let sources = state.console.sources.iter();
        let sources = sources.filter(|source| source.channel_id == id);
        json!({
            "agent_sla": null,
            "agent_sla_threshold": 0,
            "auto_complete_category_ids": [],
            "created_at": SET_UP,
            "hard_capability": hard,
            "id": id,
            "label": name,
            "name": name,
            "soft_capability": soft,
            "source_ids": sources.map(|source| &source.id).collect::<Vec<_>>(),
            "task_auto_complete_seconds": null,
            "task_timeout_seconds": 3600,
            "updated_at": SET_UP,
        })
    };
    vec![
        channel(REALTIME_CHANNEL, "Realtime"),
        channel(ASYNC_CHANNEL, "Async"),
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
    state.must_have_right("monitor_tasks")?;
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

/// The newest identity comes first.
fn identities(state: &State, params: &Params) -> Value {
    let allows = |name: &str, fits: &dyn Fn(&str) -> bool| params.first(name).is_none_or(fits);
    let community = match (params.first("community_id"), params.first("source_id")) {
        (Some(community), _) => Some(community.to_owned()),
        (None, Some(source)) => {
            let source = state.console.source(source);
            Some(source.map_or_else(String::new, |source| source.community_id.clone()))
        }
        (None, None) => None,
    };
    let speaks = |user: &str, identity: &Identity| {
        let account = state.console.account(user);
        account.is_some_and(|account| account.identity_ids.contains(&identity.id))
    };
    let mut found: Vec<&Identity> = state.identities.values().rev().collect();
    found.retain(|identity| {
        let source = identity.source_id.as_deref().unwrap_or(&state.config.source_id);
        state.token_may(source, "read")
            && community
                .as_ref()
                .is_none_or(|community| *community == render::community(state, identity))
            && allows("foreign_id", &|id| id == identity.foreign_id)
            && allows("user_id", &|user| speaks(user, identity))
            && allows("uuid", &|_| false)
    });
    if params.first("sort") == Some("updated_at") {
        found.sort_by_key(|identity| std::cmp::Reverse(identity.updated_at));
    }
    params.page(found, |identity| render::identity(state, identity))
}

/// The communities that the sources draw from.
fn communities(state: &State) -> Vec<Value> {
    let mut communities: Vec<Value> = Vec::new();
    for source in &state.console.sources {
        if communities.iter().all(|known| known["id"] != source.community_id) {
            communities.push(json!({
                "active": true,
                "created_at": SET_UP,
                "id": source.community_id,
                "name": format!("Simulated community ({})", source.kind),
                "type": source.kind,
                "updated_at": SET_UP,
            }));
        }
    }
    communities
}

fn roles(state: &State) -> Vec<Value> {
    let role = |id: &str, label: &str, has: &dyn Fn(&str) -> bool| {
        let mut role = json!({"created_at": SET_UP, "id": id, "label": label, "updated_at": SET_UP});
        for right in ROLE_RIGHTS {
            role[right] = json!(has(right));
        }
        role
    };
    let token = |right: &str| {
        let monitors = state.rights.may_monitor || right != "monitor_tasks";
        monitors && !state.console.lacking.contains(right)
    };
    let agent = |right: &str| match right {
        "receive_tasks" => state.config.task_mode,
        "access_pull_mode" => !state.config.task_mode,
        right => AGENT_RIGHTS.contains(&right),
    };
    vec![
        role(TOKEN_ROLE, "Simulated administrator", &token),
        role(AGENT_ROLE, "Simulated agent", &agent),
    ]
}

fn team(team: &Team) -> Value {
    json!({
        "created_at": SET_UP,
        "id": team.id,
        "leader_ids": [],
        "name": team.name,
        "updated_at": SET_UP,
        "user_ids": team.user_ids,
    })
}
