//! Opening the file: by whom, how often at once, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use handover_conformance::TestClock;
use handover_conformance::samples::{conversation, job, write};
use handover_core::job::QueueName;
use handover_core::ports::{Clock, Expected, JobQueue, Store};
use handover_embedded::{Embedded, OpenError};
use rusqlite::Connection;

const QUEUE: QueueName = QueueName::ToRingcx;
const LONG: Duration = Duration::from_mins(1);

fn open(dir: &Path, clock: &TestClock) -> Embedded {
    Embedded::open(dir, Arc::new(clock.clone())).unwrap()
}

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join("bridge.sqlite")).unwrap()
}

#[tokio::test]
async fn data_outlives_the_handle() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("var").join("bridge");
    let clock = TestClock::default();
    let new = write(&conversation("a", clock.now()), Expected::New);
    open(&deep, &clock).commit(new).await.unwrap();
    let reopened = Embedded::open_existing(&deep, Arc::new(clock.clone())).unwrap();
    assert_eq!(reopened.conversations(None, 10).await.unwrap().len(), 1);
    // Two writers on one file, as a server and a command line tool are.
    let other = open(&deep, &clock);
    other.send(vec![job("a", "a-1", clock.now())]).await.unwrap();
    let received = reopened.receive(QUEUE, 10, LONG).await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(other.receive(QUEUE, 10, LONG).await.unwrap(), []);
    other.delete(&received[0].receipt).await.unwrap();
}

#[tokio::test]
async fn two_processes_share_one_queue() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let handles = [open(dir.path(), &clock), open(dir.path(), &clock)];
    let mut senders = tokio::task::JoinSet::new();
    for n in 0..100 {
        let handle = handles[n % 2].clone();
        let job = job(&format!("c-{n}"), &format!("c-{n}"), clock.now());
        senders.spawn(async move { handle.send(vec![job]).await.unwrap() });
    }
    senders.join_all().await;
    let (one, two) = tokio::join!(
        handles[0].receive(QUEUE, 1_000, LONG),
        handles[1].receive(QUEUE, 1_000, LONG)
    );
    assert_eq!(one.unwrap().len() + two.unwrap().len(), 100);
}

#[test]
fn opening_at_the_same_time_works() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| open(dir.path(), &TestClock::default()));
        }
    });
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let clock = || Arc::new(TestClock::default());
    let existing = Embedded::open_existing(dir.path(), clock());
    assert!(matches!(existing, Err(OpenError::NoData { .. })));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "looking creates nothing"
    );

    drop(Embedded::open(dir.path(), clock()).unwrap());
    raw(dir.path()).pragma_update(None, "user_version", 999).unwrap();
    for opened in [
        Embedded::open(dir.path(), clock()),
        Embedded::open_existing(dir.path(), clock()),
    ] {
        assert!(matches!(opened, Err(OpenError::Newer { found: 999, .. })));
    }

    let file = dir.path().join("bridge.sqlite");
    std::fs::write(&file, "shopping list: milk, bread, eggs and a few more things").unwrap();
    assert!(matches!(
        Embedded::open(dir.path(), clock()),
        Err(OpenError::Foreign { .. })
    ));
    let below_a_file = Embedded::open(&file.join("data"), clock());
    assert!(matches!(below_a_file, Err(OpenError::Directory { .. })));
}

#[test]
fn only_one_server_works_on_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let (first, second) = (open(dir.path(), &clock), open(dir.path(), &clock));
    let lock = first.lock_for_serving().unwrap();
    assert!(matches!(second.lock_for_serving(), Err(OpenError::InUse { .. })));
    drop(lock);
    second.lock_for_serving().unwrap();
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_into_the_directory() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    open(&data, &TestClock::default());
    assert_eq!(
        std::fs::metadata(&data).unwrap().permissions().mode() & 0o777,
        0o700
    );
}
