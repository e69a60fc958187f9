//! `webhooks`: registration, whose receiver is validated before it gets events.

use serde_json::{Value, json};

use crate::model::{Webhook, WebhookState};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(params.page(state.webhooks.values().collect(), render)),
        ("GET", [id]) => state
            .webhooks
            .get(*id)
            .map(render)
            .ok_or_else(RestError::not_found),
        ("POST", []) => create(state, params),
        ("PUT", [id]) => update(state, id, params),
        ("DELETE", [id]) => {
            let removed = state.webhooks.remove(*id).ok_or_else(RestError::not_found)?;
            state.event_queues.remove(*id);
            Ok(render(&removed))
        }
        _ => Err(RestError::not_found()),
    }
}

fn create(state: &mut State, params: &Params) -> Answer {
    let id = state.ids.next();
    let mut webhook = Webhook {
        id: id.clone(),
        name: "Simulated webhook".to_owned(),
        url: String::new(),
        active: true,
        verify_token: String::new(),
        secret: String::new(),
        registered_events: Vec::new(),
        state: WebhookState::Pending,
    };
    apply(&mut webhook, params);
    save(state, webhook)
}

fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    let mut webhook = state.webhooks.get(id).cloned().ok_or_else(RestError::not_found)?;
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
        if let Some(value) = params.first(name) {
            value.clone_into(member);
        }
    }
    if let Some(active) = params.first("active") {
        webhook.active = matches!(active, "true" | "1" | "on" | "yes");
    }
    if let Some(events) = params.all("registered_events") {
        webhook.registered_events = events;
    }
}

/// Saving an active webhook asks its receiver for the challenge.
fn save(state: &mut State, mut webhook: Webhook) -> Answer {
    let taken = state
        .webhooks
        .values()
        .any(|known| known.id != webhook.id && known.url == webhook.url);
    if !webhook.url.starts_with("http") || taken {
        return Err(RestError::invalid("Url is invalid or taken"));
    }
    if webhook.registered_events.is_empty() {
        return Err(RestError::invalid("Registered events can't be blank"));
    }
    if !webhook.secret.is_ascii() || webhook.secret.len() > 255 {
        return Err(RestError::invalid("Secret is invalid"));
    }
    if webhook.active {
        webhook.state = WebhookState::Pending;
        state.webhooks_to_validate.push(webhook.clone());
    }
    let rendered = render(&webhook);
    state.webhooks.insert(webhook.id.clone(), webhook);
    Ok(rendered)
}

fn render(webhook: &Webhook) -> Value {
    json!({
        "active": webhook.active,
        "api_access_token": {
            "id": "5f0c00000000000000ac0001",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        },
        "id": webhook.id,
        "registered_events": webhook.registered_events,
        "staging_use": false,
        "url": webhook.url,
        "verify_token": webhook.verify_token,
        "webhook_status": if webhook.active { webhook.state.as_str() } else { "disabled" },
    })
}
