//! A process that is killed at any moment loses nothing that it acknowledged.
//!
//! The test starts itself once more as a child that commits as fast as it can and writes a line for each
//! commit that was answered. It is killed in the middle of that, several times on the same file.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use handover_conformance::TestClock;
use handover_conformance::samples::{claim, connection, conversation, job, thread};
use handover_core::job::QueueName;
use handover_core::ports::{ClaimKey, Clock as _, Commit, Expected, JobQueue, Store};
use handover_embedded::Embedded;

const DIR: &str = "HANDOVER_KILLED_DIR";
const ROUND: &str = "HANDOVER_KILLED_ROUND";
const ROUNDS: usize = 6;
const CALLERS: usize = 8;

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, Arc::new(TestClock::default())).unwrap()
}

fn name(round: &str, caller: usize) -> String {
    format!("round-{round}-caller-{caller}")
}

/// Commit `n` of a conversation: its state, a claim and a job, which all name `n`.
fn change(name: &str, n: u64) -> Commit {
    let now = TestClock::default().now();
    let mut conversation = conversation(name, now);
    conversation.next_seq = n;
    let expected = if n == 1 {
        Expected::New
    } else {
        Expected::Version(n - 1)
    };
    Commit {
        write: Some((conversation, expected)),
        claims: vec![claim(&format!("{name}/{n}"), "child", "", now)],
        jobs: vec![job(name, &format!("{name}/{n}"), now)],
        ..Commit::default()
    }
}

#[test]
#[ignore = "the child that the other test starts"]
fn child() {
    let (Some(dir), Some(round)) = (std::env::var_os(DIR), std::env::var_os(ROUND)) else {
        return;
    };
    let round = round.into_string().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let embedded = open(Path::new(&dir));
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let (embedded, name) = (embedded.clone(), name(&round, caller));
            callers.spawn(async move {
                for n in 1.. {
                    embedded.commit(change(&name, n)).await.unwrap();
                    // One write per line, past the test's captured output.
                    std::io::stdout()
                        .write_all(format!("acked {name} {n}\n").as_bytes())
                        .unwrap();
                }
            });
        }
        callers.join_all().await;
    });
}

/// Lets a child commit until about `lines` commits were acknowledged, then kills it. The last
/// acknowledged number of each conversation.
fn kill_a_child(dir: &Path, round: usize, lines: usize) -> HashMap<String, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acked = HashMap::new();
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        // What it wrote before it died counts, so this reads to the end.
        let line = String::from_utf8(line.unwrap()).unwrap();
        let Some((name, n)) = line.strip_prefix("acked ").and_then(|line| line.split_once(' ')) else {
            continue;
        };
        acked.insert(name.to_owned(), n.parse().unwrap());
        seen += 1;
        if seen == lines {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(seen >= lines, "the child ended by itself after {seen} lines");
    acked
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let random = RandomState::new().build_hasher().finish();
        let lines = 1 + usize::try_from(random % 3_000).unwrap();
        let acked = kill_a_child(dir.path(), round, lines);
        let embedded = open(dir.path());
        let delivered = drain(&embedded).await;
        for (name, last) in &acked {
            expect_whole(&embedded, name, *last, delivered.get(name).copied()).await;
        }
    }
}

/// All commits up to the acknowledged one are there, and what came after it is there as a whole too.
async fn expect_whole(embedded: &Embedded, name: &str, acked: u64, delivered: Option<u64>) {
    let found = embedded
        .conversation(&connection(), &thread(name))
        .await
        .unwrap()
        .unwrap();
    assert!(
        found.version >= acked,
        "{name}: {} is older than {acked}",
        found.version
    );
    assert_eq!(found.conversation.next_seq, found.version);
    assert_eq!(delivered, Some(found.version), "{name}: jobs and state differ");
    let now = TestClock::default().now();
    for n in 1..=found.version {
        let claimed = embedded
            .claimed(&ClaimKey::apart(format!("{name}/{n}")), now)
            .await
            .unwrap();
        assert!(claimed.is_some(), "{name}: claim {n} of {acked} is lost");
    }
}

/// Receives everything; checks that each conversation's jobs come in order without a gap. How many of
/// each came.
async fn drain(embedded: &Embedded) -> HashMap<String, u64> {
    let mut delivered = HashMap::new();
    loop {
        let batch = embedded
            .receive(QueueName::ToRingcx, 100, Duration::from_mins(1))
            .await
            .unwrap();
        if batch.is_empty() {
            return delivered;
        }
        for received in batch {
            let (name, n) = received.job.id.as_str().split_once('/').unwrap();
            let last: &mut u64 = delivered.entry(name.to_owned()).or_default();
            assert_eq!(n.parse::<u64>().unwrap(), *last + 1, "{name}");
            *last += 1;
            embedded.delete(&received.receipt).await.unwrap();
        }
    }
}
