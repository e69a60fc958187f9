use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::NOBODY_LOOKS;
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

    let list = async |connection: Option<ConnectionId>, limit| {
        let listed = subject.store.conversations(connection.as_ref(), limit).await;
        listed.expect("listing works")
    };
    let listed = list(None, 10).await;
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
    let requested = conversation
        .handover
        .as_ref()
        .map(|handover| handover.requested_at);
    assert_eq!((first.requested_at, first.accepted_at), (requested, None));
    assert_eq!(second.requested_at, None);
    assert_eq!(list(None, 2).await, listed[..2]);
    assert_eq!(list(Some(connection()), 2).await, listed[..2]);
    assert_eq!(list(Some(ConnectionId::new("other")), 10).await, []);
}

pub async fn handovers_are_looked_after_when_it_is_time(subject: &Subject) {
    let now = subject.time.now();
    stored(subject, "with-bot").await;
    for (name, seconds) in [("late", 30), ("soon", 10), ("elsewhere", 20)] {
        let mut conversation = conversation_in_handover(name, now);
        conversation.look_at = Some(now + Duration::from_secs(seconds));
        commit(subject, write(&conversation, Expected::New)).await;
    }
    let due = async |seconds: u64, limit| {
        let until = now + Duration::from_secs(seconds);
        let due = subject.store.to_look_after(until, limit).await;
        let due = due.expect("reading works").into_iter();
        due.map(|due| (due.thread, due.at)).collect::<Vec<_>>()
    };
    let at = |name, seconds| (thread(name), now + Duration::from_secs(seconds));
    assert_eq!(due(9, 10).await, []);
    let all = [at("soon", 10), at("elsewhere", 20), at("late", 30)];
    assert_eq!(due(30, 10).await, all, "longest overdue first");
    assert_eq!(due(30, 2).await, all[..2]);

    // Somebody looked after one of them, and another one ended.
    for (name, look_at) in [("soon", Some(now + Duration::from_mins(1))), ("elsewhere", None)] {
        let mut found = found(subject, name).await;
        found.conversation.look_at = look_at;
        commit(
            subject,
            write(&found.conversation, Expected::Version(found.version)),
        )
        .await;
    }
    assert_eq!(due(30, 10).await, all[2..]);
    assert_eq!(due(60, 10).await, [at("late", 30), at("soon", 60)]);

    // One after which nobody will ever have to look is found at the end of time.
    let mut timeless = conversation_in_handover("timeless", now);
    timeless.look_at = Some(NOBODY_LOOKS);
    commit(subject, write(&timeless, Expected::New)).await;
    let open = subject.store.to_look_after(Timestamp::MAX, 10).await;
    let open: Vec<_> = open
        .expect("reading works")
        .into_iter()
        .map(|due| due.thread)
        .collect();
    assert_eq!(open, [thread("late"), thread("soon"), thread("timeless")]);
}
