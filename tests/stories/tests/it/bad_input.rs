//! Whatever is posted: a clear error, nothing stored, nothing sent.

use bytes::Bytes;
use handover_stories::desk::signature;
use handover_stories::setup::BOT_KEY;
use handover_stories::{Bench, Reply};
use serde_json::json;

async fn raw(bench: &Bench, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str())];
    bench
        .request(method, &format!("/acme{path}"), &headers, body)
        .await
}

async fn untouched(bench: &Bench) {
    assert_eq!(bench.stored("c1").await, None);
    assert!(bench.has_no_jobs().await);
    assert_eq!(bench.rce.requests().len(), 0);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_with_the_reason() {
    let bench = Bench::new().await;
    let deep = "[".repeat(100_000);
    let nested = format!(
        "{{\"from\":\"user\",\"text\":\"hi\",\"user\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let unreadable: [&[u8]; 8] = [
        b"{",
        b"hello",
        b"[]",
        b"\"text\"",
        b"{\"from\":\"user\",\"text\":\"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    for body in unreadable {
        for path in ["messages", "handover", "typing", "read"] {
            let path = format!("/conversations/c1/{path}");
            let problem = raw(&bench, "POST", &path, body.to_vec())
                .await
                .problem(400, "malformed");
            assert!(
                problem["detail"]
                    .as_str()
                    .is_some_and(|detail| !detail.is_empty()),
                "{problem}"
            );
        }
    }
    untouched(&bench).await;
    bench.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let bench = Bench::new().await;
    let mib = 1024 * 1024;
    let text = |size: usize| json!({"from": "user", "text": "x".repeat(size)}).to_string();
    let frame = text(0).len();
    let problem = raw(
        &bench,
        "POST",
        "/conversations/c1/messages",
        text(mib - frame + 1),
    )
    .await;
    assert!(
        problem.problem(413, "too-large")["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("1048576")
    );
    untouched(&bench).await;
    raw(&bench, "POST", "/conversations/c1/messages", text(mib - frame))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce("c1").concat().len(),
        mib - frame,
        "in parts, nothing lost"
    );

    let large = vec![b' '; 5 * mib + 1];
    let signed = signature("simulated-source-token", &large);
    let headers = [("x-smccsdk-signature", signed.as_str())];
    let reply = bench
        .request("POST", "/acme/handover/rce/source", &headers, large.clone())
        .await;
    assert_eq!(reply.status, 413);
    bench.is_signed(&reply);
    let secret = [("x-dimelo-secret", "simulated-webhook-secret")];
    let reply = bench
        .request("POST", "/acme/handover/rce/webhook", &secret, large)
        .await;
    reply.problem(413, "too-large");
    let mut just = br#"{"events":[]}"#.to_vec();
    just.resize(5 * mib, b' ');
    let reply = bench
        .request("POST", "/acme/handover/rce/webhook", &secret, just)
        .await;
    assert_eq!(reply.status, 200);
    bench.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_listed_at_once() {
    let bench = Bench::new().await;
    let cases = [
        ("messages", json!({"from": "user"}), 1),
        (
            "messages",
            json!({"from": "user", "text": "", "attachments": [], "payload": null}),
            1,
        ),
        ("messages", json!({"from": "user", "text": " \n\t "}), 1),
        ("messages", json!({"text": "hi"}), 1),
        ("messages", json!({"from": "agent", "text": "hi"}), 1),
        (
            "messages",
            json!({"from": "user", "text": 7, "sent_at": "yesterday", "attachments": "x"}),
            4,
        ),
        (
            "messages",
            json!({"from": "user", "attachments": [{"url": "file:///etc/passwd"}]}),
            2,
        ),
        (
            "messages",
            json!({"from": "user", "structured": {"type": "select"}}),
            1,
        ),
        ("messages", json!({"id": "", "from": "user", "text": "hi"}), 1),
        (
            "messages",
            json!({"id": "x".repeat(257), "from": "user", "text": "hi"}),
            1,
        ),
        (
            "messages",
            json!({"from": "user", "text": "hi", "user": "me", "platform": []}),
            2,
        ),
        (
            "handover",
            json!({"reason": 1, "summary": [], "category_ids": [7], "context": {"a": {}}}),
            4,
        ),
        (
            "handover",
            json!({"transcript": {}, "require_agent": "yes", "user": 1}),
            3,
        ),
        (
            "handover",
            json!({"transcript": [{"from": "user", "text": "ok"}, {"from": "x"}, 3]}),
            3,
        ),
        (
            "messages",
            json!({"from": "user", "text": "hi", "user": {"id": "u", "notes": "x".repeat(70_000)}}),
            1,
        ),
        ("handover", json!({"summary": "x".repeat(70_000)}), 1),
        ("handover", json!({"user": {"notes": "x".repeat(70_000)}}), 1),
        ("typing", json!({"state": "maybe"}), 1),
        ("typing", json!({}), 1),
        ("read", json!({}), 1),
        ("read", json!({"message_id": "u-1"}), 1),
    ];
    for (path, body, wrong) in cases {
        let reply = raw(
            &bench,
            "POST",
            &format!("/conversations/c1/{path}"),
            body.to_string(),
        )
        .await;
        let problem = reply.problem(422, "invalid");
        assert_eq!(
            problem["errors"].as_array().map(Vec::len),
            Some(wrong),
            "{body}: {problem}"
        );
    }
    let reply = raw(
        &bench,
        "DELETE",
        "/conversations/c1/handover",
        r#"{"cause":"bored"}"#,
    )
    .await;
    reply.problem(422, "invalid");
    untouched(&bench).await;
    bench.finish().await;
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_and_a_wrong_method_says_which_is_right() {
    let bench = Bench::new().await;
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str())];
    let ask = async |method: &str, path: &str| bench.request(method, path, &headers, "").await;
    for path in [
        "/nobody/conversations/c1",
        "/nobody/handover/rce",
        "/nobody",
        "/%2e%2e/availability",
    ] {
        ask("GET", path).await.problem(404, "unknown-connection");
    }
    for path in [
        "/acme",
        "/acme/else",
        "/acme/handover",
        "/acme/conversations/c1/else",
        "/acme/availability/x",
    ] {
        ask("GET", path).await.problem(404, "unknown-route");
    }
    ask("GET", "/acme/conversations/%ff")
        .await
        .problem(404, "unknown-route");
    for path in ["/acme/conversations/c1", "/acme/conversations/c1/timeline"] {
        ask("GET", path).await.problem(404, "unknown-conversation");
    }
    ask("DELETE", "/acme/conversations/c1/handover")
        .await
        .problem(404, "unknown-conversation");
    let read = r#"{"message_id":"rcx-1"}"#;
    raw(&bench, "POST", "/conversations/c1/read", read)
        .await
        .problem(404, "unknown-conversation");
    for (method, path, allowed) in [
        ("PUT", "/acme/handover/rce", "GET, POST"),
        ("GET", "/acme/handover/rce/source", "POST"),
        ("POST", "/acme/availability", "GET"),
        ("GET", "/acme/conversations/c1/messages", "POST"),
        ("PUT", "/acme/conversations/c1/handover", "POST, DELETE"),
        ("DELETE", "/acme/conversations/c1", "GET"),
        ("POST", "/health", "GET"),
    ] {
        let reply = ask(method, path).await;
        reply.problem(405, "method-not-allowed");
        assert_eq!(reply.header("allow"), allowed, "{method} {path}");
    }
    untouched(&bench).await;
    bench.finish().await;
}

#[tokio::test]
async fn calls_of_rce_that_make_no_sense_are_answered_and_have_no_effect() {
    let bench = Bench::new().await;
    let sent = [
        (&b"{"[..], 400),
        (b"[]", 400),
        (b"{}", 400),
        (b"{\"action\":7}", 400),
        (b"{\"action\":\"messages.create\"}", 400),
        (b"{\"action\":\"messages.create\",\"params\":\"\xff\"}", 400),
        (b"{\"action\":\"messages.create\",\"params\":{\"thread_id\":\"c1\"}}", 200),
        (b"{\"action\":\"messaging.queuing_update\"}", 200),
        (b"{\"action\":\"messaging.queuing_update\",\"params\":{\"thread_id\":\"c1\",\"position\":\"first\"}}", 200),
        (b"{\"action\":\"typing.start\",\"params\":null}", 200),
        (b"{\"action\":\"messages.levitate\"}", 422),
        (b"{\"action\":\"\"}", 422),
    ];
    for (body, status) in sent {
        let signed = signature("simulated-source-token", body);
        let headers = [("x-smccsdk-signature", signed.as_str())];
        let reply = bench
            .request("POST", "/acme/handover/rce/source", &headers, body.to_vec())
            .await;
        assert_eq!(
            reply.status,
            status,
            "{}: {}",
            String::from_utf8_lossy(body),
            reply.text()
        );
        bench.is_signed(&reply);
    }
    let secret = [("x-dimelo-secret", "simulated-webhook-secret")];
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("{}", 400),
        (r#"{"events":{}}"#, 400),
        (r#"{"events":[]}"#, 200),
        (
            r#"{"events":[null,7,"x",{},{"type":"intervention.closed"},{"id":"e","type":"x.y"}]}"#,
            200,
        ),
    ] {
        let reply = bench
            .request("POST", "/acme/handover/rce/webhook", &secret, body)
            .await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
    untouched(&bench).await;
    bench.finish().await;
}
