//! Between the table and the queue: a process that dies there loses nothing and does nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use handover_aws::dynamodb::DynamoStore;
use handover_conformance::samples::{
    claim, connection, conversation, job, job_with_text, message, thread, write,
};
use handover_core::Timestamp;
use handover_core::job::{Outgoing, QueueName};
use handover_core::ports::{
    ClaimKey, Clock as _, Commit, DeadLetter, Expected, JobQueue, QueueError, Receipt, Received, Store,
    StoreError,
};
use handover_core::timeline::TimelineEntry;
use handover_machine::RandomIds;

use super::{Ground, client, emulator, unique};

/// A queue that can be out of reach.
struct Moody {
    real: Arc<dyn JobQueue>,
    out_of_reach: AtomicBool,
}

#[async_trait]
impl JobQueue for Moody {
    async fn send(&self, jobs: Vec<Outgoing>) -> Result<(), QueueError> {
        if self.out_of_reach.load(Ordering::SeqCst) {
            return Err(QueueError::Unavailable("out of reach".into()));
        }
        self.real.send(jobs).await
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        self.real.receive(queue, max, visibility).await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        self.real.delete(receipt).await
    }

    async fn retry(&self, receipt: &Receipt, after: Duration, counts: bool) -> Result<(), QueueError> {
        self.real.retry(receipt, after, counts).await
    }

    async fn dead_letter(&self, received: &Received, reason: &str) -> Result<(), QueueError> {
        self.real.dead_letter(received, reason).await
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        self.real.dead_letters().await
    }

    async fn replay(&self, id: &str) -> Result<bool, QueueError> {
        self.real.replay(id).await
    }

    async fn discard(&self, id: &str) -> Result<bool, QueueError> {
        self.real.discard(id).await
    }

    async fn waiting(&self, queue: QueueName) -> Result<u64, QueueError> {
        self.real.waiting(queue).await
    }
}

struct Scene {
    ground: Ground,
    queue: Arc<Moody>,
    store: DynamoStore,
}

impl Scene {
    async fn new() -> Self {
        let ground = Ground::new().await;
        let queue = Arc::new(Moody {
            real: Arc::new(ground.queue.clone()),
            out_of_reach: AtomicBool::new(false),
        });
        let store = DynamoStore::new(
            ground.client.clone(),
            &ground.table,
            Arc::clone(&queue) as _,
            Arc::new(ground.clock.clone()),
            Arc::new(RandomIds),
        );
        Self { ground, queue, store }
    }

    fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    /// Commits, and dies before the jobs are sent.
    async fn dies_before_sending(&self, commit: Commit) {
        self.queue.out_of_reach.store(true, Ordering::SeqCst);
        let result = self.store.commit(commit).await;
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
        self.queue.out_of_reach.store(false, Ordering::SeqCst);
    }

    /// Ids of the jobs that come out of the queue, in order.
    async fn received(&self) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let received = self
                .queue
                .receive(QueueName::ToRingcx, 10, Duration::from_mins(1))
                .await;
            let received = received.expect("receiving works");
            if received.is_empty() {
                return ids;
            }
            for job in received {
                ids.push(job.job.id.to_string());
                self.queue.delete(&job.receipt).await.expect("deleting works");
            }
        }
    }

    async fn read(&self, name: &str) -> handover_core::ports::Versioned {
        let found = self.store.conversation(&connection(), &thread(name)).await;
        found.expect("reading works").expect("it is there")
    }
}

#[tokio::test]
async fn jobs_of_a_commit_that_was_cut_short_are_sent_by_the_next_reader() {
    let scene = Scene::new().await;
    let now = scene.now();
    let mut change = write(&conversation("a", now), Expected::New);
    change.jobs = vec![job("a", "a-1", now), job("a", "a-2", now)];
    scene.dies_before_sending(change).await;
    assert_eq!(scene.received().await, [""; 0]);

    let found = scene.read("a").await;
    assert_eq!(scene.received().await, ["a-1", "a-2"]);
    // It is taken off: the next reader has nothing to send, however late it comes.
    scene.ground.clock.0.advance(Duration::from_hours(1));
    assert_eq!(scene.read("a").await, found);
    assert_eq!(scene.received().await, [""; 0]);
}

#[tokio::test]
async fn jobs_that_were_sent_are_not_sent_again_however_late_somebody_reads() {
    let scene = Scene::new().await;
    let now = scene.now();
    let mut change = write(&conversation("a", now), Expected::New);
    change.jobs = vec![job("a", "a-1", now)];
    scene.store.commit(change).await.expect("committing works");
    assert_eq!(scene.received().await, ["a-1"]);
    scene.ground.clock.0.advance(Duration::from_hours(1));
    scene.read("a").await;
    assert_eq!(scene.received().await, [""; 0]);
}

#[tokio::test]
async fn jobs_that_were_left_come_before_those_of_the_next_commit() {
    let scene = Scene::new().await;
    let now = scene.now();
    scene
        .store
        .commit(write(&conversation("a", now), Expected::New))
        .await
        .expect("committing works");
    let version = scene.read("a").await.version;
    for id in ["a-1", "a-2"] {
        let checking = Commit {
            check: Some((connection(), thread("a"), version)),
            jobs: vec![job("a", id, now)],
            ..Commit::default()
        };
        scene.dies_before_sending(checking).await;
    }
    let mut change = write(&scene.read("a").await.conversation, Expected::Version(version));
    change.jobs = vec![job("a", "a-3", now)];
    scene.store.commit(change).await.expect("committing works");
    assert_eq!(scene.received().await, ["a-1", "a-2", "a-3"]);
}

#[tokio::test]
async fn who_finds_a_claim_sends_what_its_maker_could_not() {
    let scene = Scene::new().await;
    let now = scene.now();
    let mut change = write(&conversation("a", now), Expected::New);
    let mut once = claim("once", "first", "answer", now);
    once.key = ClaimKey::of(&connection(), &thread("a"), "once");
    change.claims = vec![once.clone()];
    change.jobs = vec![job("a", "a-1", now)];
    scene.dies_before_sending(change).await;
    let recorded = scene
        .store
        .claimed(&once.key, scene.now())
        .await
        .expect("reading works");
    assert_eq!(recorded.expect("claimed").record, "answer");
    assert_eq!(scene.received().await, ["a-1"]);
}

#[tokio::test]
async fn a_job_that_is_too_large_for_its_conversations_item_is_sent_whole() {
    let scene = Scene::new().await;
    let now = scene.now();
    let large = job_with_text("a", "large", &"ü🙂".repeat(130_000), now);
    let mut change = write(&conversation("a", now), Expected::New);
    change.jobs = vec![large.clone(), job("a", "small", now)];
    scene.dies_before_sending(change).await;
    scene.read("a").await;
    let received = scene
        .queue
        .receive(QueueName::ToRingcx, 1, Duration::from_mins(1))
        .await;
    let received = received.expect("receiving works").remove(0);
    assert!(received.job == large.job, "it arrived changed");
    scene
        .queue
        .delete(&received.receipt)
        .await
        .expect("deleting works");
    assert_eq!(scene.received().await, ["small"]);
}

#[tokio::test]
async fn kept_messages_may_be_larger_than_an_item() {
    let scene = Scene::new().await;
    let now = scene.now();
    scene
        .store
        .commit(write(&conversation("a", now), Expected::New))
        .await
        .expect("committing works");
    let of = thread("a");
    let messages = vec![
        message(&of, "m-1", &"ä".repeat(500_000), now),
        message(&of, "m-2", "short", now),
        message(&of, "m-3", &"🙂".repeat(100_000), now),
    ];
    let change = Commit {
        check: Some((connection(), of.clone(), scene.read("a").await.version)),
        keep: messages.clone(),
        ..Commit::default()
    };
    scene.store.commit(change).await.expect("committing works");
    let kept = scene
        .store
        .kept_messages(&connection(), &of, now)
        .await
        .expect("reading works");
    assert!(kept == messages, "they came back changed");
}

/// The timeline is for looking; the whole text went its way.
#[tokio::test]
async fn long_texts_are_cut_in_the_timeline_and_lines_of_one_claim_add_up() {
    let scene = Scene::new().await;
    let now = scene.now();
    let mut once = claim("once", "job", "", now);
    once.key = ClaimKey::of(&connection(), &thread("a"), "once");
    for what in ["first", "second"] {
        let entry = TimelineEntry::new(scene.now(), what).text(Some(&"ü".repeat(400_000)));
        let change = Commit {
            claims: vec![once.clone()],
            timeline: vec![(connection(), thread("a"), entry)],
            ..Commit::default()
        };
        scene.store.commit(change).await.expect("committing works");
    }
    let lines = scene
        .store
        .timeline(&connection(), &thread("a"))
        .await
        .expect("reading works");
    let whats: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(whats, ["first", "second"]);
    assert_eq!(
        lines[0].text.as_ref().map(|text| text.chars().count()),
        Some(10_001)
    );
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let scene = Scene::new().await;
    let store = DynamoStore::new(
        client(emulator().await.url()),
        &unique("nowhere"),
        Arc::clone(&scene.queue) as _,
        Arc::new(scene.ground.clock.clone()),
        Arc::new(RandomIds),
    );
    let error = store
        .conversation(&connection(), &thread("a"))
        .await
        .expect_err("there is no table");
    let cause = error.to_string();
    assert!(
        cause.contains("the table nowhere-") && cause.contains("does not exist"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_conversation_in_which_something_is_said_does_not_expire() {
    let scene = Scene::new().await;
    let start = scene.now();
    scene
        .store
        .commit(write(&conversation("a", start), Expected::New))
        .await
        .expect("committing works");
    scene.ground.clock.0.advance(Duration::from_hours(20 * 24));
    let now = scene.now();
    let change = Commit {
        check: Some((connection(), thread("a"), scene.read("a").await.version)),
        keep: vec![message(&thread("a"), "m-1", "still here", now)],
        ..Commit::default()
    };
    scene.store.commit(change).await.expect("committing works");
    let item = scene
        .ground
        .client
        .get_item()
        .table_name(&scene.ground.table)
        .key("pk", AttributeValue::S("c#acme#a".to_owned()))
        .key("sk", AttributeValue::S("state".to_owned()))
        .send()
        .await
        .expect("reading works");
    let item = item.item.expect("it is there");
    let expires: i64 = item["ttl"].as_n().expect("a number").parse().expect("seconds");
    assert!(expires > (now + Duration::from_hours(30 * 24)).as_second());
}
