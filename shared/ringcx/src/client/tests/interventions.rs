//! Interventions over REST.

use std::time::Duration;

use handover_core::ids::{InterventionId, ThreadId};
use handover_core::ports::{Intervention, RingCx as _, RingCxError, Urgency};
use serde_json::{Value, json};

use super::Bench;

async fn listed(bench: &Bench) -> Vec<Intervention> {
    bench
        .client
        .interventions(&bench.connection, &ThreadId::new("74a1"), Urgency::Now)
        .await
        .unwrap()
}

#[tokio::test]
async fn br_067_interventions_are_judged_by_what_is_not_localised() {
    let bench = Bench::new().await;
    let records = json!([
        {"id": "i1", "created_at": "2026-02-03T10:00:00Z", "closed": true, "closed_at": null,
            "status": "Ouverte", "user_replies_count": 2},
        {"id": "i3", "created_at": "2026-02-03T12:00:00Z", "closed": false, "closed_at": null,
            "status": "Fermée", "user_replies_count": 0},
        {"id": "i2", "created_at": "2026-02-03T11:00:00Z", "closed": false,
            "closed_at": "2026-02-03T11:30:00Z", "user_replies_count": null},
        {"id": "i0", "created_at": null, "closed": null},
        {"id": null}, null,
    ]);
    bench
        .server
        .answers_json(&json!({"count": 6, "records": records}));
    let expected = [
        ("i3", false, 0),
        ("i2", true, 0),
        ("i1", true, 2),
        ("i0", false, 0),
    ]
    .map(|(id, closed, agent_replies)| (InterventionId::new(id), closed, agent_replies));
    let listed = listed(&bench).await;
    let listed: Vec<_> = listed
        .into_iter()
        .map(|it| (it.id, it.closed, it.agent_replies))
        .collect();
    assert_eq!(listed, expected, "newest first");
    let seen = bench.server.only();
    assert_eq!(seen.target, "/1.0/interventions?thread_id=74a1&limit=150");
}

#[tokio::test]
async fn all_pages_are_read() {
    let bench = Bench::new().await;
    let record = |n: usize| json!({"id": format!("i{n}"), "created_at": "2026-02-03T10:00:00Z"});
    let page = |from: usize, to: usize| json!({"count": 200, "records": (from..to).map(record).collect::<Vec<Value>>()});
    bench
        .server
        .answers_json(&page(0, 150))
        .answers_json(&page(150, 200));
    assert_eq!(listed(&bench).await.len(), 200);
    let targets: Vec<String> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    assert!(
        targets[1].ends_with("?thread_id=74a1&limit=150&offset=150"),
        "{targets:?}"
    );
}

async fn recent(bench: &Bench, max_age: Duration) -> Vec<String> {
    let recent = bench
        .client
        .recent_interventions(&bench.connection, max_age)
        .await;
    recent.unwrap().iter().map(|it| it.id.to_string()).collect()
}

#[tokio::test]
async fn br_070_one_answer_about_what_changed_last_serves_all_who_ask_at_the_same_time() {
    let bench = Bench::new().await;
    let records = json!([
        {"id": "i2", "thread_id": "t2", "updated_at": "2026-02-03T10:05:00Z", "closed": false},
        {"id": "i1", "thread_id": "t1", "updated_at": "2026-02-03T10:04:00Z", "closed": true},
    ]);
    bench
        .server
        .answers_json(&json!({"count": 2, "records": records}));
    let asked = (0..5).map(|_| recent(&bench, Duration::from_secs(10)));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer, ["i2", "i1"]);
    }
    assert_eq!(
        bench.server.only().target,
        "/1.0/interventions?sort=updated_at&limit=150"
    );
}

#[tokio::test]
async fn br_070_the_newest_are_read_whichever_end_of_the_list_they_are_at() {
    let record =
        |n: usize| json!({"id": format!("i{n}"), "updated_at": format!("2026-02-03T10:00:{n:02}.{n:03}Z")});
    let page = |records: Vec<Value>| json!({"count": 400, "records": records});
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&page((0..50).map(record).collect()))
        .answers_json(&page((50..60).map(record).collect()));
    assert_eq!(recent(&bench, Duration::ZERO).await[0], "i59");
    let targets: Vec<String> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    assert!(targets[1].ends_with("offset=250"), "{targets:?}");

    // Newest first, and nothing on the second page changed lately.
    let bench = Bench::new().await;
    let old = json!({"id": "old", "updated_at": "2025-01-01T00:00:00Z"});
    bench
        .server
        .answers_json(&page((0..50).rev().map(record).collect()))
        .answers_json(&page(vec![record(0), old]));
    assert_eq!(recent(&bench, Duration::ZERO).await[0], "i49");
    assert_eq!(bench.server.seen().len(), 2);
}

#[tokio::test]
async fn br_066_closing_and_cancelling_ask_for_different_things() {
    let bench = Bench::new().await;
    let id = InterventionId::new("17a1");
    bench
        .client
        .close_intervention(&bench.connection, &id)
        .await
        .unwrap();
    bench
        .client
        .cancel_intervention(&bench.connection, &id)
        .await
        .unwrap();
    let asked: Vec<(String, String)> = bench
        .server
        .seen()
        .iter()
        .map(|seen| (seen.method.clone(), seen.target.clone()))
        .collect();
    let expected = [
        ("PUT".to_owned(), "/1.0/interventions/17a1/close".to_owned()),
        ("DELETE".to_owned(), "/1.0/interventions/17a1/cancel".to_owned()),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn br_066_refusals_to_close_are_told() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(
            403,
            r#"{"error":"forbidden","message":"Intervention can not be closed","status":403}"#,
        )
        .answers(409, r#"{"error":"conflict","message":"…","status":409}"#);
    let id = InterventionId::new("17a1");
    let first = bench.client.close_intervention(&bench.connection, &id).await;
    assert!(
        matches!(first, Err(RingCxError::NotPermitted { status: 403, .. })),
        "{first:?}"
    );
    let second = bench.client.close_intervention(&bench.connection, &id).await;
    assert!(matches!(second, Err(RingCxError::Conflict)), "{second:?}");
}

#[tokio::test]
async fn one_intervention_is_asked_for_by_its_id() {
    let bench = Bench::new().await;
    let ask = async || {
        let id = InterventionId::new("i 1");
        let asked = bench.client.intervention(&bench.connection, &id, Urgency::Idle);
        asked.await
    };
    let record = json!({"id": "i 1", "thread_id": "74a1", "closed": true});
    bench.server.answers_json(&record);
    let found = ask().await.unwrap();
    assert_eq!(found.thread, Some(ThreadId::new("74a1")));
    assert_eq!(bench.server.only().target, "/1.0/interventions/i%201");
    for odd in [json!({}), json!([])] {
        bench.server.answers_json(&odd);
        assert!(matches!(ask().await, Err(RingCxError::NotFound)), "{odd}");
    }
}
