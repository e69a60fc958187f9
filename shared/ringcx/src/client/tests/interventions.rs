//! Interventions over REST.

use handover_core::ids::{InterventionId, ThreadId};
use handover_core::ports::{Intervention, RingCx as _, RingCxError};
use serde_json::{Value, json};

use super::Bench;

async fn listed(bench: &Bench) -> Vec<Intervention> {
    bench
        .client
        .interventions(&bench.connection, &ThreadId::new("74a1"))
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
    let expected: Vec<Intervention> = [
        ("i3", false, 0),
        ("i2", true, 0),
        ("i1", true, 2),
        ("i0", false, 0),
    ]
    .map(|(id, closed, agent_replies)| Intervention {
        id: InterventionId::new(id),
        closed,
        agent_replies,
    })
    .into();
    assert_eq!(listed(&bench).await, expected, "newest first");
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
