//! What comes to `POST /handover/cognigy`: who is let in, what is refused, what is a repeat, what is odd and taken all the same.

use handover_stories::cognigy::Cognigy;
use handover_stories::setup::{BOT_KEY, BOT_SECRET};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

use crate::cognigy::{SESSION, asks, by_endpoint, call, send, send_as, signed, user_says};

#[tokio::test]
async fn two_users_of_one_session_have_conversations_of_their_own() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    user_says(&bench, "It is me").await;
    let mut other = call(
        "message.user",
        &json!({"message": {"id": "m9", "text": "And me"}}),
    );
    other["data"]["conversation"]["user_id"] = json!("u-82");
    send(&bench, &other).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["It is me"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn nobody_gets_in_without_a_right_key_or_signature() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let path = "/acme/handover/cognigy";
    let body = call("message.user", &json!({"message": {"text": "let me in"}})).to_string();
    let seconds = bench.clock_now().as_second();
    let other = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
    let sign = |secret: &str, at: i64, body: &str| signed(secret, "id-1", at, body);
    let stale = sign(BOT_SECRET, seconds - 301, &body);
    let early = sign(BOT_SECRET, seconds + 301, &body);
    let changed = sign(BOT_SECRET, seconds, &body.replace("me in", "us in"));
    for (signature, at) in [
        (sign(other, seconds, &body), seconds),
        (stale, seconds - 301),
        (early, seconds + 301),
        (changed, seconds),
        (String::new(), seconds),
        ("v1,".to_owned(), seconds),
        ("v1a,AAAA v2,BBBB".to_owned(), seconds),
    ] {
        let at = at.to_string();
        let headers = [
            ("webhook-id", "id-1"),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        bench
            .request("POST", path, &headers, body.clone())
            .await
            .problem(401, "unauthorized");
    }
    for headers in [
        vec![],
        vec![("authorization", "Bearer nope-nope-nope-nope")],
        vec![("webhook-signature", "v1,x")],
    ] {
        bench
            .request("POST", path, &headers, body.clone())
            .await
            .problem(401, "unauthorized");
    }
    // Rotation: one of several signatures is enough.
    let both = format!(
        "{} {}",
        sign(other, seconds, &body),
        sign(BOT_SECRET, seconds, &body)
    );
    let at = seconds.to_string();
    let headers = [
        ("webhook-id", "id-1"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", both.as_str()),
    ];
    bench.request("POST", path, &headers, body).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["let me in"]);
    cognigy.check();
    bench.finish().await;
    let usual = Bench::new().await;
    let authorization = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", authorization.as_str())];
    usual
        .request("POST", path, &headers, "{}")
        .await
        .problem(404, "wrong-kind");
    usual
        .request("GET", path, &headers, "")
        .await
        .problem(405, "method-not-allowed");
    usual.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_listed_and_changes_nothing() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    for (body, expected) in [
        (json!({"type": "message.levitates", "data": {}}), 2),
        (json!({"type": "message.user"}), 3),
        (json!({"data": 7}), 3),
        (
            json!({"type": "message.user", "data": {"conversation": {"user_id": "", "session_id": "x".repeat(257)}, "text": "hi"}}),
            2,
        ),
        (call("message.user", &json!({"message": {"text": "  "}})), 1),
        (call("message.user", &json!({"message": 7})), 2),
        (call("presence.user", &json!({"state": "asleep"})), 1),
    ] {
        let problem = send(&bench, &body).await.problem(422, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), expected, "{body}: {problem}");
    }
    send(&bench, &json!([1])).await.problem(400, "malformed");
    let giant = call(
        "message.user",
        &json!({"message": {"text": "x".repeat(1024 * 1024)}}),
    );
    send(&bench, &giant).await.problem(413, "too-large");
    assert!(bench.has_no_jobs().await);
    assert!(bench.stored(SESSION).await.is_none());
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_call_acts_once_and_has_the_same_answer() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let said = call("message.user", &json!({"message": {"text": "Once"}}));
    let ask = call("handover.requested", &json!({"reason": "billing"}));
    let first = (
        send_as(&bench, "id-1", &said).await.expect(202),
        send_as(&bench, "id-2", &ask).await.expect(202),
    );
    bench.until_quiet().await;
    let again = (
        send_as(&bench, "id-1", &said).await.expect(202),
        send_as(&bench, "id-2", &ask).await.expect(202),
    );
    assert_eq!(first, again);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["Once", "Reason: billing"]);
    send_as(&bench, "id-1", &ask).await.expect(202);
    bench.until_quiet().await;
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn odd_wishes_are_no_reason_to_leave_somebody_without_an_agent() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let wish = json!({
        "reason": 5, "summary": "s".repeat(70_000), "categories": {"a": 1}, "require_agent": "perhaps", "language": ["en"],
        "context": {"order": {"id": 17}, "mixed": [1, "b", {"c": 2}], "empty": null}, "transcript": {"no": "list"},
        "profile": "not one",
    });
    asks(&bench, &wish).await;
    bench.until_quiet().await;
    assert_eq!(bench.status(SESSION).await, "queued");
    let note = &bench.in_rce(SESSION)[0];
    assert!(
        note.starts_with("Reason: 5\nSummary: sss") && note.chars().count() < 5_000,
        "{note}"
    );
    let context = json!(bench.rce.thread(SESSION).unwrap().context_data);
    assert_eq!(context["order-id"], "17", "{context}");
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn what_is_nested_too_deeply_does_not_cost_the_words_beside_it() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let said = json!({"message": {"id": "m-1", "text": "Can you read me?", "data": {"app": deep}}});
    send(&bench, &call("message.user", &said)).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["Can you read me?"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn who_could_not_be_answered_is_not_taken_from_the_bot() {
    let cognigy = Cognigy::start().await;
    let nowhere = cognigy.by_endpoint().replace("url_token", "message_failed_text");
    let bench = Setup::default().bot_is(&nowhere).start().await;
    let mut wish = call("handover.requested", &json!({}));
    wish["data"]["conversation"]["url_token"] = Value::Null;
    let problem = send(&bench, &wish).await.problem(422, "invalid");
    assert!(
        problem["detail"].as_str().unwrap().contains("url_token"),
        "{problem}"
    );
    assert!(bench.stored(SESSION).await.is_none());
    wish["data"]["conversation"]["url_token"] = json!("tok-2");
    send(&bench, &wish).await.expect(202);
    bench.until_quiet().await;
    bench.finish().await;
}
