//! What the Send API's answers mean.

use std::time::Duration;

use handover_core::ids::MessageId;
use handover_core::ports::{CustomerMessage, RingCx as _, RingCxError};
use handover_core::retry::Disposition;
use serde_json::json;

use super::Bench;
use super::send::message;
use crate::signature::{SIGNATURE_HEADER, sign};
use crate::test_support::connection;

async fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> RingCxError {
    let bench = Bench::new().await;
    bench.server.answers_with(status, headers, body);
    let error = bench
        .client
        .send_message(&bench.connection, &message("secret words"))
        .await
        .unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("secret words"),
        "quotes the message"
    );
    bench.server.only();
    error
}

#[tokio::test]
async fn br_033_permanent_refusals_are_not_tried_again() {
    let cases = [
        (400, "Bad request", "bad_request"),
        (400, "Invalid request format", "invalid_request_format"),
        (
            413,
            "Invalid request size (max: 20971520 bytes)",
            "invalid_request_size",
        ),
        (422, "Source not found", "source_not_found"),
        (422, "Invalid action", "invalid_action"),
        (422, "Invalid resource format", "invalid_resource_format"),
        (
            422,
            "Source doesn't support structured contents",
            "structured_content_not_supported",
        ),
        (404, "<html>secret words</html>", "no code"),
        (418, "{\"error\":\"teapot\"}", "teapot"),
        (418, "{\"error\":\"secret words\"}", "no code"),
    ];
    for (status, body, expected) in cases {
        let error = answered(status, &[], body).await;
        assert_eq!(error.disposition(), Disposition::Reject);
        match error {
            RingCxError::Refused { status: got, code } => {
                assert_eq!((got, code.as_str()), (status, expected));
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn br_083_a_signature_that_rce_does_not_accept_is_made_with_the_next_token() {
    let bench = Bench::new().await;
    bench.server.answers(422, "Invalid signature");
    let sent = bench.client.send_message(&bench.connection, &message("hi")).await;
    sent.unwrap();
    let seen = bench.server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body, seen[1].body, "the same bytes");
    let tokens = &bench.connection.ringcx.realtime_access_tokens;
    for (seen, token) in seen.iter().zip(tokens) {
        assert_eq!(seen.header(SIGNATURE_HEADER), sign(token, &seen.body));
    }
}

#[tokio::test]
async fn br_033_a_wrong_token_is_a_set_up_fault() {
    let error = answered(403, &[], "Forbidden").await;
    assert!(matches!(error, RingCxError::NotPermitted { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Reject);
    for (status, body) in [(422, "Invalid signature"), (401, "")] {
        let bench = Bench::new().await;
        bench.server.answers(status, body).answers(status, body);
        let error = bench.client.send_message(&bench.connection, &message("hi")).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, RingCxError::SecretRefused { .. }),
            "{status}: {error:?}"
        );
        assert_eq!(error.disposition(), Disposition::RetryWhileYoung);
    }
}

#[tokio::test]
async fn br_033_faults_of_rce_are_tried_again() {
    // A redirect is nothing that RCE's protocol knows; it is not followed.
    for status in [500, 502, 503, 504, 408, 302] {
        let error = answered(status, &[("location", "/elsewhere")], "<html>").await;
        assert!(
            matches!(error, RingCxError::Unavailable { status: got } if got == status),
            "{error:?}"
        );
        assert_eq!(error.disposition(), Disposition::Retry { after: None });
    }
}

#[tokio::test]
async fn br_033_a_rate_limit_is_waited_for() {
    let error = answered(429, &[("retry-after", "7")], "slow down").await;
    let after = Some(Duration::from_secs(7));
    assert_eq!(error.disposition(), Disposition::Retry { after });
    // The bench's clock stands at noon.
    let date = "Sun, 01 Mar 2026 12:00:30 GMT";
    let error = answered(429, &[("retry-after", date)], "").await;
    let after = Some(Duration::from_secs(30));
    assert_eq!(error.disposition(), Disposition::Retry { after });
    let error = answered(429, &[("retry-after", "soon")], "").await;
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn br_033_no_answer_leaves_open_whether_it_was_done() {
    let bench = Bench::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = connection(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = bench
        .client
        .send_message(&nobody, &message("Hi"))
        .await
        .unwrap_err();
    assert!(matches!(error, RingCxError::NoAnswer(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert!(!format!("{error:?}").contains("realtime"), "the URL stays out");
}

fn choice() -> CustomerMessage {
    CustomerMessage {
        structured: Some(json!({"type": "select", "items": [{"title": "A"}, {"title": "B"}]})),
        payload: Some("p".to_owned()),
        ..message("Which?")
    }
}

#[tokio::test]
async fn br_038_refused_structured_content_is_sent_once_more_as_text() {
    for refusal in [
        "Source doesn't support structured contents",
        "Type is required for structured contents",
        "Source doesn't support this type of structured content",
        "structured_content: \"title\" must not be empty",
        "The author must be puppetizable",
        "Invalid resource format",
        "Something that no page has",
    ] {
        let bench = Bench::new().await;
        bench.server.answers(422, refusal);
        bench
            .client
            .send_message(&bench.connection, &choice())
            .await
            .unwrap();
        let seen = bench.server.seen();
        assert_eq!(seen.len(), 2, "{refusal}");
        let params = seen[1].json()["params"].take();
        assert_eq!(params["body"], json!("Which?\n- A\n- B"));
        assert_eq!(params["format"], json!("text"));
        assert_eq!(params["id"], json!("m-1"), "the refused one left nothing behind");
        assert_eq!(params.get("structured_content"), None);
        assert_eq!(params["structured_reply"], json!({"payload": "p"}));
    }
}

#[tokio::test]
async fn br_038_the_text_is_tried_once_and_other_refusals_not_at_all() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(422, "The author must be puppetizable")
        .answers(422, "Source doesn't support structured contents");
    let error = bench.client.send_message(&bench.connection, &choice()).await;
    assert!(
        matches!(error, Err(RingCxError::Refused { status: 422, .. })),
        "{error:?}"
    );
    assert_eq!(bench.server.seen().len(), 2);
    for (status, body) in [(422, "Source not found"), (500, "structured_content")] {
        let bench = Bench::new().await;
        bench.server.answers(status, body);
        let sent = bench.client.send_message(&bench.connection, &choice()).await;
        assert!(sent.is_err());
        bench.server.only();
    }
}

#[tokio::test]
async fn br_038_what_says_nothing_is_not_sent() {
    let bench = Bench::new().await;
    let unreadable = CustomerMessage {
        structured: Some(json!({"type": "hologram", "items": []})),
        ..message("")
    };
    let error = bench.client.send_message(&bench.connection, &unreadable).await;
    assert!(matches!(error, Err(RingCxError::Refused { status: 0, .. })));
    assert!(bench.server.seen().is_empty());
}

#[tokio::test]
async fn br_038_what_rce_would_refuse_goes_as_text_at_once() {
    let bench = Bench::new().await;
    let items: Vec<_> = (1..=14).map(|n| json!({"title": format!("Item {n}")})).collect();
    let much = CustomerMessage {
        structured: Some(json!({"type": "select", "items": items})),
        ..message("Which?")
    };
    bench.client.send_message(&bench.connection, &much).await.unwrap();
    let params = bench.server.only().json()["params"].take();
    assert_eq!(params.get("structured_content"), None);
    let body = params["body"].as_str().unwrap();
    assert!(
        body.starts_with("Which?\n- Item 1\n") && body.ends_with("\n- Item 14"),
        "{body}"
    );
}

fn answer(to: &str) -> CustomerMessage {
    CustomerMessage {
        payload: Some("größe".to_owned()),
        in_reply_to: Some(MessageId::new(to)),
        ..message("Größe")
    }
}

#[tokio::test]
async fn a_click_names_the_payload_that_rce_knows_and_the_message_that_it_answers() {
    let bench = Bench::new().await;
    bench
        .client
        .send_message(&bench.connection, &answer("rcx-65d0"))
        .await
        .unwrap();
    let params = bench.server.only().json()["params"].take();
    assert_eq!(
        params["structured_reply"],
        json!({"payload": "utf8:gr%C3%B6%C3%9Fe"})
    );
    assert_eq!(
        (&params["body"], &params["in_reply_to_id"]),
        (&json!("Größe"), &json!("rcx-65d0"))
    );
    let endless = CustomerMessage {
        payload: Some("p".repeat(1_001)),
        ..message("Picked")
    };
    bench
        .client
        .send_message(&bench.connection, &endless)
        .await
        .unwrap();
    let params = bench.server.seen()[1].json()["params"].take();
    assert_eq!(
        (&params["body"], params.get("structured_reply")),
        (&json!("Picked"), None)
    );
}

#[tokio::test]
async fn an_answer_to_a_message_that_rce_does_not_know_is_still_said() {
    let bench = Bench::new().await;
    bench.server.answers(422, "Invalid resource format");
    bench
        .client
        .send_message(&bench.connection, &answer("rcx-gone"))
        .await
        .unwrap();
    let seen = bench.server.seen();
    let params: Vec<_> = seen.iter().map(|seen| seen.json()["params"].take()).collect();
    assert_eq!((params.len(), params[1].get("in_reply_to_id")), (2, None));
    assert_eq!(
        (&params[0]["id"], &params[0]["body"]),
        (&params[1]["id"], &params[1]["body"])
    );
    bench.server.answers(503, "");
    let busy = bench
        .client
        .send_message(&bench.connection, &answer("rcx-65d0"))
        .await;
    assert!(matches!(busy, Err(RingCxError::Unavailable { .. })));
    assert_eq!(bench.server.seen().len(), 3, "a fault of RCE's is no refusal");
}
