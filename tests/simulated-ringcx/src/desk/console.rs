//! What a person does in the console and the API cannot, and what a test needs to find an account in: as methods, and
//! the steps of a set-up by HTTP.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::AgentStatus;
use crate::console::{
    AGENT_ROLE, Account, COMMUNITY, Category, ROLE_RIGHTS, SOURCE_PERMISSIONS, Source, Team, Token,
};
use crate::error::DeskError;
use crate::events::TOKEN_USER;
use crate::hub::Hub;
use crate::model::{Agent, Webhook, WebhookState};
use crate::simulated::SimulatedRingcx;
use crate::state::State;

impl SimulatedRingcx {
    /// Ticks *Controlled identity* for an identity, by the bridge's id: it has to exist and to be puppetizable.
    pub fn tick_controlled_identity(&self, identity: &str) -> Result<(), DeskError> {
        self.hub.change(|state| state.tick_controlled(identity))
    }

    /// Takes the tick away. Agents no longer speak as this identity.
    pub fn untick_controlled_identity(&self, identity: &str) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let id = state.identity_id(identity)?;
            state.console.controlled.remove(identity);
            for account in &mut state.console.accounts {
                account.identity_ids.retain(|it| *it != id);
            }
            Ok(())
        })
    }

    /// Assigns a controlled identity, by the bridge's id, to these agents and to nobody else.
    pub fn assign_identity(&self, identity: &str, agents: &[&str]) -> Result<(), DeskError> {
        self.hub.change(|state| state.assign_identity(identity, agents))
    }

    /// Gives an account these identities, by RCE's ids, and no others.
    pub fn set_account_identities(&self, account: &str, identities: &[String]) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let account = state.console.accounts.iter_mut().find(|it| it.id == account);
            let account = account.ok_or_else(|| DeskError::NotFound("no such account".to_owned()))?;
            account.identity_ids = identities.to_vec();
            Ok(())
        })
    }

    /// Disables the token of the API: every request gets a 403.
    pub fn disable_token(&self) {
        self.set_token(false);
    }

    /// Enables the token of the API again.
    pub fn enable_token(&self) {
        self.set_token(true);
    }

    fn set_token(&self, enabled: bool) {
        let ours = &self.config().api_token;
        self.hub.change(|state| {
            for token in state
                .console
                .tokens
                .iter_mut()
                .filter(|token| token.value == *ours)
            {
                token.enabled = enabled;
            }
        });
    }

    /// Takes a right of [`ROLE_RIGHTS`] from the role of the token's account.
    pub fn take_right(&self, right: &str) -> Result<(), DeskError> {
        must_be_known(right, &ROLE_RIGHTS)?;
        self.hub
            .change(|state| state.console.lacking.insert(right.to_owned()));
        Ok(())
    }

    /// Gives the right back.
    pub fn give_right(&self, right: &str) -> Result<(), DeskError> {
        must_be_known(right, &ROLE_RIGHTS)?;
        self.hub.change(|state| state.console.lacking.remove(right));
        Ok(())
    }

    /// The account that the token acts as.
    pub fn token_user(&self) -> &'static str {
        TOKEN_USER
    }

    /// Sets what an account may do on a source: `read`, `reply` and so on; nothing at all with an empty list.
    pub fn permit(&self, account: &str, source: &str, permissions: &[&str]) -> Result<(), DeskError> {
        for permission in permissions {
            must_be_known(permission, &SOURCE_PERMISSIONS)?;
        }
        let permissions = permissions.iter().map(|&it| it.to_owned()).collect();
        self.hub.change(|state| {
            state.console.source_mut(source)?;
            let account = state.console.account_mut(account)?;
            account.permissions.insert(source.to_owned(), permissions);
            Ok(())
        })
    }

    /// Replaces the categories that an agent holds.
    pub fn set_categories_of(&self, account: &str, categories: &[&str]) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let categories = state.known_categories(categories)?;
            state.console.account_mut(account)?.category_ids = categories;
            Ok(())
        })
    }

    /// Hires an agent, who has no categories and no permissions yet; returns the account's id.
    pub fn add_agent(&self, name: &str) -> String {
        self.hub.change(|state| {
            let id = state.ids.next();
            state.console.accounts.push(Account::new(&id, name, AGENT_ROLE));
            state.agents.push(Agent {
                id: id.clone(),
                name: name.to_owned(),
                status: AgentStatus::Available,
            });
            id
        })
    }

    /// Makes a team of some accounts; returns its id.
    pub fn add_team(&self, name: &str, accounts: &[&str]) -> String {
        self.hub.change(|state| {
            let team = Team {
                id: state.ids.next(),
                name: name.to_owned(),
                user_ids: accounts.iter().map(|&id| id.to_owned()).collect(),
            };
            state.console.teams.push(team.clone());
            team.id
        })
    }

    /// Adds this many categories without a parent, named `Category 1` and so on.
    pub fn add_categories(&self, count: usize) {
        self.hub.change(|state| {
            for number in 1..=count {
                let id = state.ids.next();
                let category = Category::new(&id, &format!("Category {number}"), None);
                state.console.categories.push(category);
            }
        });
    }

    /// Creates another source, such as `email`, which the token's account may read; returns its id. Only the
    /// configured source has a Send API.
    pub fn add_source(&self, name: &str, kind: &str) -> String {
        self.hub.change(|state| {
            let (id, own) = (state.ids.next(), state.ids.next());
            let community = if kind == "sdk" { COMMUNITY } else { &own };
            let source = Source::new(&id, name, kind, community);
            state.console.sources.push(source);
            if let Ok(account) = state.console.account_mut(TOKEN_USER) {
                account.permissions.insert(id.clone(), vec!["read".to_owned()]);
            }
            id
        })
    }

    /// Makes a source one of another type, as if the wrong one had been chosen.
    pub fn set_source_type(&self, source: &str, kind: &str) -> Result<(), DeskError> {
        self.on_source(source, |source| kind.clone_into(&mut source.kind))
    }

    /// Deactivates a source: the Send API no longer finds it.
    pub fn deactivate_source(&self, source: &str) -> Result<(), DeskError> {
        self.on_source(source, |source| source.active = false)
    }

    /// Activates a source again.
    pub fn activate_source(&self, source: &str) -> Result<(), DeskError> {
        self.on_source(source, |source| source.active = true)
    }

    /// The platform found something wrong with a source, or nothing any more.
    pub fn set_source_error(&self, source: &str, error: Option<&str>) -> Result<(), DeskError> {
        self.on_source(source, |source| source.error_message = error.map(str::to_owned))
    }

    /// Sets the categories with which threads of a source begin, whoever writes first.
    pub fn set_default_categories(&self, source: &str, categories: &[&str]) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let categories = state.known_categories(categories)?;
            let source = state.console.source_mut(source)?;
            source.default_category_ids.clone_from(&categories);
            source.user_thread_default_category_ids = categories;
            Ok(())
        })
    }

    fn on_source(&self, source: &str, change: impl FnOnce(&mut Source)) -> Result<(), DeskError> {
        self.hub
            .change(|state| state.console.source_mut(source).map(change))
    }

    /// Enters the source's Base URI and saves, which asks the bridge for its capabilities; tells whether they came.
    /// An empty one leaves the field blank.
    pub async fn set_base_uri(&self, base_uri: &str) -> bool {
        enter_base_uri(&self.hub, base_uri).await
    }

    /// Changes a webhook's secret by hand, which validates an active one again.
    pub fn change_webhook_secret(&self, webhook: &str, secret: &str) -> Result<(), DeskError> {
        self.on_webhook(webhook, |webhook| secret.clone_into(&mut webhook.secret))
    }

    /// Switches a webhook off by hand.
    pub fn switch_off_webhook(&self, webhook: &str) -> Result<(), DeskError> {
        self.on_webhook(webhook, |webhook| webhook.active = false)
    }

    /// Ticks other events by hand, also those that the API does not let register.
    pub fn tick_webhook_events(&self, webhook: &str, events: &[&str]) -> Result<(), DeskError> {
        let events = events.iter().map(|&event| event.to_owned()).collect();
        self.on_webhook(webhook, |webhook| webhook.registered_events = events)
    }

    fn on_webhook(&self, webhook: &str, change: impl FnOnce(&mut Webhook)) -> Result<(), DeskError> {
        self.hub.change(|state| {
            let known = state.webhooks.get(webhook).cloned();
            let mut webhook = known.ok_or_else(|| DeskError::NotFound(format!("no webhook {webhook}")))?;
            change(&mut webhook);
            state.save_webhook(webhook);
            Ok(())
        })
    }

    /// A colleague registered a webhook with a token of their own; returns its id. Its receiver is taken for valid.
    pub fn add_webhook_of_a_colleague(&self, url: &str, events: &[&str]) -> String {
        self.hub.change(|state| {
            let token = Token {
                id: state.ids.next(),
                value: format!("simulated-token-{}", state.ids.next()),
                owner: state.ids.next(),
                enabled: true,
            };
            let webhook = Webhook {
                id: state.ids.next(),
                token_id: token.id.clone(),
                name: "Simulated colleague".to_owned(),
                url: url.to_owned(),
                active: true,
                verify_token: "simulated-colleague".to_owned(),
                secret: String::new(),
                registered_events: events.iter().map(|&event| event.to_owned()).collect(),
                state: WebhookState::Enabled,
            };
            let id = webhook.id.clone();
            state.console.tokens.push(token);
            state.webhooks.insert(id.clone(), webhook);
            id
        })
    }
}

impl State {
    fn identity_id(&self, foreign_id: &str) -> Result<String, DeskError> {
        let known = self.identity_by_foreign.get(foreign_id).cloned();
        known.ok_or_else(|| {
            DeskError::NotFound(format!("no identity {foreign_id}: the bridge has to announce it"))
        })
    }

    fn tick_controlled(&mut self, foreign_id: &str) -> Result<(), DeskError> {
        let id = self.identity_id(foreign_id)?;
        if !self.identities[&id].puppetizable {
            return Err(DeskError::Conflict(format!("{foreign_id} is not puppetizable")));
        }
        self.console.controlled.insert(foreign_id.to_owned());
        Ok(())
    }

    fn assign_identity(&mut self, foreign_id: &str, agents: &[&str]) -> Result<(), DeskError> {
        let id = self.identity_id(foreign_id)?;
        if !self.is_controlled(foreign_id) {
            return Err(DeskError::Conflict(format!(
                "{foreign_id} is not a controlled identity"
            )));
        }
        for agent in agents {
            self.agent(agent)?;
        }
        for account in &mut self.console.accounts {
            account.identity_ids.retain(|it| *it != id);
            if agents.contains(&account.id.as_str()) {
                account.identity_ids.push(id.clone());
            }
        }
        Ok(())
    }

    fn known_categories(&self, categories: &[&str]) -> Result<Vec<String>, DeskError> {
        let known = |&id: &&str| {
            let known = self.console.category(id);
            known.ok_or_else(|| DeskError::NotFound(format!("no category {id}")))
        };
        categories
            .iter()
            .map(|id| known(id).map(|category| category.id.clone()))
            .collect()
    }
}

fn must_be_known(name: &str, names: &[&str]) -> Result<(), DeskError> {
    if names.contains(&name) {
        return Ok(());
    }
    Err(DeskError::Invalid(format!("there is no right {name}")))
}

async fn enter_base_uri(hub: &Arc<Hub>, base_uri: &str) -> bool {
    let base_uri = (!base_uri.is_empty()).then(|| base_uri.to_owned());
    let entered = base_uri.is_some();
    hub.change(|state| state.base_uri = base_uri);
    entered && hub.ask_capabilities().await
}

/// `POST /desk/console/{step}`: `controlled-identity` `{identity}`, `assign-identity` `{identity, agents?}`, which is
/// all agents unless some are named, and `base-uri` `{base_uri}`.
pub(crate) async fn console_step(
    Shared(hub): Shared<Arc<Hub>>,
    Path(step): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut base_uri = None;
    let answer = super::answer(&headers, &body, |body| {
        let member = |name: &str| {
            let value = body[name].as_str().filter(|value| !value.is_empty());
            value.ok_or_else(|| DeskError::Invalid(format!("{name} is missing")))
        };
        match step.as_str() {
            "controlled-identity" => {
                let identity = member("identity")?;
                hub.change(|state| state.tick_controlled(identity))?;
            }
            "assign-identity" => {
                let identity = member("identity")?;
                let all: Vec<String> =
                    hub.read(|state| state.agents.iter().map(|agent| agent.id.clone()).collect());
                let named: Option<Vec<&str>> = body["agents"]
                    .as_array()
                    .map(|agents| agents.iter().filter_map(Value::as_str).collect());
                let agents = named.unwrap_or_else(|| all.iter().map(String::as_str).collect());
                hub.change(|state| state.assign_identity(identity, &agents))?;
            }
            "base-uri" => base_uri = Some(member("base_uri")?.to_owned()),
            _ => return Err(DeskError::NotFound(format!("no step {step}"))),
        }
        Ok(Value::Null)
    });
    match base_uri {
        Some(base_uri) => {
            let answered = enter_base_uri(&hub, &base_uri).await;
            super::answer(&headers, b"", |_| Ok(json!({"bridge_answered": answered})))
        }
        None => answer,
    }
}
