//! `POST` and `DELETE /conversations/{id}/handover`: the bot asks for a human, or takes the conversation back.

use handover_core::conversation::{Conversation, HandoverDecision, cause_name};
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::job::Work;
use handover_core::ports::{Commit, Expected, Measured};
use handover_core::timeline::TimelineEntry;
use http::StatusCode;
use serde_json::{Value, json};

use super::idempotency::Once;
use super::input::{self, Errors};
use super::{CONFLICT_RETRIES, authenticate_bot, existing, unavailable};
use crate::App;
use crate::availability::Availability;
use crate::respond::{Answer, Problem};
use crate::routes::Call;
use crate::view;

/// The bot asks for a human. A second request during a handover returns the running one.
pub async fn request(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    authenticate_bot(call)?;
    let connection = &call.connection;
    let body = input::object(call.body())?;
    let thread = ForeignThreadId::of(id);
    let handover_id = app.new_handover_id();
    let mut errors = Errors::default();
    let named = input::id(&body, &mut errors);
    let details = HandoverRequest {
        reason: input::text(&body, "reason", &mut errors),
        summary: input::text(&body, "summary", &mut errors),
        category_ids: input::category_ids(&body, &mut errors),
        context: input::context(&body, &mut errors),
        language: input::text(&body, "language", &mut errors),
    };
    let require_agent = input::boolean(&body, "require_agent", &mut errors);
    let user = input::user(&body, &mut errors);
    let platform = input::platform(&body, &mut errors);
    let transcript = input::transcript(&body, &thread, handover_id.as_str(), app.now(), &mut errors);
    errors.into_result(())?;
    input::remembered("reason, summary and context of a handover", &details)?;
    let once = Once::of(call, id, "handover", &Value::Object(body), named.as_deref())?;
    if let Some(answer) = once.answered(app).await? {
        return Ok(answer);
    }

    for _ in 0..CONFLICT_RETRIES {
        let now = app.now();
        let found = app
            .store
            .conversation(&connection.id, &thread)
            .await
            .map_err(unavailable)?;
        let expected = found
            .as_ref()
            .map_or(Expected::New, |found| Expected::Version(found.version));
        let mut conversation = found.map_or_else(
            || Conversation::new(connection.id.clone(), id.clone(), now),
            |found| found.conversation,
        );
        let was_mirrored = conversation.mirrored;
        if let Some(user) = &user {
            conversation.user.update(user.clone());
            input::remembered("the profile of a user", &conversation.user)?;
        }
        if let Some(platform) = &platform {
            conversation.platform = Some(platform.clone());
        }
        let running = conversation.is_under_way(conversation.epoch());
        let unavailable_because = if running {
            None
        } else {
            unavailable_because(app, call, require_agent).await
        };
        if let Some(reason) = unavailable_because {
            return refuse(app, call, &thread, expected, &once, reason).await;
        }
        let mut commit = Commit::default();
        let mut entry = TimelineEntry::new(now, "handover.requested");
        match conversation.request_handover(handover_id.clone(), details.clone(), now) {
            HandoverDecision::Begins { epoch } => {
                entry = entry
                    .with("epoch", epoch)
                    .with("handover_id", handover_id.as_str());
                // In mirror mode RCE has the story already, unless nothing was ever mirrored.
                let has_story = was_mirrored && !connection.forward_only_handover_conversations;
                let transcript = if has_story {
                    Vec::new()
                } else {
                    transcript.clone().unwrap_or_default()
                };
                let work = Work::StartHandover { epoch, transcript };
                commit.jobs.push(app.outgoing(&connection.id, &thread, work));
            }
            HandoverDecision::Running { epoch } => {
                entry = entry.with("epoch", epoch).with("outcome", "running already");
            }
        }
        let answer = json!({"handover": view::handover(conversation.handover.as_ref())});
        commit
            .timeline
            .push((connection.id.clone(), thread.clone(), entry));
        commit.write = Some((conversation, expected));
        if let Some(answer) = once.settle(app, commit, StatusCode::ACCEPTED, &answer).await? {
            tracing::info!(connection.id = %connection.id, conversation.id = %id, running, "handover requested");
            if !running {
                app.metrics.record(Measured::HandoverRequested);
            }
            return Ok(answer);
        }
    }
    Err(Problem::Unavailable)
}

async fn unavailable_because(app: &App, call: &Call, require_agent: Option<bool>) -> Option<&'static str> {
    let connection = &call.connection;
    if !connection.enabled {
        return Some("disabled");
    }
    let required = require_agent.unwrap_or(connection.availability.require_agent);
    (required && app.availability.get(app, connection).await == Availability::NoAgents).then_some("no_agents")
}

/// Nobody can take it: the bot keeps the conversation and nothing is created in RCE.
async fn refuse(
    app: &App,
    call: &Call,
    thread: &ForeignThreadId,
    expected: Expected,
    once: &Once,
    reason: &str,
) -> Result<Answer, Problem> {
    let answer = json!({"handover": {"status": "unavailable", "reason": reason}});
    let mut commit = Commit::default();
    if expected != Expected::New {
        let entry = TimelineEntry::new(app.now(), "handover.unavailable").with("reason", reason);
        commit
            .timeline
            .push((call.connection.id.clone(), thread.clone(), entry));
    }
    once.settle(app, commit, StatusCode::OK, &answer)
        .await?
        .ok_or(Problem::Unavailable)
}

/// The person or the bot ends the handover. The bot has the conversation at once; RCE is tidied up behind it.
pub async fn cancel(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    authenticate_bot(call)?;
    let body = input::object(call.body())?;
    let mut errors = Errors::default();
    let cause = match input::text(&body, "cause", &mut errors).as_deref() {
        None | Some("user_cancelled") => Cause::UserCancelled,
        Some("bot_ended") => Cause::BotEnded,
        Some(_) => {
            errors.add("cause is \"user_cancelled\" or \"bot_ended\"");
            Cause::UserCancelled
        }
    };
    errors.into_result(())?;
    let once = Once::of(call, id, "handover", &Value::Object(body), None)?;
    if let Some(answer) = once.answered(app).await? {
        return Ok(answer);
    }
    let connection = &call.connection;
    for _ in 0..CONFLICT_RETRIES {
        let found = existing(app, call, id).await?;
        let (mut conversation, now) = (found.conversation, app.now());
        let epoch = conversation.epoch();
        let mut commit = Commit::default();
        if let Some(event) = conversation.cancel(cause, now) {
            let thread = &conversation.thread;
            let intervention = conversation
                .handover
                .as_ref()
                .and_then(|h| h.intervention.clone());
            let entry = TimelineEntry::new(now, "handover.cancelled")
                .with("epoch", epoch)
                .with("cause", cause_name(cause));
            commit
                .timeline
                .push((connection.id.clone(), thread.clone(), entry));
            for work in [
                Work::LeaveHandover { epoch, intervention },
                Work::Tell {
                    epoch,
                    event,
                    after_tidy_up: true,
                },
            ] {
                commit.jobs.push(app.outgoing(&connection.id, thread, work));
            }
        }
        let answer = view::conversation(&conversation);
        let ended = (!commit.jobs.is_empty()).then(|| conversation.time_in_queue());
        commit.write = Some((conversation, Expected::Version(found.version)));
        if let Some(answer) = once.settle(app, commit, StatusCode::ACCEPTED, &answer).await? {
            if let Some(in_queue) = ended {
                app.metrics.record(Measured::HandoverEnded { in_queue });
            }
            return Ok(answer);
        }
    }
    Err(Problem::Unavailable)
}
