//! A batch from SQS: what comes back, what is put aside, and that nothing overtakes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::event::sqs::SqsEvent;
use handover_aws::sqs::work_off;
use handover_core::ids::ConnectionId;
use handover_core::job::{Outgoing, QueueName};
use handover_core::ports::{DeadLetter, JobQueue, NoMetrics, QueueError, Receipt, Received};
use handover_core::settings::Connection;
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::app::{Connections, ConnectionsUnavailable};
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

    async fn retry(&self, receipt: &Receipt, _: Duration, _: bool) -> Result<(), QueueError> {
        self.note("retried", receipt);
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

#[tokio::test]
async fn a_job_that_must_come_back_holds_back_its_group_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let embedded = Embedded::open(dir.path(), Arc::new(SystemClock)).expect("a store");
    let queue = Arc::new(Notes::default());
    let http = handover_ringcx::http::client();
    let app = App {
        connections: Arc::new(Settings),
        store: Arc::new(embedded),
        queue: Arc::clone(&queue) as _,
        ringcx: Arc::new(handover_ringcx::RingCxClient::new(
            http.clone(),
            Arc::default(),
            Arc::new(SystemClock),
        )),
        bots: Arc::new(handover_bots::WebhookBots::new(http)),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        availability: Arc::default(),
        metrics: Arc::new(NoMetrics),
    };
    let event: SqsEvent = serde_json::from_value(json!({"Records": [
        record("a1", "a", &job("unreadable")),
        record("b1", "b", "this is no job"),
        record("a2", "a", &job("removed")),
        record("c1", "c", &job("removed")),
    ]}))
    .expect("an event");

    let answer = work_off(&app, QueueName::ToBot, event).await;

    let back: Vec<String> = answer
        .batch_item_failures
        .into_iter()
        .map(|f| f.item_identifier)
        .collect();
    assert_eq!(
        back,
        ["a1", "a2"],
        "the failed one and, untouched, what follows it in its group"
    );
    let notes = queue.0.lock().expect("not poisoned").clone();
    assert_eq!(notes, ["retried a1", "put aside b1", "put aside c1"]);
}
