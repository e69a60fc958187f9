//! Who could take a conversation now (REST API, "Agent status").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::AgentId;
use handover_core::ports::{Agents, RingCxError};
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

/// How long the channel group of a source is remembered; it changes with the account's set-up only.
const CHANNEL_KEPT: Duration = Duration::from_mins(10);

/// The channel group of each source, by REST base and source id.
#[derive(Default)]
pub(super) struct ChannelCache {
    known: Mutex<HashMap<(String, String), (String, Timestamp)>>,
}

impl ChannelCache {
    fn get(&self, key: &(String, String), now: Timestamp) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (channel, learnt_at) = known.get(key)?;
        let age = Duration::try_from(now.duration_since(*learnt_at)).ok()?;
        (age < CHANNEL_KEPT).then(|| channel.clone())
    }

    fn put(&self, key: (String, String), channel: &str, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (channel.to_owned(), now));
    }
}

impl RingCxClient {
    /// The agents with the Agent category who are logged in on the source's channel group, and whether they have
    /// room. `None` if the token's account may not monitor tasks, or the source is in no group.
    pub(super) async fn list_agents(&self, connection: &Connection) -> Result<Option<Agents>, RingCxError> {
        match self.ask_agents(connection).await {
            Err(RingCxError::NotPermitted { status: 403, .. }) => Ok(None),
            outcome => outcome,
        }
    }

    async fn ask_agents(&self, connection: &Connection) -> Result<Option<Agents>, RingCxError> {
        let Some(channel) = self.channel(connection).await? else {
            return Ok(None);
        };
        let settings = &connection.ringcx;
        let call = Call {
            query: &[
                ("source_ids[]", settings.source_id.as_str()),
                ("category_ids[]", settings.agent_category_id.as_str()),
            ],
            ..Call::new("available_agents", Method::GET, &["status"])
        };
        let answer = self.rest(connection, call).await?;
        let agents = answer.json()?;
        let agents = agents.as_array().ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })?;
        let room = agents.iter().enumerate().filter_map(|(n, agent)| {
            let id = json::id(agent.get("agent_id")).unwrap_or_else(|| format!("unnamed-{n}"));
            Some((AgentId::new(id), has_room(agent.get("channels"), &channel)?))
        });
        let room = room.collect();
        Ok(Some(Agents { channel, room }))
    }

    /// The channel group that routes the source's conversations.
    async fn channel(&self, connection: &Connection) -> Result<Option<String>, RingCxError> {
        let settings = &connection.ringcx;
        let key = (settings.api_base.to_string(), settings.source_id.to_string());
        if let Some(channel) = self.channels.get(&key, self.clock.now()) {
            return Ok(Some(channel));
        }
        let path = ["content_sources", settings.source_id.as_str()];
        let answer = self
            .rest(connection, Call::new("source", Method::GET, &path))
            .await?;
        let channel = json::id(answer.json()?.get("channel_id"));
        if let Some(channel) = &channel {
            self.channels.put(key, channel, self.clock.now());
        }
        Ok(channel)
    }
}

/// Whether an agent could take a conversation of a channel group. `None`: they are not logged in on it. Groups are
/// told apart by id; their names are free text.
pub(crate) fn has_room(channels: Option<&Value>, channel: &str) -> Option<bool> {
    let mut groups = json::items(channels).iter();
    let group = groups.find(|group| json::id(group.get("id")).as_deref() == Some(channel))?;
    let is = |member: &str, word: &str| group.get(member).and_then(Value::as_str) == Some(word);
    Some(is("status", "available") && !is("busyness", "full"))
}
