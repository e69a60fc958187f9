//! The queues over SQS: every story that a queue must pass, over the wire to emulators of SQS and DynamoDB.
//!
//! Time is the machine's, so stories that wait really wait: two of them for the five minutes within which SQS drops
//! repeats. With `RUST_TEST_THREADS=32` all run side by side.
//!
//! Where the emulator differs from SQS, and what that means here:
//! - It lets an expired handle delete and hide a message until somebody else has received it. That a stale
//!   receipt changes nothing is the adapter's own check, by the clock; SQS's refusals are told in `faults`.
//! - It takes 256 KiB where SQS takes 1 MiB. Larger jobs than 200 KiB are kept in the table for both.
//! - It never takes a batch in part, nor throttles. Both are told in `faults`.
//! - It looks at all of a queue at once, where SQS may answer with nothing although there is something.

#[path = "queue/beside.rs"]
mod beside;
#[path = "queue/faults.rs"]
mod faults;
#[path = "queue/meddler.rs"]
mod meddler;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use handover_aws::client::OurClient;
use handover_aws::dynamodb::DynamoStore;
use handover_aws::queue::{Ledger, QueueUrls, SqsQueue};
use handover_conformance::{Subject, TimeTravel};
use handover_core::Timestamp;
use handover_core::ports::Clock as _;
use handover_emulators::{DynamoDb, Ministack, Queues, REGION, skip_all, unique};
use handover_machine::{RandomIds, SystemClock};
use tokio::sync::OnceCell;

/// The emulators that all stories share; each story has queues and a table of its own.
async fn emulators() -> &'static (Ministack, DynamoDb) {
    static EMULATORS: OnceCell<Option<(Ministack, DynamoDb)>> = OnceCell::const_new();
    let start = || async { Some((Ministack::start().await?, DynamoDb::start().await?)) };
    let started = EMULATORS.get_or_init(start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

/// Queues and a table that nobody else uses.
struct Ground {
    queues: Queues,
    table: String,
    sqs: String,
    dynamodb: String,
}

impl Ground {
    async fn new() -> Self {
        let (sqs, dynamodb) = emulators().await;
        let name = unique("queue");
        dynamodb.create_table(&name).await;
        Self {
            queues: Queues::create(sqs.url(), &name).await,
            table: name,
            sqs: sqs.url().to_owned(),
            dynamodb: dynamodb.url().to_owned(),
        }
    }

    fn urls(&self) -> QueueUrls {
        QueueUrls {
            to_bot: self.queues.to_bot.url.clone(),
            to_ringcx: self.queues.to_ringcx.url.clone(),
            queue_updates: self.queues.queue_updates.url.clone(),
        }
    }

    fn queue(&self) -> SqsQueue {
        self.queue_at(&self.sqs, &self.dynamodb)
    }

    /// With other servers between it and the emulators.
    fn queue_at(&self, sqs: &str, dynamodb: &str) -> SqsQueue {
        let ledger = Ledger::new(dynamodb_client(dynamodb), &self.table, Arc::new(SystemClock));
        SqsQueue::new(sqs_client(sqs), self.urls(), ledger, Arc::new(SystemClock))
    }
}

/// Repeats come quickly: a test is no crowd.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "tests")
}

fn sqs_client(url: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials())
        .retry_config(retries())
        .endpoint_url(url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn dynamodb_client(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials())
        .retry_config(retries())
        .endpoint_url(url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// The service's time is its own.
struct RealTime;

#[async_trait]
impl TimeTravel for RealTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the emulator's clock cannot be moved, so the story really waits"
    )]
    async fn pass(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

async fn subject() -> Subject {
    let ground = Ground::new().await;
    let queue: Arc<SqsQueue> = Arc::new(ground.queue());
    let store = DynamoStore::new(
        dynamodb_client(&ground.dynamodb),
        &ground.table,
        Arc::clone(&queue) as _,
        Arc::new(SystemClock),
        Arc::new(RandomIds),
    );
    Subject::new(Arc::new(store), queue, Arc::new(RealTime))
}

handover_conformance::queue_conformance!(subject);
