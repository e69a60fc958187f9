use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

use crate::Timestamp;
use crate::ids::{
    AgentId, AttachmentId, CategoryId, ContentId, IdentityId, InterventionId, SourceId, ThreadId,
};
use crate::message::Attachment;
use crate::profile::UserProfile;
use crate::settings::Connection;

use super::{Intervention, RingCxError, Urgency};

/// RingCentral Engage Digital on channels that it owns: reading what people wrote there, and answering.
///
/// An implementation for other channels offers none of it.
#[async_trait]
pub trait Contents: Send + Sync {
    /// Answers a content in its thread. RCE does not recognise repeats: before a second attempt, look with
    /// [`Self::newest_contents`] whether the first arrived.
    async fn reply(&self, connection: &Connection, reply: &Reply) -> Result<Content, RingCxError> {
        let _ = (connection, reply);
        Err(RingCxError::NotFound)
    }

    async fn content(
        &self,
        connection: &Connection,
        content: &ContentId,
        urgency: Urgency,
    ) -> Result<Content, RingCxError> {
        let _ = (connection, content, urgency);
        Err(RingCxError::NotFound)
    }

    /// What was said last in a thread, newest first, at most `limit` (150).
    async fn newest_contents(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        limit: usize,
        urgency: Urgency,
    ) -> Result<Vec<Content>, RingCxError> {
        let _ = (connection, thread, limit, urgency);
        Err(RingCxError::NotFound)
    }

    /// What came in or went out last on a source, newest first, one page, after the `offset` newest: housekeeping.
    async fn recent_contents(
        &self,
        connection: &Connection,
        source: &SourceId,
        offset: usize,
    ) -> Result<ContentsPage, RingCxError> {
        let _ = (connection, source, offset);
        Err(RingCxError::NotFound)
    }

    /// Uploads a file that a reply can name.
    async fn upload(&self, connection: &Connection, file: &Upload) -> Result<AttachmentId, RingCxError> {
        let _ = (connection, file);
        Err(RingCxError::NotFound)
    }

    /// Who an identity is.
    async fn person(
        &self,
        connection: &Connection,
        identity: &IdentityId,
        urgency: Urgency,
    ) -> Result<Person, RingCxError> {
        let _ = (connection, identity, urgency);
        Err(RingCxError::NotFound)
    }

    /// The account that the API access token belongs to: what it does in RCE is our own doing. Asked for once in a
    /// while. `None`: RCE does not say.
    async fn own_account(&self, connection: &Connection) -> Result<Option<AgentId>, RingCxError> {
        let _ = connection;
        Ok(None)
    }

    /// Opens an intervention of the bot's own on a content, as the token's account or as the virtual agent.
    async fn engage(
        &self,
        connection: &Connection,
        content: &ContentId,
    ) -> Result<Intervention, RingCxError> {
        let _ = (connection, content);
        Err(RingCxError::NotFound)
    }

    /// Leaves a word for the agents. Customers never see it.
    async fn comment(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        text: &str,
    ) -> Result<(), RingCxError> {
        let _ = (connection, intervention, text);
        Err(RingCxError::NotFound)
    }

    /// What was left there so far. An implementation that does not offer it knows of nothing.
    async fn comments(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<Vec<String>, RingCxError> {
        let _ = (connection, intervention);
        Ok(Vec::new())
    }

    /// A virtual agent hands its intervention to the agents, its thread with these categories of its own.
    async fn hand_over(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        categories: &[CategoryId],
    ) -> Result<(), RingCxError> {
        let _ = (connection, intervention, categories);
        Err(RingCxError::NotFound)
    }

    /// A virtual agent is done with its intervention.
    async fn complete(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError> {
        let _ = (connection, intervention);
        Err(RingCxError::NotFound)
    }

    /// How long a reply would have to wait now, because the account's budget is used up. Whoever asks comes back then:
    /// those who ask later are told a later time.
    async fn rest_wait(&self, connection: &Connection) -> Duration {
        let _ = connection;
        Duration::ZERO
    }

    /// The same for those who only want to know.
    async fn rest_delay(&self, connection: &Connection) -> Duration {
        let _ = connection;
        Duration::ZERO
    }
}

/// What the bot says to the person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The content that it answers, which decides about source and thread.
    pub in_reply_to: Option<ContentId>,
    pub text: Option<String>,
    /// RCE's vocabulary of structured content. Pictures in it are named by `attachment_id`.
    pub structured: Option<Value>,
    pub attachments: Vec<AttachmentId>,
    pub author: Option<IdentityId>,
    /// Only the person reads it. `false` says nothing about it, which RCE takes for public.
    pub private: bool,
}

/// A content as RCE's REST API describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub imported: crate::imported::Imported,
    /// The account that wrote it inside RCE.
    pub creator: Option<AgentId>,
    pub attachments: Vec<Attachment>,
    pub structured_type: Option<String>,
    /// When it was written, by RCE's clock, in whole seconds.
    pub created_at: Option<Timestamp>,
    pub delivery: DeliveryStatus,
}

/// A page of a list of contents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContentsPage {
    pub contents: Vec<Content>,
    /// How many RCE listed, with those that are not readable as contents: the next page begins after them. None: the
    /// list has ended.
    pub listed: usize,
}

/// How far a content got on its way to the person (`synchronization_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    Pending,
    Delivered,
    Failed,
}

/// A file on its way into RCE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub filename: String,
    pub content_type: String,
    pub bytes: Bytes,
}

/// Who an identity is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// What is known of them; `id` is what their channel calls them.
    pub profile: UserProfile,
    /// Accounts of RCE speak as it: it is the company's.
    pub is_company: bool,
}
