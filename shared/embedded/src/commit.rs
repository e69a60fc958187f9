use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Handler};
use handover_core::ids::{ConnectionId, ForeignThreadId};
use handover_core::message::Message;
use handover_core::ports::{Claim, Commit, Expected, KEPT_MESSAGES, NEWS_KNOWN_FOR, Recorded};
use handover_core::timeline::TimelineEntry;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Fault;
use crate::jobs::{self, NewJob};
use crate::wake::Wakes;
use crate::writer::Durability;

type Key = (ConnectionId, ForeignThreadId);

/// A [`Commit`] in its stored form. Made by the caller, so that the writer does not spend its time on
/// JSON.
pub(crate) struct Prepared {
    now: i64,
    claims: Vec<Claim>,
    write: Option<Write>,
    check: Option<(Key, u64)>,
    known: Option<Key>,
    forget: Option<Key>,
    keep: Vec<(i64, String)>,
    /// Whose the messages to keep are.
    keeper: Option<Key>,
    jobs: Vec<NewJob>,
    timeline: Vec<(Key, i64, String)>,
}

struct Write {
    key: Key,
    expected: Expected,
    with_bot: bool,
    rce_thread: Option<String>,
    open_status: Option<&'static str>,
    look_at: Option<i64>,
    state: String,
}

impl Prepared {
    pub(crate) fn new(change: Commit, now: Timestamp) -> Result<Self, Fault> {
        let write = change
            .write
            .map(|(conversation, expected)| Write::of(&conversation, expected));
        let write = write.transpose()?;
        let check = change
            .check
            .map(|(connection, thread, version)| ((connection, thread), version));
        let keeper = write
            .as_ref()
            .map(|write| write.key.clone())
            .or_else(|| check.as_ref().map(|(key, _)| key.clone()));
        if keeper.is_none() && !change.keep.is_empty() {
            return Err(Fault::KeptForNobody);
        }
        Ok(Self {
            now: now.as_millisecond(),
            claims: change.claims,
            write,
            check,
            known: change.known,
            forget: change.forget_kept,
            keep: change.keep.iter().map(message_row).collect::<Result<_, _>>()?,
            keeper,
            jobs: NewJob::all(change.jobs)?,
            timeline: change
                .timeline
                .into_iter()
                .map(timeline_row)
                .collect::<Result<_, _>>()?,
        })
    }

    /// A commit that only notes what was done (lines, and claims of work that is over) need not wait for the
    /// disk: if it is lost, then so is whatever came after it, and the work is done and noted again. A claim that
    /// lasts longer than those of work is somebody's decision, which nobody would make again.
    pub(crate) fn durability(&self) -> Durability {
        let of_work = self
            .now
            .saturating_add(i64::try_from(NEWS_KNOWN_FOR.as_millis()).unwrap_or(i64::MAX));
        let only_notes = self.write.is_none()
            && self.forget.is_none()
            && self.keep.is_empty()
            && self.jobs.is_empty()
            && self
                .claims
                .iter()
                .all(|claim| claim.expires_at.as_millisecond() <= of_work);
        if only_notes {
            Durability::Relaxed
        } else {
            Durability::Synced
        }
    }

    /// Does it all, or fails; the writer undoes what was done before a failure.
    ///
    /// It looks at everything before it writes anything, which makes a refusal cheap.
    pub(crate) fn apply(&self, conn: &Connection, wakes: &mut Wakes) -> Result<(), Fault> {
        if let Some(key) = &self.known
            && version(conn, key)?.is_none()
        {
            return Ok(());
        }
        for claim in &self.claims {
            expect_claimable(conn, claim, self.now)?;
        }
        if let Some((key, version)) = &self.check {
            expect(conn, key, Expected::Version(*version))?;
        }
        if let Some(write) = &self.write {
            expect(conn, &write.key, write.expected)?;
        }
        for claim in &self.claims {
            make_claim(conn, claim, self.now)?;
        }
        if let Some(write) = &self.write {
            write.apply(conn, self.now)?;
        }
        if let Some(key) = &self.forget {
            forget(conn, key)?;
        }
        if let Some(key) = &self.keeper {
            keep(conn, key, &self.keep)?;
        }
        for (key, at, entry) in &self.timeline {
            conn.prepare_cached(
                "INSERT INTO timeline (connection, thread, at, entry) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![key.0.as_str(), key.1.as_str(), at, entry])?;
        }
        for job in &self.jobs {
            jobs::send(conn, job, self.now, wakes)?;
        }
        Ok(())
    }
}

impl Write {
    fn of(conversation: &Conversation, expected: Expected) -> Result<Self, Fault> {
        Ok(Self {
            key: (conversation.connection.clone(), conversation.thread.clone()),
            expected,
            with_bot: conversation.handler() == Handler::Bot,
            rce_thread: conversation.rce_thread.as_ref().map(ToString::to_string),
            open_status: open_status(conversation),
            look_at: conversation.look_at.map(Timestamp::as_millisecond),
            state: serde_json::to_string(conversation)?,
        })
    }

    fn apply(&self, conn: &Connection, now: i64) -> Result<(), Fault> {
        let (connection, thread) = (self.key.0.as_str(), self.key.1.as_str());
        let written = match self.expected {
            Expected::New => conn
                .prepare_cached(
                    "INSERT INTO conversations
                         (connection, thread, version, with_bot, changed_at, rce_thread, rce_turn, look_at,
                          state, open_status)
                     VALUES (?1, ?2, 1, ?3, ?4, ?5,
                         CASE WHEN ?5 IS NOT NULL THEN (SELECT coalesce(max(rce_turn), 0) + 1
                             FROM conversations WHERE connection = ?1 AND rce_thread = ?5) END, ?6, ?7, ?8)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    connection,
                    thread,
                    self.with_bot,
                    now,
                    self.rce_thread,
                    self.look_at,
                    self.state,
                    self.open_status
                ])?,
            Expected::Version(version) => conn
                .prepare_cached(
                    "UPDATE conversations SET version = version + 1, with_bot = ?3, changed_at = ?4,
                         rce_thread = ?5,
                         rce_turn = CASE
                             WHEN rce_thread IS ?5 THEN rce_turn
                             WHEN ?5 IS NOT NULL THEN (SELECT coalesce(max(rce_turn), 0) + 1
                                 FROM conversations WHERE connection = ?1 AND rce_thread = ?5) END,
                         look_at = ?6, state = ?7, open_status = ?9
                     WHERE connection = ?1 AND thread = ?2 AND version = ?8",
                )?
                .execute(params![
                    connection,
                    thread,
                    self.with_bot,
                    now,
                    self.rce_thread,
                    self.look_at,
                    self.state,
                    stored(version),
                    self.open_status
                ])?,
        };
        if written == 0 {
            Err(Fault::Conflict)
        } else {
            Ok(())
        }
    }
}

/// The status of a handover that is under way.
fn open_status(conversation: &Conversation) -> Option<&'static str> {
    let with_agents = conversation.handler() == Handler::Agent;
    let handover = conversation.handover.as_ref();
    let open = handover.filter(|handover| with_agents && !handover.status.is_over());
    open.map(|handover| handover.status.as_str())
}

/// A claim must be free, expired or held by the same holder.
fn expect_claimable(conn: &Connection, claim: &Claim, now: i64) -> Result<(), Fault> {
    match recorded(conn, &claim.key.name, now)? {
        Some(recorded) if recorded.holder != claim.holder => Err(Fault::Claimed(recorded)),
        _ => Ok(()),
    }
}

/// Makes a claim; its holder may make it again and change what is recorded with it.
fn make_claim(conn: &Connection, claim: &Claim, now: i64) -> Result<(), Fault> {
    let mut make = conn.prepare_cached(
        "INSERT INTO ledger (key, holder, record, expires_at, owner) VALUES (?1, ?2, ?3, ?4, ?6)
         ON CONFLICT DO UPDATE SET
             owner = excluded.owner, holder = excluded.holder, record = excluded.record, expires_at = excluded.expires_at
         WHERE expires_at <= ?5 OR holder = excluded.holder",
    )?;
    let expires_at = claim.expires_at.as_millisecond();
    let owner = claim.key.conversation.as_ref();
    let owner = owner.map(|(connection, thread)| format!("{connection}/{thread}"));
    let row = params![claim.key.name, claim.holder, claim.record, expires_at, now, owner];
    if make.execute(row)? == 0 {
        // Two claims of one commit contradict each other.
        expect_claimable(conn, claim, now)?;
    }
    Ok(())
}

/// What is recorded under a claim.
pub(crate) fn recorded(conn: &Connection, key: &str, now: i64) -> Result<Option<Recorded>, Fault> {
    let mut find =
        conn.prepare_cached("SELECT holder, record FROM ledger WHERE key = ?1 AND expires_at > ?2")?;
    let recorded = find.query_row(params![key, now], |row| {
        Ok(Recorded {
            holder: row.get(0)?,
            record: row.get(1)?,
        })
    });
    Ok(recorded.optional()?)
}

fn version(conn: &Connection, (connection, thread): &Key) -> Result<Option<i64>, Fault> {
    let mut find =
        conn.prepare_cached("SELECT version FROM conversations WHERE connection = ?1 AND thread = ?2")?;
    let found = find.query_row(params![connection.as_str(), thread.as_str()], |row| row.get(0));
    Ok(found.optional()?)
}

fn expect(conn: &Connection, key: &Key, expected: Expected) -> Result<(), Fault> {
    let found = version(conn, key)?;
    let expected = match expected {
        Expected::New => None,
        Expected::Version(version) => Some(stored(version)),
    };
    if found == expected {
        Ok(())
    } else {
        Err(Fault::Conflict)
    }
}

fn forget(conn: &Connection, (connection, thread): &Key) -> Result<(), Fault> {
    conn.prepare_cached("DELETE FROM kept_messages WHERE connection = ?1 AND thread = ?2")?
        .execute(params![connection.as_str(), thread.as_str()])?;
    Ok(())
}

fn keep(conn: &Connection, (connection, thread): &Key, messages: &[(i64, String)]) -> Result<(), Fault> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut add = conn.prepare_cached(
        "INSERT INTO kept_messages (connection, thread, sent_at, message) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (sent_at, message) in messages {
        add.execute(params![connection.as_str(), thread.as_str(), sent_at, message])?;
    }
    let mut trim = conn.prepare_cached(
        "DELETE FROM kept_messages WHERE connection = ?1 AND thread = ?2 AND n <= (
             SELECT n FROM kept_messages WHERE connection = ?1 AND thread = ?2
             ORDER BY n DESC LIMIT 1 OFFSET ?3)",
    )?;
    let most = i64::try_from(KEPT_MESSAGES).unwrap_or(i64::MAX);
    trim.execute(params![connection.as_str(), thread.as_str(), most])?;
    Ok(())
}

fn message_row(message: &Message) -> Result<(i64, String), Fault> {
    Ok((message.sent_at.as_millisecond(), serde_json::to_string(message)?))
}

fn timeline_row(
    (connection, thread, entry): (ConnectionId, ForeignThreadId, TimelineEntry),
) -> Result<(Key, i64, String), Fault> {
    let json = serde_json::to_string(&entry)?;
    Ok(((connection, thread), entry.at.as_millisecond(), json))
}

/// SQLite's integers are signed. A version that does not fit is one that was never given out.
fn stored(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use handover_core::ports::ClaimKey;

    use super::*;

    #[test]
    fn somebodys_decision_waits_for_the_disk_and_a_note_does_not() {
        let now = Timestamp::UNIX_EPOCH;
        let is_synced = |lasts: Duration| {
            let claim = Claim {
                key: ClaimKey::apart("switch"),
                holder: "operator".to_owned(),
                record: String::new(),
                expires_at: now + lasts,
            };
            let commit = Commit {
                claims: vec![claim],
                ..Commit::default()
            };
            let prepared = Prepared::new(commit, now).unwrap_or_else(|_| panic!("it can be stored"));
            matches!(prepared.durability(), Durability::Synced)
        };
        assert!(!is_synced(NEWS_KNOWN_FOR), "a claim of work");
        assert!(is_synced(NEWS_KNOWN_FOR + Duration::from_millis(1)));
    }
}
