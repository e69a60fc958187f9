use std::time::Duration;

use handover_core::job::{Outgoing, QueueName};

use super::{LONG, delete, expect_nothing, finish_next, send, take, take_one};
use crate::Subject;
use crate::samples::{job, job_on};

/// A little more than the five minutes within which a repeat is recognised.
const AFTER_WINDOW: Duration = Duration::from_secs(5 * 60 + 10);

fn repeatable(name: &str, id: &str, subject: &Subject) -> Outgoing {
    Outgoing::deduplicated(job(name, id, subject.time.now()).job, "event-7")
}

pub async fn a_repeat_is_dropped(subject: &Subject) {
    send(subject, vec![repeatable("a", "first", subject)]).await;
    send(subject, vec![repeatable("a", "repeat", subject)]).await;
    // Within one call it is a repeat too.
    send(
        subject,
        vec![
            repeatable("a", "stray", subject),
            job("a", "other", subject.time.now()),
        ],
    )
    .await;
    finish_next(subject, "first").await;
    finish_next(subject, "other").await;
    expect_nothing(subject).await;
}

pub async fn a_repeat_is_dropped_after_its_first_was_done(subject: &Subject) {
    send(subject, vec![repeatable("a", "first", subject)]).await;
    let first = take_one(subject, LONG).await;
    delete(subject, &first).await;
    send(subject, vec![repeatable("a", "repeat", subject)]).await;
    expect_nothing(subject).await;
    subject.time.pass(Duration::from_mins(4)).await;
    send(subject, vec![repeatable("a", "late repeat", subject)]).await;
    expect_nothing(subject).await;
}

pub async fn after_the_window_a_repeat_is_a_new_job(subject: &Subject) {
    send(subject, vec![repeatable("a", "first", subject)]).await;
    finish_next(subject, "first").await;
    subject.time.pass(AFTER_WINDOW).await;
    send(subject, vec![repeatable("a", "new", subject)]).await;
    send(subject, vec![repeatable("a", "repeat of new", subject)]).await;
    finish_next(subject, "new").await;
    expect_nothing(subject).await;
}

pub async fn a_repeat_on_another_queue_is_no_repeat(subject: &Subject) {
    let now = subject.time.now();
    for queue in QueueName::ALL {
        send(
            subject,
            vec![Outgoing::deduplicated(
                job_on(queue, "a", "a-1", now).job,
                "event-7",
            )],
        )
        .await;
    }
    for queue in QueueName::ALL {
        assert_eq!(take(subject, queue, 10, LONG).await.len(), 1, "{queue:?}");
    }
}
