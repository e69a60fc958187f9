use handover_core::job::QueueName;

use super::{LONG, delete, send, take_one};
use crate::Subject;
use crate::samples::{job, job_with_text};

async fn expect_unchanged(subject: &Subject, id: &str, text: &str) {
    let sent = job_with_text("a", id, text, subject.time.now());
    send(subject, vec![sent.clone()]).await;
    let received = take_one(subject, LONG).await;
    assert!(received.job == sent.job, "job {id} arrived changed");
    delete(subject, &received).await;
}

pub async fn any_text_arrives_as_it_was(subject: &Subject) {
    let texts = [
        "",
        "Zoë 👨‍👩‍👧 שלום 你好 e\u{301}",
        "quotes ' \" \\ and {\"json\": [1]}",
        "lines\r\n\ttabs and \u{0} and \u{1f} and \u{fffd} and \u{10ffff}",
    ];
    for (n, text) in texts.into_iter().enumerate() {
        expect_unchanged(subject, &format!("a-{n}"), text).await;
    }
}

/// What waits behind others, and what is in work, counts as well; what is done does not.
pub async fn it_is_known_how_many_jobs_wait(subject: &Subject) {
    let count = async || {
        let counted = subject.queue.waiting(QueueName::ToRingcx).await;
        counted.expect("counting works")
    };
    assert_eq!(count().await, 0);
    let now = subject.time.now();
    send(
        subject,
        vec![job("a", "a-1", now), job("a", "a-2", now), job("b", "b-1", now)],
    )
    .await;
    assert_eq!(count().await, 3);
    let received = take_one(subject, LONG).await;
    assert_eq!(count().await, 3);
    delete(subject, &received).await;
    assert_eq!(count().await, 2);
    let elsewhere = subject.queue.waiting(QueueName::ToBot).await;
    assert_eq!(elsewhere.expect("counting works"), 0);
}

pub async fn a_large_job_arrives_as_it_was(subject: &Subject) {
    expect_unchanged(subject, "large", &"0123456789".repeat(20_000)).await;
    expect_unchanged(subject, "large-unicode", &"🙂".repeat(50_000)).await;
}
