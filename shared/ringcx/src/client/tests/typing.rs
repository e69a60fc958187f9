//! Typing of the person.

use std::time::Duration;

use handover_core::ids::ForeignThreadId;
use handover_core::ports::RingCx as _;
use serde_json::json;

use super::Bench;
use super::server::Seen;

fn thread(id: &str) -> ForeignThreadId {
    ForeignThreadId::new(id)
}

impl Bench {
    async fn type_in(&self, id: &str, preview: Option<&str>) {
        self.client
            .typing(&self.connection, &thread(id), preview)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn br_039_one_start_per_thread_in_two_seconds() {
    let bench = Bench::new().await;
    bench.type_in("a", Some("I s")).await;
    bench.type_in("a", Some("I st")).await;
    bench.type_in("b", None).await;
    bench.clock.pass(Duration::from_millis(1_999));
    bench.type_in("a", Some("I sti")).await;
    bench.clock.pass(Duration::from_millis(1));
    bench.type_in("a", Some("I still")).await;
    let started: Vec<_> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.json()["params"].take())
        .collect();
    let expected = [
        json!({"thread_id": "a", "preview": "I s"}),
        json!({"thread_id": "b", "preview": "…"}),
        json!({"thread_id": "a", "preview": "I still"}),
    ];
    assert_eq!(started, expected);
}

#[tokio::test]
async fn br_039_a_stop_resets_the_timer() {
    let bench = Bench::new().await;
    bench.type_in("a", Some("I")).await;
    bench
        .client
        .typing_stopped(&bench.connection, &thread("a"))
        .await
        .unwrap();
    bench.type_in("a", Some("")).await;
    let seen: Vec<_> = bench.server.seen().iter().map(Seen::json).collect();
    let expected = [
        json!({"action": "typing.start", "params": {"thread_id": "a", "preview": "I"}}),
        json!({"action": "typing.stop", "params": {"thread_id": "a"}}),
        json!({"action": "typing.start", "params": {"thread_id": "a", "preview": "…"}}),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn br_039_too_much_typing_is_dropped_and_other_faults_are_told() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(429, "too many typing requests, please try again in a few seconds")
        .answers(422, "Invalid action");
    bench.type_in("a", None).await;
    let refused = bench.client.typing(&bench.connection, &thread("b"), None).await;
    assert!(refused.is_err());
    assert_eq!(bench.server.seen().len(), 2, "never tried again");
}
