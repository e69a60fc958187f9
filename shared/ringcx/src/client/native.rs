//! The port for channels that RCE owns.

use std::time::Duration;

use async_trait::async_trait;
use handover_core::ids::{
    AgentId, AttachmentId, CategoryId, ContentId, IdentityId, InterventionId, SourceId, ThreadId,
};
use handover_core::ports::{
    Content, Contents, ContentsPage, Intervention, Measured, Person, Reply, RingCxError, Upload, Urgency,
};
use handover_core::settings::Connection;

use super::{RingCxClient, account};

#[async_trait]
impl Contents for RingCxClient {
    async fn reply(&self, connection: &Connection, reply: &Reply) -> Result<Content, RingCxError> {
        self.post_reply(connection, reply).await
    }

    async fn content(
        &self,
        connection: &Connection,
        content: &ContentId,
        urgency: Urgency,
    ) -> Result<Content, RingCxError> {
        self.get_content(connection, content, urgency).await
    }

    async fn newest_contents(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        limit: usize,
        urgency: Urgency,
    ) -> Result<Vec<Content>, RingCxError> {
        self.search_thread_contents(connection, thread, limit, urgency)
            .await
    }

    async fn recent_contents(
        &self,
        connection: &Connection,
        source: &SourceId,
        offset: usize,
    ) -> Result<ContentsPage, RingCxError> {
        self.search_source_contents(connection, source, offset).await
    }

    async fn upload(&self, connection: &Connection, file: &Upload) -> Result<AttachmentId, RingCxError> {
        self.post_attachment(connection, file).await
    }

    async fn person(
        &self,
        connection: &Connection,
        identity: &IdentityId,
        urgency: Urgency,
    ) -> Result<Person, RingCxError> {
        self.get_person(connection, identity, urgency).await
    }

    async fn own_account(&self, connection: &Connection) -> Result<Option<AgentId>, RingCxError> {
        self.find_own_account(connection).await
    }

    async fn engage(
        &self,
        connection: &Connection,
        content: &ContentId,
    ) -> Result<Intervention, RingCxError> {
        self.post_intervention(connection, content).await
    }

    async fn comment(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        text: &str,
    ) -> Result<(), RingCxError> {
        self.post_comment(connection, intervention, text).await
    }

    async fn comments(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<Vec<String>, RingCxError> {
        self.list_comments(connection, intervention).await
    }

    async fn hand_over(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        categories: &[CategoryId],
    ) -> Result<(), RingCxError> {
        self.post_handover(connection, intervention, categories).await
    }

    async fn complete(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError> {
        self.post_complete(connection, intervention).await
    }

    async fn rest_wait(&self, connection: &Connection) -> Duration {
        let settings = &connection.ringcx;
        let (account, limit) = (account(&settings.api_base), settings.requests_per_minute);
        let wait = self.rest.budget.turn(&account, limit, self.clock.now()).await;
        if !wait.is_zero() {
            self.metrics.record(&connection.id, Measured::HeldBack { wait });
        }
        wait
    }

    async fn rest_delay(&self, connection: &Connection) -> Duration {
        let settings = &connection.ringcx;
        let (account, limit) = (account(&settings.api_base), settings.requests_per_minute);
        self.rest.budget.wait(&account, limit, self.clock.now()).await
    }
}
