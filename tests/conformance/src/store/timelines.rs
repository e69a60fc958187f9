use std::time::Duration;

use handover_core::ports::Commit;
use handover_core::timeline::TimelineEntry;

use super::{commit, stored};
use crate::Subject;
use crate::samples::{connection, thread};

async fn note(subject: &Subject, name: &str, entries: &[TimelineEntry]) {
    let line = |entry: &TimelineEntry| (connection(), thread(name), entry.clone());
    let change = Commit {
        timeline: entries.iter().map(line).collect(),
        ..Commit::default()
    };
    commit(subject, change).await;
}

async fn read(subject: &Subject, name: &str) -> Vec<TimelineEntry> {
    let timeline = subject.store.timeline(&connection(), &thread(name)).await;
    timeline.expect("reading works")
}

pub async fn a_timeline_is_in_order(subject: &Subject) {
    stored(subject, "a").await;
    let mut expected = Vec::new();
    for n in 0..15 {
        // Entries of one commit may have the same time.
        let entry = |what: &str| TimelineEntry::new(subject.time.now(), what).with("n", n);
        let both = [entry("message.accepted"), entry("event.delivered")];
        note(subject, "a", &both).await;
        expected.extend(both);
        subject.time.pass(Duration::from_millis(10)).await;
    }
    note(
        subject,
        "b",
        &[TimelineEntry::new(subject.time.now(), "elsewhere")],
    )
    .await;
    assert_eq!(read(subject, "a").await, expected);
    assert_eq!(read(subject, "b").await.len(), 1);
    assert_eq!(read(subject, "c").await, []);
}

pub async fn a_timeline_keeps_texts_apart(subject: &Subject) {
    stored(subject, "a").await;
    let now = subject.time.now();
    let with_text = TimelineEntry::new(now, "message.accepted")
        .with("message", "m-1")
        .text(Some("Grüße 🙂"));
    note(
        subject,
        "a",
        &[with_text, TimelineEntry::new(now, "message.sent")],
    )
    .await;
    let timeline = read(subject, "a").await;
    assert_eq!(timeline[0].text.as_deref(), Some("Grüße 🙂"));
    assert_eq!(timeline[0].detail.len(), 1);
    assert_eq!(timeline[1].text, None);
}
