use handover_core::ids::ThreadId;
use handover_core::ports::{Claim, ClaimKey, Commit, Expected};
use handover_core::timeline::TimelineEntry;

use super::{claimed, commit, find, found, stored};
use crate::Subject;
use crate::samples::{claim, connection, conversation, message, thread, write};

/// A conversation with everything that may be kept with it.
async fn full(subject: &Subject, name: &str) {
    let now = subject.time.now();
    let mut with_thread = conversation(name, now);
    with_thread.rce_thread = Some(ThreadId::new(format!("rce-{name}")));
    let mut change = write(&with_thread, Expected::New);
    change.claims = vec![claim_of(name, "first", now)];
    commit(subject, change).await;
    for n in 0..60 {
        let entry = TimelineEntry::new(now, "message.accepted").text(Some("what was said"));
        let change = Commit {
            check: Some((connection(), thread(name), found(subject, name).await.version)),
            claims: vec![claim_of(name, &n.to_string(), now)],
            keep: vec![message(&thread(name), &format!("m-{n}"), "hello", now)],
            timeline: vec![(connection(), thread(name), entry)],
            ..Commit::default()
        };
        commit(subject, change).await;
    }
}

fn claim_of(name: &str, what: &str, now: handover_core::Timestamp) -> Claim {
    let plain = claim(what, "holder", "a stored answer", now);
    Claim {
        key: ClaimKey::of(&connection(), &thread(name), format!("{name}-{what}")),
        ..plain
    }
}

/// What is left of a conversation: itself, claims, messages, lines, and the way from RCE's thread.
async fn left(subject: &Subject, name: &str) -> (bool, bool, usize, usize, bool) {
    let now = subject.time.now();
    let (connection, thread) = (connection(), thread(name));
    let store = &subject.store;
    let mut any_claim = false;
    for what in ["first", "0", "59"] {
        let key = claim_of(name, what, now).key;
        any_claim |= store.claimed(&key, now).await.expect("reading works").is_some();
    }
    let lately = now - std::time::Duration::from_hours(1);
    let kept = store.kept_messages(&connection, &thread, lately).await;
    let lines = store.timeline(&connection, &thread).await;
    let owner = store
        .thread_owner(&connection, &ThreadId::new(format!("rce-{name}")))
        .await;
    (
        find(subject, name).await.is_some(),
        any_claim,
        kept.expect("reading works").len(),
        lines.expect("reading works").len(),
        owner.expect("reading works").is_some(),
    )
}

pub async fn what_is_erased_is_gone_and_nothing_else(subject: &Subject) {
    full(subject, "erased").await;
    full(subject, "erased-not").await;
    let apart = Commit {
        claims: vec![claim("apart", "one", "", subject.time.now())],
        ..Commit::default()
    };
    commit(subject, apart).await;
    assert_eq!(left(subject, "erased").await, (true, true, 60, 60, true));

    let erase = async |name: &str| subject.store.erase(&connection(), &thread(name)).await;
    assert!(erase("erased").await.expect("erasing works"));
    assert!(
        !erase("erased").await.expect("erasing works"),
        "there is nothing any more"
    );
    assert!(!erase("never-there").await.expect("erasing works"));

    assert_eq!(left(subject, "erased").await, (false, false, 0, 0, false));
    assert_eq!(left(subject, "erased-not").await, (true, true, 60, 60, true));
    assert!(claimed(subject, "apart").await.is_some());
    let listed = subject
        .store
        .conversations(None, 10)
        .await
        .expect("listing works");
    let ids: Vec<&str> = listed.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids, ["erased-not"]);
}

pub async fn a_conversation_begins_anew_after_it_was_erased(subject: &Subject) {
    let before = stored(subject, "c").await;
    let version = found(subject, "c").await.version;
    subject
        .store
        .erase(&connection(), &thread("c"))
        .await
        .expect("erasing works");
    // Who read it before must not bring it back.
    let late = subject
        .store
        .commit(write(&before, Expected::Version(version)))
        .await;
    super::expect_conflict(&late);
    stored(subject, "c").await;
    assert_eq!(found(subject, "c").await.version, version);
}
