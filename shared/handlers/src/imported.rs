//! What came in on a channel of RCE's own: taken once, in the conversation of its thread.
//!
//! What is taken is noted in the conversation before RCE gets its 200, so that whoever works on it can put it in order
//! and knows that the person waits for the bot.

use handover_core::conversation::Conversation;
use handover_core::ids::{ContentId, ConversationId, ForeignThreadId};
use handover_core::imported::{Authorship, Imported};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{
    Claim, ClaimKey, Commit, Expected, Measured, NEWS_KNOWN_FOR, NEWS_TAKEN_FOR, Recorded, StoreError,
};
use handover_core::settings::Connection;
use handover_core::timeline::TimelineEntry;

use crate::App;
use crate::view;

/// How often a decision is made anew because somebody else changed the conversation meanwhile.
const CONFLICT_RETRIES: usize = 50;

/// What the claim of a content says that the person took back before it was reported.
const TAKEN_BACK: &str = "taken back";

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The bot will be told.
    Yes,
    /// It was taken before.
    Repeat,
    /// It is not for the bot.
    No,
}

/// Takes one content.
pub async fn take(app: &App, connection: &Connection, imported: Imported) -> Result<Taken, StoreError> {
    let age = app.now().duration_since(imported.issued_at).as_secs();
    let is_ancient = age > NEWS_TAKEN_FOR.as_secs().cast_signed();
    if !connection.ringcx.has_source(&imported.source) || is_ancient {
        return Ok(Taken::No);
    }
    if imported.authorship != Authorship::Customer {
        return Ok(Taken::No);
    }
    let key = content_claim(connection, &imported.content);
    match app.store.claimed(&key, app.now()).await? {
        Some(known) => again(app, connection, imported, &known).await,
        None if imported.deleted => never(app, key).await,
        None => first(app, connection, imported, key).await,
    }
}

/// A content is taken once, whatever thread it is in: threads may be merged.
pub(crate) fn content_claim(connection: &Connection, content: &ContentId) -> ClaimKey {
    ClaimKey::apart(format!("content:{}:{content}", connection.id))
}

/// The conversation of a thread of RCE's own.
pub(crate) fn conversation_of(imported: &Imported) -> ForeignThreadId {
    ForeignThreadId::of(&ConversationId::new(imported.thread.as_str()))
}

async fn first(
    app: &App,
    connection: &Connection,
    imported: Imported,
    key: ClaimKey,
) -> Result<Taken, StoreError> {
    let thread = conversation_of(&imported);
    let work = Work::TellCustomerMessage {
        imported: imported.clone(),
    };
    let job = app.outgoing(&connection.id, &thread, work);
    for _ in 0..CONFLICT_RETRIES {
        let now = app.now();
        let found = app.store.conversation(&connection.id, &thread).await?;
        let expected = found
            .as_ref()
            .map_or(Expected::New, |found| Expected::Version(found.version));
        let mut conversation = match found {
            Some(found) => found.conversation,
            None => Conversation::on_native_channel(
                connection.id.clone(),
                &imported.thread,
                imported.source.clone(),
                now,
            ),
        };
        conversation.customer_reported(&imported, now);
        let entry = TimelineEntry::new(now, "customer_message.accepted")
            .with("message_id", imported.message_id().as_str())
            .with("event_id", imported.event.as_str())
            .with("issued_at", view::time(imported.issued_at))
            .with("handler", conversation.handler().as_str())
            .text(imported.text.as_deref());
        let mut commit = Commit::writing(conversation, expected, &connection.timers);
        commit.claims.push(Claim {
            key: key.clone(),
            holder: job.job.id.to_string(),
            record: imported.digest(),
            expires_at: now + NEWS_KNOWN_FOR,
        });
        commit
            .timeline
            .push((connection.id.clone(), thread.clone(), entry));
        commit.jobs.push(job.clone());
        match app.store.commit(commit).await {
            Ok(()) => return Ok(Taken::Yes),
            Err(StoreError::Conflict) => {}
            Err(StoreError::Claimed(known)) => return again(app, connection, imported, &known).await,
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

/// The person took back what was not reported yet. When it is, nobody is told.
async fn never(app: &App, key: ClaimKey) -> Result<Taken, StoreError> {
    let claim = Claim {
        key,
        holder: "deleted".to_owned(),
        record: TAKEN_BACK.to_owned(),
        expires_at: app.now() + NEWS_KNOWN_FOR,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    match app.store.commit(commit).await {
        Ok(()) => Ok(Taken::No),
        // It was reported at the same time: RCE repeats the deletion.
        Err(StoreError::Claimed(_)) => Err(StoreError::Conflict),
        Err(error) => Err(error),
    }
}

/// RCE reports it again: as a repeat, or because the person changed it or took it back.
async fn again(
    app: &App,
    connection: &Connection,
    imported: Imported,
    known: &Recorded,
) -> Result<Taken, StoreError> {
    let digest = imported.digest();
    let thread = conversation_of(&imported);
    if known.record == TAKEN_BACK {
        return Ok(Taken::Repeat);
    }
    if known.record == digest {
        // Where the queue is another service, whoever reads the conversation sends what was stored with it.
        app.store.conversation(&connection.id, &thread).await?;
        app.metrics.record(&connection.id, Measured::DuplicateDropped);
        return Ok(Taken::Repeat);
    }
    if imported.deleted && took_back_in_time(app, connection, &thread, &imported.content).await? {
        return Ok(Taken::Yes);
    }
    let once = format!("change:{}:{}:{digest}", connection.id, imported.content);
    let job = app.job(&connection.id, &thread, Work::TellCustomerChange { imported });
    let commit = Commit {
        jobs: vec![Outgoing::deduplicated(job, once)],
        ..Commit::default()
    };
    app.store.commit(commit).await?;
    Ok(Taken::Yes)
}

/// Whether the bot will never know of it.
async fn took_back_in_time(
    app: &App,
    connection: &Connection,
    thread: &ForeignThreadId,
    content: &ContentId,
) -> Result<bool, StoreError> {
    for _ in 0..CONFLICT_RETRIES {
        let Some(found) = app.store.conversation(&connection.id, thread).await? else {
            return Ok(false);
        };
        let mut conversation = found.conversation;
        let native = conversation.native.as_deref();
        if native.is_some_and(|native| native.is_taken_back(content)) {
            return Ok(true);
        }
        if !conversation.customer_took_back(content) {
            return Ok(false);
        }
        let expected = Expected::Version(found.version);
        let commit = Commit::writing(conversation, expected, &connection.timers);
        match app.store.commit(commit).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}
