//! `POST /conversations/{id}/messages`: the person or the bot said something.

use handover_core::conversation::{Conversation, Handler, MaySpeak};
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::job::Work;
use handover_core::message::{Author, Message};
use handover_core::ports::{Commit, Expected};
use handover_core::settings::Topology;
use handover_core::timeline::TimelineEntry;
use http::StatusCode;
use serde_json::{Value, json};

use super::files::Inline;
use super::idempotency::Once;
use super::input::{self, Errors};
use super::{Ask, CONFLICT_RETRIES, native, unavailable};
use crate::App;
use crate::respond::{Answer, Problem};
use crate::routes::Call;
use crate::view;

/// Takes a call.
pub async fn post(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    take(app, Ask::read(call, id)?).await
}

/// Takes a message, tells the caller who answers the person, and sends or keeps it for RCE.
pub async fn take(app: &App, mut ask: Ask<'_>) -> Result<Answer, Problem> {
    let mut body = std::mem::take(&mut ask.body);
    let (connection, id) = (ask.connection, ask.conversation);
    let thread = ForeignThreadId::of(id);
    let mut errors = Errors::default();
    let inline = Inline::take(app, connection, &thread, &mut body, &mut errors);
    let named = input::id(&body, &mut Errors::default());
    let message = input::message(&body, &thread, || app.ids.next(), app.now(), &mut errors);
    let user = input::user(&body, &mut errors);
    let platform = input::platform(&body, &mut errors);
    let notice = input::boolean(&body, "notice", &mut errors).unwrap_or(false);
    let message = errors
        .into_result(message)?
        .ok_or_else(|| Problem::Invalid(Vec::new()))?;
    if connection.is_native() {
        native::check(&message)?;
    }
    let once = Once::of(&ask, "POST", "messages", &Value::Object(body), named.as_deref())?;
    if let Some(answer) = once.answered(app).await? {
        return Ok(answer);
    }
    inline.put(app, connection).await?;

    for _ in 0..CONFLICT_RETRIES {
        let now = app.now();
        let found = app
            .store
            .conversation(&connection.id, &thread)
            .await
            .map_err(unavailable)?;
        let version = found.as_ref().map(|found| found.version);
        let before = found.map(|found| found.conversation);
        native::must_exist(connection, before.as_ref())?;
        let mut conversation = before
            .clone()
            .unwrap_or_else(|| Conversation::new(connection.id.clone(), id.clone(), now));
        if let Some(user) = &user {
            conversation.user.update(user.clone());
            input::remembered("the profile of a user", &conversation.user)?;
        }
        if let Some(platform) = &platform {
            conversation.called(platform.clone());
        }
        if message.from == Author::User {
            conversation.customer_wrote(now);
        }
        if connection.is_native() {
            conversation.bot_reacted();
        }
        let forwards = connection.is_mirrored()
            && (conversation.handler() == Handler::Agent || !connection.forward_only_handover_conversations);
        conversation.mirrored |= forwards;

        let answer = json!({
            "id": message.id,
            "handler": conversation.handler_of_words().as_str(),
            "handover": view::handover(conversation.handover.as_deref()),
        });
        let timers = &connection.timers;
        let mut commit = match version {
            None => Commit::writing(conversation.clone(), Expected::New, timers),
            Some(version) if before.as_ref() != Some(&conversation) => {
                Commit::writing(conversation.clone(), Expected::Version(version), timers)
            }
            Some(version) => Commit {
                check: Some((connection.id.clone(), thread.clone(), version)),
                ..Commit::default()
            },
        };
        let notice = notice && native::is_notice(connection, &conversation);
        let speaks =
            connection.is_native() && conversation.may_speak(conversation.epoch(), notice) == MaySpeak::Yes;
        let outcome = outcome(forwards || speaks, connection.topology());
        let entry = accepted(&message, &conversation, outcome, now);
        commit
            .timeline
            .push((connection.id.clone(), thread.clone(), entry));
        let said = message.clone();
        let work = match (forwards, speaks) {
            (true, _) => Some(Work::SendMessage { message: said }),
            (false, true) => Some(Work::Reply {
                message: said,
                epoch: conversation.epoch(),
                notice,
            }),
            (false, false) => {
                commit.keep.extend(connection.is_mirrored().then_some(said));
                None
            }
        };
        let jobs = work.map(|work| app.outgoing(&connection.id, &thread, work));
        commit.jobs.extend(jobs);
        if let Some(answer) = once.settle(app, commit, StatusCode::ACCEPTED, &answer).await? {
            tracing::info!(
                connection.id = %connection.id, conversation.id = %id, message.id = %message.id,
                forwarded = forwards || speaks, "message accepted"
            );
            return Ok(answer);
        }
    }
    Err(Problem::Unavailable)
}

/// What becomes of a message, for the timeline.
fn outcome(passes: bool, topology: Topology) -> &'static str {
    match (passes, topology) {
        (true, _) => "queued",
        (false, Topology::Mirrored) => "kept",
        (false, Topology::TaskOnly) => "not relayed",
        (false, Topology::Native) => "not said: the agents have the conversation",
    }
}

fn accepted(
    message: &Message,
    conversation: &Conversation,
    outcome: &str,
    now: handover_core::Timestamp,
) -> TimelineEntry {
    let from = match message.from {
        Author::User => "user",
        Author::Bot => "bot",
    };
    TimelineEntry::new(now, "message.accepted")
        .with("message_id", message.id.as_str())
        .with("ringcx_message_id", message.foreign_id.as_str())
        .with("from", from)
        .with("handler", conversation.handler_of_words().as_str())
        .with("outcome", outcome)
        .text(message.text.as_deref())
}
