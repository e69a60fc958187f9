use rusqlite::{Connection, params};

use crate::error::Fault;

/// The claims of a conversation, with their stored answers. Looks at all claims: an index for it would cost every commit.
pub(crate) fn claims_of(conn: &Connection, owner: &str) -> Result<Vec<String>, Fault> {
    let mut find = conn.prepare_cached("SELECT key FROM ledger WHERE owner = ?1")?;
    let keys = find.query_map([owner], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Removes a conversation and everything that is kept with it. `false`: there was nothing.
///
/// Its place in the file is free, not overwritten, as with everything that was deleted before in the course of the work.
pub(crate) fn conversation(
    conn: &Connection,
    connection: &str,
    thread: &str,
    claims: &[String],
) -> Result<bool, Fault> {
    let mut gone = 0;
    for sql in [
        "DELETE FROM timeline WHERE connection = ?1 AND thread = ?2",
        "DELETE FROM kept_messages WHERE connection = ?1 AND thread = ?2",
        "DELETE FROM conversations WHERE connection = ?1 AND thread = ?2",
    ] {
        gone += conn.prepare_cached(sql)?.execute(params![connection, thread])?;
    }
    for key in claims {
        gone += conn
            .prepare_cached("DELETE FROM ledger WHERE key = ?1")?
            .execute([key])?;
    }
    Ok(gone > 0)
}

/// Removes the jobs and dead letters of a conversation; how many there were.
pub(crate) fn jobs(conn: &Connection, owner: &str) -> Result<usize, Fault> {
    let mut gone = 0;
    for sql in [
        // Subscribers and housekeeping have groups of their own below it.
        "DELETE FROM jobs WHERE grp = ?1 OR (grp > ?1 || '/' AND grp < ?1 || '0')",
        "DELETE FROM dead_letters WHERE grp = ?1 OR (grp > ?1 || '/' AND grp < ?1 || '0')",
    ] {
        gone += conn.prepare_cached(sql)?.execute([owner])?;
    }
    Ok(gone)
}
