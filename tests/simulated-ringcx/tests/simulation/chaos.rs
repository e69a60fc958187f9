//! Faults by chance.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use simulated_ringcx::{Chaos, ChaosCounts, Fault, FaultTarget};

use crate::{World, message};

#[tokio::test]
async fn each_kind_of_chance_does_what_it_says() {
    let world = World::new().await;
    world.rce.set_chaos(Chaos {
        rate_429: 1.0,
        ..Chaos::default()
    });
    let (status, limited) = world.rest("GET", "/users/me", "").await;
    assert_eq!((status, &limited["error"]), (429, &json!("rate_limit_exceeded")));
    let (status, _) = world
        .send("messages.create", message("conv-1", "msg-1", "Hi"))
        .await;
    assert_eq!(status, 429);

    world.rce.set_chaos(Chaos {
        refuse_503: 1.0,
        ..Chaos::default()
    });
    assert_eq!(world.rest("GET", "/users/me", "").await.0, 503);
    let (status, _) = world
        .send("messages.create", message("conv-1", "msg-1", "Hi"))
        .await;
    assert_eq!(status, 503);
    assert!(world.rce.thread("conv-1").is_none(), "a refusal has no effect");

    for (drop, lose_answer) in [(1.0, 0.0), (0.0, 1.0)] {
        world.rce.set_chaos(Chaos {
            drop,
            lose_answer,
            ..Chaos::default()
        });
        let token = world.rce.config().api_token.clone();
        let lost = world.rest_as(&token, "GET", "/users/me", "").await;
        assert!(lost.is_err(), "{lost:?}");
    }

    world.rce.set_chaos(Chaos {
        delay: (1.0, Duration::from_millis(1)),
        ..Chaos::default()
    });
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let expected = ChaosCounts {
        requests: 7,
        refused_503: 2,
        rate_429: 2,
        dropped: 1,
        lost_answers: 1,
        delayed: 1,
    };
    assert_eq!(world.rce.chaos_counts(), expected);
    world.no_violations();
}

#[tokio::test]
async fn chance_ends_and_scripts_come_first() {
    let world = World::new().await;
    world.rce.set_chaos(Chaos {
        refuse_503: 1.0,
        ..Chaos::default()
    });
    world.rce.fail_next(FaultTarget::RestAny, Fault::RateLimit, 1);
    assert_eq!(world.rest("GET", "/users/me", "").await.0, 429);
    assert_eq!(world.rest("GET", "/users/me", "").await.0, 503);
    world.rce.set_chaos(Chaos::default());
    assert_eq!(world.rest("GET", "/users/me", "").await.0, 200);
    assert_eq!(world.rce.chaos_counts().requests, 1);
}

#[tokio::test]
async fn requests_are_counted_by_operation() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    let path = format!("/content_threads/{}", world.id("conv-1"));
    for _ in 0..2 {
        assert_eq!(world.rest("GET", &path, "").await.0, 200);
    }
    assert_eq!(world.rce.rest_requests_in_last_minute(), 3);
    let expected = BTreeMap::from([
        ("GET /content_threads/{id}".to_owned(), 2),
        ("PUT /content_threads/{id}/update_categories".to_owned(), 1),
    ]);
    assert_eq!(world.rce.rest_operations(Duration::from_mins(1)), expected);
}
