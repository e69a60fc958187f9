//! `POST` and `DELETE /conversations/{id}/handover`: the bot asks for a human, or takes the conversation back.

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, HandoverDecision, Platform};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::{ConversationId, ForeignThreadId, HandoverId, ThreadId};
use handover_core::job::{Outgoing, Work};
use handover_core::message::Message;
use handover_core::ports::{Commit, Expected, Measured, Versioned};
use handover_core::profile::UserProfile;
use handover_core::settings::Connection;
use handover_core::timeline::TimelineEntry;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::files::Inline;
use super::idempotency::Once;
use super::input::{self, Errors};
use super::{Ask, CONFLICT_RETRIES, existing, native, unavailable};
use crate::App;
use crate::availability::Availability;
use crate::respond::{Answer, Problem};
use crate::routes::Call;
use crate::view;
use crate::work::leave;

/// Takes a call.
pub async fn request(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    begin(app, Ask::read(call, id)?).await
}

/// The bot asks for a human. A second request during a handover returns the running one.
pub async fn begin(app: &App, mut ask: Ask<'_>) -> Result<Answer, Problem> {
    let mut body = std::mem::take(&mut ask.body);
    let (connection, id) = (ask.connection, ask.conversation);
    let thread = ForeignThreadId::of(id);
    let handover_id = app.new_handover_id();
    let mut errors = Errors::default();
    let inline = Inline::take(app, connection, &thread, &mut body, &mut errors);
    let Wanted {
        id: named,
        details,
        require_agent,
        user,
        platform,
        transcript,
        rce_thread,
    } = Wanted::read(&body, connection, &thread, &handover_id, app.now(), errors)?;
    let once = Once::of(&ask, "POST", "handover", &Value::Object(body), named.as_deref())?;
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
        let expected = found
            .as_ref()
            .map_or(Expected::New, |found| Expected::Version(found.version));
        native::must_exist(connection, found.as_ref().map(|it| &it.conversation))?;
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
            conversation.called(platform.clone());
        }
        let running = conversation.is_under_way(conversation.epoch());
        let availability = if running {
            app.availability.known(app, connection).await
        } else {
            match admit(app, connection, require_agent).await {
                Ok(availability) => availability,
                Err(refused) => {
                    match refuse(app, connection, conversation, expected, &once, refused).await? {
                        Some(answer) => return Ok(answer),
                        None => continue,
                    }
                }
            }
        };
        if !connection.relay_messages && !running {
            // Their newest thread is looked for anew each time, unless somebody knows which it is.
            conversation.rce_thread.clone_from(&rce_thread);
        }
        let mut jobs = Vec::new();
        let mut entry = TimelineEntry::new(now, "handover.requested");
        match conversation.request_handover(handover_id.clone(), details.clone(), now) {
            HandoverDecision::Begins { epoch } => {
                entry = entry
                    .with("epoch", epoch)
                    .with("handover_id", handover_id.as_str());
                // In mirror mode RCE has the story already, unless nothing was ever mirrored; on its own channels always.
                let has_story =
                    connection.is_native() || was_mirrored && !connection.forward_only_handover_conversations;
                let transcript = if has_story {
                    Vec::new()
                } else {
                    transcript.clone().unwrap_or_default()
                };
                jobs = beginning(app, connection, &thread, epoch, transcript);
            }
            HandoverDecision::Running { epoch } => {
                entry = entry.with("epoch", epoch).with("outcome", "running already");
            }
        }
        let answer = json!({
            "handover": view::handover(conversation.handover.as_deref()),
            "availability": availability.view(),
        });
        let mut commit = Commit::writing(conversation, expected, &connection.timers);
        commit
            .timeline
            .push((connection.id.clone(), thread.clone(), entry));
        commit.jobs.extend(jobs);
        if let Some(answer) = once.settle(app, commit, StatusCode::ACCEPTED, &answer).await? {
            tracing::info!(connection.id = %connection.id, conversation.id = %id, running, "handover requested");
            if !running {
                app.metrics.record(&connection.id, Measured::HandoverRequested);
            }
            return Ok(answer);
        }
    }
    Err(Problem::Unavailable)
}

/// What follows from a request that is accepted.
fn beginning(
    app: &App,
    connection: &Connection,
    thread: &ForeignThreadId,
    epoch: u32,
    transcript: Vec<Message>,
) -> Vec<Outgoing> {
    let mut works = vec![Work::StartHandover { epoch, transcript }];
    if connection.bot.kind.is_told_of_acceptance() {
        works.push(Work::Tell {
            epoch,
            event: BotEvent::HandoverAccepted,
            after_tidy_up: false,
        });
    }
    let outgoing = |work| app.outgoing(&connection.id, thread, work);
    works.into_iter().map(outgoing).collect()
}

/// What a request asks for.
struct Wanted {
    id: Option<String>,
    details: HandoverRequest,
    require_agent: Option<bool>,
    user: Option<UserProfile>,
    platform: Option<Platform>,
    transcript: Option<Vec<Message>>,
    /// Where the person talks on a channel of RCE's own: their thread, if it is known.
    rce_thread: Option<ThreadId>,
}

impl Wanted {
    fn read(
        body: &Map<String, Value>,
        connection: &Connection,
        thread: &ForeignThreadId,
        handover: &HandoverId,
        now: Timestamp,
        mut errors: Errors,
    ) -> Result<Self, Problem> {
        let wanted = Self {
            id: input::id(body, &mut errors),
            details: HandoverRequest {
                reason: input::text(body, "reason", &mut errors),
                summary: input::text(body, "summary", &mut errors),
                category_ids: input::category_ids(body, &mut errors),
                context: input::context(body, &mut errors),
                language: input::text(body, "language", &mut errors),
            },
            require_agent: input::boolean(body, "require_agent", &mut errors),
            user: input::user(body, &mut errors),
            platform: input::platform(body, &mut errors),
            transcript: input::transcript(body, thread, handover.as_str(), now, &mut errors),
            rce_thread: if connection.relay_messages {
                None
            } else {
                let named = input::text(body, "thread_id", &mut errors);
                named.filter(|id| !id.is_empty()).map(ThreadId::new)
            },
        };
        let wanted = errors.into_result(wanted)?;
        input::remembered("reason, summary and context of a handover", &wanted.details)?;
        Ok(wanted)
    }
}

/// Whether a handover may begin, and what is known about who could take it. `Err`: it may not.
pub(crate) async fn admit(
    app: &App,
    connection: &Connection,
    require_agent: Option<bool>,
) -> Result<Availability, Availability> {
    if let Some(shut) = app.availability.shut(app, connection).await {
        return Err(shut);
    }
    let rules = &connection.availability;
    let require_agent = require_agent.unwrap_or(rules.require_agent);
    if !require_agent && !rules.refuse_unknown {
        return Ok(app.availability.known(app, connection).await);
    }
    match app.availability.of_agents(app, connection).await {
        none @ Availability::NoAgents if require_agent => Err(none),
        unknown @ Availability::Unknown if rules.refuse_unknown => Err(unknown),
        availability => Ok(availability),
    }
}

/// Nobody can take it: the bot keeps the conversation and nothing is created in RCE. `None`: the conversation changed
/// meanwhile.
async fn refuse(
    app: &App,
    connection: &Connection,
    conversation: Conversation,
    expected: Expected,
    once: &Once,
    availability: Availability,
) -> Result<Option<Answer>, Problem> {
    let reason = availability.reason();
    let answer = json!({"handover": {"status": "unavailable", "reason": reason}});
    let (thread, epoch) = (conversation.thread.clone(), conversation.epoch());
    let entry = TimelineEntry::new(app.now(), "handover.unavailable").with("reason", reason);
    let mut commit = Commit::default();
    if connection.bot.kind.is_platform() {
        commit = Commit::writing(conversation, expected, &connection.timers);
        let work = Work::Tell {
            epoch,
            event: BotEvent::HandoverFailed {
                reason: reason.to_owned(),
            },
            after_tidy_up: false,
        };
        commit.jobs.push(app.outgoing(&connection.id, &thread, work));
    }
    if commit.write.is_some() || expected != Expected::New {
        commit.timeline.push((connection.id.clone(), thread, entry));
    }
    once.settle(app, commit, StatusCode::OK, &answer).await
}

/// Takes a call.
pub async fn cancel(app: &App, call: &Call, id: &ConversationId) -> Result<Answer, Problem> {
    end(app, Ask::read(call, id)?).await
}

/// The person or the bot ends the handover. The bot has the conversation at once; RCE is tidied up behind it.
pub async fn end(app: &App, mut ask: Ask<'_>) -> Result<Answer, Problem> {
    let body = std::mem::take(&mut ask.body);
    let (connection, id) = (ask.connection, ask.conversation);
    let mut errors = Errors::default();
    let cause = match input::text(&body, "cause", &mut errors).as_deref() {
        None | Some("user_cancelled") => Cause::UserCancelled,
        Some("bot_ended") => Cause::BotEnded,
        Some(_) => {
            errors.add("cause is \"user_cancelled\" or \"bot_ended\"");
            Cause::UserCancelled
        }
    };
    let named = input::id(&body, &mut errors);
    errors.into_result(())?;
    let once = Once::of(&ask, "DELETE", "handover", &Value::Object(body), named.as_deref())?;
    if let Some(answer) = once.answered(app).await? {
        return Ok(answer);
    }
    for _ in 0..CONFLICT_RETRIES {
        let found = existing(app, connection, id).await?;
        let End {
            commit,
            answer,
            ended,
        } = End::of(app, connection, found, cause);
        if let Some(answer) = once.settle(app, commit, StatusCode::ACCEPTED, &answer).await? {
            if let Some(ended) = ended {
                app.metrics.record(&connection.id, ended);
            }
            return Ok(answer);
        }
    }
    Err(Problem::Unavailable)
}

/// Our side ends a handover.
pub(crate) struct End {
    pub(crate) commit: Commit,
    /// The conversation afterwards, as the bot API shows it.
    pub(crate) answer: Value,
    /// What there is to count; `None`: there was no handover to end.
    pub(crate) ended: Option<Measured>,
}

impl End {
    pub(crate) fn of(app: &App, connection: &Connection, found: Versioned, cause: Cause) -> Self {
        let (mut conversation, now) = (found.conversation, app.now());
        let epoch = conversation.epoch();
        let cancelled = conversation.cancel(cause, now);
        let answer = view::conversation(&conversation);
        let in_queue = conversation.time_in_queue();
        let jobs = cancelled.map(|event| leave(app, &mut conversation, event));
        let ended = jobs.is_some().then_some(Measured::HandoverEnded { in_queue });
        let thread = conversation.thread.clone();
        let mut commit = Commit::writing(conversation, Expected::Version(found.version), &connection.timers);
        if let Some(jobs) = jobs {
            let entry = TimelineEntry::new(now, "handover.cancelled")
                .with("epoch", epoch)
                .with("cause", cause.as_str());
            commit.timeline.push((connection.id.clone(), thread, entry));
            commit.jobs.extend(jobs);
        }
        Self {
            commit,
            answer,
            ended,
        }
    }
}
