//! Whose words a content has: the customer's, the company's, or a machine's.

use handover_core::conversation::Conversation;
use handover_core::imported::{Authorship, Imported};
use handover_core::ports::{Person, RingCxError, Urgency};
use handover_core::retry::Disposition;
use handover_ringcx::channels::is_mail;

use crate::work::Task;

/// Whose words they are.
pub(super) enum Whose {
    /// `None`: who they are is known already, or cannot be.
    Customer(Option<Box<Person>>),
    Company,
    /// A program answers by itself, and would answer the bot again.
    Nobody,
}

pub(super) async fn whose(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Whose, RingCxError> {
    let whose = author(task, conversation, imported).await?;
    let is_automatic = match whose {
        Whose::Customer(_) => is_automatic(task, conversation, imported).await?,
        _ => false,
    };
    Ok(if is_automatic { Whose::Nobody } else { whose })
}

/// Of an e-mail only REST says so.
async fn is_automatic(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<bool, RingCxError> {
    let native = conversation.native.as_deref();
    let kind = native.and_then(|native| native.source_type.as_deref());
    if !is_mail(imported.source_type.as_deref().or(kind)) {
        return Ok(false);
    }
    let (connection, content) = (&task.connection, &imported.content);
    match task.app.ringcx.content(connection, content, Urgency::Now).await {
        Ok(content) => Ok(content.imported.authorship == Authorship::Company),
        // Gone, or not shown.
        Err(error) if error.disposition() == Disposition::Reject => Ok(false),
        Err(error) => Err(error),
    }
}

/// Asked of RCE once for each author of a conversation. Without an answer nothing is said: it may be an agent who wrote
/// elsewhere, and the bot would be a second voice.
async fn author(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Whose, RingCxError> {
    let native = conversation.native.as_deref();
    let Some(author) = &imported.author else {
        return Ok(Whose::Customer(None));
    };
    let native_settings = &task.connection.ringcx.native;
    if native_settings
        .author_identities
        .values()
        .any(|ours| ours == author)
    {
        return Ok(Whose::Company);
    }
    if native.is_some_and(|native| native.person_known && native.person.as_ref() == Some(author)) {
        return Ok(Whose::Customer(None));
    }
    match task
        .app
        .ringcx
        .person(&task.connection, author, Urgency::Now)
        .await
    {
        Ok(person) if person.is_company => Ok(Whose::Company),
        Ok(person) => Ok(Whose::Customer(Some(Box::new(person)))),
        // What RCE does not show of them says nothing against them.
        Err(error) if error.disposition() == Disposition::Reject => Ok(Whose::Customer(Some(Box::default()))),
        Err(error) => Err(error),
    }
}
