use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use handover_core::Timestamp;
use handover_core::job::QueueName;
use handover_core::ports::{Clock, QueueError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::OpenError;
use crate::jobs;
use crate::readers::Readers;
use crate::schema::{self, Found};
use crate::wake::Wakers;
use crate::writer::Writer;

const DATABASE: &str = "bridge.sqlite";
const LOCK: &str = "bridge.lock";
/// How long one process waits while another one writes.
const PATIENCE: Duration = Duration::from_secs(5);
const READERS: usize = 2;
/// Page caches, in KiB: 12 MiB in all.
const WRITER_CACHE: i64 = 8 * 1024;
const READER_CACHE: i64 = 2 * 1024;
/// Pages (of 4 KiB) in the log before they go into the file itself.
const CHECKPOINT_PAGES: i64 = 4_000;
/// The log file shrinks to this after a burst.
const LOG_BYTES: i64 = 64 * 1024 * 1024;
/// Enough for every statement of this crate.
const STATEMENTS: usize = 64;

/// Store and queue in one SQLite file. A cheap handle; clones share everything.
#[derive(Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

struct Inner {
    // Before the writer: the last to close the file puts the log into it.
    readers: Readers,
    writer: Writer,
    wakers: Arc<Wakers>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
}

/// The right to be the only server on a data directory. Ends when it is dropped, or the process dies.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl Embedded {
    /// Opens the data in `dir`; creates or converts it as needed. Blocks; call it while starting up.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        create_dir(dir).map_err(|source| directory(dir, source))?;
        let file = dir.join(DATABASE);
        let mut conn = connect(&file, OpenFlags::SQLITE_OPEN_CREATE)?;
        let known = known_version();
        match inspect(&conn, &file)? {
            Found::Version(version) if version == known => {}
            Found::Version(version) => {
                // Only while no server works with the older schema.
                let _lock = lock(dir)?;
                tracing::info!(from = version, to = known, "converting the database");
                schema::migrate(&mut conn, schema::STEPS).map_err(|source| database(&file, source))?;
            }
            Found::Nothing | Found::SomethingElse => {
                schema::migrate(&mut conn, schema::STEPS).map_err(|source| database(&file, source))?;
            }
        }
        Self::start(dir, &file, conn, clock)
    }

    /// Opens data that a server has created, also while it runs. Changes nothing about the schema.
    pub fn open_existing(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let file = dir.join(DATABASE);
        if !file.is_file() {
            return Err(OpenError::NoData { dir: dir.to_owned() });
        }
        let conn = connect(&file, OpenFlags::empty())?;
        match inspect(&conn, &file)? {
            Found::Version(version) if version == known_version() => {}
            Found::Version(_) => return Err(OpenError::Older { file }),
            Found::Nothing | Found::SomethingElse => {
                return Err(OpenError::NoData { dir: dir.to_owned() });
            }
        }
        Self::start(dir, &file, conn, clock)
    }

    fn start(dir: &Path, file: &Path, conn: Connection, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let wakers = Arc::new(Wakers::default());
        tune_for_writing(&conn).map_err(|source| database(file, source))?;
        let mut read = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let conn = connect(file, OpenFlags::empty())?;
            tune_for_reading(&conn).map_err(|source| database(file, source))?;
            read.push(conn);
        }
        Ok(Self {
            inner: Arc::new(Inner {
                readers: Readers::start(read).map_err(|source| directory(dir, source))?,
                writer: Writer::start(conn, Arc::clone(&wakers)).map_err(|source| directory(dir, source))?,
                wakers,
                clock,
                dir: dir.to_owned(),
            }),
        })
    }

    /// Makes sure that no second server works on the same directory.
    pub fn lock_for_serving(&self) -> Result<ServeLock, OpenError> {
        lock(&self.inner.dir)
    }

    /// Resolves once something on `queue` may have become receivable, counted from this call (not from the
    /// first poll). So: call it, then `receive`, and await it only if there was nothing.
    ///
    /// It hears of changes in this process only, and not of time passing: wait at most until
    /// [`next_visible_at`](Self::next_visible_at), and never longer than another process may have to wait.
    pub fn woken(&self, queue: QueueName) -> impl Future<Output = ()> + Send + 'static {
        self.inner.wakers.woken(queue)
    }

    /// When the next job of `queue` may be received, or could have been. `None`: there is no job at all.
    pub async fn next_visible_at(&self, queue: QueueName) -> Result<Option<Timestamp>, QueueError> {
        let look = move |conn: &Connection| jobs::next_visible_at(conn, queue);
        Ok(self.readers().run(look).await?)
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.inner.writer
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// The database and its log.
    pub(crate) fn files(&self) -> [PathBuf; 2] {
        [DATABASE.to_owned(), format!("{DATABASE}-wal")].map(|name| self.inner.dir.join(name))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }
}

fn known_version() -> u32 {
    u32::try_from(schema::STEPS.len()).unwrap_or(u32::MAX)
}

/// The directory holds what people wrote: nobody else on the machine may look into it.
fn create_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn lock(dir: &Path) -> Result<ServeLock, OpenError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(|source| directory(dir, source))?;
    match file.try_lock() {
        Ok(()) => Ok(ServeLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(directory(dir, source)),
    }
}

fn connect(file: &Path, more: OpenFlags) -> Result<Connection, OpenError> {
    // Each connection stays in one thread, so SQLite needs no locks of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connect = || {
        let conn = Connection::open_with_flags(file, flags)?;
        conn.busy_timeout(PATIENCE)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        // Plans come from the statement alone. Otherwise SQLite plans some of them anew for each call's values,
        // which costs more than running them.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;")?;
        Ok(conn)
    };
    connect().map_err(|source| database(file, source))
}

/// What the file holds, if this version can work with it at all.
fn inspect(conn: &Connection, file: &Path) -> Result<Found, OpenError> {
    let foreign = || OpenError::Foreign {
        file: file.to_owned(),
    };
    match schema::inspect(conn) {
        Ok(Found::SomethingElse) => Err(foreign()),
        Ok(Found::Version(found)) if found > known_version() => Err(OpenError::Newer {
            file: file.to_owned(),
            found,
            known: known_version(),
        }),
        Ok(found) => Ok(found),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Err(foreign()),
        Err(error) => Err(database(file, error)),
    }
}

fn tune_for_writing(conn: &Connection) -> rusqlite::Result<()> {
    log_ahead(conn)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    conn.pragma_update(None, "journal_size_limit", LOG_BYTES)
}

/// Switches the file to a write-ahead log, for good. SQLite does not wait by itself when another process
/// does the same at this moment.
fn log_ahead(conn: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match conn.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

fn tune_for_reading(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "cache_size", -READER_CACHE)?;
    conn.pragma_update(None, "query_only", true)
}

fn directory(dir: &Path, source: std::io::Error) -> OpenError {
    OpenError::Directory {
        dir: dir.to_owned(),
        source,
    }
}

fn database(file: &Path, source: rusqlite::Error) -> OpenError {
    OpenError::Database {
        file: file.to_owned(),
        source,
    }
}
