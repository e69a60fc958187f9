//! The platform's clock need not show what the bridge's does.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::World;

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("a time")
}

/// How far a time that the platform says is from the machine's, at the newest request of the bridge.
fn ahead(world: &World, said: &Value) -> SignedDuration {
    let at = world.rce.requests().last().expect("a request").at;
    time(said).duration_since(at)
}

fn about(ahead: SignedDuration, wanted: SignedDuration) -> bool {
    (ahead - wanted).abs() < SignedDuration::from_secs(60)
}

#[tokio::test]
async fn everything_that_the_platform_dates_is_shifted() {
    let fast = SignedDuration::from_mins(90);
    let world = World::with(|config| config.clock_ahead = fast).await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "Hello")
        .expect("answered");
    world.rce.close("conv-1").expect("closed");
    world.settle().await;

    let path = format!("/interventions?thread_id={}", world.id("conv-1"));
    let it = world.rest("GET", &path, "").await.1["records"][0].clone();
    for member in ["created_at", "updated_at", "closed_at"] {
        assert!(about(ahead(&world, &it[member]), fast), "{member}: {it}");
    }
    let path = format!("/content_threads/{}", world.id("conv-1"));
    let thread = world.rest("GET", &path, "").await.1;
    for member in ["created_at", "updated_at", "last_content_at"] {
        assert!(about(ahead(&world, &thread[member]), fast), "{member}: {thread}");
    }
    for event in world.bridge.events() {
        assert!(about(ahead(&world, &event["issued_at"]), fast), "{event}");
    }
    let url = format!("{}/1.0/users/me", world.rce.base_url());
    let answer = world.http.get(url).send().await.expect("an answer");
    let date = answer.headers()["date"].to_str().expect("text");
    let date = jiff::fmt::rfc2822::parse(date).expect("a date").timestamp();
    assert!(
        about(ahead(&world, &Value::from(date.to_string())), fast),
        "{date}"
    );
    let reply = &world.bridge.actions("messages.create")[0];
    assert!(about(ahead(&world, &reply["created_at"]), fast), "{reply}");
    world.no_violations();
}

#[tokio::test]
async fn a_clock_can_be_set_while_it_runs() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    let slow = SignedDuration::from_hours(-2);
    world.rce.set_clock_ahead(slow);
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world.settle().await;
    let events = world.bridge.events();
    let issued: Vec<&Value> = events.iter().map(|event| &event["issued_at"]).collect();
    assert!(
        about(ahead(&world, issued[0]), SignedDuration::ZERO),
        "{events:?}"
    );
    assert!(about(ahead(&world, issued[1]), slow), "{events:?}");
    let waited = &events[1]["resource"]["metadata"]["created_at"];
    assert!(
        about(ahead(&world, waited), SignedDuration::ZERO),
        "the past stays"
    );
}
