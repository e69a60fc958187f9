//! What all calls for RCE's own channels have in common: the budget, and discretion.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::ids::{CategoryId, ContentId, IdentityId, InterventionId, SourceId, ThreadId};
use handover_core::ports::{Contents, Reply, RingCxError, Upload, Urgency};
use handover_core::settings::Connection;
use tracing::level_filters::LevelFilter;

use super::Bench;
use super::server::Server;
use crate::client::RingCxClient;
use crate::http;
use crate::limiter::RestBudget;
use crate::test_support::{API_TOKEN, TestClock, connection};

const WORDS: &str = "a-word-that-nobody-may-see";

/// Every call, with the words in whatever carries words.
async fn call_all(client: &RingCxClient, connection: &Connection, urgency: Urgency) -> Vec<RingCxError> {
    let content = ContentId::new("c1");
    let intervention = InterventionId::new("17a1");
    let reply = Reply {
        in_reply_to: Some(content.clone()),
        text: Some(WORDS.to_owned()),
        structured: Some(serde_json::json!({"type": "template", "title": WORDS, "items": []})),
        ..Reply::default()
    };
    let file = Upload {
        filename: format!("{WORDS}.txt"),
        content_type: "text/plain".to_owned(),
        bytes: Bytes::from_static(WORDS.as_bytes()),
    };
    let categories = [CategoryId::new("ca-agent")];
    let identity = IdentityId::new("de1");
    let outcomes = [
        client.reply(connection, &reply).await.map(drop),
        client.content(connection, &content, urgency).await.map(drop),
        client
            .newest_contents(connection, &ThreadId::new("74a1"), 5, urgency)
            .await
            .map(drop),
        client
            .recent_contents(connection, &SourceId::new("50c1"), 0)
            .await
            .map(drop),
        client.upload(connection, &file).await.map(drop),
        client.person(connection, &identity, urgency).await.map(drop),
        client.own_account(connection).await.map(drop),
        client.engage(connection, &content).await.map(drop),
        client.comment(connection, &intervention, WORDS).await,
        client.hand_over(connection, &intervention, &categories).await,
        client.complete(connection, &intervention).await,
    ];
    outcomes.into_iter().filter_map(Result::err).collect()
}

/// Grants every place and remembers for whom.
#[derive(Default)]
struct Book(Mutex<Vec<Urgency>>);

#[async_trait]
impl RestBudget for Book {
    async fn take(&self, _: &str, _: u32, urgency: Urgency, _: Timestamp) -> Result<(), Duration> {
        self.0.lock().unwrap().push(urgency);
        Ok(())
    }

    async fn limited(&self, _: &str, _: Option<Duration>, _: Timestamp) -> Duration {
        Duration::ZERO
    }

    async fn succeeded(&self, _: &str, _: Timestamp) {}
}

#[tokio::test]
async fn br_065_each_call_takes_its_place_for_whom_it_is() {
    use Urgency::{Begun, Idle, Now};
    for (asked_for, expected) in [
        (
            Now,
            [Now, Now, Now, Idle, Now, Now, Now, Now, Begun, Begun, Begun],
        ),
        (
            Idle,
            [Now, Idle, Idle, Idle, Now, Idle, Now, Now, Begun, Begun, Begun],
        ),
    ] {
        let (server, book) = (Server::start().await, Arc::new(Book::default()));
        let budget: Arc<dyn RestBudget> = Arc::<Book>::clone(&book);
        let client = RingCxClient::new(http::client(), budget, TestClock::new());
        call_all(&client, &connection(&server.origin), asked_for).await;
        assert_eq!(*book.0.lock().unwrap(), expected, "{asked_for:?}");
        assert_eq!(server.seen().len(), expected.len());
    }
}

#[tokio::test]
async fn br_065_no_call_is_made_without_a_place_and_the_wait_is_told_before() {
    let mut bench = Bench::new().await;
    bench.connection.ringcx.requests_per_minute = 1;
    assert_eq!(bench.client.rest_wait(&bench.connection).await, Duration::ZERO);
    let content = ContentId::new("c1");
    let asked = bench.client.content(&bench.connection, &content, Urgency::Now);
    asked.await.unwrap_err();
    let wait = Duration::from_secs(61);
    assert_eq!(bench.client.rest_wait(&bench.connection).await, wait);
    for error in call_all(&bench.client, &bench.connection, Urgency::Now).await {
        assert!(matches!(error, RingCxError::BudgetUsedUp { .. }), "{error:?}");
    }
    assert_eq!(bench.server.seen().len(), 1);
    bench.clock.pass(wait);
    assert_eq!(bench.client.rest_wait(&bench.connection).await, Duration::ZERO);
}

/// Everything that is logged, at any level, by whichever test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_logs_nor_errors_say_what_people_say() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: what one of them hits first without a subscriber stays silent in the others.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let refusal = format!("{{\"error\":\"{WORDS} .\",\"message\":\"{WORDS}\"}}");
    for (status, body) in [
        (403, refusal.clone()),
        (422, refusal.clone()),
        (500, refusal.clone()),
        (404, refusal),
        (200, format!("{{\"{WORDS}\":")),
    ] {
        let bench = Bench::new().await;
        for _ in 0..13 {
            bench.server.answers(status, body.clone());
        }
        let errors = call_all(&bench.client, &bench.connection, Urgency::Now).await;
        assert!(errors.len() >= 8, "{status}: {errors:?}");
        let said = format!("{errors:?}");
        assert!(!said.contains(WORDS) && !said.contains(API_TOKEN), "{said}");
        for error in &errors {
            assert!(!error.to_string().contains(WORDS), "{error}");
        }
    }
    let mut unreachable = Bench::new().await;
    unreachable.connection.ringcx.api_base = "http://127.0.0.1:1/1.0".parse().unwrap();
    let errors = call_all(&unreachable.client, &unreachable.connection, Urgency::Now).await;
    assert!(!format!("{errors:?}").contains(WORDS), "{errors:?}");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("rest api"), "it was listened to: {logged}");
    assert!(!logged.contains(WORDS) && !logged.contains(API_TOKEN), "{logged}");
}
