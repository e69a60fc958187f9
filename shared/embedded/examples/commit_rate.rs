//! How many durable commits (one claim and one job each) a second, and how long a lone one takes.
//!
//! `cargo run --release -p handover-embedded --example commit_rate [directory]`

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use handover_conformance::samples::{claim, job};
use handover_core::Timestamp;
use handover_core::job::QueueName;
use handover_core::ports::{Clock, Commit, JobQueue as _, Store as _};
use handover_embedded::Embedded;
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const FOR: Duration = Duration::from_secs(3);
const LONE: usize = 1_000;
const CONVERSATIONS: usize = 50_000;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Ids grow with time, as RCE's and ours do; conversations are hit at random.
fn change() -> Commit {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let n = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = SystemClock.now();
    let conversation = n.wrapping_mul(0x9E37_79B9) % CONVERSATIONS;
    Commit {
        claims: vec![claim(
            &format!("acme/content/{n:024x}"),
            &format!("{n:026}"),
            "",
            now,
        )],
        jobs: vec![job(
            &format!("conversation-{conversation}"),
            &format!("{n:026}"),
            now,
        )],
        ..Commit::default()
    }
}

/// The duration of each commit of one caller.
async fn commit_for(embedded: Embedded, until: Instant) -> Result<Vec<Duration>, Failure> {
    let mut durations = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        embedded.commit(change()).await?;
        durations.push(started.elapsed());
    }
    Ok(durations)
}

fn print(what: &str, mut durations: Vec<Duration>, took: Duration) {
    durations.sort();
    let at = |percent: usize| durations[(durations.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let rate = durations.len() as u128 * 1_000_000 / took.as_micros().max(1);
    println!(
        "{what}: {rate} a second; each p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
        at(50),
        at(99),
        at(100)
    );
}

async fn receive_and_delete(embedded: &Embedded) -> Result<(), Failure> {
    let started = Instant::now();
    let mut durations = Vec::new();
    while started.elapsed() < FOR {
        let asked = Instant::now();
        let batch = embedded
            .receive(QueueName::ToRingcx, 10, Duration::from_mins(1))
            .await?;
        let mut deletions = JoinSet::new();
        let many = batch.len();
        for received in batch {
            let embedded = embedded.clone();
            deletions.spawn(async move { embedded.delete(&received.receipt).await });
        }
        for deleted in deletions.join_all().await {
            deleted?;
        }
        if many == 0 {
            break;
        }
        durations.extend(std::iter::repeat_n(asked.elapsed() / u32::try_from(many)?, many));
    }
    print("receive (ten at once) and delete", durations, started.elapsed());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let scratch = tempfile::tempdir()?;
    let dir = std::env::args_os()
        .nth(1)
        .map_or_else(|| scratch.path().to_owned(), Into::into);
    let embedded = Embedded::open(&dir, Arc::new(SystemClock))?;

    let started = Instant::now();
    let mut lone = Vec::new();
    for _ in 0..LONE {
        let asked = Instant::now();
        embedded.commit(change()).await?;
        lone.push(asked.elapsed());
    }
    print("one caller", lone, started.elapsed());

    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(commit_for(embedded.clone(), started + FOR));
    }
    let mut all = Vec::new();
    for durations in callers.join_all().await {
        all.extend(durations?);
    }
    print(&format!("{CALLERS} callers"), all, started.elapsed());
    receive_and_delete(&embedded).await
}
