//! Threads over REST.

use handover_core::ids::{CategoryId, ForeignThreadId, SourceId, ThreadId};
use handover_core::ports::{RingCx as _, RingCxError, Thread, Urgency};
use serde_json::{Value, json};

use super::Bench;
use crate::test_support::{API_TOKEN, SOURCE};

fn record(foreign: &Value, source: &Value, categories: &Value) -> Value {
    json!({
        "id": "74a1", "foreign_id": foreign, "source_id": source, "thread_category_ids": categories,
        "category_ids": ["ca-elsewhere"], "title": null, "closed": false, "extra_data": {},
    })
}

fn page(records: &[Value]) -> Value {
    json!({"count": records.len(), "offset": 0, "limit": 2, "records": records})
}

fn categories(ids: &[&str]) -> Vec<CategoryId> {
    ids.iter().copied().map(CategoryId::new).collect()
}

#[tokio::test]
async fn br_062_a_thread_is_searched_by_our_id_and_source() {
    let bench = Bench::new().await;
    let hit = record(&json!("conv-1"), &json!(SOURCE), &json!(["ca-bot", null]));
    bench.server.answers_json(&page(&[hit]));
    let wanted = ForeignThreadId::new("conv-1");
    let found = bench
        .client
        .find_thread(&bench.connection, &wanted)
        .await
        .unwrap();
    let expected = Thread {
        id: ThreadId::new("74a1"),
        foreign_id: Some(wanted),
        source: SourceId::new(SOURCE),
        categories: categories(&["ca-bot"]),
        closed: false,
        changed_at: None,
        answered_at: None,
    };
    assert_eq!(found, Some(expected));
    let seen = bench.server.only();
    assert_eq!(seen.method, "GET");
    assert_eq!(
        seen.target,
        "/1.0/content_threads?limit=2&q=foreign%3A%22conv-1%22%20source%3A%2250c1%22"
    );
    assert_eq!(seen.header("accept"), "application/json");
    // br_061: the token is in the header and nowhere else.
    assert_eq!(seen.header("authorization"), format!("Bearer {API_TOKEN}"));
    assert!(!seen.target.contains(API_TOKEN));
}

#[tokio::test]
async fn br_062_a_hit_with_another_id_or_source_is_none() {
    let bench = Bench::new().await;
    let wanted = ForeignThreadId::new("conv-1");
    for records in [
        json!([]),
        json!([record(&json!("conv-12"), &json!(SOURCE), &json!([]))]),
        json!([record(&json!("conv-1"), &json!("other"), &json!([]))]),
        json!([record(&json!("conv-1"), &json!(null), &json!([]))]),
        json!([record(&json!(null), &json!(SOURCE), &json!([])), null, 5, {"id": null}]),
    ] {
        bench
            .server
            .answers_json(&json!({"count": null, "records": records}));
        let found = bench
            .client
            .find_thread(&bench.connection, &wanted)
            .await
            .unwrap();
        assert_eq!(found, None, "{records}");
    }
    let second = [
        record(&json!("conv-12"), &json!(SOURCE), &json!([])),
        record(&json!("conv-1"), &json!(SOURCE), &json!(null)),
    ];
    bench.server.answers_json(&page(&second));
    let found = bench
        .client
        .find_thread(&bench.connection, &wanted)
        .await
        .unwrap();
    assert_eq!(found.unwrap().categories, []);
}

#[tokio::test]
async fn br_062_a_thread_is_read_by_rces_id() {
    let bench = Bench::new().await;
    let body = record(&json!("conv-1"), &json!("other"), &json!(["ca-1"]));
    bench.server.answers_json(&body);
    let thread = bench
        .client
        .thread(&bench.connection, &ThreadId::new("74a1/../x"), Urgency::Now)
        .await
        .unwrap();
    assert_eq!(thread.source.as_str(), "other");
    assert_eq!(
        bench.server.only().target,
        "/1.0/content_threads/74a1%2F..%2Fx",
        "an id stays one segment"
    );
}

#[tokio::test]
async fn br_063_the_complete_new_set_is_sent_and_verified() {
    let bench = Bench::new().await;
    let wanted = categories(&["ca-other", "ca-agent"]);
    let answer = record(&json!("conv-1"), &json!(SOURCE), &json!(["ca-agent", "ca-other"]));
    bench.server.answers_json(&answer);
    let thread = bench
        .client
        .set_categories(&bench.connection, &ThreadId::new("74a1"), &wanted)
        .await
        .unwrap();
    assert_eq!(
        thread.categories,
        categories(&["ca-agent", "ca-other"]),
        "the order means nothing"
    );
    let seen = bench.server.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/1.0/content_threads/74a1/update_categories")
    );
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        seen.text(),
        "thread_category_ids%5B%5D=ca-other&thread_category_ids%5B%5D=ca-agent"
    );
}

#[tokio::test]
async fn br_063_another_set_in_the_answer_is_a_conflict() {
    let bench = Bench::new().await;
    for is in [
        json!(["ca-bot"]),
        json!([]),
        json!(null),
        json!(["ca-agent", "ca-bot"]),
    ] {
        bench
            .server
            .answers_json(&record(&json!("conv-1"), &json!(SOURCE), &is));
        let outcome = bench
            .client
            .set_categories(
                &bench.connection,
                &ThreadId::new("74a1"),
                &categories(&["ca-agent"]),
            )
            .await;
        assert!(matches!(outcome, Err(RingCxError::Conflict)), "{is}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_empty_set_is_said_aloud() {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&record(&json!("conv-1"), &json!(SOURCE), &json!([])));
    let thread = ThreadId::new("74a1");
    bench
        .client
        .set_categories(&bench.connection, &thread, &[])
        .await
        .unwrap();
    assert_eq!(bench.server.only().text(), "thread_category_ids%5B%5D=");
}

#[tokio::test]
async fn br_066_a_thread_is_archived_and_its_answer_not_needed() {
    let bench = Bench::new().await;
    bench
        .client
        .archive(&bench.connection, &ThreadId::new("74a1"))
        .await
        .unwrap();
    let seen = bench.server.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/1.0/content_threads/74a1/ignore")
    );
}

#[tokio::test]
async fn a_persons_newest_thread_is_found_by_what_their_channel_calls_them() {
    let bench = Bench::new().await;
    let identity = |id: &str, foreign: &str| json!({"id": id, "foreign_id": foreign, "type": "whats_app"});
    let person = "+32 470/\"1\"";
    bench
        .server
        .answers_json(&page(&[identity("i-1", "+32 470"), identity("i-2", person)]));
    let elsewhere = record(&json!("f-1"), &json!("another-source"), &json!([]));
    let theirs = record(&json!("f-2"), &json!(SOURCE), &json!(["ca-1"]));
    bench.server.answers_json(&page(&[elsewhere, theirs]));
    let found = bench
        .client
        .find_thread_of_person(&bench.connection, person)
        .await
        .unwrap();
    assert_eq!(
        found.map(|thread| (thread.foreign_id, thread.categories)),
        Some((Some(ForeignThreadId::new("f-2")), categories(&["ca-1"])))
    );
    let targets: Vec<String> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    assert_eq!(
        targets,
        [
            "/1.0/identities?source_id=50c1&foreign_id=%2B32%20470%2F%221%22&limit=5",
            "/1.0/content_threads?limit=2&q=identity%3A%22i-2%22%20source%3A%2250c1%22%20order%3Alast_content_at.desc"
        ]
    );
}

#[tokio::test]
async fn a_person_whom_nobody_knows_has_no_thread() {
    let bench = Bench::new().await;
    bench.server.answers_json(&page(&[]));
    let found = bench
        .client
        .find_thread_of_person(&bench.connection, "nobody")
        .await
        .unwrap();
    assert_eq!(found, None);
    bench.server.only();
}
