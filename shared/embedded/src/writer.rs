use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use crate::error::Fault;
use crate::threads::Threads;
use crate::wake::{Wakers, Wakes};

/// Most requests that share one transaction. More would only make the first of them wait longer.
const BATCH: usize = 256;

/// What may be lost when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing: the answer waits until the disk has it.
    Synced,
    /// Bookkeeping: losing it means that a job is delivered once more, which may happen anyway, or that a
    /// timeline lacks a line about it. A crash of the process alone loses nothing.
    Relaxed,
}

impl Durability {
    fn pragma(self) -> &'static str {
        match self {
            Self::Synced => "PRAGMA synchronous = FULL",
            Self::Relaxed => "PRAGMA synchronous = NORMAL",
        }
    }
}

/// The one thread that writes.
///
/// Syncing the disk is what costs, so all requests that came in meanwhile share the next transaction
/// and its sync. One that fails takes nothing else with it: see [`Mode`].
pub(crate) struct Writer {
    threads: Threads<Box<dyn Task>>,
}

impl Writer {
    pub(crate) fn start(conn: Connection, wakers: Arc<Wakers>) -> io::Result<Self> {
        let (inbox, tasks) = mpsc::channel();
        let mut threads = Threads::new(inbox);
        threads.spawn("bridge-writer", move || serve(&conn, &tasks, &wakers))?;
        Ok(Self { threads })
    }

    /// Runs `work` in a transaction; returns when that is committed. Work whose caller has gone before its
    /// turn is left out.
    pub(crate) async fn run<T, F>(&self, durability: Durability, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Fn(&Connection, &mut Wakes) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.threads.give(Box::new(Request {
            durability,
            work,
            outcome: Err(Fault::Stopped),
            reply,
        }))?;
        answer.await.unwrap_or(Err(Fault::Stopped))
    }
}

/// A [`Request`] without its types.
trait Task: Send {
    fn durability(&self) -> Durability;
    /// Whether what it did shall stay. May be called again after it was undone.
    fn run(&mut self, conn: &Connection, wakes: &mut Wakes) -> bool;
    fn answer(self: Box<Self>, lost: Option<&Arc<rusqlite::Error>>);
}

struct Request<T, F> {
    durability: Durability,
    work: F,
    outcome: Result<T, Fault>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> Task for Request<T, F>
where
    T: Send,
    F: Fn(&Connection, &mut Wakes) -> Result<T, Fault> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, conn: &Connection, wakes: &mut Wakes) -> bool {
        if self.reply.is_closed() {
            return false;
        }
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(conn, wakes)));
        self.outcome = result.unwrap_or(Err(Fault::Panicked));
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, lost: Option<&Arc<rusqlite::Error>>) {
        let answer = match lost {
            Some(error) => Err(Fault::Lost(Arc::clone(error))),
            None => self.outcome,
        };
        // Whoever does not wait any more does not want to know.
        let _ = self.reply.send(answer);
    }
}

/// How the requests of a transaction are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Not at all, in the hope that none fails after it has written something. Most check first.
    Hopeful,
    /// Each has a savepoint, which costs a copy of every page that it touches.
    Careful,
}

/// How a transaction went that did not fail as a whole.
enum Done {
    Committed(Wakes),
    /// Nothing happened: a request failed after it had written something.
    NeedsCare,
}

fn serve(conn: &Connection, tasks: &Receiver<Box<dyn Task>>, wakers: &Wakers) {
    let mut current = None;
    while let Ok(first) = tasks.recv() {
        let mut batch = vec![first];
        batch.extend(tasks.try_iter().take(BATCH - 1));
        let lost = match carry_out(conn, &mut batch, &mut current) {
            Ok(news) => {
                wakers.wake(news);
                None
            }
            Err(error) => {
                tracing::warn!(%error, requests = batch.len(), "a transaction was lost");
                Some(Arc::new(error))
            }
        };
        for task in batch {
            task.answer(lost.as_ref());
        }
    }
}

fn carry_out(
    conn: &Connection,
    batch: &mut [Box<dyn Task>],
    current: &mut Option<Durability>,
) -> rusqlite::Result<Wakes> {
    let synced = batch.iter().any(|task| task.durability() == Durability::Synced);
    let wanted = if synced {
        Durability::Synced
    } else {
        Durability::Relaxed
    };
    if *current != Some(wanted) {
        // A later sync includes all that was written without one before.
        run(conn, wanted.pragma())?;
        *current = Some(wanted);
    }
    for mode in [Mode::Hopeful, Mode::Careful] {
        match transaction(conn, batch, mode) {
            Ok(Done::Committed(news)) => return Ok(news),
            Ok(Done::NeedsCare) => run(conn, "ROLLBACK")?,
            Err(error) => {
                if !conn.is_autocommit() {
                    run(conn, "ROLLBACK")?;
                }
                return Err(error);
            }
        }
    }
    Err(rolled_back())
}

fn transaction(conn: &Connection, batch: &mut [Box<dyn Task>], mode: Mode) -> rusqlite::Result<Done> {
    run(conn, "BEGIN IMMEDIATE")?;
    let mut news = Wakes::default();
    for task in batch {
        if mode == Mode::Careful {
            run(conn, "SAVEPOINT request")?;
        }
        let changes = conn.total_changes();
        let mut its_news = Wakes::default();
        let stays = task.run(conn, &mut its_news);
        if conn.is_autocommit() {
            // Some errors (a full disk) end the whole transaction.
            return Err(rolled_back());
        }
        if stays {
            news.merge(its_news);
        } else if mode == Mode::Careful {
            run(conn, "ROLLBACK TO request")?;
        } else if conn.total_changes() != changes {
            return Ok(Done::NeedsCare);
        }
        if mode == Mode::Careful {
            run(conn, "RELEASE request")?;
        }
    }
    run(conn, "COMMIT")?;
    Ok(Done::Committed(news))
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

fn rolled_back() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK), None)
}
