//! How many of what there is. Every count reads an index only, so that somebody may ask each second.

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::job::{Job, QueueName};
use handover_core::ports::StoreError;
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::error::Fault;
use crate::open::Embedded;

/// Open handovers. Walks the index of those alone.
const OPEN: &str = "SELECT connection, open_status, count(*) FROM conversations WHERE open_status IS NOT NULL
     GROUP BY connection, open_status";
/// Dead letters. Their groups begin with the connection (`Job::group`).
const DEAD: &str =
    "SELECT substr(grp, 1, instr(grp, '/') - 1), queue, count(*) FROM dead_letters GROUP BY 1, 2";
/// Jobs, and the first of each queue. Walks the index of what waits; in a calm hour, nothing.
const WAITING: &str = "SELECT count(*), min(id) FROM jobs WHERE queue = ?1";

/// How things stand.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Handovers under way: connection, status, how many.
    pub handovers: Vec<(ConnectionId, String, u64)>,
    pub queues: Vec<QueueStanding>,
    /// Connection, queue, how many.
    pub dead_letters: Vec<(ConnectionId, String, u64)>,
    /// Of the database and its log.
    pub bytes: u64,
}

/// One queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueStanding {
    pub queue: QueueName,
    /// In hand or not.
    pub waiting: u64,
    /// When the first of them was accepted.
    pub oldest: Option<Timestamp>,
}

impl Embedded {
    /// How many handovers are open, jobs wait and dead letters lie there, and how large the file is.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let mut standing = self.readers().run(look).await?;
        standing.bytes = self
            .files()
            .iter()
            .filter_map(|file| file.metadata().ok())
            .map(|is| is.len())
            .sum();
        Ok(standing)
    }
}

fn look(conn: &Connection) -> Result<Standing, Fault> {
    let mut queues = Vec::new();
    for queue in QueueName::ALL {
        let mut count = conn.prepare_cached(WAITING)?;
        let (waiting, first): (i64, Option<i64>) =
            count.query_row([queue.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let oldest = match first {
            None => None,
            Some(first) => accepted_at(conn, first)?,
        };
        let waiting = u64::try_from(waiting).unwrap_or_default();
        queues.push(QueueStanding {
            queue,
            waiting,
            oldest,
        });
    }
    Ok(Standing {
        handovers: counts(conn, OPEN)?,
        queues,
        dead_letters: counts(conn, DEAD)?,
        bytes: 0,
    })
}

/// `None`: it is gone by now, or written by a newer version.
fn accepted_at(conn: &Connection, job: i64) -> Result<Option<Timestamp>, Fault> {
    let mut find = conn.prepare_cached("SELECT job FROM jobs WHERE id = ?1")?;
    let job: Option<String> = find.query_row([job], |row| row.get(0)).optional()?;
    Ok(job.and_then(|job| Some(serde_json::from_str::<Job>(&job).ok()?.accepted_at)))
}

fn counts(conn: &Connection, sql: &str) -> Result<Vec<(ConnectionId, String, u64)>, Fault> {
    let mut count = conn.prepare_cached(sql)?;
    let row = |row: &Row<'_>| {
        let of: Option<String> = row.get(0)?;
        let count: i64 = row.get(2)?;
        let count = u64::try_from(count).unwrap_or_default();
        Ok((ConnectionId::new(of.unwrap_or_default()), row.get(1)?, count))
    };
    Ok(count.query_map([], row)?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn handovers_of_an_older_file_are_counted() {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn, &schema::STEPS[..2]).unwrap();
        for (thread, control) in [
            ("a", "queued"),
            ("b", "queued"),
            ("c", "active"),
            ("d", "bot"),
            ("e", "ended"),
        ] {
            conn.execute(
                "INSERT INTO conversations (connection, thread, version, with_bot, changed_at, state)
                 VALUES ('acme', ?1, 1, 0, 0, json_object('control', ?2))",
                [thread, control],
            )
            .unwrap();
        }
        schema::migrate(&mut conn, schema::STEPS).unwrap();
        let counted = look(&conn).unwrap().handovers;
        let acme = ConnectionId::new("acme");
        assert_eq!(
            counted,
            [
                (acme.clone(), "active".to_owned(), 1),
                (acme, "queued".to_owned(), 2)
            ]
        );
    }

    #[test]
    fn nothing_but_indexes_is_read() {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn, schema::STEPS).unwrap();
        for (sql, index) in [
            (OPEN, "USING COVERING INDEX conversations_open"),
            (DEAD, "USING COVERING INDEX dead_letters_by_group"),
            (WAITING, "USING COVERING INDEX jobs_by_group (queue=?)"),
        ] {
            let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec!["to-bot"; plan.parameter_count()];
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(
                steps[0].contains(index) && !steps.iter().skip(1).any(|step| step.contains("SCAN")),
                "{sql}: {steps:?}"
            );
        }
    }
}
