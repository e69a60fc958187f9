//! Chatlayer's Offloading Webhook ("Human offloading", "Offloading Webhook"): a health check, what everybody says, and
//! the request for a human.
//!
//! A pure translation: Chatlayer's event becomes calls of the bot API's own operations, and their outcome Chatlayer's
//! answer. Chatlayer takes exactly 200 for a success.
//!
//! | module | reads |
//! |---|---|
//! | `event` | the envelope, and who the person is |
//! | `said` | who said what |
//! | `content` | what a single message shows |
//! | `wish` | the free JSON of the action that asks for a human |
//! | `native` | the same webhook on channels of RCE's own |
//! | `channel` | what the bot says there |

pub mod channel;
mod content;
mod event;
mod native;
mod said;
mod wish;

pub(crate) use said::digest;

use handover_core::conversation::{Control, Conversation, Handler};
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::ports::{Claim, ClaimKey, Commit, KEPT_FOR, StoreError};
use handover_core::secret::any_matches;
use handover_core::settings::{BotKind, ChatlayerSettings, Connection};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::App;
use crate::bot_api::{Ask, handover, messages, unavailable};
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::{BOT_API_BODY_LIMIT, Call};
use event::{Event, Kind};
use said::Said;

/// The query parameters that carry the verify token; the first is the documented one.
const TOKENS: [&str; 2] = ["challenge.verifyToken", "verifyToken"];

/// How long after a handover something may come back that we said as the agent.
const ECHO: SignedDuration = SignedDuration::from_mins(2);
/// A text of ours that is shorter than this, in bytes, is not cut into parts.
const LONG: usize = 1_000;

/// `GET /handover/chatlayer`, the health check.
pub fn check(call: &Call) -> Result<Answer, Problem> {
    authenticate(call)?;
    Ok(done())
}

/// `POST /handover/chatlayer`, the events.
pub async fn receive(app: &App, call: &Call) -> Result<Answer, Problem> {
    let settings = authenticate(call)?;
    if call.exceeds(BOT_API_BODY_LIMIT) {
        return Err(Problem::TooLarge {
            limit: BOT_API_BODY_LIMIT,
        });
    }
    let event = Event::read(call.body(), &settings.bot_id)?;
    let emulated = !settings.accept_emulator && is_emulated(app, &call.connection, &event).await?;
    match &event.kind {
        Kind::Messages if emulated => Ok(done()),
        Kind::Offload { .. } if emulated => Ok(refused("emulator")),
        Kind::Messages | Kind::Offload { .. } if call.connection.is_native() => {
            native::receive(app, &call.connection, &event).await
        }
        Kind::Messages => take(app, &call.connection, &event).await,
        Kind::Offload { payload } => {
            let wish = wish::read(payload, !call.connection.relay_messages);
            let body = event.handover_body(wish.body);
            offload(app, &call.connection, &event.conversation, body, wish.pauses).await
        }
        Kind::Unknown => {
            tracing::info!(connection.id = %call.connection.id, "an event of Chatlayer that we do not know");
            Ok(json_answer(
                StatusCode::OK,
                &json!({"status": "ok", "ignored": true}),
            ))
        }
    }
}

/// Whether it is a session of Chatlayer's emulator. Its messages say so, an offload of the same session need not.
async fn is_emulated(app: &App, connection: &Connection, event: &Event) -> Result<bool, Problem> {
    let thread = ForeignThreadId::of(&event.conversation);
    let key = ClaimKey::apart(format!("emulator:{}:{thread}", connection.id));
    if !event.is_emulated {
        let asks = matches!(event.kind, Kind::Offload { .. }) && event.sender.is_none();
        return Ok(asks
            && app
                .store
                .claimed(&key, app.now())
                .await
                .map_err(unavailable)?
                .is_some());
    }
    let claim = Claim {
        key,
        holder: String::new(),
        record: String::new(),
        expires_at: app.now() + KEPT_FOR,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    match app.store.commit(commit).await {
        Ok(()) | Err(StoreError::Claimed(_)) => Ok(true),
        Err(error) => Err(unavailable(error)),
    }
}

/// The settings of a connection to Chatlayer whose verify token the caller knows.
fn authenticate(call: &Call) -> Result<&ChatlayerSettings, Problem> {
    let BotKind::Chatlayer(settings) = &call.connection.bot.kind else {
        return Err(Problem::WrongKind("chatlayer"));
    };
    let query = call.query().unwrap_or_default();
    let known = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| TOKENS.contains(&name.as_ref()))
        .fold(false, |known, (_, token)| {
            known | any_matches(&settings.verify_tokens, token.as_bytes())
        });
    if known {
        return Ok(settings);
    }
    tracing::warn!(connection.id = %call.connection.id, "chatlayer call refused");
    Err(Problem::Forbidden(
        "the verify token (challenge.verifyToken) is missing, or none of this connection's verify_tokens",
    ))
}

/// Everything that was said goes its way, in order and once.
async fn take(app: &App, connection: &Connection, event: &Event) -> Result<Answer, Problem> {
    let before = before(app, connection, &event.conversation).await?;
    let with_agent = before.as_ref().is_some_and(|it| it.handler() == Handler::Agent);
    if !connection.relay_messages && !with_agent {
        return Ok(done());
    }
    // Only the bot's words may be ours; the whole timeline is not read for what a person says.
    let talks = before
        .as_ref()
        .filter(|_| event.said.iter().any(|said| !said.by_user));
    let ours = our_words(app, connection, talks).await?;
    for said in &event.said {
        if !said.by_user && is_ours(said, &ours) {
            tracing::debug!(connection.id = %connection.id, "our own words came back");
            continue;
        }
        let ask = Ask {
            connection,
            conversation: &event.conversation,
            body: event.message_body(said, connection.relay_messages),
            key: None,
        };
        match messages::take(app, ask).await {
            // The same message in other words (its sender has a name now) is no second one.
            Ok(_) | Err(Problem::IdempotencyMismatch) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(done())
}

/// Brings the conversation before the agents, or says why not.
async fn offload(
    app: &App,
    connection: &Connection,
    conversation: &ConversationId,
    body: Map<String, Value>,
    pauses: bool,
) -> Result<Answer, Problem> {
    let ask = Ask {
        connection,
        conversation,
        body,
        key: None,
    };
    let begun = match handover::begin(app, ask).await {
        Ok(answer) => serde_json::from_slice(answer.body()).unwrap_or(Value::Null),
        Err(Problem::IdempotencyMismatch) => Value::Null,
        Err(problem) => return Err(problem),
    };
    if begun["handover"]["status"] == "unavailable" {
        return Ok(refused(
            begun["handover"]["reason"].as_str().unwrap_or("unavailable"),
        ));
    }
    // A repeat may come when all is over: then nobody would wake the bot again.
    let now = before(app, connection, conversation).await?;
    let under_way = now.is_some_and(|it| it.is_under_way(it.epoch()));
    if begun.is_null() && !under_way {
        return Ok(refused("repeated"));
    }
    let answer = json!({"offloadSuccess": true, "pauseBot": pauses && under_way});
    Ok(json_answer(StatusCode::OK, &answer))
}

fn done() -> Answer {
    json_answer(StatusCode::OK, &json!({"status": "ok"}))
}

fn refused(reason: &str) -> Answer {
    let answer = json!({"offloadSuccess": false, "pauseBot": false, "reason": reason});
    json_answer(StatusCode::OK, &answer)
}

/// The conversation as it is now.
async fn before(
    app: &App,
    connection: &Connection,
    id: &ConversationId,
) -> Result<Option<Conversation>, Problem> {
    let found = app
        .store
        .conversation(&connection.id, &ForeignThreadId::of(id))
        .await;
    let found = found.map_err(unavailable)?;
    Ok(found.map(|found| found.conversation))
}

/// What we made Chatlayer say lately in this conversation. Its documentation does not tell whether, and as whose, that
/// is reported to us; agents must not read their own words as the bot's.
async fn our_words(
    app: &App,
    connection: &Connection,
    conversation: Option<&Conversation>,
) -> Result<Vec<String>, Problem> {
    let Some(conversation) = conversation.filter(|it| may_hold_our_words(it, app.now())) else {
        return Ok(Vec::new());
    };
    let entries = app.store.timeline(&connection.id, &conversation.thread).await;
    let agents = entries
        .map_err(unavailable)?
        .into_iter()
        .filter(|entry| entry.what == "agent_message.accepted")
        .filter_map(|entry| entry.text);
    let failed = connection.bot.message_failed_text.clone();
    Ok(agents.chain(std::iter::once(failed)).collect())
}

fn may_hold_our_words(conversation: &Conversation, now: handover_core::Timestamp) -> bool {
    let Some(handover) = &conversation.handover else {
        return false;
    };
    let over = handover.ended_at.map(|ended| now.duration_since(ended) > ECHO);
    matches!(conversation.control, Control::Active | Control::Ended) || over == Some(false)
}

fn is_ours(said: &Said, ours: &[String]) -> bool {
    let Some(text) = said.text.as_deref().map(str::trim) else {
        return false;
    };
    let is_part_of = |words: &str| {
        words.len() >= LONG && (words.ends_with(text) || (text.len() >= LONG && words.contains(text)))
    };
    let mut ours = ours.iter().map(|words| words.trim());
    ours.any(|words| words == text || is_part_of(words))
}
