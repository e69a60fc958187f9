//! Ordered groups: only the first job of a group is `ready`, and only ready jobs are looked at. So
//! receiving costs the same whether ten jobs wait behind others or a hundred thousand.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::job::{Outgoing, QueueName};
use handover_core::ports::Receipt;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Fault;
use crate::wake::Wakes;

/// How long a repeat is recognised.
const DEDUPLICATION: Duration = Duration::from_mins(5);

/// A job as it is stored. Made by the caller, so that the writer does not spend its time on JSON.
pub(crate) struct NewJob {
    queue: QueueName,
    group: String,
    deduplication_id: String,
    job: String,
}

impl NewJob {
    pub(crate) fn all(jobs: Vec<Outgoing>) -> Result<Vec<Self>, Fault> {
        jobs.into_iter().map(Self::of).collect()
    }

    fn of(outgoing: Outgoing) -> Result<Self, Fault> {
        Ok(Self {
            queue: outgoing.job.work.queue(),
            group: outgoing.job.group(),
            job: serde_json::to_string(&outgoing.job)?,
            deduplication_id: outgoing.deduplication_id,
        })
    }
}

/// A job that was taken, as it is stored.
pub(crate) struct Taken {
    pub(crate) token: Token,
    pub(crate) attempt: u32,
    pub(crate) superseded: bool,
    pub(crate) job: String,
}

/// Adds a job unless it is a repeat.
pub(crate) fn send(conn: &Connection, job: &NewJob, now: i64, wakes: &mut Wakes) -> Result<(), Fault> {
    let mut remember = conn.prepare_cached(
        "INSERT INTO sent (queue, dedup, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?4",
    )?;
    let expires_at = after(now, DEDUPLICATION);
    let is_new = remember.execute(params![job.queue.as_str(), job.deduplication_id, expires_at, now])? > 0;
    if is_new {
        append(conn, job.queue, &job.group, &job.job, now, wakes)?;
    }
    Ok(())
}

/// Puts a job at the end of its group.
pub(crate) fn append(
    conn: &Connection,
    queue: QueueName,
    group: &str,
    job: &str,
    now: i64,
    wakes: &mut Wakes,
) -> Result<(), Fault> {
    let mut waits = conn.prepare_cached("SELECT 1 FROM jobs WHERE queue = ?1 AND grp = ?2 LIMIT 1")?;
    let ready = !waits.exists(params![queue.as_str(), group])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO jobs (queue, grp, ready, visible_at, job) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute(params![queue.as_str(), group, ready, now, job])?;
    if ready {
        wakes.add(queue);
    }
    Ok(())
}

pub(crate) fn receive(
    conn: &Connection,
    queue: QueueName,
    max: usize,
    visibility: Duration,
    now: i64,
) -> Result<Vec<Taken>, Fault> {
    let mut find = conn.prepare_cached(
        "SELECT id, turn + 1, attempts + 1, job FROM jobs
         WHERE queue = ?1 AND ready = 1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3",
    )?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let taken = find.query_map(params![queue.as_str(), now, max], |row| {
        let token = Token {
            id: row.get(0)?,
            turn: row.get(1)?,
        };
        Ok(Taken {
            token,
            attempt: row.get(2)?,
            superseded: false,
            job: row.get(3)?,
        })
    })?;
    let mut taken = taken.collect::<Result<Vec<_>, _>>()?;
    let mut take =
        conn.prepare_cached("UPDATE jobs SET visible_at = ?2, turn = ?3, attempts = ?4 WHERE id = ?1")?;
    let until = after(now, visibility);
    for Taken { token, attempt, .. } in &taken {
        take.execute(params![token.id, until, token.turn, attempt])?;
    }
    for job in taken.iter_mut().filter(|job| job.job.contains(PLACE_IN_QUEUE)) {
        job.superseded = is_superseded(conn, queue, job)?;
    }
    Ok(taken)
}

/// How a place in the queue is recognised without parsing. Inside a JSON text the quotes would be escaped.
const PLACE_IN_QUEUE: &str = r#""do":"tell_queue""#;

/// Whether a newer place in the queue waits in the same group.
fn is_superseded(conn: &Connection, queue: QueueName, job: &Taken) -> Result<bool, Fault> {
    let mut later = conn.prepare_cached(
        "SELECT 1 FROM jobs WHERE queue = ?1 AND grp = (SELECT grp FROM jobs WHERE id = ?2) AND id > ?2
             AND instr(job, ?3) > 0 LIMIT 1",
    )?;
    Ok(later.exists(params![queue.as_str(), job.token.id, PLACE_IN_QUEUE])?)
}

/// Removes a job for good and lets the next of its group come.
pub(crate) fn delete(conn: &Connection, receipt: &Receipt, wakes: &mut Wakes) -> Result<(), Fault> {
    let token = Token::of(receipt)?;
    let mut find = conn.prepare_cached("SELECT grp FROM jobs WHERE id = ?1 AND turn = ?2 AND queue = ?3")?;
    let group: Option<String> = find
        .query_row(params![token.id, token.turn, receipt.queue.as_str()], |row| {
            row.get(0)
        })
        .optional()?;
    let group = group.ok_or(Fault::Stale)?;
    conn.prepare_cached("DELETE FROM jobs WHERE id = ?1")?
        .execute([token.id])?;
    let mut next = conn.prepare_cached(
        "UPDATE jobs SET ready = 1
         WHERE id = (SELECT min(id) FROM jobs WHERE queue = ?1 AND grp = ?2)",
    )?;
    if next.execute(params![receipt.queue.as_str(), group])? > 0 {
        wakes.add(receipt.queue);
    }
    Ok(())
}

/// Gives a job back; its receipt is spent.
pub(crate) fn retry(
    conn: &Connection,
    receipt: &Receipt,
    wait: Duration,
    counts: bool,
    now: i64,
    wakes: &mut Wakes,
) -> Result<(), Fault> {
    let token = Token::of(receipt)?;
    let mut give_back = conn.prepare_cached(
        "UPDATE jobs SET visible_at = ?4, attempts = attempts - ?5, turn = turn + 1
         WHERE id = ?1 AND turn = ?2 AND queue = ?3",
    )?;
    let queue = receipt.queue.as_str();
    let visible_at = after(now, wait);
    if give_back.execute(params![token.id, token.turn, queue, visible_at, !counts])? == 0 {
        return Err(Fault::Stale);
    }
    // It may come earlier than a sleeping worker expects.
    wakes.add(receipt.queue);
    Ok(())
}

pub(crate) fn next_visible_at(conn: &Connection, queue: QueueName) -> Result<Option<Timestamp>, Fault> {
    let mut find = conn.prepare_cached(
        "SELECT visible_at FROM jobs WHERE queue = ?1 AND ready = 1 ORDER BY visible_at LIMIT 1",
    )?;
    let at: Option<i64> = find.query_row([queue.as_str()], |row| row.get(0)).optional()?;
    Ok(at.map(|at| Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)))
}

/// How many jobs a queue holds, those in work included.
pub(crate) fn count(conn: &Connection, queue: QueueName) -> Result<u64, Fault> {
    let mut count = conn.prepare_cached("SELECT count(*) FROM jobs WHERE queue = ?1")?;
    let jobs: i64 = count.query_row([queue.as_str()], |row| row.get(0))?;
    Ok(u64::try_from(jobs).unwrap_or_default())
}

/// What a receipt says: which job, and whose turn it was.
pub(crate) struct Token {
    pub(crate) id: i64,
    pub(crate) turn: i64,
}

impl Token {
    pub(crate) fn of(receipt: &Receipt) -> Result<Self, Fault> {
        let parse = || {
            let (id, turn) = receipt.token.split_once('.')?;
            Some(Self {
                id: id.parse().ok()?,
                turn: turn.parse().ok()?,
            })
        };
        parse().ok_or(Fault::Stale)
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.id, self.turn)
    }
}

fn after(now: i64, wait: Duration) -> i64 {
    now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}
