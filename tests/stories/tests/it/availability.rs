//! Whether an agent could take it.

use std::time::Duration;

use handover_stories::desk::{MIRA, SAM};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{AgentStatus, FURTHER_EVENTS, Holiday, Rights, TimeSheet};

#[tokio::test]
async fn a_switched_off_connection_and_a_desk_without_agents_say_so_and_create_nothing() {
    let off = Setup::default().connection("enabled = false").start().await;
    let reply = off.call("POST", "/conversations/c1/handover", &json!({})).await;
    assert_eq!(
        reply.expect(200),
        json!({"handover": {"status": "unavailable", "reason": "disabled"}})
    );
    let seen = off.call("GET", "/availability", &Value::Null).await.expect(200);
    assert_eq!(
        (&seen["available"], &seen["reason"]),
        (&json!(false), &json!("disabled"))
    );
    assert_eq!(off.rce.requests().len(), 0);
    off.finish().await;

    let bench = Bench::new().await;
    for agent in [SAM, MIRA] {
        bench.rce.set_availability(agent, AgentStatus::Away).unwrap();
    }
    let wish = json!({"require_agent": true, "id": "h1"});
    for _ in 0..2 {
        let reply = bench.call("POST", "/conversations/c1/handover", &wish).await;
        assert_eq!(
            reply.expect(200),
            json!({"handover": {"status": "unavailable", "reason": "no_agents"}})
        );
    }
    assert_eq!(bench.stored("c1").await, None);
    assert_eq!(
        bench.asked_rce("GET /1.0/status"),
        1,
        "asked once in the cache's time"
    );
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    assert_eq!(
        seen,
        json!({"available": false, "reason": "no_agents", "agents": 0, "ringcx": {"delay_ms": 0}})
    );
    bench.rce.set_availability(SAM, AgentStatus::Available).unwrap();
    bench.pass(Duration::from_secs(11));
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    assert_eq!((&seen["available"], &seen["agents"]), (&json!(true), &json!(1)));
    bench.asks_for_agent("c1", json!({"require_agent": true})).await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    bench.finish().await;
}

#[tokio::test]
async fn br_068_what_rce_does_not_say_is_no_reason_to_refuse() {
    let bench = Setup::default().rce(|rce| rce.may_monitor = false).start().await;
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    assert_eq!(
        (&seen["available"], &seen["reason"]),
        (&json!(true), &json!("unknown"))
    );
    bench.asks_for_agent("c1", json!({"require_agent": true})).await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    bench.finish().await;
}

fn sheet(bench: &Bench, hours: &str) -> Vec<TimeSheet> {
    vec![TimeSheet::daily(
        "5f0c0000000000000000ea01",
        bench.rce.config().source_id.as_str(),
        hours,
    )]
}

async fn reason(bench: &Bench) -> String {
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    seen["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn after_hours_nobody_is_handed_over_and_nothing_is_created() {
    let bench = Setup::default()
        .forward_only()
        .clock_at("2026-01-05T17:59:00Z")
        .start()
        .await;
    bench.rce.set_time_sheets(sheet(&bench, "28800-64800"));
    assert_eq!(reason(&bench).await, "open");
    bench.pass(Duration::from_mins(1));
    assert_eq!(reason(&bench).await, "closed");
    bench.user_says("c1", "hi").await;
    let asked = bench.rce.requests().len();
    let reply = bench.call("POST", "/conversations/c1/handover", &json!({})).await;
    let closed = json!({"handover": {"status": "unavailable", "reason": "closed"}});
    assert_eq!(reply.expect(200), closed);
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(
        bench.rce.requests().len(),
        asked,
        "the hours are known, nothing is asked or created"
    );
    assert!(
        bench
            .what_happened("c1")
            .await
            .contains(&"handover.unavailable".to_owned())
    );
    // The next morning.
    bench.pass(Duration::from_hours(14));
    let begun = bench
        .call("POST", "/conversations/c1/handover", &json!({}))
        .await
        .expect(202);
    assert_eq!(begun["handover"]["status"], "requested");
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    bench.finish().await;
}

#[tokio::test]
async fn a_holiday_is_closed_and_a_sheet_that_is_none_of_ours_or_cannot_be_read_is_no_reason() {
    let open_all_day = |bench: &Bench| sheet(bench, "0-86400");
    let bench = Setup::default().clock_at("2026-01-01T12:00:00Z").start().await;
    let mut holiday = open_all_day(&bench);
    holiday[0].holidays = vec![Holiday {
        name: "New year".to_owned(),
        date: "2026-01-01".to_owned(),
    }];
    bench.rce.set_time_sheets(holiday);
    assert_eq!(reason(&bench).await, "closed");
    bench.finish().await;

    for case in 0..4 {
        let bench = Bench::new().await;
        let mut sheets = sheet(&bench, "");
        match case {
            0 => sheets[0].source_ids = vec!["another".to_owned()],
            1 => sheets[0].active = false,
            2 => sheets[0].timezone = String::new(),
            _ => bench.rce.set_rights(Rights {
                may_read_time_sheets: false,
                ..Rights::default()
            }),
        }
        bench.rce.set_time_sheets(sheets);
        assert_eq!(reason(&bench).await, "open", "case {case}");
        bench.finish().await;
    }

    let always = Setup::default().availability("hours = \"none\"").start().await;
    always.rce.set_time_sheets(sheet(&always, ""));
    assert_eq!(reason(&always).await, "open");
    assert_eq!(always.asked_rce("GET /1.0/time_sheets"), 0);
    always.finish().await;
}

#[tokio::test]
async fn not_knowing_refuses_only_where_that_is_wanted() {
    let bench = Setup::default()
        .availability("refuse_unknown = true")
        .rce(|rce| rce.may_monitor = false)
        .start()
        .await;
    let reply = bench.call("POST", "/conversations/c1/handover", &json!({})).await;
    let unknown = json!({"handover": {"status": "unavailable", "reason": "unknown"}});
    assert_eq!(reply.expect(200), unknown);
    assert_eq!(bench.stored("c1").await, None);
    bench.rce.set_rights(Rights::default());
    bench.pass(Duration::from_secs(11));
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn the_answer_to_a_request_says_what_is_known_without_asking() {
    let bench = Bench::new().await;
    let ask = async |conversation: &str| {
        let path = format!("/conversations/{conversation}/handover");
        bench.call("POST", &path, &json!({})).await.expect(202)["availability"]["reason"].clone()
    };
    assert_eq!(ask("c1").await, "unknown");
    assert_eq!(bench.asked_rce("GET /1.0/status"), 0);
    assert_eq!(reason(&bench).await, "open");
    assert_eq!(ask("c2").await, "open");
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn where_rce_reports_agents_presence_it_is_live_and_seldom_asked_for() {
    let bench = Setup::default()
        .rce(|rce| rce.registered_events.extend(FURTHER_EVENTS.map(str::to_owned)))
        .start()
        .await;
    // The first report tells that there are reports; then RCE is asked who they are.
    bench.rce.set_availability(MIRA, AgentStatus::Away).unwrap();
    bench.settle().await;
    let agents = async || {
        let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
        seen["agents"].as_u64()
    };
    assert_eq!(agents().await, Some(1));
    let asked = bench.asked_rce("GET /1.0/status");
    bench.rce.set_availability(SAM, AgentStatus::Away).unwrap();
    bench.settle().await;
    assert_eq!(agents().await, Some(0), "at once");
    bench.rce.set_availability(MIRA, AgentStatus::Available).unwrap();
    bench.settle().await;
    bench.pass(Duration::from_mins(4));
    assert_eq!(agents().await, Some(1));
    bench
        .rce
        .set_availability(MIRA, AgentStatus::Disconnected)
        .unwrap();
    bench.settle().await;
    assert_eq!(agents().await, Some(0));
    assert_eq!(
        bench.asked_rce("GET /1.0/status"),
        asked,
        "RCE was not asked again"
    );
    // Of somebody who comes anew RCE must say whether they may take these conversations.
    bench.rce.set_availability(MIRA, AgentStatus::Available).unwrap();
    bench.settle().await;
    assert_eq!(agents().await, Some(1));
    assert_eq!(bench.asked_rce("GET /1.0/status"), asked + 1);
    bench.finish().await;
}
