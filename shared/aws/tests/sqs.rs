//! A batch from SQS: what comes back, what is put aside, and that nothing overtakes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::event::sqs::SqsEvent;
use handover_aws::queue::Unreadable;
use handover_aws::records::Records;
use handover_aws::sqs::Worker;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, JobId};
use handover_core::job::{Job, Outgoing, QueueName};
use handover_core::ports::{DeadLetter, JobQueue, NoMetrics, QueueError, Receipt, Received};
use handover_core::settings::Connection;
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::app::{Connections, ConnectionsUnavailable};
use handover_handlers::files::Files;
use handover_machine::{RandomIds, SystemClock};
use serde_json::{Value, json};

/// Remembers what became of which receipt.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn note(&self, what: &str, receipt: &Receipt) {
        let mut notes = self.0.lock().expect("not poisoned");
        notes.push(format!("{what} {}", receipt.token));
    }
}

#[async_trait]
impl JobQueue for Notes {
    async fn send(&self, _: Vec<Outgoing>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn receive(&self, _: QueueName, _: usize, _: Duration) -> Result<Vec<Received>, QueueError> {
        Ok(Vec::new())
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        self.note("deleted", receipt);
        Ok(())
    }

    async fn retry(&self, receipt: &Receipt, after: Duration, counts: bool) -> Result<(), QueueError> {
        let untouched = after.is_zero() && !counts;
        self.note(if untouched { "handed back" } else { "retried" }, receipt);
        Ok(())
    }

    async fn dead_letter(&self, received: &Received, _: &str) -> Result<(), QueueError> {
        self.note("put aside", &received.receipt);
        Ok(())
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(Vec::new())
    }

    async fn replay(&self, _: &str) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn discard(&self, _: &str) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn waiting(&self, _: QueueName) -> Result<u64, QueueError> {
        Ok(0)
    }
}

/// Records whose handles are their ids.
struct Plain(Arc<Notes>);

#[async_trait]
impl Records for Plain {
    async fn job(&self, body: &str) -> Result<Job, Unreadable> {
        serde_json::from_str(body).map_err(|_| Unreadable::NotAJob)
    }

    async fn attempt(&self, _: &JobId, receives: u32) -> Result<u32, QueueError> {
        Ok(receives)
    }

    fn receipt(&self, queue: QueueName, _: &JobId, handle: &str) -> Receipt {
        let token = handle.to_owned();
        Receipt { queue, token }
    }

    async fn set_aside(&self, id: &str, group: &str, body: &str) -> Result<(), QueueError> {
        let mut notes = self.0.0.lock().expect("not poisoned");
        notes.push(format!("set aside {id} of {group}: {body}"));
        Ok(())
    }
}

/// The settings of "unreadable" cannot be read now; there is no other connection.
struct Settings;

#[async_trait]
impl Connections for Settings {
    async fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        match id.as_str() {
            "unreadable" => Err(ConnectionsUnavailable("not now".into())),
            _ => Ok(None),
        }
    }
}

fn record(id: &str, group: &str, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": id, "body": body,
        "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": "1"}
    })
}

fn job(connection: &str) -> String {
    json!({
        "id": "j", "connection": connection, "thread": "c", "accepted_at": "2026-11-20T10:00:00Z",
        "work": {"do": "tell_typing", "typing": true}
    })
    .to_string()
}

/// A worker, and what becomes of its records.
struct Scene {
    worker: Worker,
    notes: Arc<Notes>,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let embedded = Embedded::open(dir.path(), Arc::new(SystemClock)).expect("a store");
        let notes = Arc::new(Notes::default());
        let http = handover_ringcx::http::client();
        let app = App {
            connections: Arc::new(Settings),
            store: Arc::new(embedded),
            queue: Arc::clone(&notes) as _,
            ringcx: Arc::new(handover_ringcx::RingCxClient::new(
                http.clone(),
                Arc::new(handover_ringcx::ProcessBudget::new()),
                Arc::new(SystemClock),
            )),
            bots: Arc::new(handover_bots::Bots::new(http)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            availability: Arc::default(),
            health: Arc::default(),
            metrics: Arc::new(NoMetrics),
            files: Files::none(),
        };
        let records = Box::new(Plain(Arc::clone(&notes)));
        let worker = Worker {
            app,
            queue: QueueName::ToBot,
            records,
        };
        Self {
            worker,
            notes,
            _dir: dir,
        }
    }

    /// Ids of the records that come back.
    async fn work_off(&self, records: &[Value], deadline: Timestamp) -> Vec<String> {
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).expect("an event");
        let answer = self.worker.work_off(event, deadline).await;
        let back = answer.batch_item_failures.into_iter();
        back.map(|failure| failure.item_identifier).collect()
    }

    /// What was done, sorted: groups are worked off side by side.
    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.0.lock().expect("not poisoned").clone();
        notes.sort();
        notes
    }
}

#[tokio::test]
async fn a_job_that_must_come_back_holds_back_its_group_only() {
    let scene = Scene::new();
    let records = [
        record("a1", "a", &job("unreadable")),
        record("b1", "b", "this is no job"),
        record("a2", "a", &job("removed")),
        record("c1", "c", &job("removed")),
        record("b2", "b", &job("removed")),
    ];
    let back = scene.work_off(&records, Timestamp::MAX).await;
    assert_eq!(
        back,
        ["a1", "a2"],
        "the failed one and, untouched, what follows it in its group"
    );
    let expected = [
        "handed back a2",
        "put aside b2",
        "put aside c1",
        "retried a1",
        "set aside b1 of b: this is no job",
    ];
    assert_eq!(scene.notes(), expected);
}

#[tokio::test]
async fn no_job_is_begun_that_the_function_may_not_finish() {
    let scene = Scene::new();
    let records = [
        record("a1", "a", &job("removed")),
        record("a2", "a", &job("removed")),
    ];
    let soon = scene.worker.app.now() + Duration::from_secs(5);
    assert_eq!(scene.work_off(&records, soon).await, ["a1", "a2"]);
    assert_eq!(scene.notes(), ["handed back a1", "handed back a2"]);
}
