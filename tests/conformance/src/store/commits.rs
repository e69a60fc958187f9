use std::sync::Arc;

use handover_core::handover::Cause;
use handover_core::ids::ThreadId;
use handover_core::ports::{Commit, Expected, StoreError};
use handover_core::timeline::TimelineEntry;
use tokio::task::JoinSet;

use super::{claimed, commit, expect_conflict, find, found, stored};
use crate::Subject;
use crate::queue::{expect_nothing, finish_next};
use crate::samples::{
    claim, connection, conversation, conversation_in_handover, job, message, thread, write,
};

pub async fn a_conversation_is_read_as_it_was_written(subject: &Subject) {
    assert_eq!(find(subject, "Zoë / 1").await, None);
    let mut conversation = conversation_in_handover("Zoë / 1", subject.time.now());
    conversation.rce_thread = Some(ThreadId::new("5f00"));
    commit(subject, write(&conversation, Expected::New)).await;
    let first = found(subject, "Zoë / 1").await;
    assert_eq!(first.conversation, conversation);

    conversation.cancel(Cause::UserCancelled, subject.time.now());
    commit(subject, write(&conversation, Expected::Version(first.version))).await;
    let second = found(subject, "Zoë / 1").await;
    assert_eq!(second.conversation, conversation);
    assert_ne!(second.version, first.version);
}

pub async fn what_exists_is_not_new(subject: &Subject) {
    let conversation = stored(subject, "a").await;
    let before = found(subject, "a").await;
    expect_conflict(&subject.store.commit(write(&conversation, Expected::New)).await);
    assert_eq!(found(subject, "a").await, before);
}

pub async fn an_unknown_conversation_has_no_version(subject: &Subject) {
    let unknown = conversation("a", subject.time.now());
    expect_conflict(&subject.store.commit(write(&unknown, Expected::Version(1))).await);
    assert_eq!(find(subject, "a").await, None);
    let checking = Commit {
        check: Some((connection(), thread("a"), 1)),
        ..Commit::default()
    };
    expect_conflict(&subject.store.commit(checking).await);
}

/// A commit with something of everything.
fn everything(subject: &Subject) -> Commit {
    let now = subject.time.now();
    let entry = TimelineEntry::new(now, "message.accepted");
    Commit {
        claims: vec![claim("key", "holder", "", now)],
        keep: vec![message(&thread("a"), "m-1", "hello", now)],
        jobs: vec![job("a", "a-1", now)],
        timeline: vec![(connection(), thread("a"), entry)],
        ..Commit::default()
    }
}

async fn expect_none_of_it(subject: &Subject) {
    assert_eq!(claimed(subject, "key").await, None);
    expect_nothing(subject).await;
    let (connection, thread) = (connection(), thread("a"));
    assert_eq!(
        subject
            .store
            .timeline(&connection, &thread)
            .await
            .expect("reading works"),
        []
    );
    let kept = subject
        .store
        .kept_messages(&connection, &thread, handover_core::Timestamp::UNIX_EPOCH);
    assert_eq!(kept.await.expect("reading works"), []);
}

pub async fn an_old_version_changes_nothing(subject: &Subject) {
    let mut conversation = stored(subject, "a").await;
    let old = found(subject, "a").await.version;
    conversation.mirrored = true;
    commit(subject, write(&conversation, Expected::Version(old))).await;
    let current = found(subject, "a").await;

    conversation.next_seq = 99;
    let late = Commit {
        write: Some((conversation, Expected::Version(old))),
        ..everything(subject)
    };
    expect_conflict(&subject.store.commit(late).await);
    assert_eq!(found(subject, "a").await, current);
    expect_none_of_it(subject).await;
}

pub async fn a_check_alone_protects_the_rest(subject: &Subject) {
    let conversation = stored(subject, "a").await;
    let old = found(subject, "a").await.version;
    commit(subject, write(&conversation, Expected::Version(old))).await;
    let current = found(subject, "a").await;

    let checking = |version| Commit {
        check: Some((connection(), thread("a"), version)),
        ..everything(subject)
    };
    expect_conflict(&subject.store.commit(checking(old)).await);
    expect_none_of_it(subject).await;

    commit(subject, checking(current.version)).await;
    assert_eq!(found(subject, "a").await, current, "a check writes nothing");
    assert!(claimed(subject, "key").await.is_some());
    finish_next(subject, "a-1").await;
}

/// Runs commits at the same time; how many succeeded. All others must have met a conflict.
async fn race(subject: &Subject, commits: impl IntoIterator<Item = Commit>) -> usize {
    let mut tasks = JoinSet::new();
    for change in commits {
        let store = Arc::clone(&subject.store);
        tasks.spawn(async move { store.commit(change).await });
    }
    let mut wins = 0;
    for result in tasks.join_all().await {
        match result {
            Ok(()) => wins += 1,
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("neither done nor a conflict: {other:?}"),
        }
    }
    wins
}

pub async fn of_concurrent_writers_one_wins(subject: &Subject) {
    let conversation = stored(subject, "a").await;
    for _ in 0..5 {
        let version = found(subject, "a").await.version;
        let commits = (0..16).map(|n| {
            let mut mine = conversation.clone();
            mine.next_seq = 100 + n;
            write(&mine, Expected::Version(version))
        });
        assert_eq!(race(subject, commits).await, 1);
    }
}

pub async fn of_concurrent_creators_one_wins(subject: &Subject) {
    let new = conversation("a", subject.time.now());
    let commits = (0..16).map(|n| {
        let mut change = write(&new, Expected::New);
        change.jobs = vec![job("a", &format!("a-{n}"), subject.time.now())];
        change
    });
    assert_eq!(race(subject, commits).await, 1);
    let received = crate::queue::take_one(subject, crate::queue::LONG).await;
    crate::queue::delete(subject, &received).await;
    expect_nothing(subject).await;
}

pub async fn jobs_of_a_commit_are_received(subject: &Subject) {
    let now = subject.time.now();
    let mut change = write(&conversation("a", now), Expected::New);
    change.jobs = vec![job("a", "a-1", now), job("a", "a-2", now)];
    commit(subject, change).await;
    finish_next(subject, "a-1").await;
    finish_next(subject, "a-2").await;
    expect_nothing(subject).await;
}

pub async fn repeated_jobs_of_commits_are_dropped(subject: &Subject) {
    let now = subject.time.now();
    for _ in 0..3 {
        let change = Commit {
            jobs: vec![job("a", "a-1", now)],
            ..Commit::default()
        };
        commit(subject, change).await;
    }
    finish_next(subject, "a-1").await;
    expect_nothing(subject).await;
}
