//! What was said on a channel of RCE's own and not reported: webhooks may be lost for good.
//!
//! Once a minute RCE is asked for what came in last on each source; whatever is unknown is taken as if it had been
//! reported. What came before the bridge first looked is none of its business: agents know that.
//!
//! RCE is read back to the last sweep that came to its end. A sweep that does not come there (the budget, the limit of
//! pages) takes what it read, and the next one goes on behind that.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::{ForeignThreadId, SourceId, ThreadId};
use handover_core::imported::{Authorship, Imported};
use handover_core::job::{Outgoing, Work};
use handover_core::ports::{Claim, ClaimKey, Commit, Content, RingCxError, StoreError, Urgency};
use handover_core::retry::Disposition;
use handover_core::settings::Connection;
use jiff::SignedDuration;

use super::Task;
use super::outcome::Step;
use crate::App;
use crate::imported::{self, Taken, content_claim};

/// How often a source is swept.
const EVERY: Duration = Duration::from_mins(1);
/// How long RCE's own report has precedence.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_secs(15);
/// How far a sweep looks back behind the one before: RCE's search may lag, and its clock may be another.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// What is older was not overheard but missed, for instance while nothing ran: agents have seen it.
const MISSED: SignedDuration = SignedDuration::from_hours(6);
/// Most pages that one sweep reads: a job has a minute.
const PAGES_MAX: usize = 10;
/// How many contents of a page are read again with the next one: what is removed in between moves the others up.
const SEAM: usize = 10;
/// How many of the last words in a thread are looked at before it is archived.
const LEFT_AT_MOST: usize = 50;
/// How long it is remembered when a source was swept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Sends somebody to sweep the sources of a connection, if their time has come. Whoever hears of the connection may ask
/// for it; too often is dropped.
pub(crate) async fn dispatch(app: &App, connection: &Connection) -> Result<(), StoreError> {
    if !connection.is_native() {
        return Ok(());
    }
    let now = app.now();
    let turn = now.as_second().div_euclid(EVERY.as_secs().cast_signed());
    let key = ClaimKey::apart(format!("sweep:{}:{turn}", connection.id));
    if app.store.claimed(&key, now).await?.is_some() {
        return Ok(());
    }
    let sweep = |source: &SourceId| {
        let group = ForeignThreadId::new(format!("sweep-{source}"));
        let source = source.clone();
        let once = format!("sweep:{}:{source}:{turn}", connection.id);
        let job = app.job(&connection.id, &group, Work::SweepSource { source });
        Outgoing::deduplicated(job, once)
    };
    let jobs: Vec<Outgoing> = connection.ringcx.sources().map(sweep).collect();
    app.queue
        .send(jobs)
        .await
        .map_err(|error| StoreError::Unavailable(error.into()))?;
    let claim = Claim {
        key,
        holder: "sweep".to_owned(),
        record: String::new(),
        expires_at: now + 2 * EVERY,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    app.store.commit(commit).await
}

pub(super) async fn sweep(task: &Task<'_>, source: &SourceId) -> Result<Step, StoreError> {
    let (app, connection, now) = (task.app, &task.connection, task.app.now());
    if !connection.ringcx.has_source(source) {
        return Ok(Step::Done);
    }
    let key = swept_key(connection, source);
    let known = app.store.claimed(&key, now).await?;
    let swept = known.and_then(|known| Swept::read(&known.record));
    let swept = swept.unwrap_or_else(|| Swept::begins(now));
    let since = swept.first.max(swept.last - OVERLAP).max(now - MISSED);
    let (contents, swept) = read(task, source, swept, since).await;
    let missed: Vec<Imported> = contents
        .into_iter()
        .filter(is_customers)
        .map(|content| content.imported)
        .filter(|content| content.source == *source)
        .filter(|content| content.issued_at >= since && content.issued_at <= now - REPORTED_WITHIN)
        .collect();
    take_all(task, missed).await?;
    remember(task, key, swept).await?;
    Ok(Step::Done)
}

/// The same for one thread, which is about to be archived: that ignores all that is in it, and a sweep afterwards could not
/// tell what nobody was told of from what a rule ignores.
pub(super) async fn before_archiving(
    task: &Task<'_>,
    thread: &ThreadId,
) -> Result<Result<(), RingCxError>, StoreError> {
    let (app, connection, now) = (task.app, &task.connection, task.app.now());
    let read = app
        .ringcx
        .newest_contents(connection, thread, LEFT_AT_MOST, Urgency::Soon)
        .await;
    let contents = match read {
        Ok(contents) => contents,
        Err(error) if error.disposition() == Disposition::Reject => return Ok(Ok(())),
        Err(error) => return Ok(Err(error)),
    };
    let mut missed = Vec::new();
    for content in contents.into_iter().filter(is_customers) {
        let key = swept_key(connection, &content.imported.source);
        let known = app.store.claimed(&key, now).await?;
        let swept = known.and_then(|known| Swept::read(&known.record));
        if swept.is_some_and(|swept| content.imported.issued_at >= swept.first) {
            missed.push(content.imported);
        }
    }
    take_all(task, missed).await?;
    Ok(Ok(()))
}

fn is_customers(content: &Content) -> bool {
    content.creator.is_none() && content.imported.authorship == Authorship::Customer
}

fn swept_key(connection: &Connection, source: &SourceId) -> ClaimKey {
    ClaimKey::apart(format!("swept:{}:{source}", connection.id))
}

/// Takes what is unknown as if it had been reported. They come newest first, and RCE dates them in whole seconds.
async fn take_all(task: &Task<'_>, mut missed: Vec<Imported>) -> Result<(), StoreError> {
    let (app, connection, now) = (task.app, &task.connection, task.app.now());
    missed.reverse();
    missed.sort_by_key(|content| content.issued_at);
    for content in missed {
        let known = app
            .store
            .claimed(&content_claim(connection, &content.content), now)
            .await?;
        // What is known is told again only if it was taken back; that is reported by nothing else. What somebody attends to
        // needs no bot.
        let is_news = match &known {
            Some(_) => content.deleted,
            None => !content.attended && !content.deleted,
        };
        if !is_news {
            continue;
        }
        let id = content.content.clone();
        if imported::take(app, connection, content).await? == Taken::Yes && known.is_none() {
            tracing::warn!(
                connection.id = %connection.id, content.id = %id,
                "a customer's message was not reported by RingCX; is its webhook active?"
            );
        }
    }
    Ok(())
}

/// Reads the source back to `since`, or on from where the sweep before had to stop, and says how far that came.
async fn read(task: &Task<'_>, source: &SourceId, swept: Swept, since: Timestamp) -> (Vec<Content>, Swept) {
    let (app, connection) = (task.app, &task.connection);
    // What comes in meanwhile moves the rest down, so nothing is passed over.
    let mut rest = swept.rest.unwrap_or(Rest {
        offset: 0,
        began: app.now(),
    });
    let finished = Swept {
        last: rest.began,
        rest: None,
        ..swept
    };
    let mut contents = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = match app.ringcx.recent_contents(connection, source, rest.offset).await {
            Ok(page) => page,
            // RCE may not list without end; asking again shows no more.
            Err(error) if rest.offset > 0 && error.disposition() == Disposition::Reject => {
                tracing::warn!(
                    connection.id = %connection.id, source.id = %source, offset = rest.offset,
                    error = &error as &dyn std::error::Error,
                    "a source could not be swept to the end"
                );
                return (contents, finished);
            }
            Err(error) => {
                tracing::debug!(
                    connection.id = %connection.id, source.id = %source, offset = rest.offset,
                    error = &error as &dyn std::error::Error,
                    "a source could not be swept"
                );
                return (contents, swept.up_to(rest));
            }
        };
        let is_behind = page
            .contents
            .iter()
            .any(|content| content.imported.issued_at < since);
        contents.extend(page.contents);
        let step = page.listed.saturating_sub(SEAM);
        if is_behind || step == 0 {
            return (contents, finished);
        }
        rest.offset += step;
    }
    tracing::warn!(
        connection.id = %connection.id, source.id = %source, pages = PAGES_MAX,
        "a source has more to sweep than one sweep reads; the next one goes on"
    );
    (contents, swept.up_to(rest))
}

async fn remember(task: &Task<'_>, key: ClaimKey, swept: Swept) -> Result<(), StoreError> {
    let claim = Claim {
        key,
        holder: "sweep".to_owned(),
        record: swept.record(),
        expires_at: task.app.now() + KEPT,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    task.app.store.commit(commit).await
}

/// How far a source was swept.
#[derive(Clone, Copy)]
struct Swept {
    /// When that began.
    first: Timestamp,
    /// When the last sweep began that came to its end.
    last: Timestamp,
    /// What the sweeps since then left to the next one.
    rest: Option<Rest>,
}

#[derive(Clone, Copy)]
struct Rest {
    /// How many of the newest contents were read.
    offset: usize,
    /// When the first of them were.
    began: Timestamp,
}

impl Swept {
    /// RCE dates contents in whole seconds.
    fn begins(now: Timestamp) -> Self {
        let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self {
            first: second,
            last: second,
            rest: None,
        }
    }

    fn up_to(self, rest: Rest) -> Self {
        let rest = (rest.offset > 0).then_some(rest);
        Self { rest, ..self }
    }

    fn read(record: &str) -> Option<Self> {
        let mut members = record.split(' ');
        let mut time = || Timestamp::from_millisecond(members.next()?.parse().ok()?).ok();
        let (first, last) = (time()?, time()?);
        let rest = time().zip(members.next().and_then(|offset| offset.parse().ok()));
        Some(Self {
            first,
            last,
            rest: rest.map(|(began, offset)| Rest { offset, began }),
        })
    }

    fn record(&self) -> String {
        let times = format!("{} {}", self.first.as_millisecond(), self.last.as_millisecond());
        match self.rest {
            Some(Rest { offset, began }) => format!("{times} {} {offset}", began.as_millisecond()),
            None => times,
        }
    }
}
