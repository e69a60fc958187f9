//! Whether an agent could take it.

use std::time::Duration;

use handover_stories::desk::{MIRA, SAM};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::AgentStatus;

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
        json!({"available": false, "reason": "no_agents", "agents": 0})
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
