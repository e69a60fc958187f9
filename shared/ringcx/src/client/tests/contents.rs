//! Contents over REST.

use handover_core::ids::{AgentId, ContentId, SourceId, ThreadId};
use handover_core::imported::Authorship;
use handover_core::message::Attachment;
use handover_core::ports::{Content, Contents as _, DeliveryStatus, RingCxError, Urgency};
use serde_json::{Value, json};

use super::Bench;
use crate::test_support::at;

/// A content as REST shows it, with these members besides.
pub(super) fn record(id: &str, more: &Value) -> Value {
    let mut record = json!({
        "id": id, "created_at": "2026-02-03T10:21:05Z", "updated_at": "2026-02-03T10:21:05Z", "thread_id": "74a1",
        "source_id": "50c1", "source_type": "whats_app", "type": "message", "author_id": "de01", "creator_id": null,
        "created_from": "synchronizer", "status": "new", "body": "Hallo Zoë", "body_input_format": "text",
        "body_formatted": {"text": "Hallo Zoë", "html": "<p>Hallo Zoë</p>"}, "private_message": true,
        "attachments": [], "attachments_count": 0, "synchronization_status": "success", "in_reply_to_id": null,
        "capabilities_supported": ["select"], "remotely_deleted": false, "auto_submitted": false, "language": "de",
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

async fn content(bench: &Bench) -> Result<Content, RingCxError> {
    let id = ContentId::new("c 1");
    bench.client.content(&bench.connection, &id, Urgency::Now).await
}

#[tokio::test]
async fn a_content_is_read_like_the_event_that_reported_it_and_with_its_files() {
    let bench = Bench::new().await;
    let files = json!([
        {"id": "f1", "url": "https://acme.test/attachments/f1", "filename": "box.jpg", "content_type": "image/jpeg"},
        {"id": "f2", "url": null}, null,
    ]);
    bench.server.answers_json(&record(
        "c 1",
        &json!({"attachments": files, "structured_content": {"type": "select"}}),
    ));
    let read = content(&bench).await.unwrap();
    assert_eq!(bench.server.only().target, "/1.0/contents/c%201");
    assert_eq!(read.imported.text.as_deref(), Some("Hallo Zoë"));
    assert_eq!(read.imported.source_type.as_deref(), Some("whats_app"));
    assert_eq!(read.imported.authorship, Authorship::Customer);
    assert_eq!(read.imported.capabilities, ["select"]);
    assert_eq!(read.imported.issued_at, at("2026-02-03T10:21:05Z"));
    assert!(read.imported.private && read.imported.has_files);
    assert_eq!(read.created_at, Some(at("2026-02-03T10:21:05Z")));
    assert_eq!((read.creator, read.delivery), (None, DeliveryStatus::Delivered));
    assert_eq!(read.structured_type.as_deref(), Some("select"));
    let file = Attachment {
        url: "https://acme.test/attachments/f1".to_owned(),
        filename: Some("box.jpg".to_owned()),
        content_type: Some("image/jpeg".to_owned()),
    };
    assert_eq!(read.attachments, [file]);
}

#[tokio::test]
async fn who_wrote_it_and_how_far_it_got_is_told() {
    let bench = Bench::new().await;
    for (status, expected) in [
        (json!("success"), DeliveryStatus::Delivered),
        (json!("export_pending"), DeliveryStatus::Pending),
        (json!("export_failure"), DeliveryStatus::Failed),
        (json!("export_aborted"), DeliveryStatus::Failed),
        (json!(null), DeliveryStatus::Pending),
    ] {
        let members = json!({"creator_id": 7, "synchronization_status": status, "created_at": null});
        bench.server.answers_json(&record("c1", &members));
        let read = content(&bench).await.unwrap();
        assert_eq!(read.delivery, expected, "{status}");
        assert_eq!(read.creator, Some(AgentId::new("7")));
        assert_eq!(read.imported.authorship, Authorship::Company);
        assert_eq!(
            read.imported.issued_at,
            at("2026-03-01T12:00:00Z"),
            "our clock stands in"
        );
    }
}

#[tokio::test]
async fn a_content_without_a_thread_is_not_rce_speaking() {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&record("c1", &json!({"thread_id": null})));
    let error = content(&bench).await.unwrap_err();
    assert!(
        matches!(error, RingCxError::Unavailable { status: 200 }),
        "{error:?}"
    );
    bench.server.answers(404, r#"{"error":"not_found"}"#);
    assert!(matches!(content(&bench).await, Err(RingCxError::NotFound)));
}

#[tokio::test]
async fn what_was_said_last_in_a_thread_is_newest_first_and_of_that_thread() {
    let bench = Bench::new().await;
    let records = json!([
        record("c1", &json!({})),
        record("c2", &json!({"created_at": "2026-02-03T10:21:07Z"})),
        record("c3", &json!({"thread_id": "another"})),
        record("c4", &json!({})),
        {"id": null}, null,
    ]);
    bench
        .server
        .answers_json(&json!({"count": 6, "records": records}));
    let thread = ThreadId::new("74\"a1");
    let asked = bench
        .client
        .newest_contents(&bench.connection, &thread, 10, Urgency::Now);
    assert_eq!(asked.await.unwrap(), [], "another id is another thread");
    assert_eq!(
        bench.server.only().target,
        "/1.0/contents?limit=10&q=thread%3A%2274a1%22%20order%3Acreated_at.desc"
    );

    bench
        .server
        .answers_json(&json!({"count": 6, "records": records}));
    let thread = ThreadId::new("74a1");
    let found = bench
        .client
        .newest_contents(&bench.connection, &thread, 1_000, Urgency::Now)
        .await
        .unwrap();
    let ids: Vec<&str> = found.iter().map(|it| it.imported.content.as_str()).collect();
    assert_eq!(ids, ["c2", "c1", "c4"], "of one second as RCE has them");
    assert!(bench.server.seen()[1].target.contains("?limit=150&"));
}

#[tokio::test]
async fn what_happened_last_on_a_source_is_one_page_of_that_source() {
    let bench = Bench::new().await;
    let records = json!([
        record("c1", &json!({})),
        record("c2", &json!({"source_id": "other"}))
    ]);
    bench.server.answers_json(&json!({"records": records}));
    let source = SourceId::new("50c1");
    let found = bench
        .client
        .recent_contents(&bench.connection, &source, 300)
        .await;
    let found = found.unwrap();
    assert_eq!(found.listed, 2, "the next page begins after them");
    assert_eq!(found.contents.len(), 1);
    assert_eq!(found.contents[0].imported.content, ContentId::new("c1"));
    assert_eq!(
        bench.server.only().target,
        "/1.0/contents?limit=150&offset=300&q=source%3A%2250c1%22%20order%3Acreated_at.desc"
    );
    bench.server.answers_json(&json!([]));
    let odd = bench.client.recent_contents(&bench.connection, &source, 0).await;
    assert!(
        matches!(odd, Err(RingCxError::Unavailable { status: 200 })),
        "{odd:?}"
    );
}
