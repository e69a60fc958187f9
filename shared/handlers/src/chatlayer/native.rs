//! The Offloading Webhook on channels of RCE's own. RCE has what everybody says, and the bot's words come by the webhook
//! channel; so only the wish for a human counts here, and what Chatlayer calls the session: the conversation-actions API
//! knows no other name.

use handover_core::conversation::Platform;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::ports::{Commit, Expected, StoreError, Versioned};
use handover_core::settings::Connection;
use serde_json::{Map, Value, json};

use super::event::{Event, Kind};
use super::{done, offload, refused, wish};
use crate::App;
use crate::bot_api::{CONFLICT_RETRIES, unavailable};
use crate::respond::{Answer, Problem};

/// Takes an event.
pub(super) async fn receive(app: &App, connection: &Connection, event: &Event) -> Result<Answer, Problem> {
    let Kind::Offload { payload } = &event.kind else {
        if let Some(found) = find(app, connection, event, None).await? {
            learn(app, connection, event, found).await?;
        }
        return Ok(done());
    };
    let wish = wish::read(payload, true);
    let mut body = wish.body;
    let named = body.remove("thread_id");
    body.remove("user_id");
    let named = named.as_ref().and_then(Value::as_str);
    let Some(found) = find(app, connection, event, named).await? else {
        tracing::warn!(
            connection.id = %connection.id,
            "an offload of no conversation on a channel of RCE's; let its payload have the thread_id"
        );
        return Ok(refused("no_conversation"));
    };
    offload(
        app,
        connection,
        &found.conversation.id,
        words(event, body),
        wish.pauses,
    )
    .await
}

fn words(event: &Event, mut body: Map<String, Value>) -> Map<String, Value> {
    body.insert("id".to_owned(), json!(event.offload_id()));
    let Platform {
        session_id, version, ..
    } = session(event);
    body.insert(
        "platform".to_owned(),
        json!({"session_id": session_id, "version": version}),
    );
    body
}

fn session(event: &Event) -> Platform {
    Platform {
        session_id: Some(event.conversation.as_str().to_owned()),
        version: Some(event.version().unwrap_or("LIVE").to_owned()),
        ..Platform::default()
    }
}

/// The conversation that a session belongs to. Chatlayer's pages do not tell how a session of the webhook channel is called.
/// So what may be the person's id there, which is our conversation's, is looked up: what the flow says, who wrote
/// last, the session, and the end of it.
async fn find(
    app: &App,
    connection: &Connection,
    event: &Event,
    named: Option<&str>,
) -> Result<Option<Versioned>, Problem> {
    let session = event.conversation.as_str();
    let end = session.rsplit(['_', ':', '/']).next();
    let sender = event.sender_id();
    let mut tried: Vec<&str> = Vec::new();
    for candidate in [named, sender.as_deref(), Some(session), end]
        .into_iter()
        .flatten()
    {
        if candidate.is_empty() || tried.contains(&candidate) {
            continue;
        }
        tried.push(candidate);
        let thread = ForeignThreadId::of(&ConversationId::new(candidate));
        let found = app.store.conversation(&connection.id, &thread).await;
        let found = found.map_err(unavailable)?;
        if let Some(found) = found.filter(|found| found.conversation.native.is_some()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Notes what Chatlayer calls the session, so that an agent who takes it can be told of.
async fn learn(app: &App, connection: &Connection, event: &Event, found: Versioned) -> Result<(), Problem> {
    let mut found = found;
    for _ in 0..CONFLICT_RETRIES {
        let thread = found.conversation.thread.clone();
        let before = found.conversation.platform.clone();
        found.conversation.called(session(event));
        if found.conversation.platform == before {
            return Ok(());
        }
        let expected = Expected::Version(found.version);
        let commit = Commit::writing(found.conversation, expected, &connection.timers);
        match app.store.commit(commit).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
        let again = app.store.conversation(&connection.id, &thread).await;
        match again.map_err(unavailable)? {
            Some(again) => found = again,
            None => return Ok(()),
        }
    }
    Err(Problem::Unavailable)
}
