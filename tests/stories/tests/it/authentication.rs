//! Nobody gets in: every URL asks for its own credential before it looks at anything else.

use handover_stories::bench::CONNECTION;
use handover_stories::desk::signature;
use handover_stories::setup::{BOT_KEY, OPERATOR_KEY};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

/// Method, path and a body that would be accepted.
fn calls_that_change_something() -> [(&'static str, &'static str, Value); 5] {
    [
        (
            "POST",
            "/conversations/c1/messages",
            json!({"from": "user", "text": "hi"}),
        ),
        ("POST", "/conversations/c1/handover", json!({})),
        ("DELETE", "/conversations/c1/handover", json!({})),
        ("POST", "/conversations/c1/typing", json!({"state": "start"})),
        ("POST", "/conversations/c1/read", json!({"message_id": "rcx-1"})),
    ]
}

const READING: [&str; 3] = ["/conversations/c1", "/conversations/c1/timeline", "/availability"];

#[tokio::test]
async fn a_bot_needs_its_key_for_everything() {
    let bench = Bench::new().await;
    let changing = calls_that_change_something();
    let reading = READING.map(|path| ("GET", path, Value::Null));
    bench.steps.count();
    for (method, path, body) in changing.iter().chain(&reading) {
        for authorization in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer wrong-key-0123456789abcdef",
            "Bearer bot-key-0123456789abcdeg",
            "Bearer bot-key-0123456789abcde",
            "Basic Ym90LWtleS0wMTIzNDU2Nzg5YWJjZGVm",
            "bot-key-0123456789abcdef",
        ] {
            let headers = [("authorization", authorization)];
            let headers = if authorization.is_empty() {
                &[][..]
            } else {
                &headers[..]
            };
            let path = format!("/{CONNECTION}{path}");
            let reply = bench.request(method, &path, headers, body.to_string()).await;
            reply.problem(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(bench.steps.taken(), 0, "nothing was even looked up");
    bench.finish().await;
}

#[tokio::test]
async fn an_operator_reads_and_does_not_speak_for_the_bot() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    for (method, path, body) in calls_that_change_something() {
        let reply = bench.call_as(OPERATOR_KEY, method, path, &body).await;
        reply.problem(401, "unauthorized");
    }
    for path in READING {
        bench
            .call_as(OPERATOR_KEY, "GET", path, &Value::Null)
            .await
            .expect(200);
    }
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn a_key_opens_its_own_connection_only() {
    let other = r#"
[connections.other]
bot_keys = ["other-key-0123456789abcdef"]
[connections.other.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "other-api-token"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0d"
realtime_access_tokens = ["other-source-token"]
webhook_secrets = ["other-webhook-secret"]
verification_token = "other-verification-token"
bot_category_id = "61aa"
agent_category_id = "61ab"
[connections.other.bot]
url = "http://127.0.0.1:9/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
"#;
    let bench = Setup::default().section(other).start().await;
    bench.user_says("c1", "hi").await;
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str())];
    bench
        .request("GET", "/other/conversations/c1", &headers, "")
        .await
        .problem(401, "unauthorized");
    let right = [("authorization", "Bearer other-key-0123456789abcdef")];
    let reply = bench.request("GET", "/other/conversations/c1", &right, "").await;
    reply.problem(404, "unknown-conversation");
    let call = r#"{"action":"implementation.info"}"#;
    let signed = signature("simulated-source-token", call.as_bytes());
    let headers = [("x-smccsdk-signature", signed.as_str())];
    let reply = bench
        .request("POST", "/other/handover/rce/source", &headers, call)
        .await;
    assert_eq!(reply.status, 401);
    let secret = [("x-dimelo-secret", "simulated-webhook-secret")];
    let reply = bench
        .request("POST", "/other/handover/rce/webhook", &secret, r#"{"events":[]}"#)
        .await;
    assert_eq!(reply.status, 401);
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn br_007_a_wrong_signature_is_refused_before_anything_happens() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let call = bench.agent_message("c1", "66aa", "let me in").to_string();
    let right = signature("simulated-source-token", call.as_bytes());
    let of_another_key = signature("simulated-source-tokem", call.as_bytes());
    let of_other_bytes = signature("simulated-source-token", format!("{call} ").as_bytes());
    let with_scheme = format!("sha512={right}");
    let wrong = [
        "",
        "x",
        &right[..127],
        &of_another_key,
        &of_other_bytes,
        &with_scheme,
    ];
    bench.steps.count();
    for path in ["/acme/handover/rce/source", "/acme/handover/rce"] {
        for value in wrong {
            let reply = bench
                .request("POST", path, &[("x-smccsdk-signature", value)], call.clone())
                .await;
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (401, "Invalid signature"),
                "{value}"
            );
            bench.is_signed(&reply);
        }
        let unsigned = bench.request("POST", path, &[], call.clone()).await;
        assert_eq!(unsigned.status, 401);
        bench.is_signed(&unsigned);
    }
    assert_eq!(bench.steps.taken(), 0, "nothing was even looked up");
    bench.work().await;
    assert_eq!(bench.bot.texts(), [""; 0]);
    bench.finish().await;
}

#[tokio::test]
async fn a_signature_may_travel_in_the_query() {
    let bench = Bench::new().await;
    let call = r#"{"action":"messages.list"}"#;
    let right = signature("simulated-source-token", call.as_bytes());
    let path = format!("/acme/handover/rce?signature={right}");
    let reply = bench.request("POST", &path, &[], call).await;
    assert_eq!(reply.expect(200), json!([]));
    // A header that is there decides, whatever the query says.
    let headers = [("x-smccsdk-signature", "00")];
    assert_eq!(bench.request("POST", &path, &headers, call).await.status, 401);
    bench.finish().await;
}

#[tokio::test]
async fn a_webhook_needs_its_secret_and_a_validation_its_token_too() {
    let bench = Bench::new().await;
    let body = r#"{"events":[]}"#;
    let hmac = signature("simulated-webhook-secret", body.as_bytes());
    bench.steps.count();
    for value in [
        "",
        "simulated-webhook-secre",
        "simulated-webhook-secret2",
        "SIMULATED-WEBHOOK-SECRET",
        &hmac,
    ] {
        let headers = [("x-dimelo-secret", value)];
        let reply = bench
            .request("POST", "/acme/handover/rce/webhook", &headers, body)
            .await;
        reply.problem(401, "unauthorized");
    }
    bench
        .request("POST", "/acme/handover/rce/webhook", &[], body)
        .await
        .problem(401, "unauthorized");
    let validate = async |token: &str, headers: &[(&str, &str)]| {
        let path = format!("/acme/handover/rce?hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}");
        bench.request("GET", &path, headers, "").await
    };
    let secret = [("x-dimelo-secret", "simulated-webhook-secret")];
    assert_eq!(
        validate("simulated-verify-token", &[]).await.status,
        403,
        "the secret is missing"
    );
    assert_eq!(validate("wrong", &secret).await.status, 403);
    assert_eq!(validate("", &secret).await.status, 403);
    assert_eq!(bench.steps.taken(), 0);
    let right = validate("simulated-verify-token", &secret).await;
    assert_eq!((right.status, right.text().as_str()), (200, "42"));
    assert_ne!(right.header("content-type"), "text/html");
    bench.finish().await;
}

#[tokio::test]
async fn br_083_old_and_new_secrets_are_valid_side_by_side() {
    let bench = Setup::default()
        .connection("# two keys, while the bot changes over")
        .by_hand()
        .start_with(|toml| {
            toml.replace(r"bot_keys = [", r#"bot_keys = ["next-bot-key-0123456789", "#)
                .replace(
                    r"realtime_access_tokens = [",
                    r#"realtime_access_tokens = ["next-token", "#,
                )
                .replace(
                    r"webhook_secrets = [",
                    r#"webhook_secrets = ["next-webhook-secret", "#,
                )
        })
        .await;
    for key in [BOT_KEY, "next-bot-key-0123456789"] {
        bench
            .call_as(key, "GET", "/availability", &Value::Null)
            .await
            .expect(200);
    }
    let call = r#"{"action":"messages.list"}"#;
    for token in ["simulated-source-token", "next-token"] {
        let signed = signature(token, call.as_bytes());
        let headers = [("x-smccsdk-signature", signed.as_str())];
        let reply = bench.request("POST", "/acme/handover/rce", &headers, call).await;
        assert_eq!(reply.status, 200);
        // Whoever has the old token cannot check another signature.
        assert_eq!(reply.header("x-smccsdk-signature"), signature(token, &reply.body));
    }
    for secret in ["simulated-webhook-secret", "next-webhook-secret"] {
        let headers = [("x-dimelo-secret", secret)];
        let reply = bench
            .request("POST", "/acme/handover/rce", &headers, r#"{"events":[]}"#)
            .await;
        assert_eq!(reply.status, 200);
    }
    bench.finish().await;
}
