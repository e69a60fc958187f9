use std::time::Duration;

use handover_core::ids::{ConnectionId, ForeignThreadId, ThreadId};
use handover_core::ports::{Expected, Versioned};

use super::{commit, found, stored};
use crate::Subject;
use crate::samples::{connection, conversation_in_handover, thread, write};

async fn owner(subject: &Subject, rce_thread: &str) -> Option<ForeignThreadId> {
    let owner = subject
        .store
        .thread_owner(&connection(), &ThreadId::new(rce_thread))
        .await;
    owner.expect("reading works")
}

/// Notes that conversation `name` is this thread in RCE.
async fn bind(subject: &Subject, name: &str, rce_thread: &str) {
    let Versioned {
        mut conversation,
        version,
    } = found(subject, name).await;
    conversation.rce_thread = Some(ThreadId::new(rce_thread));
    commit(subject, write(&conversation, Expected::Version(version))).await;
}

pub async fn an_rce_thread_leads_to_its_conversation(subject: &Subject) {
    stored(subject, "a").await;
    assert_eq!(owner(subject, "5f00").await, None);
    bind(subject, "a", "5f00").await;
    assert_eq!(owner(subject, "5f00").await, Some(thread("a")));
    assert_eq!(owner(subject, "5f01").await, None);
    let elsewhere = subject
        .store
        .thread_owner(&ConnectionId::new("other"), &ThreadId::new("5f00"))
        .await;
    assert_eq!(elsewhere.expect("reading works"), None);

    // The person's thread was closed for good and a new one came into being.
    bind(subject, "a", "5f01").await;
    assert_eq!(owner(subject, "5f01").await, Some(thread("a")));
}

pub async fn a_later_conversation_takes_an_rce_thread_over(subject: &Subject) {
    for name in ["a", "b"] {
        stored(subject, name).await;
        bind(subject, name, "5f00").await;
        assert_eq!(owner(subject, "5f00").await, Some(thread(name)));
    }
}

pub async fn listings_start_with_the_newest_change(subject: &Subject) {
    for name in ["a", "b", "c"] {
        stored(subject, name).await;
        subject.time.pass(Duration::from_millis(10)).await;
    }
    let mut conversation = conversation_in_handover("a", subject.time.now());
    conversation.rce_thread = Some(ThreadId::new("5f00"));
    let version = found(subject, "a").await.version;
    commit(subject, write(&conversation, Expected::Version(version))).await;

    let listed = subject.store.conversations(10).await.expect("listing works");
    let threads: Vec<_> = listed.iter().map(|summary| summary.thread.as_str()).collect();
    assert_eq!(threads, ["a", "c", "b"]);
    let first = &listed[0];
    assert_eq!(
        (first.handler, first.status, first.epoch),
        ("agent", "requested", 1)
    );
    assert_eq!(
        (&first.connection, &first.id),
        (&conversation.connection, &conversation.id)
    );
    let second = &listed[1];
    assert_eq!((second.handler, second.status, second.epoch), ("bot", "none", 0));
    assert!(first.changed_at > second.changed_at);
    assert_eq!(
        subject.store.conversations(2).await.expect("listing works"),
        listed[..2]
    );
}
