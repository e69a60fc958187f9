//! The store over DynamoDB: every story that a store must pass, over the wire to an emulator.
//!
//! The queue that gets the jobs of commits is the embedded one, which has stories of its own; what happens between
//! the two is told below. With `HANDOVER_DYNAMODB=local` the emulator is the official DynamoDB Local.
//!
//! Where the emulators differ from the service: their indexes never lag, and nothing is deleted when its time to
//! live is over.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use handover_aws::client::OurClient;
use handover_aws::dynamodb::DynamoStore;
use handover_conformance::{Subject, TestClock, TimeTravel};
use handover_core::Timestamp;
use handover_core::ports::Clock;
use handover_embedded::Embedded;
use handover_emulators::{DynamoDb, REGION, skip_all, unique};
use handover_machine::RandomIds;
use tempfile::TempDir;
use tokio::sync::OnceCell;

#[path = "dynamodb/unsent.rs"]
mod unsent;

/// A clock that moves a little with every look at it, as real ones do: two commits never have the same time.
#[derive(Clone, Default)]
struct Ticking(TestClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_millis(1));
        Clock::now(&self.0)
    }
}

#[async_trait]
impl TimeTravel for Ticking {
    async fn pass(&self, duration: Duration) {
        self.0.advance(duration);
    }

    fn now(&self) -> Timestamp {
        Clock::now(self)
    }
}

/// One emulator for all stories; each has a table of its own.
async fn emulator() -> &'static DynamoDb {
    static EMULATOR: OnceCell<Option<DynamoDb>> = OnceCell::const_new();
    let started = EMULATOR.get_or_init(DynamoDb::start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .endpoint_url(url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    Client::from_conf(config)
}

/// A table and a queue that nobody else uses.
struct Ground {
    client: Client,
    table: String,
    queue: Embedded,
    clock: Ticking,
    dir: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let emulator = emulator().await;
        let table = unique("store");
        emulator.create_table(&table).await;
        let clock = Ticking::default();
        let dir = TempDir::new().expect("a temporary directory");
        let queue = Embedded::open(dir.path(), Arc::new(clock.clone())).expect("a database");
        Self {
            client: client(emulator.url()),
            table,
            queue,
            clock,
            dir,
        }
    }

    fn store(&self) -> DynamoStore {
        DynamoStore::new(
            self.client.clone(),
            &self.table,
            Arc::new(self.queue.clone()),
            Arc::new(self.clock.clone()),
            Arc::new(RandomIds),
        )
    }
}

async fn subject() -> Subject {
    let ground = Ground::new().await;
    Subject::new(
        Arc::new(ground.store()),
        Arc::new(ground.queue.clone()),
        Arc::new(ground.clock.clone()),
    )
    .with_guard(ground.dir)
}

handover_conformance::store_conformance!(subject);
