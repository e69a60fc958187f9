//! RCE's webhooks: validation of the subscription, authentication, queueing.
//!
//! RCE switches off webhooks that fail too often, so 5xx is answered only when an event could not be
//! stored; what cannot be used is a 200. Exactly 200 counts as success.

use std::time::Duration;

use handover_core::heard::{Heard, OUR_OWN};
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{Claim, ClaimKey, Commit, Expected, NEWS_TAKEN_FOR, StoreError};
use handover_core::serving;
use handover_core::settings::Connection;
use handover_core::signal::{Signal, SignalKind};
use handover_ringcx::webhook::{
    SECRET_HEADER, ValidationError, authenticate, parse_batch, validate_subscription,
};
use http::{HeaderValue, StatusCode};

use crate::App;
use crate::health;
use crate::imported::{self, Taken};
use crate::respond::{Answer, Problem, raw};
use crate::routes::{Call, RCE_BODY_LIMIT};
use crate::work;

/// How often a note is made anew because somebody else changed the conversation meanwhile.
const CONFLICT_RETRIES: usize = 50;

/// How long it is remembered that agents were in a thread before its first word was reported.
const AGENTS_FIRST_FOR: Duration = Duration::from_hours(1);

/// Answers the validation request that RCE sends when a webhook is saved.
///
/// The challenge is chosen by the caller, so it is never answered as HTML.
pub async fn validate(app: &App, call: &Call) -> Answer {
    let validated = validate_subscription(&call.connection.ringcx, call.query(), call.header(SECRET_HEADER));
    match validated {
        Ok(challenge) if challenge.starts_with(OUR_OWN) => serving(app, &call.connection, challenge).await,
        Ok(challenge) => {
            health::heard(app, &call.connection, Heard::Validation).await;
            raw(StatusCode::OK, "application/json", challenge)
        }
        Err(ValidationError::Forbidden) => {
            tracing::warn!(connection.id = %call.connection.id, "webhook validation refused");
            raw(
                StatusCode::FORBIDDEN,
                "text/plain",
                "Verification token or secret is wrong",
            )
        }
        Err(ValidationError::MissingChallenge) => {
            raw(StatusCode::BAD_REQUEST, "text/plain", "hub.challenge is missing")
        }
    }
}

/// The same for `setup` and `doctor`, which have proven to know the secrets: what this bridge has read.
async fn serving(app: &App, connection: &Connection, challenge: String) -> Answer {
    let mut answer = raw(StatusCode::OK, "application/json", challenge);
    let mut tell = |name: &'static str, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().insert(name, value);
        }
    };
    tell(serving::SOURCES_HEADER, serving::sources_of(connection));
    tell(serving::SETTINGS_HEADER, serving::settings_of(connection));
    let key = Heard::Validation.key(&connection.id);
    if let Ok(Some(note)) = app.store.claimed(&key, app.now()).await {
        tell(serving::VALIDATED_HEADER, note.record);
    }
    answer
}

/// Answers a delivery of events.
pub async fn handle(app: &App, call: Call) -> Answer {
    accept(app, &call).await.unwrap_or_else(Problem::into_answer)
}

async fn accept(app: &App, call: &Call) -> Result<Answer, Problem> {
    let connection = &call.connection;
    if call.exceeds(RCE_BODY_LIMIT) {
        return Err(Problem::TooLarge {
            limit: RCE_BODY_LIMIT,
        });
    }
    let secrets = &connection.ringcx.webhook_secrets;
    let verified =
        authenticate(secrets, call.header(SECRET_HEADER), call.body().clone()).map_err(|error| {
            tracing::warn!(connection.id = %connection.id, %error, "webhook refused");
            Problem::Unauthorized
        })?;
    let batch = parse_batch(&verified, app.now()).map_err(|error| {
        tracing::warn!(connection.id = %connection.id, %error, "webhook unreadable");
        Problem::Malformed("a JSON object with an array \"events\" is expected".to_owned())
    })?;
    let heard = app.availability.hear(app, connection, &batch.agents).await;
    heard.map_err(unavailable)?;
    let (mut taken, mut signals) = (0, batch.signals);
    if connection.is_native() {
        signals.sort_by_key(|signal| signal.issued_at);
        for content in batch.contents {
            // An agent who came before the person wrote has it, one who went has not.
            let earlier = signals.partition_point(|signal| signal.issued_at <= content.issued_at);
            pass_on(app, connection, signals.drain(..earlier)).await?;
            let outcome = imported::take(app, connection, content)
                .await
                .map_err(unavailable)?;
            taken += usize::from(outcome == Taken::Yes);
        }
    }
    // What was not reported is looked for. Whoever reports is not kept waiting because that fails.
    if let Err(error) = work::sweep(app, connection).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "no sweep");
    }
    let queued = taken + pass_on(app, connection, signals.into_iter()).await?;
    tracing::info!(
        connection.id = %connection.id, delivery.id = batch.id, queued, ignored = batch.ignored, "webhook accepted"
    );
    if !batch.id.as_deref().is_some_and(|id| id.starts_with(OUR_OWN)) {
        health::heard(app, connection, Heard::Delivery).await;
    }
    Ok(raw(StatusCode::OK, "application/json", "{}"))
}

/// Queues what concerns somebody here; returns how many that are.
async fn pass_on(
    app: &App,
    connection: &Connection,
    signals: impl Iterator<Item = Signal>,
) -> Result<usize, Problem> {
    let mut jobs = Vec::new();
    for signal in signals {
        jobs.extend(route(app, connection, signal).await.map_err(unavailable)?);
    }
    let queued = jobs.len();
    if queued > 0 {
        app.queue.send(jobs).await.map_err(unavailable)?;
    }
    Ok(queued)
}

/// Where a signal goes; `None` if it concerns nobody here.
async fn route(
    app: &App,
    connection: &Connection,
    mut signal: Signal,
) -> Result<Option<Outgoing>, StoreError> {
    let is_native = connection.is_native();
    // Our own messages come back as imported contents; they are no news. What people say on a channel of RCE's own is
    // taken by itself.
    let is_of_native = matches!(
        signal.kind,
        SignalKind::Exported { .. } | SignalKind::AgentWrote { .. } | SignalKind::ProgramWrote { .. }
    );
    let is_echo =
        signal.kind == SignalKind::Note && signal.name.starts_with("content.") || is_of_native && !is_native;
    let is_foreign = signal
        .source
        .as_ref()
        .is_some_and(|source| !connection.ringcx.has_source(source));
    // Its repeats end after a day; what is older than we remember would count as new.
    let is_ancient =
        app.now().duration_since(signal.issued_at).as_secs() > NEWS_TAKEN_FOR.as_secs().cast_signed();
    if is_ancient {
        tracing::warn!(connection.id = %connection.id, event.id = %signal.event, "event is too old to be taken");
    }
    if is_echo || is_foreign || is_ancient {
        return Ok(None);
    }
    let settings = &connection.ringcx;
    let who_has_it = [&settings.bot_category_id, &settings.agent_category_id];
    signal.tags.retain(|category| !who_has_it.contains(&category));
    let Some(thread) = signal.thread.clone() else {
        return Ok(find_by_intervention(app, connection, signal));
    };
    let key = signal_claim(connection, &signal);
    if is_native {
        // The conversation has the thread's id; it may begin with what waits in the same group.
        let ours = ForeignThreadId::of(&ConversationId::new(thread.as_str()));
        if signal.kind.may_bring_agent() {
            agent_is_reported(app, connection, &ours, &signal).await?;
        }
        let job = app.job(&connection.id, &ours, Work::ApplyNews { signal });
        return Ok(Some(Outgoing::deduplicated(job, key)));
    }
    let job = match app.store.thread_owner(&connection.id, &thread).await? {
        Some(owner) => app.job(&connection.id, &owner, Work::ApplySignal { signal }),
        // A channel of RCE's own has many people who never come to us.
        None if !connection.relay_messages && !signal.kind.decides_who_has_it() => return Ok(None),
        None if signal.kind.matters_without_mapping() => {
            let group = ForeignThreadId::new(format!("rce-{thread}"));
            app.job(&connection.id, &group, Work::ResolveSignal { signal })
        }
        None => return Ok(None),
    };
    Ok(Some(Outgoing::deduplicated(job, key)))
}

/// Notes at once that an agent may have the conversation: the signal itself waits its turn, behind a bot that does not
/// answer maybe, and until then the bot's words wait too.
async fn agent_is_reported(
    app: &App,
    connection: &Connection,
    thread: &ForeignThreadId,
    signal: &Signal,
) -> Result<(), StoreError> {
    let key = ClaimKey::of(&connection.id, thread, signal_claim(connection, signal));
    if app.store.claimed(&key, app.now()).await?.is_some() {
        return Ok(());
    }
    for _ in 0..CONFLICT_RETRIES {
        let Some(found) = app.store.conversation(&connection.id, thread).await? else {
            return agents_were_first(app, connection, thread, signal).await;
        };
        let mut conversation = found.conversation.clone();
        conversation.agent_is_reported(signal, app.now());
        if conversation == found.conversation {
            return Ok(());
        }
        let expected = Expected::Version(found.version);
        let commit = Commit::writing(conversation, expected, &connection.timers);
        match app.store.commit(commit).await {
            Err(StoreError::Conflict) => {}
            outcome => return outcome,
        }
    }
    Err(StoreError::Conflict)
}

/// The first word of a thread may be reported later than the agent who answers it. No conversation begins with an agent: most
/// of their threads never were the bot's. It is remembered for whoever tells the first word.
async fn agents_were_first(
    app: &App,
    connection: &Connection,
    thread: &ForeignThreadId,
    signal: &Signal,
) -> Result<(), StoreError> {
    let record = serde_json::to_string(signal).map_err(|error| StoreError::Unavailable(error.into()))?;
    let claim = Claim {
        key: agents_first(connection, thread),
        holder: signal.event.to_string(),
        record,
        expires_at: app.now() + AGENTS_FIRST_FOR,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    match app.store.commit(commit).await {
        // The first report is enough.
        Ok(()) | Err(StoreError::Claimed(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Where it is remembered that RCE reported an agent in a thread before the bridge knew it.
pub fn agents_first(connection: &Connection, thread: &ForeignThreadId) -> ClaimKey {
    ClaimKey::of(&connection.id, thread, "agents-first")
}

/// RCE names no thread in the answers to a survey, only the intervention, and knows whose that is.
fn find_by_intervention(app: &App, connection: &Connection, signal: Signal) -> Option<Outgoing> {
    let intervention = signal
        .intervention
        .as_ref()
        .filter(|_| signal.kind.is_aftermath())?;
    let group = ForeignThreadId::new(format!("rce-intervention-{intervention}"));
    let key = signal_claim(connection, &signal);
    let job = app.job(&connection.id, &group, Work::ResolveSignal { signal });
    Some(Outgoing::deduplicated(job, key))
}

/// An event acts once, however often and in whatever batches RCE repeats it.
pub fn signal_claim(connection: &Connection, signal: &Signal) -> String {
    format!("event:{}:{}", connection.id, signal.event)
}

fn unavailable(error: impl std::error::Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "webhook not stored");
    Problem::Unavailable
}
