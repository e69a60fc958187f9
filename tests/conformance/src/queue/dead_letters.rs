use std::time::Duration;

use handover_core::job::QueueName;
use handover_core::ports::DeadLetter;

use super::{LONG, delete, expect_nothing, finish_next, send, take_one};
use crate::Subject;
use crate::samples::{connection, job, job_with_text, thread};

async fn listed(subject: &Subject) -> Vec<DeadLetter> {
    subject.queue.dead_letters().await.expect("listing works")
}

async fn put_next_aside(subject: &Subject, reason: &str) {
    let received = take_one(subject, LONG).await;
    subject
        .queue
        .dead_letter(&received, reason)
        .await
        .expect("putting aside works");
}

pub async fn a_dead_letter_keeps_job_and_reason_and_frees_its_group(subject: &Subject) {
    let now = subject.time.now();
    let sent = job_with_text("a", "a-1", "Grüße 🙂", now);
    send(subject, vec![sent.clone(), job("a", "a-2", now)]).await;
    let first = take_one(subject, LONG).await;
    subject
        .queue
        .retry(&first.receipt, Duration::ZERO, true)
        .await
        .expect("retrying works");
    put_next_aside(subject, "refused (422: \"zu groß\")").await;

    finish_next(subject, "a-2").await;
    let letters = listed(subject).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].queue, QueueName::ToRingcx);
    assert_eq!(letters[0].reason, "refused (422: \"zu groß\")");
    assert_eq!(letters[0].attempts, 2);
    assert_eq!(letters[0].job, sent.job);
    assert!(letters[0].at >= now);
}

pub async fn dead_letters_come_oldest_first(subject: &Subject) {
    for id in ["a-1", "a-2", "a-3"] {
        send(subject, vec![job("a", id, subject.time.now())]).await;
        put_next_aside(subject, id).await;
        subject.time.pass(Duration::from_millis(5)).await;
    }
    let letters = listed(subject).await;
    let reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, ["a-1", "a-2", "a-3"]);
}

pub async fn a_replayed_job_comes_last_and_starts_anew(subject: &Subject) {
    let accepted = subject.time.now();
    send(
        subject,
        vec![job("a", "a-1", accepted), job("a", "a-2", accepted)],
    )
    .await;
    put_next_aside(subject, "no luck").await;
    subject.time.pass(Duration::from_secs(1)).await;

    let letter = listed(subject).await.remove(0);
    assert!(subject.queue.replay(&letter.id).await.expect("replaying works"));
    assert!(
        !subject.queue.replay(&letter.id).await.expect("replaying works"),
        "only once"
    );
    assert!(!subject.queue.replay("unknown").await.expect("replaying works"));
    assert!(listed(subject).await.is_empty());

    // Within the window in which repeats are dropped, but meant.
    finish_next(subject, "a-2").await;
    let again = take_one(subject, LONG).await;
    assert_eq!((again.job.id.as_str(), again.attempt), ("a-1", 1));
    assert!(again.job.accepted_at > accepted, "its retry budget starts anew");
    assert_eq!(again.job.work, letter.job.work);
    delete(subject, &again).await;
    expect_nothing(subject).await;
}

pub async fn a_discarded_dead_letter_is_gone(subject: &Subject) {
    send(subject, vec![job("a", "a-1", subject.time.now())]).await;
    put_next_aside(subject, "no luck").await;
    let id = listed(subject).await.remove(0).id;
    assert!(subject.queue.discard(&id).await.expect("discarding works"));
    assert!(!subject.queue.discard(&id).await.expect("discarding works"));
    assert!(!subject.queue.discard("unknown").await.expect("discarding works"));
    assert!(listed(subject).await.is_empty());
    expect_nothing(subject).await;
}

pub async fn what_a_conversation_left_behind_is_erased(subject: &Subject) {
    for (name, id) in [("a", "a-1"), ("a-b", "b-1"), ("a", "a-2")] {
        let sent = job_with_text(name, id, "what was said", subject.time.now());
        send(subject, vec![sent]).await;
        put_next_aside(subject, id).await;
    }
    let erase = async |name: &str| {
        let erased = subject.queue.erase(&connection(), &thread(name)).await;
        erased.expect("erasing works")
    };
    assert_eq!(erase("a").await, 2);
    assert_eq!(erase("a").await, 0);
    let letters = listed(subject).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "b-1");
    // What is sent afterwards is delivered as ever.
    send(subject, vec![job("a", "a-3", subject.time.now())]).await;
    finish_next(subject, "a-3").await;
}
