//! What SQS alone brings with it: ids, characters, sizes, batches, and the calls that are not made.

use std::time::Duration;

use handover_aws::queue::Unreadable;
use handover_conformance::samples::{connection, job, job_on, job_with_text};
use handover_core::ids::{ForeignThreadId, JobId};
use handover_core::job::{Job, Outgoing, QueueName, Work};
use handover_core::ports::{Clock as _, JobQueue as _, Received};
use handover_core::queue_update::QueueUpdate;
use handover_machine::SystemClock;
use serde_json::json;

use super::meddler::Meddler;
use super::{Ground, emulators};

const LONG: Duration = Duration::from_mins(1);

async fn receive(queue: &handover_aws::queue::SqsQueue, name: QueueName) -> Vec<Received> {
    queue.receive(name, 10, LONG).await.expect("receiving works")
}

fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(|received| received.job.id.as_str()).collect()
}

#[tokio::test]
async fn characters_that_sqs_refuses_arrive_as_they_were() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let sent = job_with_text(
        "a",
        "a-1",
        "\u{fffe} \u{ffff} \u{0} \u{b} \u{7f} 🙂",
        SystemClock.now(),
    );
    queue.send(vec![sent.clone()]).await.expect("sending works");
    assert_eq!(receive(&queue, QueueName::ToRingcx).await[0].job, sent.job);
}

#[tokio::test]
async fn ids_of_any_length_and_any_characters_are_sent_and_stay_apart() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let now = SystemClock.now();
    let subscriber = |id: &str, url: &str, deduplication_id: &str| {
        let job = Job {
            id: JobId::new(id),
            connection: connection(),
            thread: ForeignThreadId::new("t".repeat(128)),
            accepted_at: now,
            work: Work::TellSubscriber {
                url: url.to_owned(),
                epoch: 1,
                update: QueueUpdate {
                    position: Some(1),
                    estimated_wait_ms: None,
                    at: now,
                },
            },
        };
        Outgoing::deduplicated(job, deduplication_id)
    };
    let long = "e".repeat(1_000);
    queue
        .send(vec![
            subscriber("1", "https://one.example/ü", &long),
            subscriber("2", "https://two.example/", "has blanks"),
            subscriber("repeat", "https://one.example/ü", &long),
        ])
        .await
        .expect("sending works");
    let mut received = receive(&queue, QueueName::QueueUpdates).await;
    received.sort_by(|a, b| a.job.id.cmp(&b.job.id));
    assert_eq!(ids(&received), ["1", "2"]);
}

#[tokio::test]
async fn a_newer_place_in_the_queue_makes_an_older_one_of_the_batch_pointless() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let now = SystemClock.now();
    let update = |name, id| job_on(QueueName::QueueUpdates, name, id, now);
    queue
        .send(vec![update("a", "a-1"), update("b", "b-1"), update("a", "a-2")])
        .await
        .expect("sending works");
    let received = receive(&queue, QueueName::QueueUpdates).await;
    let mut superseded: Vec<(&str, bool)> = received
        .iter()
        .map(|received| (received.job.id.as_str(), received.superseded))
        .collect();
    superseded.sort_unstable();
    assert_eq!(superseded, [("a-1", true), ("a-2", false), ("b-1", false)]);
}

#[tokio::test]
async fn a_message_that_is_no_job_holds_up_its_own_group_only() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let now = SystemClock.now();
    let group = job("a", "a-1", now).job.group();
    ground
        .queues
        .to_ringcx
        .send(&group, "nonsense", "{\"do\": \"nothing\"}")
        .await;
    queue
        .send(vec![job("a", "a-1", now), job("b", "b-1", now)])
        .await
        .expect("sending works");
    assert_eq!(ids(&receive(&queue, QueueName::ToRingcx).await), ["b-1"]);
}

#[tokio::test]
async fn what_is_no_job_is_told_from_what_cannot_be_had_now() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    for body in ["", "text", "{}", r#"{"kept":"gone","parts":1}"#] {
        let read = queue.read(body).await;
        assert!(matches!(read, Err(Unreadable::NotAJob)), "{body}: {read:?}");
    }
    let unreachable = ground.queue_at(&ground.sqs, "http://127.0.0.1:9");
    let read = unreachable.read(r#"{"kept":"there","parts":1}"#).await;
    assert!(matches!(read, Err(Unreadable::NotNow(_))), "{read:?}");
}

#[tokio::test]
async fn a_large_job_of_which_a_part_is_missing_is_no_job() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let large = job_with_text("a", "a-1", &"0123456789".repeat(80_000), SystemClock.now());
    queue.send(vec![large.clone()]).await.expect("sending works");
    let (_, dynamodb) = emulators().await;
    let parts = dynamodb.items(&ground.table).await;
    assert_eq!(parts.len(), 3, "800 kB in parts of 300 KiB");
    let body = ground.queues.to_ringcx.receive(0).await.expect("receiving works")[0]
        .body
        .clone();
    assert!(queue.read(&body).await.expect("it is readable") == large.job);
    for part in parts {
        let key = json!({"pk": part["pk"], "sk": part["sk"]});
        dynamodb
            .call("DeleteItem", &json!({"TableName": ground.table, "Key": key}))
            .await;
        let read = queue.read(&body).await;
        assert!(matches!(read, Err(Unreadable::NotAJob)));
        dynamodb
            .call("PutItem", &json!({"TableName": ground.table, "Item": part}))
            .await;
    }
    assert!(queue.read(&body).await.is_ok());
}

#[tokio::test]
async fn a_large_job_can_be_put_aside_and_sent_again() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    let large = job_with_text("a", "a-1", &"🙂".repeat(150_000), SystemClock.now());
    queue.send(vec![large.clone()]).await.expect("sending works");
    let received = receive(&queue, QueueName::ToRingcx).await.remove(0);
    queue
        .dead_letter(&received, "no luck")
        .await
        .expect("putting aside works");
    let letter = queue.dead_letters().await.expect("listing works").remove(0);
    assert!(letter.job == large.job, "it changed");
    assert!(queue.replay(&letter.id).await.expect("replaying works"));
    let again = receive(&queue, QueueName::ToRingcx).await.remove(0);
    assert!(again.job.work == large.job.work, "it changed");
}

#[tokio::test]
async fn a_replayed_job_is_not_credited_with_its_waits_of_before() {
    let ground = Ground::new().await;
    let queue = ground.queue();
    queue
        .send(vec![job("a", "a-1", SystemClock.now())])
        .await
        .expect("sending works");
    for _ in 0..3 {
        let received = receive(&queue, QueueName::ToRingcx).await.remove(0);
        queue
            .retry(&received.receipt, Duration::ZERO, false)
            .await
            .expect("retrying works");
    }
    let received = receive(&queue, QueueName::ToRingcx).await.remove(0);
    queue
        .dead_letter(&received, "no luck")
        .await
        .expect("putting aside works");
    let id = queue.dead_letters().await.expect("listing works").remove(0).id;
    assert!(queue.replay(&id).await.expect("replaying works"));
    for attempt in 1..=3 {
        let received = receive(&queue, QueueName::ToRingcx).await.remove(0);
        assert_eq!(received.attempt, attempt);
        queue
            .retry(&received.receipt, Duration::ZERO, true)
            .await
            .expect("retrying works");
    }
}

#[tokio::test]
async fn names_that_no_dead_letter_can_have_are_none() {
    let queue = Ground::new().await.queue();
    for id in ["", "no such", &"x".repeat(2_000)] {
        assert!(!queue.replay(id).await.expect("replaying works"));
        assert!(!queue.discard(id).await.expect("discarding works"));
    }
}

/// SQS counts whole seconds, and hides for twelve hours at most.
#[tokio::test]
async fn waits_are_rounded_up_and_never_longer_than_sqs_allows() {
    let ground = Ground::new().await;
    let sqs = Meddler::start(Some(&ground.sqs), |_, _| None).await;
    let queue = ground.queue_at(&sqs.url, &ground.dynamodb);
    let waits = [
        Duration::ZERO,
        Duration::from_millis(150),
        Duration::from_secs(3),
        Duration::from_hours(100),
    ];
    for (n, wait) in waits.into_iter().enumerate() {
        let name = n.to_string();
        queue
            .send(vec![job(&name, &name, SystemClock.now())])
            .await
            .expect("sending works");
        let received = receive(&queue, QueueName::ToRingcx).await;
        let of_it = received.iter().find(|received| received.job.id.as_str() == name);
        let receipt = &of_it.expect("the job came").receipt;
        queue.retry(receipt, wait, true).await.expect("retrying works");
    }
    let asked: Vec<_> = sqs
        .calls("ChangeMessageVisibility")
        .iter()
        .map(|call| call["VisibilityTimeout"].as_i64().unwrap_or(-1))
        .collect();
    assert_eq!(asked[..3], [0, 1, 3]);
    assert!((36_000..43_200).contains(&asked[3]), "{asked:?}");
}

/// The budget: one send to accept, one delete when it is done, and nothing of the table.
#[tokio::test]
async fn a_job_that_goes_well_costs_no_call_to_the_table() {
    let ground = Ground::new().await;
    let sqs = Meddler::start(Some(&ground.sqs), |_, _| None).await;
    // Nothing answers there.
    let queue = ground.queue_at(&sqs.url, "http://127.0.0.1:9");
    queue
        .send(vec![job("a", "a-1", SystemClock.now())])
        .await
        .expect("sending works");
    let received = receive(&queue, QueueName::ToRingcx).await.remove(0);
    queue.delete(&received.receipt).await.expect("deleting works");
    for (operation, calls) in [("SendMessage", 1), ("SendMessageBatch", 0), ("DeleteMessage", 1)] {
        assert_eq!(sqs.calls(operation).len(), calls, "{operation}");
    }
}
