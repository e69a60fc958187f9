//! Opening hours.

use std::time::Duration;

use handover_core::ports::RingCx as _;
use serde_json::{Value, json};

use super::Bench;

fn sheet(source: &str, hours: &str) -> Value {
    json!({"id": "s1", "active": true, "source_ids": [source], "timezone": "UTC", "monday_hours": hours,
        "tuesday_hours": hours, "wednesday_hours": hours, "thursday_hours": hours, "friday_hours": hours,
        "saturday_hours": hours, "sunday_hours": hours})
}

async fn open(bench: &Bench) -> Option<bool> {
    let hours = bench.client.opening_hours(&bench.connection).await.unwrap()?;
    Some(hours.is_open("2026-02-03T10:00:00Z".parse().unwrap()))
}

#[tokio::test]
async fn the_time_sheet_of_the_source_counts_and_is_asked_for_seldom() {
    let bench = Bench::new().await;
    let mut retired = sheet("50c1", "0-86400");
    retired["active"] = json!(false);
    let records = json!([sheet("other", "0-86400"), retired, sheet("50c1", "0-3600"), null]);
    bench
        .server
        .answers_json(&json!({"count": 4, "records": records}));
    assert_eq!(open(&bench).await, Some(false));
    assert_eq!(open(&bench).await, Some(false));
    assert_eq!(bench.server.only().target, "/1.0/time_sheets?limit=150");
    bench.clock.pass(Duration::from_mins(11));
    bench.server.answers(503, "");
    assert_eq!(open(&bench).await, Some(false), "what was known goes on to count");
    bench
        .server
        .answers_json(&json!({"records": [sheet("50c1", "0-86400")]}));
    bench.clock.pass(Duration::from_secs(31));
    assert_eq!(open(&bench).await, Some(true));
}

#[tokio::test]
async fn without_a_sheet_or_the_right_to_read_it_nothing_is_known() {
    for (status, body) in [
        (200, r#"{"count": 0, "records": []}"#),
        (403, r#"{"error":"forbidden","message":"…","status":403}"#),
        (404, r#"{"error":"not_found","message":"…","status":404}"#),
        (500, "oops"),
        (200, "[]"),
    ] {
        let bench = Bench::new().await;
        bench.server.answers(status, body);
        assert_eq!(open(&bench).await, None, "{status} {body}");
        assert_eq!(open(&bench).await, None);
        assert_eq!(bench.server.seen().len(), 1, "and it is not asked again at once");
    }
}
