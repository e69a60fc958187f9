use handover_core::Timestamp;
use handover_core::job::{Job, QueueName};
use handover_core::ports::{DeadLetter, Receipt};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Fault;
use crate::jobs::{self, Token};
use crate::wake::Wakes;

/// Puts a received job aside and lets the next of its group come.
pub(crate) fn put_aside(
    conn: &Connection,
    receipt: &Receipt,
    reason: &str,
    now: i64,
    wakes: &mut Wakes,
) -> Result<(), Fault> {
    let token = Token::of(receipt)?;
    let mut copy = conn.prepare_cached(
        "INSERT INTO dead_letters (queue, grp, reason, attempts, at, job)
         SELECT queue, grp, ?4, attempts, ?5, job FROM jobs WHERE id = ?1 AND turn = ?2 AND queue = ?3",
    )?;
    let queue = receipt.queue.as_str();
    if copy.execute(params![token.id, token.turn, queue, reason, now])? == 0 {
        return Err(Fault::Stale);
    }
    jobs::delete(conn, receipt, wakes)
}

/// All dead letters, oldest first. One that this version cannot read is left out and stays.
pub(crate) fn all(conn: &Connection) -> Result<Vec<DeadLetter>, Fault> {
    let mut find =
        conn.prepare_cached("SELECT id, queue, reason, attempts, at, job FROM dead_letters ORDER BY id")?;
    let mut rows = find.query([])?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (Some(queue), Ok(job)) = (
            queue_named(row.get_ref(1)?.as_str().unwrap_or_default()),
            serde_json::from_str(row.get_ref(5)?.as_str().unwrap_or_default()),
        ) else {
            tracing::warn!(dead_letter = id, "cannot be read by this version");
            continue;
        };
        letters.push(DeadLetter {
            id: id.to_string(),
            queue,
            reason: row.get(2)?,
            attempts: row.get(3)?,
            at: Timestamp::from_millisecond(row.get(4)?).unwrap_or_default(),
            job,
        });
    }
    Ok(letters)
}

/// Sends a dead letter again. Its time starts anew, or it would be given up at once.
pub(crate) fn replay(conn: &Connection, id: &str, now: Timestamp, wakes: &mut Wakes) -> Result<bool, Fault> {
    let Ok(id) = id.parse::<i64>() else {
        return Ok(false);
    };
    let mut remove = conn.prepare_cached("DELETE FROM dead_letters WHERE id = ?1 RETURNING job")?;
    let stored: Option<String> = remove.query_row([id], |row| row.get(0)).optional()?;
    let Some(stored) = stored else {
        return Ok(false);
    };
    let mut job: Job = serde_json::from_str(&stored)?;
    job.accepted_at = now;
    let stored = serde_json::to_string(&job)?;
    let now = now.as_millisecond();
    jobs::append(conn, job.work.queue(), &job.group(), &stored, now, wakes)?;
    Ok(true)
}

pub(crate) fn discard(conn: &Connection, id: &str) -> Result<bool, Fault> {
    let Ok(id) = id.parse::<i64>() else {
        return Ok(false);
    };
    let mut remove = conn.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?;
    Ok(remove.execute([id])? > 0)
}

fn queue_named(name: &str) -> Option<QueueName> {
    QueueName::ALL.into_iter().find(|queue| queue.as_str() == name)
}
