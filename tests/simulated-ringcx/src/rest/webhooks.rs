//! `webhooks`: registration, whose receiver is validated before it gets events. Each belongs to an API token: those of
//! one's own tokens are there for everybody, the others with the right `manage_api_access_tokens`.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::console::SET_UP;
use crate::events::TOKEN_USER;
use crate::model::{Webhook, WebhookState};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;

/// What the API lets register. The console knows more: `content.thread_*` and `intervention_segment.*`.
const EVENTS: [&str; 39] = [
    "content.approved",
    "content.discussion_initiated",
    "content.exported",
    "content.imported",
    "content.replied",
    "content.update_exported",
    "identity.merged",
    "identity.unmerged",
    "intervention.assigned",
    "intervention.canceled",
    "intervention.closed",
    "intervention.custom_fields_updated",
    "intervention.deferred",
    "intervention.opened",
    "intervention.reactivated",
    "intervention.recategorized",
    "intervention.reopened",
    "intervention.user_updated",
    "push_agent.accept_task",
    "push_agent.availability_change",
    "push_agent.busyness_change",
    "push_agent.connected",
    "push_agent.disconnected",
    "push_agent.missed_task",
    "push_agent.reconnected",
    "push_agent.request_task",
    "survey_response.imported",
    "task.assigned",
    "task.completed",
    "task.created",
    "task.destroyed",
    "task.expired_from_step",
    "task.expired_from_workbin",
    "task.recategorized",
    "task.resume",
    "task.supervisor_assigned",
    "task.taken",
    "task.transferred",
    "task.undelivered",
];

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params, token: &str) -> Answer {
    let owner = owner(state, params, token)?;
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => Ok(render(find(state, id)?)),
        ("POST", []) => create(state, params, owner),
        ("PUT", [id]) => {
            let mut webhook = find(state, id)?.clone();
            apply(&mut webhook, params);
            save(state, webhook)
        }
        ("DELETE", [id]) => {
            let answer = render(find(state, id)?);
            state.webhooks.remove(*id);
            state.event_queues.remove(*id);
            Ok(answer)
        }
        _ => Err(RestError::not_found()),
    }
}

/// The id of the token that the request is about: `access_token`, or else the one that it was authenticated with.
fn owner(state: &State, params: &Params, token: &str) -> Result<String, RestError> {
    let Some(named) = params.first("access_token") else {
        return Ok(token.to_owned());
    };
    let known = state.console.tokens.iter().find(|known| known.value == named);
    known
        .filter(|known| may_manage(state, &known.id))
        .map(|known| known.id.clone())
        .ok_or_else(|| RestError::forbidden("This access token is not yours"))
}

fn may_manage(state: &State, token: &str) -> bool {
    let token = state.console.token(token);
    token.is_some_and(|token| token.owner == TOKEN_USER)
        || state.must_have_right("manage_api_access_tokens").is_ok()
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Webhook, RestError> {
    let known = state.webhooks.get(id);
    known
        .filter(|webhook| may_manage(state, &webhook.token_id))
        .ok_or_else(RestError::not_found)
}

/// Those that are active come first.
fn list(state: &State, params: &Params) -> Value {
    let all = state.webhooks.values();
    let mut visible: Vec<&Webhook> = all
        .filter(|webhook| may_manage(state, &webhook.token_id))
        .collect();
    visible.sort_by_key(|webhook| Reverse(webhook.active));
    params.page(visible, render)
}

fn create(state: &mut State, params: &Params, token_id: String) -> Answer {
    let mut webhook = Webhook {
        id: state.ids.next(),
        token_id,
        name: String::new(),
        url: String::new(),
        active: false,
        verify_token: String::new(),
        secret: String::new(),
        registered_events: Vec::new(),
        state: WebhookState::Pending,
    };
    apply(&mut webhook, params);
    save(state, webhook)
}

fn apply(webhook: &mut Webhook, params: &Params) {
    for (name, member) in [
        ("name", &mut webhook.name),
        ("url", &mut webhook.url),
        ("verify_token", &mut webhook.verify_token),
        ("secret", &mut webhook.secret),
    ] {
        if let Some(value) = params.given(name) {
            value.clone_into(member);
        }
    }
    webhook.active = params.flag("active").unwrap_or(webhook.active);
    if let Some(events) = params.all("registered_events") {
        webhook.registered_events = events;
    }
}

fn save(state: &mut State, webhook: Webhook) -> Answer {
    let taken = state.webhooks.values().any(|known| {
        known.id != webhook.id && known.token_id == webhook.token_id && known.url == webhook.url
    });
    if !webhook.url.starts_with("http") || taken {
        return Err(RestError::invalid("Url is invalid or taken"));
    }
    if webhook.registered_events.is_empty() {
        return Err(RestError::invalid("Registered events can't be blank"));
    }
    let before = state.webhooks.get(&webhook.id);
    let mut new = webhook
        .registered_events
        .iter()
        .filter(|event| before.is_none_or(|before| !before.registered_events.contains(event)));
    if !new.all(|event| EVENTS.contains(&event.as_str())) {
        return Err(RestError::invalid(
            "Registered events is not included in the list",
        ));
    }
    if !webhook.secret.is_ascii() || webhook.secret.len() > 255 {
        return Err(RestError::invalid("Secret is invalid"));
    }
    Ok(render(&state.save_webhook(webhook)))
}

impl State {
    /// Saves a webhook as the console does. Saving an active one asks its receiver for the challenge, in the background.
    pub(crate) fn save_webhook(&mut self, mut webhook: Webhook) -> Webhook {
        if webhook.active {
            webhook.state = WebhookState::Pending;
            self.webhooks_to_validate.push(webhook.clone());
        }
        self.webhooks.insert(webhook.id.clone(), webhook.clone());
        webhook
    }
}

/// Neither the name nor the secret is shown.
fn render(webhook: &Webhook) -> Value {
    json!({
        "active": webhook.active,
        "api_access_token": {
            "id": webhook.token_id,
            "created_at": SET_UP,
            "updated_at": SET_UP,
        },
        "id": webhook.id,
        "registered_events": webhook.registered_events,
        "staging_use": false,
        "url": webhook.url,
        "verify_token": webhook.verify_token,
        "webhook_status": if webhook.active { webhook.state.as_str() } else { "disabled" },
    })
}
