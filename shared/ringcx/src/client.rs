//! The client towards RCE: Send API for messages, REST API for everything else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use handover_core::hours::OpeningHours;
use handover_core::ids::{AgentId, CategoryId, ForeignThreadId, InterventionId, MessageId, ThreadId};
use handover_core::ports::{
    Agents, Api, Clock, CustomerMessage, Identity, Intervention, Measured, Metrics, NoMetrics, RingCx,
    RingCxError, Thread, Urgency,
};
use handover_core::settings::Connection;

use crate::answer::Answer;
use crate::limiter::RestBudget;
pub use crate::rest::counted_by as account;
use crate::rest::{Account, Body, Call, Rest};

mod agent_names;
pub(crate) mod agents;
mod bots;
mod contents;
mod identities;
mod interventions;
mod lacking;
mod messages;
mod native;
mod people;
mod replies;
mod send;
mod threads;
mod time_sheets;
mod typing;
mod uploads;
mod wire;

/// RCE over HTTP. One per process: it shares connections, the REST budget and small caches among all
/// connections of the bridge.
pub struct RingCxClient {
    rest: Rest,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    metrics: Arc<dyn Metrics>,
    typing: typing::Throttle,
    channels: agents::ChannelCache,
    names: agent_names::NameCache,
    recent: interventions::RecentCache,
    hours: time_sheets::HoursCache,
    lacking: lacking::Lacking,
    own_accounts: people::OwnAccounts,
}

impl RingCxClient {
    pub fn new(http: reqwest::Client, budget: Arc<dyn RestBudget>, clock: Arc<dyn Clock>) -> Self {
        Self {
            rest: Rest {
                http: http.clone(),
                budget,
                clock: Arc::clone(&clock),
            },
            http,
            clock,
            metrics: Arc::new(NoMetrics),
            typing: typing::Throttle::default(),
            channels: agents::ChannelCache::default(),
            names: agent_names::NameCache::default(),
            recent: interventions::RecentCache::default(),
            hours: time_sheets::HoursCache::default(),
            lacking: lacking::Lacking::default(),
            own_accounts: people::OwnAccounts::default(),
        }
    }

    /// Counts its calls.
    #[must_use]
    pub fn counting(self, metrics: Arc<dyn Metrics>) -> Self {
        Self { metrics, ..self }
    }
}

impl RingCxClient {
    /// One REST call on a connection's account. What the account has no right to is said once.
    async fn rest(&self, connection: &Connection, call: Call<'_>) -> Result<Answer, RingCxError> {
        self.rest_with(connection, call, None).await
    }

    async fn rest_with(
        &self,
        connection: &Connection,
        call: Call<'_>,
        body: Option<Body<'_>>,
    ) -> Result<Answer, RingCxError> {
        let (operation, started) = (call.operation, Instant::now());
        let outcome = self.rest.call(&Account::of(&connection.ringcx), call, body).await;
        if let Err(RingCxError::BudgetUsedUp { retry_after: wait }) = outcome {
            self.metrics.record(&connection.id, Measured::HeldBack { wait });
        } else {
            let code = outcome.as_ref().err().map(RingCxError::code);
            self.count(connection, Api::Rest, operation, code, started);
        }
        if let Err(RingCxError::NotPermitted { .. }) = outcome {
            self.lacking.say(&connection.id, operation);
        }
        outcome
    }

    /// `code`: what was wrong; `None`: nothing.
    fn count(
        &self,
        connection: &Connection,
        api: Api,
        operation: &'static str,
        code: Option<&'static str>,
        started: Instant,
    ) {
        let called = Measured::Called {
            api,
            operation,
            outcome: code.unwrap_or("ok"),
            took: started.elapsed(),
        };
        self.metrics.record(&connection.id, called);
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

    async fn find_thread_of_person(
        &self,
        connection: &Connection,
        person: &str,
    ) -> Result<Option<Thread>, RingCxError> {
        self.search_thread_of(connection, person).await
    }

    async fn thread(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        urgency: Urgency,
    ) -> Result<Thread, RingCxError> {
        self.get_thread(connection, thread, urgency).await
    }

    async fn open_thread(&self, connection: &Connection, thread: &ThreadId) -> Result<(), RingCxError> {
        self.get_open(connection, thread).await
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
        urgency: Urgency,
    ) -> Result<Vec<Intervention>, RingCxError> {
        self.list_interventions(connection, thread, urgency).await
    }

    async fn intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        urgency: Urgency,
    ) -> Result<Intervention, RingCxError> {
        self.get_intervention(connection, intervention, urgency).await
    }

    async fn recent_interventions(
        &self,
        connection: &Connection,
        max_age: Duration,
    ) -> Result<Arc<[Intervention]>, RingCxError> {
        self.list_recent_interventions(connection, max_age).await
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

    async fn agents(&self, connection: &Connection) -> Result<Option<Agents>, RingCxError> {
        self.list_agents(connection).await
    }

    async fn opening_hours(&self, connection: &Connection) -> Result<Option<Arc<OpeningHours>>, RingCxError> {
        Ok(self.find_opening_hours(connection).await)
    }
}

#[cfg(test)]
pub(crate) mod tests;
