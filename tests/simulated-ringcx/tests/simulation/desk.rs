//! The desk as a page uses it.

use serde_json::{Value, json};

use crate::World;

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/desk{path}", world.rce.base_url());
    let response = world
        .http
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).expect("JSON"))
}

async fn state(world: &World) -> Value {
    let url = format!("{}/desk/state", world.rce.base_url());
    let text = world
        .http
        .get(url)
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_page_serves_a_customer() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Where is my order?").await;
    let moved = post(&world, "/threads/conv-1/move", json!({"category": "agent"})).await;
    assert_eq!(moved, (200, json!({"simulated": true, "ok": true})));

    let before = state(&world).await;
    assert_eq!(before["simulated"], true);
    assert_eq!(before["queue"][0]["foreign_id"], "conv-1");
    assert_eq!(before["queue"][0]["customer_name"], "Nadia V.");
    assert_eq!(before["queue"][0]["position"], 1);
    assert!(before["queue"][0]["waiting_ms"].is_number());
    assert_eq!(before["threads"][0]["categories"], json!(["Agent"]));

    let agent = world.agent(0);
    let early = post(
        &world,
        "/threads/conv-1/reply",
        json!({"agent_id": agent, "body": "Hi"}),
    )
    .await;
    assert_eq!((early.0, &early.1["error"]), (409, &json!("conflict")));
    assert_eq!(
        post(&world, "/threads/conv-1/take", json!({"agent_id": agent}))
            .await
            .0,
        200
    );
    let (status, reply) = post(
        &world,
        "/threads/conv-1/reply",
        json!({"agent_id": agent, "body": "Hi"}),
    )
    .await;
    assert_eq!(status, 200);
    assert!(reply["content_id"].is_string());
    world.settle().await;

    let after = state(&world).await;
    assert_eq!(after["queue"], json!([]));
    assert_eq!(after["agents"][0]["busyness"], "ok");
    let case = &after["agents"][0]["threads"][0];
    assert_eq!(
        (&case["foreign_id"], &case["deferred"]),
        (&json!("conv-1"), &json!(false))
    );
    assert_eq!(case["contents"][0]["author_kind"], "customer");
    assert_eq!(case["contents"][1]["author_kind"], "agent");
    assert_eq!(case["contents"][1]["synchronization_status"], "success");

    assert_eq!(post(&world, "/threads/conv-1/close", json!({})).await.0, 200);
    assert_eq!(state(&world).await["agents"][0]["threads"], json!([]));
    assert_eq!(post(&world, "/threads/nobody/close", json!({})).await.0, 404);
    assert_eq!(post(&world, "/threads/conv-1/dance", json!({})).await.0, 404);
    let away = post(
        &world,
        &format!("/agents/{agent}/availability"),
        json!({"status": "away"}),
    )
    .await;
    assert_eq!(away.0, 200);
    assert_eq!(state(&world).await["agents"][0]["status"], "away");
    world.no_violations();
}

#[tokio::test]
async fn a_page_hears_of_changes() {
    let world = World::new().await;
    let url = format!("{}/desk/events", world.rce.base_url());
    let mut stream = world.http.get(url).send().await.expect("an answer");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = stream.chunk().await.expect("a chunk").expect("an event");
    assert!(first.starts_with(b"event: changed"));
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let second = stream.chunk().await.expect("a chunk").expect("an event");
    assert!(second.starts_with(b"event: changed"));
    world.rce.stop().await;
    assert_eq!(stream.chunk().await.expect("the end"), None);
}

#[tokio::test]
async fn foreign_pages_press_no_buttons() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let url = format!("{}/desk/threads/conv-1/move", world.rce.base_url());
    for (origin, status) in [("https://evil.example", 403), ("http://localhost:4000", 200)] {
        let request = world
            .http
            .post(&url)
            .header("Origin", origin)
            .body(r#"{"category":"agent"}"#);
        assert_eq!(
            request.send().await.expect("an answer").status().as_u16(),
            status,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_page_works_by_hand() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let agent = json!({"agent_id": world.agent(0)});
    let (status, engaged) = post(&world, "/threads/conv-1/engage", agent.clone()).await;
    assert_eq!(status, 200);
    assert!(engaged["intervention_id"].is_string());
    let moved = json!({"category": "agent", "agent_id": world.agent(0)});
    assert_eq!(post(&world, "/threads/conv-1/move", moved).await.0, 200);
    for action in ["defer_from_folder", "close_from_folder", "close_thread"] {
        let path = format!("/threads/conv-1/{action}");
        assert_eq!(post(&world, &path, agent.clone()).await.0, 200, "{action}");
    }
    assert_eq!(state(&world).await["threads"][0]["closed"], true);
    assert_eq!(post(&world, "/threads/conv-1/open_thread", agent).await.0, 200);
    assert_eq!(state(&world).await["threads"][0]["closed"], false);
}
