//! The REST API, as a bridge uses it.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::{AgentStatus, Fault, FaultTarget, IndexLag, State, WebhookState};

use crate::{SOON, World};

fn search(world: &World, thread: &str) -> String {
    let query = format!(r#"foreign:"{thread}" source:"{}""#, world.rce.config().source_id);
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/content_threads?limit=2&q={query}")
}

#[tokio::test]
async fn a_new_thread_is_found_after_a_while() {
    let world = World::with(|config| config.index_lag = IndexLag::Searches(2)).await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let path = search(&world, "conv-1");
    for _ in 0..2 {
        let nothing = json!({"count": 0, "offset": 0, "limit": 2, "records": []});
        assert_eq!(world.rest("GET", &path, "").await, (200, nothing));
    }
    let (_, found) = world.rest("GET", &path, "").await;
    assert_eq!(found["count"], 1);
    assert_eq!(found["records"][0]["foreign_id"], "conv-1");
    assert_eq!(
        found["records"][0]["thread_category_ids"],
        json!([world.rce.config().bot_category_id])
    );
    let id = found["records"][0]["id"].as_str().expect("an id");
    let (status, thread) = world.rest("GET", &format!("/content_threads/{id}"), "").await;
    assert_eq!((status, &thread["title"]), (200, &json!("Hi")));
    assert_eq!(
        world.rest("GET", &search(&world, "conv-9"), "").await.1["count"],
        0
    );
    assert_eq!(world.rest("GET", "/content_threads/conv-1", "").await.0, 404);

    let slow = World::with(|config| config.index_lag = IndexLag::For(Duration::from_mins(10))).await;
    slow.customer_says("conv-1", "msg-1", "Hi").await;
    assert_eq!(slow.rest("GET", &path, "").await.1["count"], 0);
}

#[tokio::test]
async fn categories_are_replaced_as_a_whole() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let path = format!("/content_threads/{}/update_categories", world.id("conv-1"));
    let agent = world.rce.config().agent_category_id.clone();
    let other = world.rce.config().other_categories[0].0.clone();

    world
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Conflict, 1);
    let form = format!("thread_category_ids[]={other}&thread_category_ids[]={agent}");
    let (status, conflict) = world.rest("PUT", &path, &form).await;
    assert_eq!((status, &conflict["error"]), (409, &json!("conflict")));
    let (status, thread) = world.rest("PUT", &path, &form).await;
    assert_eq!(
        (status, &thread["thread_category_ids"]),
        (200, &json!([other, agent]))
    );

    let (status, thread) = world
        .rest("PUT", &format!("{path}?thread_category_ids%5B%5D={other}"), "")
        .await;
    assert_eq!((status, &thread["thread_category_ids"]), (200, &json!([other])));
    assert_eq!(
        world.rest("PUT", &path, "thread_category_ids[]=unknown").await.0,
        422
    );
    world.settle().await;
    assert_eq!(world.bridge.event_types(), ["task.created", "task.recategorized"]);
}

#[tokio::test]
async fn threads_of_this_channel_cannot_be_closed() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let (status, refused) = world
        .rest(
            "PUT",
            &format!("/content_threads/{}/close", world.id("conv-1")),
            "",
        )
        .await;
    assert_eq!((status, &refused["error"]), (403, &json!("forbidden")));
    assert_eq!(refused["status"], 403);
}

#[tokio::test]
async fn the_token_opens_and_only_so_often() {
    let world = World::with(|config| config.requests_per_minute = 3).await;
    let (status, refused) = world
        .rest_as("wrong", "GET", "/users/me", "")
        .await
        .expect("an answer");
    assert_eq!((status, &refused["error"]), (403, &json!("forbidden")));
    let (status, me) = world.rest("GET", "/users/me", "").await;
    assert_eq!((status, &me["firstname"]), (200, &json!("Simulated")));
    world.no_violations();
    let in_url = format!("/users/me?access_token={}", world.rce.config().api_token);
    let (status, _) = world.rest_as("", "GET", &in_url, "").await.expect("an answer");
    assert_eq!(status, 200, "allowed, although a token has no place in a URL");
    let (status, limited) = world.rest("GET", "/users/me", "").await;
    assert_eq!((status, &limited["error"]), (429, &json!("rate_limit_exceeded")));
    assert_eq!(world.rules(), ["token-in-url", "rest-rate"]);
}

#[tokio::test]
async fn interventions_are_closed_with_replies_and_cancelled_without() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    let content = world.rce.contents("conv-1")[0].id.clone();
    let (_, it) = world
        .rest("POST", "/interventions", &format!("content_id={content}"))
        .await;
    let path = format!("/interventions/{}", it["id"].as_str().expect("an id"));
    assert_eq!(
        world
            .rest("POST", "/interventions", &format!("content_id={content}"))
            .await
            .0,
        422
    );
    assert_eq!(world.rest("PUT", &format!("{path}/close"), "").await.0, 403);

    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "Hello")
        .expect("answered");
    assert_eq!(world.rest("DELETE", &format!("{path}/cancel"), "").await.0, 403);
    let active = format!("/interventions?thread_id={}&status=active", world.id("conv-1"));
    assert_eq!(
        world.rest("GET", &active, "").await.1["records"][0]["user_replies_count"],
        1
    );
    let (status, before) = world.rest("PUT", &format!("{path}/close"), "").await;
    assert_eq!((status, &before["closed"]), (200, &json!(false)));
    let (_, after) = world.rest("GET", &path, "").await;
    assert_eq!(after["closed"], true);
    assert!(after["closed_at"].is_string());
    assert_eq!(world.rest("GET", &active, "").await.1["count"], 0);
    assert_eq!(world.rest("PUT", &format!("{path}/close"), "").await.0, 403);
    assert_eq!(
        world
            .rest("GET", "/interventions/65d0a100000000000017ffff", "")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn the_account_can_be_looked_at() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let config = world.rce.config();
    let ids = format!(
        "/categories?ids={},{}",
        config.bot_category_id, config.agent_category_id
    );
    let (_, categories) = world.rest("GET", &ids, "").await;
    let names: Vec<&Value> = categories["records"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["Bot", "Agent"]);
    let (_, source) = world
        .rest("GET", &format!("/content_sources/{}", config.source_id), "")
        .await;
    assert_eq!(
        (&source["active"], &source["status"]),
        (&json!(true), &json!("ok"))
    );
    let (_, channels) = world.rest("GET", "/channels", "").await;
    assert_eq!(channels["records"][0]["id"], source["channel_id"]);

    world
        .rce
        .set_availability(&world.agent(1), AgentStatus::Disconnected)
        .expect("set");
    let (_, status) = world.rest("GET", "/status", "").await;
    assert_eq!(status.as_array().map(Vec::len), Some(1));
    assert_eq!(status[0]["channels"][0]["status"], "available");
    assert_eq!(status[0]["channels"][0]["busyness"], "unoccupied");
    let (_, user) = world.rest("GET", &format!("/users/{}", world.agent(0)), "").await;
    assert_eq!(
        (&user["firstname"], &user["lastname"]),
        (&json!("Sam"), &json!("Okafor"))
    );
    let (_, found) = world.rest("GET", "/identities?foreign_id=usr-42", "").await;
    assert_eq!(found["records"][0]["display_name"], "Nadia V.");
    let contents = format!("/contents?q=thread:%22{}%22", world.id("conv-1"));
    assert_eq!(
        world.rest("GET", &contents, "").await.1["records"][0]["foreign_id"],
        "msg-1"
    );
    world.to_agents("conv-1").await;
    assert_eq!(world.rest("GET", "/tasks", "").await.1["count"], 1);
    assert_eq!(world.rest("GET", "/nonsense", "").await.0, 404);

    let blind = World::with(|config| config.may_monitor = false).await;
    assert_eq!(blind.rest("GET", "/status", "").await.0, 403);
}

#[tokio::test]
async fn webhooks_can_be_registered() {
    let world = World::unconnected(|_| {}).await;
    let url: String = form_urlencoded::byte_serialize(world.bridge.url().as_bytes()).collect();
    let form = format!(
        "active=true&name=bridge&url={url}&verify_token=simulated-verify-token&secret=simulated-webhook-secret\
         &registered_events[]=content.imported"
    );
    let (status, webhook) = world.rest("POST", "/webhooks", &form).await;
    assert_eq!((status, &webhook["active"]), (200, &json!(true)));
    let id = webhook["id"].as_str().expect("an id").to_owned();
    let enabled = |state: &State| {
        state
            .webhooks()
            .any(|it| it.id == id && it.state == WebhookState::Enabled)
    };
    assert!(world.rce.wait_until(enabled, SOON).await);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.settle().await;
    assert_eq!(world.bridge.event_types(), ["content.imported"]);

    let path = format!("/webhooks/{id}");
    assert_eq!(
        world.rest("PUT", &path, "active=false").await.1["webhook_status"],
        "disabled"
    );
    world.customer_says("conv-1", "msg-2", "Hi").await;
    world.settle().await;
    assert_eq!(world.bridge.events().len(), 1);
    assert_eq!(world.rest("DELETE", &path, "").await.0, 200);
    assert_eq!(world.rest("GET", "/webhooks", "").await.1["count"], 0);
}

#[tokio::test]
async fn interventions_come_newest_first() {
    let world = World::new().await;
    let threads = ["conv-1", "conv-2", "conv-3"];
    for thread in threads {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
        world.to_agents(thread).await;
        world.rce.take(thread, &world.agent(0)).expect("taken");
        world
            .rce
            .reply(thread, &world.agent(0), "Hello")
            .expect("answered");
    }
    world.rce.defer("conv-2").expect("deferred");
    world.rce.close("conv-1").expect("closed");
    let listed = async |query: &str| {
        let (_, list) = world.rest("GET", &format!("/interventions?{query}"), "").await;
        let records = list["records"].as_array().expect("a list").clone();
        let name = |it: &Value| {
            let thread = world.rce.thread(it["thread_id"].as_str().expect("an id"));
            thread.expect("a thread").foreign_id
        };
        (
            list["count"].clone(),
            records.iter().map(name).collect::<Vec<_>>(),
        )
    };
    let newest = ["conv-3", "conv-2", "conv-1"].map(str::to_owned).to_vec();
    assert_eq!(listed("").await, (json!(3), newest.clone()));
    assert_eq!(listed("sort=created_at").await.1, newest);
    assert_eq!(
        listed("sort=updated_at").await.1,
        ["conv-1", "conv-2", "conv-3"],
        "changed last"
    );
    let page = listed("sort=updated_at&offset=1&limit=1").await;
    assert_eq!(page, (json!(3), vec!["conv-2".to_owned()]));
    assert_eq!(listed("status=closed").await.1, ["conv-1"]);
    assert_eq!(listed("status=active").await.1, ["conv-3"]);
    assert_eq!(listed("status=deferred").await.1, ["conv-2"]);
    let of_one = format!("sort=updated_at&thread_id={}", world.id("conv-3"));
    assert_eq!(listed(&of_one).await.1, ["conv-3"]);

    let (_, list) = world
        .rest("GET", "/interventions?status=closed&limit=1000", "")
        .await;
    assert_eq!(list["limit"], 150);
    let record = &list["records"][0];
    assert_eq!(record["closed"], true);
    assert_eq!(record["source_id"], json!(world.rce.config().source_id));
    assert_eq!(record["user_id"], json!(world.agent(0)));
    assert_eq!(record["user_replies_count"], 1);
    assert_eq!(record["deferred_at"], Value::Null);
    assert!(record["created_at"].is_string() && record["updated_at"].is_string());
    assert_eq!(record["closed_at"], record["updated_at"]);
}
