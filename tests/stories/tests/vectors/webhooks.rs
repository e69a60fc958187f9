//! Webhooks: validation, authentication, and what each event does.

use handover_core::secret::Secret;
use handover_stories::canned::CannedRce;
use handover_stories::{Bench, Reply};
use serde_json::{Value, json};

use crate::{CONVERSATION, bench, entries, id, setup, text, vectors, waiting};

fn headers(of: &Value) -> Vec<(&str, &str)> {
    let pairs = of.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.as_str(), text(value))).collect()
}

async fn post(bench: &Bench, sample: &Value) -> Reply {
    let body = text(&sample["payload_exact"]).to_owned();
    bench
        .request("POST", "/acme/handover/rce", &headers(&sample["headers"]), body)
        .await
}

#[tokio::test]
async fn every_validation_is_answered_as_it_should_be() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let bench = bench(vectors, &canned).await;
    for case in entries(&vectors["webhook_handshake"], 8) {
        let query = case["query"].as_object().unwrap();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query.iter().map(|(name, value)| (name, text(value))))
            .finish();
        for path in ["/acme/handover/rce", "/acme/handover/rce/webhook"] {
            let path = format!("{path}?{query}");
            let reply = bench
                .request(text(&case["method"]), &path, &headers(&case["headers"]), "")
                .await;
            let name = id(case);
            assert_eq!(
                u64::from(reply.status),
                case["expect"]["status"].as_u64().unwrap(),
                "{name}"
            );
            if let Some(body) = case["expect"]["body_exact"].as_str() {
                assert_eq!(reply.text(), body, "{name}");
            }
            assert!(!reply.header("content-type").contains("html"), "{name}");
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn every_secret_is_judged_right() {
    let Some(vectors) = vectors() else { return };
    for case in entries(&vectors["webhook_auth_cases"], 5) {
        let canned = CannedRce::start().await;
        let configured: Vec<Secret> = case["configured_secret"]
            .as_str()
            .map(Secret::new)
            .into_iter()
            .collect();
        let setup = setup(vectors, &canned).start_with_settings(move |connection| {
            connection.ringcx.webhook_secrets.clone_from(&configured);
        });
        let bench = setup.await;
        let body = r#"{"id":"d","domain_id":1,"events":[]}"#;
        let reply = bench
            .request(
                "POST",
                "/acme/handover/rce/webhook",
                &headers(&case["headers"]),
                body,
            )
            .await;
        // Without a configured secret nobody is let in; the samples leave that to the operator.
        let accepted = text(&case["expect"]) == "accept";
        assert_eq!(reply.status, if accepted { 200 } else { 401 }, "{}", id(case));
        bench.finish().await;
    }
}

/// The types of what the bot is told when the event meets a conversation that waits.
fn told(name: &str) -> &'static [&'static str] {
    match name {
        "wh-intervention-opened" | "wh-two-events" | "wh-task-taken" | "wh-task-supervisor-assigned" => {
            &["handover.active"]
        }
        "wh-intervention-closed"
        | "wh-intervention-closed-null-closed-at"
        | "wh-intervention-closed-redelivery"
        | "wh-intervention-closed-rebatched"
        | "wh-intervention-canceled"
        | "wh-integer-domain-id"
        | "wh-task-completed"
        // With no case on the thread, somebody ignored the person who waits.
        | "wh-task-destroyed"
        // A locked thread takes no more answers of agents: the handover is over.
        | "wh-content-thread-closed"
        | "wh-content-thread-auto-closed" => &["handover.completed"],
        "wh-intervention-deferred" => &["handover.deferred"],
        _ => &[],
    }
}

#[tokio::test]
async fn every_event_is_acknowledged_and_has_its_effect() {
    let Some(vectors) = vectors() else { return };
    for sample in entries(&vectors["webhook_events"], 52) {
        let name = id(sample);
        let canned = CannedRce::start().await;
        let bench = bench(vectors, &canned).await;
        waiting(&bench, vectors, &canned).await;
        // The samples happen a little later; everything arrives twice.
        bench.pass(std::time::Duration::from_mins(15));
        for _ in 0..2 {
            assert_eq!(post(&bench, sample).await.status, 200, "{name}");
            bench.work().await;
        }
        assert_eq!(
            bench.bot.kinds(),
            told(name),
            "{name}: {}",
            text(&sample["bridge_reaction"])
        );
        let status = bench.status(CONVERSATION).await;
        let expected = match told(name) {
            ["handover.active"] => "active",
            ["handover.completed"] => "completed",
            _ => "queued",
        };
        assert_eq!(status, expected, "{name}");
        let known = bench.stored(CONVERSATION).await.unwrap().rce_thread;
        assert_eq!(
            known.map(|thread| json!(thread)),
            Some(vectors["ids"]["thread"].clone()),
            "{name}"
        );
        bench.finish().await;
    }
}
