use std::time::Duration;

use handover_core::ports::{QueueError, Receipt, Received};

use super::{AFTER_SHORT, LONG, SHORT, delete, expect_nothing, finish_next, send, take_one};
use crate::Subject;
use crate::samples::{job, job_with_text};

pub async fn an_abandoned_job_comes_back_unchanged(subject: &Subject) {
    let sent = job_with_text("a", "a-1", "Grüße 🙂", subject.time.now());
    send(subject, vec![sent.clone()]).await;
    let first = take_one(subject, SHORT).await;
    assert_eq!((&first.job, first.attempt), (&sent.job, 1));
    expect_nothing(subject).await;
    subject.time.pass(AFTER_SHORT).await;
    let second = take_one(subject, LONG).await;
    assert_eq!((&second.job, second.attempt), (&sent.job, 2));
    assert_ne!(first.receipt, second.receipt);
}

pub async fn an_abandoned_job_comes_back_before_its_successors(subject: &Subject) {
    let now = subject.time.now();
    send(subject, vec![job("a", "a-1", now), job("a", "a-2", now)]).await;
    take_one(subject, SHORT).await;
    subject.time.pass(AFTER_SHORT).await;
    finish_next(subject, "a-1").await;
    finish_next(subject, "a-2").await;
}

pub async fn a_retried_job_comes_back_before_its_successors(subject: &Subject) {
    let now = subject.time.now();
    send(
        subject,
        vec![job("a", "a-1", now), job("a", "a-2", now), job("b", "b-1", now)],
    )
    .await;
    let first = take_one(subject, LONG).await;
    assert_eq!(first.job.id.as_str(), "a-1");
    subject
        .queue
        .retry(&first.receipt, SHORT, true)
        .await
        .expect("retrying works");
    finish_next(subject, "b-1").await;
    expect_nothing(subject).await;
    subject.time.pass(AFTER_SHORT).await;
    let again = take_one(subject, LONG).await;
    assert_eq!((again.job.id.as_str(), again.attempt), ("a-1", 2));
    delete(subject, &again).await;
    finish_next(subject, "a-2").await;
}

pub async fn a_retry_may_come_at_once(subject: &Subject) {
    send(subject, vec![job("a", "a-1", subject.time.now())]).await;
    let first = take_one(subject, LONG).await;
    subject
        .queue
        .retry(&first.receipt, Duration::ZERO, true)
        .await
        .expect("retrying works");
    let again = take_one(subject, LONG).await;
    assert_eq!((again.job.id.as_str(), again.attempt), ("a-1", 2));
}

pub async fn a_retry_that_was_no_attempt_is_not_counted(subject: &Subject) {
    send(subject, vec![job("a", "a-1", subject.time.now())]).await;
    for _ in 0..3 {
        let held_back = take_one(subject, LONG).await;
        assert_eq!(held_back.attempt, 1);
        subject
            .queue
            .retry(&held_back.receipt, Duration::ZERO, false)
            .await
            .expect("retrying works");
    }
    let counted = take_one(subject, LONG).await;
    assert_eq!(counted.attempt, 1);
    subject
        .queue
        .retry(&counted.receipt, Duration::ZERO, true)
        .await
        .expect("retrying works");
    assert_eq!(take_one(subject, LONG).await.attempt, 2);
}

pub async fn a_deleted_job_is_gone(subject: &Subject) {
    send(subject, vec![job("a", "a-1", subject.time.now())]).await;
    let received = take_one(subject, SHORT).await;
    delete(subject, &received).await;
    subject.time.pass(AFTER_SHORT).await;
    expect_nothing(subject).await;
}

pub async fn a_stale_receipt_changes_nothing(subject: &Subject) {
    let now = subject.time.now();
    send(subject, vec![job("a", "a-1", now), job("a", "a-2", now)]).await;
    let stale = take_one(subject, SHORT).await.receipt;
    subject.time.pass(AFTER_SHORT).await;
    let valid = take_one(subject, LONG).await;

    expect_stale(&subject.queue.delete(&stale).await);
    expect_stale(&subject.queue.retry(&stale, Duration::ZERO, true).await);
    let late = Received {
        receipt: stale.clone(),
        ..valid.clone()
    };
    expect_stale(&subject.queue.dead_letter(&late, "too late").await);
    let nonsense = Receipt {
        token: "nonsense".to_owned(),
        ..stale
    };
    expect_stale(&subject.queue.delete(&nonsense).await);

    expect_nothing(subject).await;
    assert!(
        subject
            .queue
            .dead_letters()
            .await
            .expect("listing works")
            .is_empty()
    );
    delete(subject, &valid).await;
    finish_next(subject, "a-2").await;
}

#[track_caller]
fn expect_stale(result: &Result<(), QueueError>) {
    assert!(matches!(result, Err(QueueError::StaleReceipt)), "{result:?}");
}
