use std::time::Duration;

use handover_core::ports::{Claim, Commit, Expected, KEPT_FOR};
use handover_core::timeline::TimelineEntry;

use super::{claimed, commit, find, found, stored};
use crate::Subject;
use crate::queue::finish_next;
use crate::samples::{claim, connection, conversation_in_handover, job, message, thread, write};

pub async fn a_sweep_removes_only_what_has_expired(subject: &Subject) {
    let start = subject.time.now();
    let mut change = write(&conversation_in_handover("with an agent", start), Expected::New);
    change.timeline = vec![(
        connection(),
        thread("with an agent"),
        TimelineEntry::new(start, "handover.requested"),
    )];
    change.claims = vec![
        claim("brief", "one", "", start),
        Claim {
            expires_at: start + KEPT_FOR * 2,
            ..claim("lasting", "one", "record", start)
        },
    ];
    change.jobs = vec![job("with an agent", "waiting", start)];
    commit(subject, change).await;
    subject.time.pass(KEPT_FOR + Duration::from_secs(1)).await;

    let now = subject.time.now();
    stored(subject, "fresh").await;
    let keeping = Commit {
        check: Some((
            connection(),
            thread("fresh"),
            found(subject, "fresh").await.version,
        )),
        keep: vec![message(&thread("fresh"), "m-1", "hello", now)],
        timeline: vec![(
            connection(),
            thread("fresh"),
            TimelineEntry::new(now, "message.accepted"),
        )],
        ..Commit::default()
    };
    commit(subject, keeping).await;

    for _ in 0..2 {
        subject.store.sweep(now).await.expect("sweeping works");
        assert_eq!(claimed(subject, "brief").await, None);
        assert!(claimed(subject, "lasting").await.is_some());
        for name in ["with an agent", "fresh"] {
            assert!(find(subject, name).await.is_some(), "{name}");
            let timeline = subject.store.timeline(&connection(), &thread(name)).await;
            assert_eq!(timeline.expect("reading works").len(), 1, "{name}");
        }
        let kept = subject
            .store
            .kept_messages(&connection(), &thread("fresh"), now)
            .await;
        assert_eq!(kept.expect("reading works").len(), 1);
    }
    finish_next(subject, "waiting").await;
}
