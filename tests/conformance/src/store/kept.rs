use std::time::Duration;

use handover_core::Timestamp;
use handover_core::message::Message;
use handover_core::ports::{Commit, Expected, KEPT_FOR, KEPT_MESSAGES, Versioned};

use super::{commit, found, stored};
use crate::Subject;
use crate::samples::{connection, message, thread, write};

/// Keeps messages of conversation `name` that was stored before.
async fn keep(subject: &Subject, name: &str, messages: Vec<Message>) {
    let change = Commit {
        check: Some((connection(), thread(name), found(subject, name).await.version)),
        keep: messages,
        ..Commit::default()
    };
    commit(subject, change).await;
}

async fn kept(subject: &Subject, name: &str, not_before: Timestamp) -> Vec<Message> {
    let kept = subject
        .store
        .kept_messages(&connection(), &thread(name), not_before)
        .await;
    kept.expect("reading works")
}

/// Messages `from..to`, a second apart.
fn messages(name: &str, from: usize, to: usize, start: Timestamp) -> Vec<Message> {
    let at = |n: usize| start + Duration::from_secs(n as u64);
    (from..to)
        .map(|n| message(&thread(name), &format!("m-{n}"), "hello 🙂", at(n)))
        .collect()
}

pub async fn kept_messages_come_in_order(subject: &Subject) {
    let now = subject.time.now();
    stored(subject, "a").await;
    stored(subject, "b").await;
    let expected = messages("a", 0, 12, now);
    keep(subject, "a", expected[..1].to_vec()).await;
    keep(subject, "b", messages("b", 0, 1, now)).await;
    keep(subject, "a", expected[1..].to_vec()).await;
    assert_eq!(kept(subject, "a", now).await, expected);
    assert_eq!(kept(subject, "b", now).await.len(), 1);
    assert_eq!(kept(subject, "c", now).await, []);
}

pub async fn kept_messages_are_capped(subject: &Subject) {
    let now = subject.time.now();
    stored(subject, "a").await;
    let all = messages("a", 0, KEPT_MESSAGES + 30, now);
    for some in all.chunks(23) {
        keep(subject, "a", some.to_vec()).await;
    }
    assert_eq!(kept(subject, "a", now).await, all[30..]);
}

pub async fn kept_messages_grow_old(subject: &Subject) {
    let start = subject.time.now();
    stored(subject, "a").await;
    let all = messages("a", 0, 10, start);
    keep(subject, "a", all.clone()).await;
    let not_before = start + Duration::from_secs(4);
    assert_eq!(kept(subject, "a", not_before).await, all[4..]);
    let not_before = start + KEPT_FOR;
    assert_eq!(kept(subject, "a", not_before).await, []);
}

pub async fn kept_messages_are_forgotten(subject: &Subject) {
    let now = subject.time.now();
    for name in ["a", "b"] {
        stored(subject, name).await;
        keep(subject, name, messages(name, 0, 30, now)).await;
    }
    let forget = Commit {
        forget_kept: Some((connection(), thread("a"))),
        ..Commit::default()
    };
    commit(subject, forget).await;
    assert_eq!(kept(subject, "a", now).await, []);
    assert_eq!(kept(subject, "b", now).await.len(), 30);
    keep(subject, "a", messages("a", 40, 41, now)).await;
    assert_eq!(kept(subject, "a", now).await.len(), 1);

    // Together with a change of the conversation, as a handover does it.
    let Versioned {
        mut conversation,
        version,
    } = found(subject, "b").await;
    conversation.mirrored = true;
    let mut change = write(&conversation, Expected::Version(version));
    change.forget_kept = Some((connection(), thread("b")));
    commit(subject, change).await;
    assert_eq!(kept(subject, "b", now).await, []);
    keep(subject, "b", messages("b", 40, 42, now)).await;
    assert_eq!(kept(subject, "b", now).await.len(), 2);
}
