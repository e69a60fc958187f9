//! Replies over REST: what is on the wire, and what RCE's answers mean.

use handover_core::ids::{AttachmentId, ContentId, IdentityId};
use handover_core::ports::{Content, Contents as _, DeliveryStatus, Reply, RingCxError};
use serde_json::{Value, json};

use super::Bench;
use super::contents::record;

fn words(text: &str) -> Reply {
    Reply {
        in_reply_to: Some(ContentId::new("c1")),
        text: Some(text.to_owned()),
        ..Reply::default()
    }
}

fn files() -> Reply {
    Reply {
        text: None,
        attachments: vec![AttachmentId::new("f1"), AttachmentId::new("f2")],
        ..words("")
    }
}

impl Bench {
    async fn reply(&self, reply: &Reply) -> Result<Content, RingCxError> {
        self.client.reply(&self.connection, reply).await
    }

    /// What leaves us for a reply that RCE takes.
    async fn sent(&self, reply: &Reply) -> Value {
        self.server.answers_json(&record("c2", &json!({})));
        self.reply(reply).await.unwrap();
        self.server.seen().last().unwrap().json()
    }
}

#[tokio::test]
async fn a_reply_says_no_more_than_it_must() {
    let bench = Bench::new().await;
    let answer =
        json!({"synchronization_status": "export_pending", "creator_id": "ag-1", "created_from": "api"});
    bench.server.answers(201, record("c2", &answer).to_string());
    let taken = bench.reply(&words("Guten Tag, Zoë & \"Co\"")).await.unwrap();
    assert_eq!(taken.imported.content, ContentId::new("c2"));
    assert_eq!(taken.delivery, DeliveryStatus::Pending);
    let seen = bench.server.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/1.0/contents")
    );
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("authorization"), "Bearer rest-token-of-the-tests");
    let expected = json!({"in_reply_to_id": "c1", "body": "Guten Tag, Zoë & \"Co\""});
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn author_privacy_and_files_are_said_where_they_are_known() {
    let bench = Bench::new().await;
    let reply = Reply {
        author: Some(IdentityId::new("de-bot")),
        private: true,
        attachments: files().attachments,
        ..words("Here")
    };
    let expected = json!({"in_reply_to_id": "c1", "body": "Here", "author_id": "de-bot", "private": true,
        "attachment_ids": ["f1", "f2"]});
    assert_eq!(bench.sent(&reply).await, expected);
}

#[tokio::test]
async fn structured_content_has_words_for_devices_that_cannot_show_it() {
    let bench = Bench::new().await;
    let cases = [
        (
            json!({"type": "select", "title": "Which?", "items": [{"title": "A"}]}),
            "Which?",
        ),
        (
            json!({"type": "rich_link", "title": "Manual", "url": "https://x.test"}),
            "Manual",
        ),
        (
            json!({"type": "template", "title": "Shoe", "attachment_id": "f1", "items": []}),
            "Shoe",
        ),
        (
            json!({"type": "carousel", "items": [{"title": "One", "items": []}]}),
            "One",
        ),
        (
            json!({"type": "time_select", "title": "When?", "items": [{"start": 1}]}),
            "When?",
        ),
    ];
    for (structured, heading) in cases {
        let reply = Reply {
            structured: Some(structured.clone()),
            ..words(" ")
        };
        let expected = json!({"in_reply_to_id": "c1", "body": heading, "structured_content": structured});
        assert_eq!(bench.sent(&reply).await, expected);
    }
    let reply = Reply {
        structured: Some(json!({"type": "select", "title": "Which?", "items": [{"title": "A"}]})),
        ..words("Pick one")
    };
    assert_eq!(bench.sent(&reply).await["body"], "Pick one");
}

#[tokio::test]
async fn files_need_no_words_unless_rce_says_so() {
    let bench = Bench::new().await;
    let bare = json!({"in_reply_to_id": "c1", "attachment_ids": ["f1", "f2"]});
    assert_eq!(bench.sent(&files()).await, bare);

    let bench = Bench::new().await;
    bench
        .server
        .answers(
            422,
            r#"{"error":"validation_error","message":"body can't be blank"}"#,
        )
        .answers_json(&record("c2", &json!({})));
    bench.reply(&files()).await.unwrap();
    let bodies: Vec<Value> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.json()["body"].clone())
        .collect();
    assert_eq!(bodies, [json!(null), json!("📎")]);

    // Nothing that may have been done is done twice.
    for status in [500, 403, 409] {
        let bench = Bench::new().await;
        bench.server.answers(status, "{}");
        bench.reply(&files()).await.unwrap_err();
        assert_eq!(bench.server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn what_answers_nothing_or_says_nothing_is_not_sent() {
    let bench = Bench::new().await;
    let lost = Reply {
        in_reply_to: None,
        ..words("Hello?")
    };
    for reply in [lost, words(" "), Reply::default()] {
        let error = bench.reply(&reply).await.unwrap_err();
        assert!(
            matches!(error, RingCxError::Refused { status: 0, .. }),
            "{error:?}"
        );
    }
    assert!(bench.server.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_says_whether_another_way_may_help() {
    let answered = async |status: u16, code: &str| {
        let bench = Bench::new().await;
        let body = json!({"error": code, "message": "Hallo Zoë", "status": status});
        bench.server.answers(status, body.to_string());
        let error = bench.reply(&words("Hallo Zoë")).await.unwrap_err();
        assert_eq!(bench.server.seen().len(), 1, "never sent again by itself");
        assert!(!format!("{error} {error:?}").contains("Zoë"), "{error:?}");
        error
    };
    let closed = answered(403, "cant_reply_to_closed_thread").await;
    assert!(
        matches!(&closed, RingCxError::Refused { status: 403, code } if code == "cant_reply_to_closed_thread"),
        "{closed:?}"
    );
    for status in [401, 403] {
        let forbidden = answered(status, "forbidden").await;
        assert!(
            matches!(forbidden, RingCxError::NotPermitted { .. }),
            "{forbidden:?}"
        );
    }
    let invalid = answered(422, "validation_error").await;
    assert!(
        matches!(invalid, RingCxError::Refused { status: 422, .. }),
        "{invalid:?}"
    );
    let limited = answered(429, "rate_limit_exceeded").await;
    assert!(matches!(limited, RingCxError::RateLimited { .. }), "{limited:?}");
    for status in [500, 502, 504] {
        let unknown = answered(status, "internal").await;
        assert!(matches!(unknown, RingCxError::Unavailable { status: got } if got == status));
    }
}

#[tokio::test]
async fn an_answer_that_names_no_content_leaves_it_open_whether_there_is_one() {
    for body in ["", "<html>", "{}", "[]"] {
        let bench = Bench::new().await;
        bench.server.answers(200, body);
        let error = bench.reply(&words("Hi")).await.unwrap_err();
        assert!(
            matches!(error, RingCxError::Unavailable { status: 200 }),
            "{error:?}"
        );
    }
    let mut bench = Bench::new().await;
    bench.connection.ringcx.api_base = "http://127.0.0.1:1/1.0".parse().unwrap();
    let error = bench.reply(&words("Hi")).await.unwrap_err();
    assert!(matches!(error, RingCxError::NoAnswer(_)), "{error:?}");
}
