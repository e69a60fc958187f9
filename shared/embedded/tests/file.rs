//! What is true of the file beyond what every store and queue must do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use handover_conformance::TestClock;
use handover_conformance::samples::{
    claim, connection, conversation, conversation_in_handover, job, message, thread, write,
};
use handover_core::job::QueueName;
use handover_core::ports::{ClaimKey, Clock, Commit, Expected, JobQueue, KEPT_FOR, Store, StoreError};
use handover_core::timeline::TimelineEntry;
use handover_embedded::Embedded;
use rusqlite::Connection;

const QUEUE: QueueName = QueueName::ToRingcx;
const LONG: Duration = Duration::from_mins(1);

fn open(dir: &Path, clock: &TestClock) -> Embedded {
    Embedded::open(dir, Arc::new(clock.clone())).unwrap()
}

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join("bridge.sqlite")).unwrap()
}

fn rows(dir: &Path, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    raw(dir).query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_failing_commit_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    let taken = Commit {
        claims: vec![claim("taken", "owner", "", clock.now())],
        ..Commit::default()
    };
    embedded.commit(taken).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let embedded = embedded.clone();
        let now = clock.now();
        tasks.spawn(async move {
            let own = claim(&format!("own-{n}"), "me", "", now);
            let more = match n % 4 {
                // Refused before anything is written, and after.
                1 => vec![claim("taken", "me", "", now)],
                3 => vec![
                    claim(&format!("twice-{n}"), "me", "", now),
                    claim(&format!("twice-{n}"), "you", "", now),
                ],
                _ => vec![claim(&format!("free-{n}"), "me", "", now)],
            };
            let change = Commit {
                claims: std::iter::once(own).chain(more).collect(),
                ..Commit::default()
            };
            (n, embedded.commit(change).await)
        });
    }
    for (n, result) in tasks.join_all().await {
        let own = embedded
            .claimed(&ClaimKey::apart(format!("own-{n}")), clock.now())
            .await
            .unwrap();
        assert_eq!(own.is_some(), n % 2 == 0);
        assert_eq!(result.is_ok(), n % 2 == 0);
        assert!(matches!(result, Ok(()) | Err(StoreError::Claimed(_))));
    }
}

#[tokio::test]
async fn messages_without_a_conversation_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let homeless = Commit {
        keep: vec![message(&thread("a"), "m-1", "hello", clock.now())],
        ..Commit::default()
    };
    let result = open(dir.path(), &clock).commit(homeless).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn whatever_makes_a_job_receivable_wakes_its_queue() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    // Not polled before the event: what counts is when it was asked for.
    let soon = |woken| tokio::time::timeout(Duration::from_secs(10), woken);

    let (woken, elsewhere) = (embedded.woken(QUEUE), embedded.woken(QueueName::ToBot));
    embedded
        .send(vec![job("a", "a-1", clock.now()), job("a", "a-2", clock.now())])
        .await
        .unwrap();
    soon(woken).await.unwrap();

    let first = embedded.receive(QUEUE, 1, LONG).await.unwrap().remove(0);
    let woken = embedded.woken(QUEUE);
    embedded.delete(&first.receipt).await.unwrap();
    soon(woken).await.unwrap();

    let second = embedded.receive(QUEUE, 1, LONG).await.unwrap().remove(0);
    let quiet = embedded.woken(QUEUE);
    embedded.dead_letter(&second, "no luck").await.unwrap();
    let letter = embedded.dead_letters().await.unwrap().remove(0);
    assert!(
        tokio::time::timeout(Duration::ZERO, quiet).await.is_err(),
        "nothing is left"
    );
    let woken = embedded.woken(QUEUE);
    embedded.replay(&letter.id).await.unwrap();
    soon(woken).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::ZERO, elsewhere).await.is_err(),
        "another queue"
    );
}

#[tokio::test]
async fn a_worker_learns_how_long_it_may_sleep() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    assert_eq!(embedded.next_visible_at(QUEUE).await.unwrap(), None);
    embedded
        .send(vec![job("a", "a-1", clock.now()), job("a", "a-2", clock.now())])
        .await
        .unwrap();
    assert_eq!(embedded.next_visible_at(QUEUE).await.unwrap(), Some(clock.now()));
    let received = embedded.receive(QUEUE, 1, LONG).await.unwrap().remove(0);
    assert_eq!(
        embedded.next_visible_at(QUEUE).await.unwrap(),
        Some(clock.now() + LONG)
    );
    embedded
        .retry(&received.receipt, Duration::from_secs(3), true)
        .await
        .unwrap();
    let expected = clock.now() + Duration::from_secs(3);
    assert_eq!(embedded.next_visible_at(QUEUE).await.unwrap(), Some(expected));
    assert_eq!(embedded.next_visible_at(QueueName::ToBot).await.unwrap(), None);
}

#[tokio::test]
async fn receiving_looks_at_no_job_that_waits_behind_another() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    drop(open(dir.path(), &clock));
    let conn = raw(dir.path());
    let plan = |sql: &str| {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = explain.query_map([], |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    let receive = plan(
        "SELECT id FROM jobs WHERE queue = 'to-bot' AND ready = 1 AND visible_at <= 7
         ORDER BY visible_at, id LIMIT 10",
    );
    assert!(
        receive.contains("jobs_receivable (queue=? AND visible_at<?)"),
        "{receive}"
    );
    assert!(!receive.contains("TEMP B-TREE"), "{receive}");
    let next = plan("SELECT min(id) FROM jobs WHERE queue = 'to-bot' AND grp = 'g'");
    assert!(next.contains("jobs_by_group (queue=? AND grp=?)"), "{next}");
    let owner = plan(
        "SELECT thread FROM conversations WHERE connection = 'c' AND rce_thread = 't'
         ORDER BY rce_turn DESC LIMIT 1",
    );
    assert!(owner.contains("conversations_by_rce_thread"), "{owner}");
    assert!(!owner.contains("TEMP B-TREE"), "{owner}");
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    let start = clock.now();
    for (name, stored) in [
        ("bot", conversation("bot", start)),
        ("agent", conversation_in_handover("agent", start)),
    ] {
        let mut change = write(&stored, Expected::New);
        // More than go at once.
        change.claims = (0..1_200)
            .map(|n| claim(&format!("{name}-{n}"), "one", "", start))
            .collect();
        change.keep = vec![message(&thread(name), "m-1", "hello", start)];
        change.jobs = vec![job(name, name, start)];
        change.timeline = vec![(connection(), thread(name), TimelineEntry::new(start, "noted"))];
        embedded.commit(change).await.unwrap();
    }
    let count = |table| rows(dir.path(), table);
    embedded.sweep(start).await.unwrap();
    let tables = [
        "ledger",
        "sent",
        "kept_messages",
        "timeline",
        "conversations",
        "jobs",
    ];
    assert_eq!(tables.map(count), [2_400, 2, 2, 2, 2, 2]);

    clock.advance(KEPT_FOR);
    embedded.sweep(clock.now()).await.unwrap();
    // The timeline of a handover that is under way stays.
    assert_eq!(tables.map(count), [0, 0, 0, 1, 2, 2]);

    clock.advance(Duration::from_hours(30 * 24));
    embedded.sweep(clock.now()).await.unwrap();
    assert_eq!(tables.map(count), [0, 0, 0, 1, 1, 2]);
    assert_eq!(
        embedded.conversations(None, 10).await.unwrap()[0].thread,
        thread("agent")
    );
}

#[tokio::test]
async fn dead_letters_are_kept_for_ninety_days() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    for id in ["a-1", "a-2"] {
        embedded.send(vec![job("a", id, clock.now())]).await.unwrap();
        let received = embedded.receive(QUEUE, 1, LONG).await.unwrap().remove(0);
        embedded.dead_letter(&received, id).await.unwrap();
        clock.advance(Duration::from_hours(24));
    }
    for (days, left) in [(87, 2), (1, 1), (1, 0)] {
        clock.advance(Duration::from_hours(days * 24));
        embedded.sweep(clock.now()).await.unwrap();
        assert_eq!(embedded.dead_letters().await.unwrap().len(), left);
    }
}

#[tokio::test]
async fn the_jobs_of_who_is_erased_are_gone_also_those_that_wait_behind_one_in_hand() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    let now = clock.now();
    let jobs = ["a-1", "a-2"].map(|id| job("a", id, now));
    embedded.send(jobs.to_vec()).await.unwrap();
    embedded.send(vec![job("a-b", "b-1", now)]).await.unwrap();
    let mut in_hand = embedded.receive(QUEUE, 10, LONG).await.unwrap();
    in_hand.sort_by_key(|received| received.job.id.to_string());
    let erased = JobQueue::erase(&embedded, &connection(), &thread("a")).await;
    assert_eq!(erased.unwrap(), 2);
    // Whoever had one in hand finishes nothing that would come back.
    embedded.delete(&in_hand[0].receipt).await.unwrap_err();
    embedded.delete(&in_hand[1].receipt).await.unwrap();
    embedded.send(vec![job("a", "a-3", now)]).await.unwrap();
    let next = embedded.receive(QUEUE, 10, LONG).await.unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].job.id.as_str(), "a-3");
}

#[tokio::test]
async fn what_a_worker_had_in_hand_leaves_nothing_of_who_was_erased_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    let now = clock.now();
    embedded
        .commit(write(&conversation("a", now), Expected::New))
        .await
        .unwrap();
    let note = || {
        let entry = TimelineEntry::new(now, "event.delivered");
        let mut claim = claim("told", "worker", "", now);
        claim.key = ClaimKey::of(&connection(), &thread("a"), "told");
        Commit {
            known: Some((connection(), thread("a"))),
            claims: vec![claim],
            jobs: vec![job("a", "next", now)],
            timeline: vec![(connection(), thread("a"), entry)],
            ..Commit::default()
        }
    };
    embedded.commit(note()).await.unwrap();
    let left = || ["timeline", "ledger", "jobs"].map(|table| rows(dir.path(), table));
    assert_eq!(left(), [1, 1, 1]);
    JobQueue::erase(&embedded, &connection(), &thread("a"))
        .await
        .unwrap();
    Store::erase(&embedded, &connection(), &thread("a"))
        .await
        .unwrap();
    embedded.commit(note()).await.unwrap();
    assert_eq!(left(), [0, 0, 0]);
}

#[tokio::test]
async fn a_job_of_a_newer_version_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = open(dir.path(), &clock);
    embedded
        .send(vec![job("a", "a-1", clock.now()), job("b", "b-1", clock.now())])
        .await
        .unwrap();
    raw(dir.path())
        .execute(
            "UPDATE jobs SET job = json_set(job, '$.work.do', 'dance') WHERE id = 1",
            [],
        )
        .unwrap();
    let received = embedded.receive(QUEUE, 10, LONG).await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].job.id.as_str(), "b-1");
    assert_eq!(rows(dir.path(), "jobs"), 2);
}

#[tokio::test]
async fn a_new_server_takes_up_what_a_dead_one_had_in_hand() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let dead = open(dir.path(), &clock);
    dead.send(vec![job("a", "a-1", clock.now()), job("a", "a-2", clock.now())])
        .await
        .unwrap();
    let lost = dead.receive(QUEUE, 10, LONG).await.unwrap().remove(0);
    let new = open(dir.path(), &clock);
    new.release_in_flight(&new.lock_for_serving().unwrap())
        .await
        .unwrap();
    let received = new.receive(QUEUE, 10, LONG).await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!((&received[0].job, received[0].attempt), (&lost.job, 2));
    dead.delete(&lost.receipt).await.unwrap_err();
}
