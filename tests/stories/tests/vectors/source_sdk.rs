//! What RCE asks of our channel: all requests, and our answers beside the recommended ones.

use handover_stories::canned::CannedRce;
use handover_stories::{Bench, Reply};
use serde_json::{Value, json};

use crate::{CONVERSATION, entries, id, setup, text, vectors, waiting};

/// Where our answer is another one than recommended: status, a part of the body, and why.
const OTHERWISE: [(&str, u16, &str, &str); 11] = [
    (
        "sdk-implementation-info-no-time",
        200,
        "messaging.queuing_update",
        "the sample shortens its options; ours are complete",
    ),
    (
        "sdk-messages-list-full",
        200,
        "[]",
        "messages are pushed when they are said, so there is never one to fetch",
    ),
    (
        "sdk-messages-create-resource-error-transient",
        503,
        "Temporarily unavailable",
        "a status is tried again as surely as a non-fatal error",
    ),
    (
        "sdk-messages-create-resource-error-fatal",
        200,
        "\"fatal\":true",
        "in our own words",
    ),
    (
        "sdk-messages-create-server-error",
        503,
        "Temporarily unavailable",
        "in our own words",
    ),
    (
        "sdk-private-messages-create",
        200,
        "\"fatal\":true",
        "never declared, and it names no conversation to deliver to",
    ),
    ("sdk-threads-create", 200, "\"fatal\":true", "in our own words"),
    ("sdk-messages-delete", 422, "Invalid action", "never declared"),
    ("sdk-messages-publish", 422, "Invalid action", "never declared"),
    ("sdk-messages-unpublish", 422, "Invalid action", "never declared"),
    ("sdk-custom-action", 422, "Invalid action", "never declared"),
];

async fn post(bench: &Bench, sample: &Value) -> Reply {
    let request = &sample["request"];
    let headers = request["headers"].as_object().expect("as told");
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let body = text(&request["body_exact"]).to_owned();
    let reply = bench
        .request(text(&request["method"]), "/acme/handover/rce", &headers, body)
        .await;
    bench.is_signed(&reply);
    reply
}

#[tokio::test]
async fn every_request_has_its_answer() {
    let Some(vectors) = vectors() else { return };
    let mut seen = Vec::new();
    for sample in entries(&vectors["source_sdk_requests"], 36) {
        let name = id(sample);
        let canned = CannedRce::start().await;
        let mut setup = setup(vectors, &canned);
        if name.ends_with("error-fatal") {
            setup = setup.ringcx("agent_takeover = false");
        }
        let bench = setup.start().await;
        waiting(&bench, vectors, &canned).await;
        if name.ends_with("error-fatal") {
            bench.ends_handover(CONVERSATION, json!({})).await;
            bench.work().await;
        }
        let down = [
            "sdk-messages-create-resource-error-transient",
            "sdk-messages-create-server-error",
        ];
        bench.steps.set_down(down.contains(&name));
        let reply = post(&bench, sample).await;
        bench.steps.set_down(false);
        let recommended = &sample["recommended_response"];
        if let Some((_, status, part, why)) = OTHERWISE.iter().find(|(other, ..)| *other == name) {
            assert_eq!(reply.status, *status, "{name}: {why}");
            assert!(reply.text().contains(part), "{name}: {}", reply.text());
            seen.push(name);
        } else {
            assert_eq!(
                u64::from(reply.status),
                recommended["status"].as_u64().unwrap(),
                "{name}"
            );
            let expected: Value = serde_json::from_str(text(&recommended["body_exact"]))
                .unwrap_or(recommended["body_exact"].clone());
            let found = serde_json::from_slice(&reply.body).unwrap_or(json!(reply.text()));
            match expected["id"].as_str() {
                // More than the id is allowed and of no use.
                Some(id) => assert_eq!(found["id"], id, "{name}"),
                None => assert_eq!(found, expected, "{name}"),
            }
        }
        bench.work().await;
        let delivered = bench
            .bot
            .kinds()
            .iter()
            .filter(|kind| *kind == "message.created")
            .count();
        let accepted = reply.json()["id"].is_string();
        assert_eq!(
            delivered,
            usize::from(accepted),
            "{name}: {:?}",
            bench.bot.kinds()
        );
        bench.work().await;
    }
    assert_eq!(seen.len(), OTHERWISE.len(), "each exception is needed");
}
