//! What leaves through the Send API.

use std::collections::BTreeMap;

use handover_core::ids::{ForeignMessageId, ForeignThreadId, MessageId};
use handover_core::message::Attachment;
use handover_core::ports::{CustomerMessage, Identity, RingCx as _, RingCxError};
use handover_core::secret::Secret;
use serde_json::{Value, json};

use super::Bench;
use crate::signature::{SIGNATURE_HEADER, sign};
use crate::test_support::{TOKEN, at};

pub(super) fn customer() -> Identity {
    Identity {
        id: "usr-1".to_owned(),
        screenname: "Zoë".to_owned(),
        since: at("2026-02-01T08:00:00.987Z"),
        ..Identity::default()
    }
}

pub(super) fn message(text: &str) -> CustomerMessage {
    CustomerMessage {
        id: ForeignMessageId::new("m-1"),
        thread: ForeignThreadId::new("conv-1"),
        author: customer(),
        text: Some(text.to_owned()).filter(|text| !text.is_empty()),
        attachments: Vec::new(),
        structured: None,
        payload: None,
        in_reply_to: None,
        language: None,
        context: BTreeMap::new(),
        written_at: at("2026-02-03T10:11:12.345Z"),
    }
}

fn file(name: Option<&str>) -> Attachment {
    Attachment {
        url: "https://x.test/a.mp4".to_owned(),
        filename: name.map(str::to_owned),
        content_type: Some("video/mp4".to_owned()),
    }
}

#[tokio::test]
async fn br_030_the_request_is_signed_and_goes_to_the_url_as_configured() {
    let bench = Bench::new().await;
    bench
        .client
        .send_message(&bench.connection, &message("Where is my order?"))
        .await
        .unwrap();
    let seen = bench.server.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/realtime/sdk/50c1?tenant=a%20b")
    );
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(
        seen.header(SIGNATURE_HEADER),
        sign(&Secret::new(TOKEN), &seen.body),
        "the first token signs"
    );
    assert!(seen.header("user-agent").starts_with("engage-handover/"));
    assert!(seen.headers.get("authorization").is_none());
    // No members without a value.
    let expected = json!({"action": "messages.create", "params": {
        "id": "m-1", "thread_id": "conv-1",
        "author": {"id": "usr-1", "screenname": "Zoë", "created_at": "2026-02-01T08:00:00Z",
            "updated_at": "2026-02-01T08:00:00Z", "puppetizable": false},
        "body": "Where is my order?", "format": "text",
        "created_at": "2026-02-03T10:11:12Z", "updated_at": "2026-02-03T10:11:12Z",
    }});
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn br_031_a_retry_is_the_same_request_byte_for_byte() {
    let bench = Bench::new().await;
    bench.server.answers(503, "");
    let message = message("Hi");
    assert!(
        bench
            .client
            .send_message(&bench.connection, &message)
            .await
            .is_err()
    );
    bench
        .client
        .send_message(&bench.connection, &message)
        .await
        .unwrap();
    let seen = bench.server.seen();
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn br_036_br_041_the_format_is_explicit_and_dates_have_one_form() {
    let bench = Bench::new().await;
    bench
        .client
        .send_message(&bench.connection, &message("<b>as typed</b>"))
        .await
        .unwrap();
    let params = bench.server.only().json()["params"].take();
    assert_eq!(params["format"], json!("text"));
    assert_eq!(params["body"], json!("<b>as typed</b>"));
    for dated in [&params, &params["author"]] {
        for member in ["created_at", "updated_at"] {
            let date = dated[member].as_str().unwrap();
            assert_eq!(date.len(), "2026-02-03T10:11:12Z".len(), "{date}");
            assert!(date.ends_with('Z'), "{date}");
        }
    }
}

#[tokio::test]
async fn br_030_any_2xx_is_a_success_whatever_it_says() {
    let bench = Bench::new().await;
    for (status, body) in [(200, "ok"), (201, ""), (202, "{"), (204, "")] {
        bench.server.answers(status, body);
        let sent = bench.client.send_message(&bench.connection, &message("Hi")).await;
        assert!(sent.is_ok(), "{status}");
    }
    bench.server.answers(200, "x".repeat(100_000));
    bench
        .client
        .send_message(&bench.connection, &message("Hi"))
        .await
        .unwrap();
}

#[tokio::test]
async fn br_035_identities_are_announced_with_everything_known() {
    let bench = Bench::new().await;
    let context = json!({"loyalty-tier": "gold", "likes": ["tea", "chess"]});
    let identity = Identity {
        firstname: Some("Zoë".to_owned()),
        lastname: Some(String::new()),
        email: Some("zoe@example.org".to_owned()),
        mobile_phone: Some("+32470".to_owned()),
        avatar_url: Some("https://x.test/z.png".to_owned()),
        gender: Some("woman"),
        puppetizable: true,
        context_data: serde_json::from_value(context.clone()).unwrap(),
        ..customer()
    };
    bench.client.announce(&bench.connection, &identity).await.unwrap();
    let expected = json!({"action": "users.create", "params": {
        "id": "usr-1", "screenname": "Zoë", "firstname": "Zoë", "email": "zoe@example.org",
        "mobile_phone": "+32470", "avatar_url": "https://x.test/z.png", "gender": "woman",
        "created_at": "2026-02-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z",
        "puppetizable": true, "context_data": context,
    }});
    assert_eq!(bench.server.only().json(), expected);
}

#[tokio::test]
async fn a_message_carries_what_belongs_to_it() {
    let bench = Bench::new().await;
    let context = json!({"page-url": "https://x.test/cart"});
    let message = CustomerMessage {
        attachments: vec![file(Some("a.mp4")), file(None)],
        payload: Some("topic_a".to_owned()),
        language: Some("nl".to_owned()),
        context: serde_json::from_value(context.clone()).unwrap(),
        ..message("Topic A")
    };
    bench
        .client
        .send_message(&bench.connection, &message)
        .await
        .unwrap();
    let params = bench.server.only().json()["params"].take();
    let url = "https://x.test/a.mp4";
    assert_eq!(
        params["attachments"],
        json!([{"url": url, "filename": "a.mp4"}, {"url": url}])
    );
    assert_eq!(params["structured_reply"], json!({"payload": "topic_a"}));
    assert_eq!(params["language"], json!("nl"));
    assert_eq!(params["context_data"], context);
}

#[tokio::test]
async fn a_message_without_a_body_names_no_format() {
    let bench = Bench::new().await;
    let message = CustomerMessage {
        attachments: vec![file(None)],
        ..message("")
    };
    bench
        .client
        .send_message(&bench.connection, &message)
        .await
        .unwrap();
    let params = bench.server.only().json()["params"].take();
    assert_eq!((params.get("body"), params.get("format")), (None, None));
}

#[tokio::test]
async fn a_bare_choice_is_readable_and_nothing_at_all_is_not_sent() {
    let bench = Bench::new().await;
    let choice = CustomerMessage {
        payload: Some("topic_a".to_owned()),
        ..message("")
    };
    bench
        .client
        .send_message(&bench.connection, &choice)
        .await
        .unwrap();
    assert_eq!(bench.server.only().json()["params"]["body"], json!("topic_a"));
    let refused = bench.client.send_message(&bench.connection, &message("")).await;
    assert!(matches!(refused, Err(RingCxError::Refused { .. })), "{refused:?}");
    assert_eq!(bench.server.seen().len(), 1);
}

#[tokio::test]
async fn br_034_long_texts_are_sent_in_parts_in_order() {
    let bench = Bench::new().await;
    let structured = json!({"type": "select", "items": [{"title": "A"}]});
    let message = CustomerMessage {
        text: Some("word ".repeat(9_000)),
        attachments: vec![file(None)],
        structured: Some(structured.clone()),
        payload: Some("p".to_owned()),
        context: BTreeMap::from([("k".to_owned(), json!("v"))]),
        ..message("")
    };
    bench
        .client
        .send_message(&bench.connection, &message)
        .await
        .unwrap();
    let parts: Vec<Value> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.json()["params"].take())
        .collect();
    let ids: Vec<&str> = parts.iter().map(|part| part["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m-1-1", "m-1-2", "m-1-3"]);
    let bodies: Vec<&str> = parts.iter().map(|part| part["body"].as_str().unwrap()).collect();
    assert!(bodies.iter().all(|body| body.chars().count() <= 20_000));
    assert_eq!(bodies.join(" ").split_whitespace().count(), 9_000);
    let has = |member: &str| -> Vec<bool> { parts.iter().map(|part| part.get(member).is_some()).collect() };
    for member in ["attachments", "structured_content", "structured_reply"] {
        assert_eq!(has(member), [false, false, true], "{member}");
    }
    assert_eq!(has("context_data"), [true, false, false]);
    assert_eq!(has("format"), [true, true, true]);
    assert_eq!(parts[2]["structured_content"], structured);
}

#[tokio::test]
async fn br_034_a_body_of_exactly_the_limit_keeps_its_id() {
    let bench = Bench::new().await;
    bench
        .client
        .send_message(&bench.connection, &message(&"é".repeat(20_000)))
        .await
        .unwrap();
    assert_eq!(bench.server.only().json()["params"]["id"], json!("m-1"));
}

#[tokio::test]
async fn br_034_a_request_beyond_rces_limit_is_not_sent() {
    let bench = Bench::new().await;
    let message = CustomerMessage {
        context: BTreeMap::from([("k".to_owned(), json!("x".repeat(20_971_520)))]),
        ..message("Hi")
    };
    let refused = bench.client.send_message(&bench.connection, &message).await;
    assert!(
        matches!(refused, Err(RingCxError::Refused { status: 413, .. })),
        "{refused:?}"
    );
    assert!(bench.server.seen().is_empty());
}

#[tokio::test]
async fn br_040_a_read_mark_quotes_the_id_that_we_answered() {
    let bench = Bench::new().await;
    let id = MessageId::new("rcx-65d0");
    bench.client.mark_as_read(&bench.connection, &id).await.unwrap();
    let expected = json!({"action": "status.mark_as_read", "params": {"id": "rcx-65d0"}});
    assert_eq!(bench.server.only().json(), expected);
}
