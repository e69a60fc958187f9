//! Stories about queues with ordered groups.

#![expect(clippy::missing_panics_doc, reason = "a story fails by panicking")]

mod content;
mod dead_letters;
mod deduplication;
mod order;
mod racing;
mod visibility;

use std::time::Duration;

use handover_core::job::{Outgoing, QueueName};
use handover_core::ports::Received;

pub use content::*;
pub use dead_letters::*;
pub use deduplication::*;
pub use order::*;
pub use racing::*;
pub use visibility::*;

use crate::Subject;

/// Runs every story about queues against what `factory` (an `async fn() -> Subject`) makes.
#[macro_export]
macro_rules! queue_conformance {
    ($factory:ident) => {
        $crate::stories! { queue_conformance, $factory, queue::{
            a_group_keeps_its_order,
            the_order_of_one_call_counts,
            groups_do_not_wait_for_each_other,
            queues_do_not_wait_for_each_other,
            a_job_in_work_blocks_its_group,
            a_batch_keeps_the_order_of_each_group,
            an_empty_queue_answers_at_once,
            an_abandoned_job_comes_back_unchanged,
            an_abandoned_job_comes_back_before_its_successors,
            a_retried_job_comes_back_before_its_successors,
            a_retry_may_come_at_once,
            a_retry_that_was_no_attempt_is_not_counted,
            a_deleted_job_is_gone,
            a_stale_receipt_changes_nothing,
            a_repeat_is_dropped,
            a_repeat_is_dropped_after_its_first_was_done,
            after_the_window_a_repeat_is_a_new_job,
            a_repeat_on_another_queue_is_no_repeat,
            a_dead_letter_keeps_job_and_reason_and_frees_its_group,
            dead_letters_come_oldest_first,
            a_replayed_job_comes_last_and_starts_anew,
            a_discarded_dead_letter_is_gone,
            what_a_conversation_left_behind_is_erased,
            any_text_arrives_as_it_was,
            it_is_known_how_many_jobs_wait,
            a_large_job_arrives_as_it_was,
            many_receivers_get_each_job_once_and_in_order,
            many_senders_lose_nothing,
        } }
    };
}

/// Long enough that it does not run out within a story.
pub(crate) const LONG: Duration = Duration::from_mins(1);
/// Short enough to be waited for.
pub(crate) const SHORT: Duration = Duration::from_secs(2);
/// A little more than [`SHORT`].
pub(crate) const AFTER_SHORT: Duration = Duration::from_millis(2_500);

/// How often an empty answer is not believed yet: some services look at a part of their servers only.
const LOOKS: usize = 20;

pub(crate) async fn send(subject: &Subject, jobs: Vec<Outgoing>) {
    subject.queue.send(jobs).await.expect("sending works");
}

/// Takes up to `max` jobs; asks again while there are none.
pub(crate) async fn take(
    subject: &Subject,
    queue: QueueName,
    max: usize,
    visibility: Duration,
) -> Vec<Received> {
    for _ in 0..LOOKS {
        let received = subject
            .queue
            .receive(queue, max, visibility)
            .await
            .expect("receiving works");
        if !received.is_empty() {
            return received;
        }
    }
    Vec::new()
}

/// Takes one job from the queue to RCE.
pub(crate) async fn take_one(subject: &Subject, visibility: Duration) -> Received {
    let mut received = take(subject, QueueName::ToRingcx, 1, visibility).await;
    assert!(received.len() <= 1, "asked for one job, got {}", received.len());
    received.pop().expect("a job is there")
}

/// Takes one job from the queue to RCE, checks its id and finishes it.
pub(crate) async fn finish_next(subject: &Subject, id: &str) {
    let received = take_one(subject, LONG).await;
    assert_eq!(received.job.id.as_str(), id);
    delete(subject, &received).await;
}

pub(crate) async fn delete(subject: &Subject, received: &Received) {
    subject
        .queue
        .delete(&received.receipt)
        .await
        .expect("deleting works");
}

/// Nothing may be received from the queue to RCE now.
pub(crate) async fn expect_nothing(subject: &Subject) {
    let received = subject.queue.receive(QueueName::ToRingcx, 10, LONG).await;
    let ids: Vec<_> = received
        .expect("receiving works")
        .into_iter()
        .map(|r| r.job.id)
        .collect();
    assert!(ids.is_empty(), "nothing was to be received, but {ids:?} came");
}

pub(crate) fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(|received| received.job.id.as_str()).collect()
}
