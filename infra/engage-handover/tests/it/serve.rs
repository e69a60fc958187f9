//! Starting, stopping, and what the log shows.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bridge::{BOT_KEY, Bridge, command};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_hand_and_a_restart_takes_up_the_rest() {
    let mut bridge = Bridge::start().await;
    bridge.bot_answers(Some(503));
    bridge
        .insist(
            "/conversations/c/messages",
            json!({"from": "user", "text": "my secret is swordfish"}),
        )
        .await;
    bridge
        .insist(
            "/conversations/c/handover",
            json!({"user": {"firstname": "Ophelia"}}),
        )
        .await;
    bridge.until_queued(1).await;
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take("c", &agent).unwrap();
    bridge.rce.reply("c", &agent, "I am Rosencrantz").unwrap();
    let at_rest = |state: &simulated_ringcx::State| state.is_idle();
    assert!(
        bridge
            .rce
            .wait_until(at_rest, std::time::Duration::from_secs(30))
            .await
    );

    assert_eq!(bridge.terminate().await, Some(0), "{}", bridge.log());
    bridge.bot_answers(None);
    bridge.start_process().await;
    bridge
        .until_told(|told| {
            told.iter()
                .any(|t| t.event["data"]["message"]["text"] == "I am Rosencrantz")
        })
        .await;

    assert_eq!(bridge.terminate().await, Some(0));
    let log = bridge.log();
    let settings = bridge.rce.config();
    for hidden in [
        "swordfish",
        "Ophelia",
        "Rosencrantz",
        BOT_KEY,
        &settings.source_token,
        &settings.api_token,
        &settings.webhook_secret,
    ] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string());
    }
    assert!(log.contains("conversation.id"), "ids are in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_is_refused() {
    let bridge = Bridge::start().await;
    let second = command()
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(bridge.config())
        .arg("--data")
        .arg(bridge.data())
        .output()
        .await
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let complaint = String::from_utf8(second.stderr).unwrap();
    assert!(complaint.contains("data directory"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_too_much_sees_the_answer() {
    let bridge = Bridge::start().await;
    let (status, problem) = bridge
        .api(
            Method::POST,
            "/conversations/c/messages",
            json!({"from": "user", "text": "x".repeat(2 << 20)}),
        )
        .await
        .unwrap();
    assert_eq!(
        (status, &problem["type"]),
        (413, &json!("urn:engage-handover:problem:too-large"))
    );
    let http = handover_ringcx::http::client();
    let answer = http
        .post(bridge.url("/handover/rce/source"))
        .body(vec![b'x'; 8 << 20])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);
    assert!(
        answer.headers().contains_key("x-smccsdk-signature"),
        "errors are signed too"
    );
}
