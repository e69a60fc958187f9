use std::time::Duration;

use handover_core::ports::KEPT_FOR;
use rusqlite::{Connection, params};

use crate::error::Fault;
use crate::writer::{Durability, Writer};

/// Rows per table and transaction, so that others wait a few milliseconds at most.
const ROWS: usize = 500;
/// Transactions per sweep; what is left is for the next one.
const ROUNDS: usize = 400;
/// A conversation that is with the bot and had no change for so long is over.
const IDLE: Duration = Duration::from_hours(30 * 24);

/// As on AWS. They hold what people wrote, and nobody has mended their cause for so long.
const DEAD_LETTERS_KEPT: Duration = Duration::from_hours(90 * 24);

/// Each takes the time until which something is too old, and how many rows may go. Timelines go before
/// conversations, which stay while they have one.
const SWEEPS: [(&str, Duration); 6] = [
    (
        "DELETE FROM ledger WHERE key IN (SELECT key FROM ledger WHERE expires_at <= ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM sent WHERE (queue, dedup) IN
             (SELECT queue, dedup FROM sent WHERE expires_at <= ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE at <= ?1 ORDER BY id LIMIT ?2)",
        DEAD_LETTERS_KEPT,
    ),
    (
        "DELETE FROM kept_messages WHERE n IN (SELECT n FROM kept_messages WHERE sent_at <= ?1 LIMIT ?2)",
        KEPT_FOR,
    ),
    (
        "DELETE FROM timeline WHERE n IN (
             SELECT n FROM timeline AS entry WHERE at <= ?1 AND NOT EXISTS (
                 SELECT 1 FROM conversations AS c WHERE c.connection = entry.connection
                     AND c.thread = entry.thread AND NOT c.with_bot)
             LIMIT ?2)",
        KEPT_FOR,
    ),
    (
        "DELETE FROM conversations WHERE rowid IN (
             SELECT rowid FROM conversations AS c WHERE changed_at <= ?1 AND with_bot
                 AND NOT EXISTS (SELECT 1 FROM timeline AS entry
                     WHERE entry.connection = c.connection AND entry.thread = c.thread)
                 AND NOT EXISTS (SELECT 1 FROM kept_messages AS kept
                     WHERE kept.connection = c.connection AND kept.thread = c.thread)
             LIMIT ?2)",
        IDLE,
    ),
];

/// Removes what has expired, in small transactions between which others have their turn.
pub(crate) async fn sweep(writer: &Writer, now: i64) -> Result<(), Fault> {
    for _ in 0..ROUNDS {
        let round = writer.run(Durability::Relaxed, move |conn, _| round(conn, now));
        if round.await? < ROWS {
            return Ok(());
        }
    }
    tracing::debug!("there is more to sweep than one sweep may do");
    Ok(())
}

/// The most rows that went from one table.
fn round(conn: &Connection, now: i64) -> Result<usize, Fault> {
    let mut most = 0;
    for (sql, age) in SWEEPS {
        let until = now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let rows = i64::try_from(ROWS).unwrap_or(i64::MAX);
        most = most.max(conn.prepare_cached(sql)?.execute(params![until, rows])?);
    }
    Ok(most)
}
