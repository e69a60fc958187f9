//! What customers may call an agent (REST API, "Users").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::AgentId;
use handover_core::ports::RingCxError;
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use crate::rest::Call;

/// How long a name is remembered, also that there is none to be had.
const KEPT: Duration = Duration::from_hours(1);
/// Most names remembered; an account has far fewer agents.
const MOST: usize = 10_000;

/// A name that was asked for, or that there is none to be had.
#[derive(Clone)]
struct Asked {
    name: Option<String>,
    at: Timestamp,
}

/// The names of agents, by REST base and agent id.
#[derive(Default)]
pub(super) struct NameCache {
    known: Mutex<HashMap<(String, AgentId), Asked>>,
}

impl NameCache {
    fn get(&self, key: &(String, AgentId), now: Timestamp) -> Option<Asked> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|asked| now < asked.at + KEPT).cloned()
    }

    fn put(&self, key: (String, AgentId), asked: Asked) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, asked);
    }
}

impl RingCxClient {
    /// The agent's nickname, else the first name: a surname is nothing that a customer needs. `None` where the
    /// token's account may not view users.
    pub(super) async fn find_agent_name(
        &self,
        connection: &Connection,
        agent: &AgentId,
    ) -> Result<Option<String>, RingCxError> {
        let key = (connection.ringcx.api_base.to_string(), agent.clone());
        if let Some(asked) = self.names.get(&key, self.clock.now()) {
            return Ok(asked.name);
        }
        let path = ["users", agent.as_str()];
        let name = match self
            .rest(connection, Call::new("agent_name", Method::GET, &path))
            .await
        {
            Ok(answer) => public_name(&answer.json()?),
            Err(RingCxError::NotPermitted { .. } | RingCxError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let at = self.clock.now();
        self.names.put(
            key,
            Asked {
                name: name.clone(),
                at,
            },
        );
        Ok(name)
    }
}

fn public_name(user: &Value) -> Option<String> {
    let member = |name: &str| {
        user.get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    member("nickname")
        .or_else(|| member("firstname"))
        .map(str::to_owned)
}
