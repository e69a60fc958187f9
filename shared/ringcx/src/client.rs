//! The client towards RCE: Send API for messages, REST API for everything else.

use std::sync::Arc;

use async_trait::async_trait;
use handover_core::ids::{AgentId, CategoryId, ForeignThreadId, InterventionId, MessageId, ThreadId};
use handover_core::ports::{Clock, CustomerMessage, Identity, Intervention, RingCx, RingCxError, Thread};
use handover_core::settings::Connection;

use crate::limiter::RestBudget;

mod agent_names;
mod agents;
mod answer;
mod interventions;
mod messages;
mod rest;
mod send;
mod threads;
mod typing;
mod wire;

/// RCE over HTTP. One per process: it shares connections, the REST budget and small caches among all
/// connections of the bridge.
pub struct RingCxClient {
    http: reqwest::Client,
    budget: Arc<dyn RestBudget>,
    clock: Arc<dyn Clock>,
    typing: typing::Throttle,
    channels: agents::ChannelCache,
    names: agent_names::NameCache,
}

impl RingCxClient {
    pub fn new(http: reqwest::Client, budget: Arc<dyn RestBudget>, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            budget,
            clock,
            typing: typing::Throttle::default(),
            channels: agents::ChannelCache::default(),
            names: agent_names::NameCache::default(),
        }
    }
}

#[async_trait]
impl RingCx for RingCxClient {
    async fn send_message(
        &self,
        connection: &Connection,
        message: &CustomerMessage,
    ) -> Result<(), RingCxError> {
        self.send_parts(connection, message).await
    }

    async fn announce(&self, connection: &Connection, identity: &Identity) -> Result<(), RingCxError> {
        self.call_send_api(connection, "users.create", &wire::User::of(identity))
            .await
    }

    async fn typing(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
        preview: Option<&str>,
    ) -> Result<(), RingCxError> {
        self.start_typing(connection, thread, preview).await
    }

    async fn typing_stopped(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
    ) -> Result<(), RingCxError> {
        self.stop_typing(connection, thread).await
    }

    async fn mark_as_read(&self, connection: &Connection, message: &MessageId) -> Result<(), RingCxError> {
        let status = wire::Status { id: message.as_str() };
        self.call_send_api(connection, "status.mark_as_read", &status)
            .await
    }

    async fn find_thread(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
    ) -> Result<Option<Thread>, RingCxError> {
        self.search_thread(connection, thread).await
    }

    async fn thread(&self, connection: &Connection, thread: &ThreadId) -> Result<Thread, RingCxError> {
        self.get_thread(connection, thread).await
    }

    async fn set_categories(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        categories: &[CategoryId],
    ) -> Result<Thread, RingCxError> {
        self.put_categories(connection, thread, categories).await
    }

    async fn archive(&self, connection: &Connection, thread: &ThreadId) -> Result<(), RingCxError> {
        self.put_ignore(connection, thread).await
    }

    async fn interventions(
        &self,
        connection: &Connection,
        thread: &ThreadId,
    ) -> Result<Vec<Intervention>, RingCxError> {
        self.list_interventions(connection, thread).await
    }

    async fn close_intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError> {
        self.put_close(connection, intervention).await
    }

    async fn cancel_intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError> {
        self.delete_cancel(connection, intervention).await
    }

    async fn agent_name(
        &self,
        connection: &Connection,
        agent: &AgentId,
    ) -> Result<Option<String>, RingCxError> {
        self.find_agent_name(connection, agent).await
    }

    async fn available_agents(&self, connection: &Connection) -> Result<Option<usize>, RingCxError> {
        self.count_available_agents(connection).await
    }
}

#[cfg(test)]
mod tests;
