use std::collections::HashSet;

use handover_core::job::QueueName;

use super::{LONG, delete, expect_nothing, finish_next, send, take, take_one};
use crate::Subject;
use crate::samples::{job, job_on};

pub async fn a_group_keeps_its_order(subject: &Subject) {
    let now = subject.time.now();
    for id in ["a-1", "a-2", "a-3", "a-4"] {
        send(subject, vec![job("a", id, now)]).await;
    }
    for id in ["a-1", "a-2", "a-3", "a-4"] {
        finish_next(subject, id).await;
    }
    expect_nothing(subject).await;
}

pub async fn the_order_of_one_call_counts(subject: &Subject) {
    let now = subject.time.now();
    // More than some services take in one request.
    let expected: Vec<String> = (0..25).map(|n| format!("a-{n}")).collect();
    send(subject, expected.iter().map(|id| job("a", id, now)).collect()).await;
    for id in &expected {
        finish_next(subject, id).await;
    }
    expect_nothing(subject).await;
}

pub async fn groups_do_not_wait_for_each_other(subject: &Subject) {
    let now = subject.time.now();
    send(
        subject,
        vec![job("a", "a-1", now), job("a", "a-2", now), job("b", "b-1", now)],
    )
    .await;
    let first = take_one(subject, LONG).await;
    let second = take_one(subject, LONG).await;
    let both = HashSet::from([first.job.id.as_str(), second.job.id.as_str()]);
    assert_eq!(both, HashSet::from(["a-1", "b-1"]));
    delete(subject, &first).await;
    delete(subject, &second).await;
    finish_next(subject, "a-2").await;
}

pub async fn queues_do_not_wait_for_each_other(subject: &Subject) {
    let now = subject.time.now();
    for queue in QueueName::ALL {
        send(
            subject,
            vec![job_on(queue, "a", &format!("{}-1", queue.as_str()), now)],
        )
        .await;
    }
    for queue in QueueName::ALL {
        let received = take(subject, queue, 10, LONG).await;
        assert_eq!(super::ids(&received), [format!("{}-1", queue.as_str())]);
        assert_eq!(received[0].receipt.queue, queue);
    }
}

pub async fn a_job_in_work_blocks_its_group(subject: &Subject) {
    let now = subject.time.now();
    send(subject, vec![job("a", "a-1", now), job("a", "a-2", now)]).await;
    let first = take_one(subject, LONG).await;
    expect_nothing(subject).await;
    send(subject, vec![job("a", "a-3", now)]).await;
    expect_nothing(subject).await;
    delete(subject, &first).await;
    finish_next(subject, "a-2").await;
    finish_next(subject, "a-3").await;
}

/// A batch may hold several jobs of one group where the service does that; then they are in order and
/// nobody else gets later ones.
pub async fn a_batch_keeps_the_order_of_each_group(subject: &Subject) {
    let now = subject.time.now();
    let names = ["a", "b", "c"];
    for n in 0..4 {
        send(
            subject,
            names.map(|name| job(name, &format!("{name}-{n}"), now)).into(),
        )
        .await;
    }
    let mut seen = names.map(|name| (name, 0));
    let mut left = 12;
    while left > 0 {
        let batch = take(subject, QueueName::ToRingcx, 10, LONG).await;
        assert!(!batch.is_empty(), "{left} jobs never came");
        expect_no_later_ones(subject, &batch).await;
        for received in &batch {
            let (name, next) = seen
                .iter_mut()
                .find(|(name, _)| received.job.id.as_str().starts_with(name))
                .expect("a known group");
            assert_eq!(received.job.id.as_str(), format!("{name}-{next}"));
            *next += 1;
            left -= 1;
        }
        for received in &batch {
            delete(subject, received).await;
        }
    }
    expect_nothing(subject).await;
}

/// While all groups of `batch` are in work, nobody else gets anything of them.
async fn expect_no_later_ones(subject: &Subject, batch: &[handover_core::ports::Received]) {
    let in_work: HashSet<_> = batch.iter().map(|received| received.job.group()).collect();
    if in_work.len() == 3 {
        expect_nothing(subject).await;
    }
}

pub async fn an_empty_queue_answers_at_once(subject: &Subject) {
    expect_nothing(subject).await;
    send(subject, Vec::new()).await;
    expect_nothing(subject).await;
}
