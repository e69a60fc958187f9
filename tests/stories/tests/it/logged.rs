//! What is logged: ids, and nothing that was said or is secret.

use handover_stories::logs::Logs;
use handover_stories::{Answer, Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget};

/// Everything that can be said is said, with troubles everywhere.
async fn much_happens(bench: &Bench, said: &str) {
    let user = json!({"id": "usr-42", "firstname": said, "email": format!("{said}@example.test"), "x": said});
    bench
        .message(
            "c1",
            json!({"from": "user", "text": said, "user": user, "payload": said}),
        )
        .await;
    let structured = json!({"type": "template", "title": said});
    bench
        .message(
            "c1",
            json!({"from": "bot", "text": said, "structured": structured}),
        )
        .await;
    let transcript = json!([{"from": "user", "text": said}]);
    let wish = json!({"reason": said, "summary": said, "context": {"a": said}, "transcript": transcript});
    bench.asks_for_agent("c1", wish).await;
    bench
        .rce
        .fail_next(FaultTarget::RestAny, Fault::Status(500, said.to_owned()), 2);
    bench.rce.fail_next(
        FaultTarget::SendApi,
        Fault::Status(422, format!("structured_content: {said}")),
        1,
    );
    bench.until_quiet().await;
    bench
        .call(
            "POST",
            "/conversations/c1/typing",
            &json!({"state": "start", "preview": said}),
        )
        .await;
    bench.bot.answers([
        Answer::Status(500),
        Answer::Drop,
        Answer::Status(200),
        Answer::Status(400),
    ]);
    bench.agent_writes("c1", "66aa", said).await;
    bench.queue_position("c1", 1, &json!(3)).await;
    bench.until_quiet().await;
    bench.take_dead_letters().await;
    // What is refused is not quoted either.
    for body in [
        format!("{{\"text\":\"{said}\""),
        format!("\"{said}\""),
        format!("{{\"{said}\":"),
    ] {
        let authorization = [("authorization", "Bearer bot-key-0123456789abcdef")];
        bench
            .request(
                "POST",
                "/acme/conversations/c1/messages",
                &authorization,
                body.clone(),
            )
            .await;
        bench
            .request(
                "POST",
                "/acme/handover/rce",
                &[("x-smccsdk-signature", said)],
                body.clone(),
            )
            .await;
        bench
            .request(
                "POST",
                "/acme/handover/rce",
                &[("x-dimelo-secret", said)],
                body.clone(),
            )
            .await;
        bench
            .request(
                "GET",
                &format!("/acme/handover/rce?hub.verify_token={said}"),
                &[],
                "",
            )
            .await;
    }
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
}

#[tokio::test]
async fn br_080_nothing_secret_and_nothing_that_was_said_is_logged() {
    let logs = Logs::capture();
    let bench = Setup::default().forward_only().wallboard("/board").start().await;
    let said = "the-secret-word";
    much_happens(&bench, said).await;
    let logged = logs.text();
    // Only our own crates are meant; the simulated RCE and the HTTP libraries have logs of their own.
    let ours: Vec<&str> = logged
        .lines()
        .filter(|line| line.contains(" handover_"))
        .collect();
    let ours = ours.join("\n");
    for line in [
        "agent message accepted",
        "event delivered",
        "job will be tried again",
        "job put aside as dead letter",
        "source sdk call refused",
        "webhook refused",
        "webhook validation refused",
    ] {
        assert!(ours.contains(line), "{line} is not in {logged}");
    }
    for secret in [
        said,
        "bot-key-0123456789",
        "operator-key-0123456789",
        "simulated-source-token",
        "simulated-api-token",
        "simulated-webhook-secret",
        "simulated-verify-token",
        "MDEyMzQ1Njc4OWFiY2RlZj",
        "ZmVkY2JhOTg3NjU0MzIxMG",
    ] {
        let line = ours.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
    for id in ["c1", "rcx-66aa"] {
        assert!(ours.contains(id), "{id} can be found");
    }
    bench.finish().await;
}
