//! Typing and read marks.

use handover_core::conversation::{Conversation, Handler};
use handover_core::ids::{ConversationId, MessageId};
use handover_core::job::Work;
use handover_core::ports::{Commit, Expected, StoreError};
use handover_core::settings::BotKind;
use http::StatusCode;
use serde_json::json;

use super::idempotency::KEY_MAX_CHARS;
use super::input::{self, Errors};
use super::{Ask, CONFLICT_RETRIES, existing, unavailable};
use crate::App;
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::Call;

/// `POST /conversations/{id}/typing`. Worthless when late, so it is sent at once or not at all.
pub async fn typing(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    types(app, Ask::read(call, id)?).await
}

/// The same, whoever says so.
pub async fn types(app: &App, mut ask: Ask<'_>) -> Result<Answer, Problem> {
    let body = std::mem::take(&mut ask.body);
    let (connection, id) = (ask.connection, ask.conversation);
    let mut errors = Errors::default();
    let starts = match input::text(&body, "state", &mut errors).as_deref() {
        Some("start") => true,
        Some("stop") => false,
        _ => {
            errors.add("state is \"start\" or \"stop\"");
            false
        }
    };
    let preview = input::text(&body, "preview", &mut errors);
    errors.into_result(())?;
    if connection.is_native() {
        // Nobody can be shown that a bot types; but it is at work.
        return change(app, &ask, |conversation| {
            conversation.bot_is_at_it(app.now());
            None
        })
        .await;
    }
    let conversation = existing(app, connection, id).await?.conversation;
    if conversation.handler() == Handler::Agent && connection.is_mirrored() {
        let thread = &conversation.thread;
        let shown = if starts {
            app.ringcx.typing(connection, thread, preview.as_deref()).await
        } else {
            app.ringcx.typing_stopped(connection, thread).await
        };
        if let Err(error) = shown {
            tracing::debug!(error = &error as &dyn std::error::Error, "typing not shown");
        }
    }
    Ok(json_answer(StatusCode::ACCEPTED, &json!({})))
}

/// `POST /conversations/{id}/read`: the person read an agent's message.
pub async fn read(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    reads(app, Ask::read(call, id)?).await
}

/// The same, whoever says so.
pub async fn reads(app: &App, mut ask: Ask<'_>) -> Result<Answer, Problem> {
    let body = std::mem::take(&mut ask.body);
    let (connection, id) = (ask.connection, ask.conversation);
    let mut errors = Errors::default();
    let message = input::text(&body, "message_id", &mut errors).unwrap_or_default();
    if !message.starts_with("rcx-") || message.len() > KEY_MAX_CHARS {
        errors.add("message_id is the id of a message.created event");
    }
    errors.into_result(())?;
    if connection.is_native() {
        // The bot has seen it and has nothing to say.
        return change(app, &ask, |conversation| {
            conversation.bot_reacted();
            None
        })
        .await;
    }
    let conversation = existing(app, connection, id).await?.conversation;
    if connection.is_mirrored() {
        let work = Work::MarkAsRead {
            message: MessageId::new(message),
        };
        let job = app.outgoing(&connection.id, &conversation.thread, work);
        app.queue.send(vec![job]).await.map_err(unavailable)?;
    }
    Ok(json_answer(StatusCode::ACCEPTED, &json!({})))
}

/// The person came (back), or went, as their platform tells. Agents are told, where the settings want that.
pub async fn came_or_went(app: &App, ask: &Ask<'_>, connected: bool) -> Result<Answer, Problem> {
    let wanted = match &ask.connection.bot.kind {
        BotKind::Cognigy(cognigy) if connected => cognigy.user_connected_message,
        BotKind::Cognigy(cognigy) => cognigy.user_disconnected_message,
        BotKind::Webhook(_) | BotKind::Chatlayer(_) => false,
    };
    change(app, ask, |conversation| {
        let tells = conversation.came_or_went(connected, app.now());
        let since = conversation.presence.map(|presence| presence.since);
        since
            .filter(|_| tells && wanted)
            .map(|since| Work::NotePresence { since })
    })
    .await
}

/// What is known of the person changed. Agents who have the conversation, or will read it, see it.
pub async fn profile(app: &App, ask: Ask<'_>) -> Result<Answer, Problem> {
    let mut errors = Errors::default();
    let user = input::user(&ask.body, &mut errors);
    let user = errors.into_result(user)?.unwrap_or_default();
    input::remembered("the profile of a user", &user)?;
    change(app, &ask, |conversation| {
        conversation.user.update(user.clone());
        conversation.mirrored.then_some(Work::AnnounceUser)
    })
    .await
}

/// Changes a conversation and queues what follows; a repeat is harmless by itself.
async fn change(
    app: &App,
    ask: &Ask<'_>,
    mut decide: impl FnMut(&mut Conversation) -> Option<Work>,
) -> Result<Answer, Problem> {
    for _ in 0..CONFLICT_RETRIES {
        let found = existing(app, ask.connection, ask.conversation).await?;
        let mut conversation = found.conversation;
        let work = decide(&mut conversation);
        let (thread, handler) = (conversation.thread.clone(), conversation.handler());
        let mut commit = Commit::writing(
            conversation,
            Expected::Version(found.version),
            &ask.connection.timers,
        );
        commit
            .jobs
            .extend(work.map(|work| app.outgoing(&ask.connection.id, &thread, work)));
        match app.store.commit(commit).await {
            Ok(()) => {
                let answer = json!({"handler": handler.as_str()});
                return Ok(json_answer(StatusCode::ACCEPTED, &answer));
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(Problem::Unavailable)
}
