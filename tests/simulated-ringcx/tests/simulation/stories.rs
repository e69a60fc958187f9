//! Whole conversations, and the events that the platform documents for them.

use serde_json::{Value, json};
use simulated_ringcx::{
    AuthorKind, Channel, DeskError, FURTHER_EVENTS, RECOMMENDED_EVENTS, Reply, SyncStatus,
};

use crate::{World, bot, message};

/// Without what the simulation says about agents and imports.
fn routing(types: &[String]) -> Vec<&str> {
    types
        .iter()
        .map(String::as_str)
        .filter(|kind| kind.starts_with("task.") || kind.starts_with("intervention."))
        .collect()
}

async fn waiting() -> World {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Where is my order?").await;
    world.to_agents("conv-1").await;
    world
}

async fn answered() -> World {
    let world = waiting().await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "Hi, this is Sam.")
        .expect("answered");
    world.settle().await;
    world
}

#[tokio::test]
async fn a_handover_from_the_queue_to_the_end() {
    let world = World::with(|config| {
        config.registered_events = RECOMMENDED_EVENTS
            .iter()
            .chain(&FURTHER_EVENTS)
            .map(|it| (*it).to_owned())
            .collect();
    })
    .await;
    world.customer_says("conv-1", "msg-1", "Where is my order?").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "Hi, this is Sam.")
        .expect("answered");
    world.settle().await;
    world.rce.close("conv-1").expect("closed");
    world.settle().await;

    let types = world.bridge.event_types();
    let without_agents: Vec<&str> = types
        .iter()
        .map(String::as_str)
        .filter(|kind| !kind.starts_with("push_agent."))
        .collect();
    let expected = [
        "content.imported",
        "task.created",
        "task.assigned",
        "task.taken",
        "intervention.opened",
        "content.replied",
        "content.exported",
        "intervention.closed",
        "task.completed",
    ];
    assert_eq!(without_agents, expected);

    let events = world.bridge.events();
    let event = |kind: &str| {
        events
            .iter()
            .find(|event| event["type"] == kind)
            .expect("the event")
            .clone()
    };
    let agent = world.agent(0);
    assert_eq!(event("task.created")["user_id"], Value::Null);
    assert_eq!(event("task.created")["resource"]["metadata"]["queue"], "global");
    assert_eq!(event("task.taken")["user_id"], json!(agent));
    assert_eq!(event("task.taken")["resource"]["metadata"]["type"], "ring");
    assert_eq!(
        event("task.taken")["resource"]["metadata"]["queue"],
        json!(format!("workbin_{agent}"))
    );
    assert_eq!(event("task.completed")["action"], "closed");
    assert_eq!(
        event("task.completed")["resource"]["metadata"]["action"],
        "closed"
    );
    let closed = event("intervention.closed");
    assert_eq!(
        closed["resource"]["metadata"]["thread_id"],
        json!(world.id("conv-1"))
    );
    assert_eq!(
        closed["resource"]["metadata"]["source_id"],
        json!(world.rce.config().source_id)
    );
    assert!(closed["resource"]["metadata"]["closed_at"].is_string());
    let exported = event("content.exported");
    assert_eq!(
        exported["resource"]["metadata"]["synchronization_status"],
        "success"
    );
    assert!(
        exported["resource"]["metadata"]["foreign_id"]
            .as_str()
            .expect("an id")
            .starts_with("rcx-")
    );
    world.no_violations();
}

#[tokio::test]
async fn deferring_completes_the_task_and_reactivating_makes_another() {
    let world = answered().await;
    world.rce.defer("conv-1").expect("deferred");
    world.rce.reactivate("conv-1").expect("reactivated");
    world.settle().await;
    let types = world.bridge.event_types();
    assert_eq!(
        routing(&types)[4..],
        [
            "intervention.deferred",
            "task.completed",
            "intervention.reactivated",
            "task.created"
        ]
    );
    let events = world.bridge.events();
    let completed = events
        .iter()
        .find(|event| event["type"] == "task.completed")
        .expect("the event");
    assert_eq!(completed["action"], "deferred");
    let again = events
        .iter()
        .rev()
        .find(|event| event["type"] == "task.created")
        .expect("the event");
    assert!(again["resource"]["metadata"]["intervention_id"].is_string());
    assert_eq!(again["resource"]["metadata"]["segment_index"], 2);
}

#[tokio::test]
async fn a_transfer_changes_the_agent_in_charge() {
    let world = answered().await;
    world
        .rce
        .transfer("conv-1", &world.agent(1))
        .expect("transferred");
    world.settle().await;
    let types = world.bridge.event_types();
    assert_eq!(
        routing(&types)[4..],
        [
            "task.transferred",
            "task.assigned",
            "task.taken",
            "intervention.user_updated"
        ]
    );
    let refused = world.rce.reply("conv-1", &world.agent(0), "Me again");
    assert!(matches!(refused, Err(DeskError::Conflict(_))), "{refused:?}");
    world
        .rce
        .reply("conv-1", &world.agent(1), "Mira here")
        .expect("answered");
    world.settle().await;
    let names: Vec<Value> = world
        .bridge
        .actions("messages.create")
        .iter()
        .map(|params| params["sender_name"].clone())
        .collect();
    assert_eq!(names, ["Sam Okafor", "Mira Lindqvist"]);
}

#[tokio::test]
async fn a_customer_reopens_what_is_still_with_the_agents() {
    let world = answered().await;
    world.rce.close("conv-1").expect("closed");
    world.customer_says("conv-1", "msg-2", "One more thing").await;
    world.settle().await;
    let types = world.bridge.event_types();
    assert_eq!(routing(&types)[6..], ["intervention.reopened", "task.created"]);
    let events = world.bridge.events();
    let reopened = events
        .iter()
        .find(|event| event["type"] == "intervention.reopened")
        .expect("the event");
    assert_eq!(reopened.get("user_id"), None);

    world.rce.close("conv-1").expect("closed again");
    world.to_bot("conv-1").await;
    world.customer_says("conv-1", "msg-3", "Thanks, bot").await;
    world.settle().await;
    assert_eq!(
        routing(&world.bridge.event_types())
            .iter()
            .filter(|kind| kind.contains("reopened"))
            .count(),
        1
    );
}

#[tokio::test]
async fn an_agent_reopens_with_a_name() {
    let world = answered().await;
    world.rce.close("conv-1").expect("closed");
    world
        .rce
        .reply("conv-1", &world.agent(1), "I forgot something")
        .expect("answered");
    world.settle().await;
    let events = world.bridge.events();
    let reopened = events
        .iter()
        .find(|event| event["type"] == "intervention.reopened")
        .expect("the event");
    assert_eq!(reopened["user_id"], json!(world.agent(1)));
}

#[tokio::test]
async fn a_second_handover_is_another_intervention() {
    let world = answered().await;
    world.rce.close("conv-1").expect("closed");
    world.to_bot("conv-1").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(1)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(1), "Hello again")
        .expect("answered");
    world.settle().await;
    let opened = world
        .bridge
        .event_types()
        .iter()
        .filter(|kind| *kind == "intervention.opened")
        .count();
    assert_eq!(opened, 2);
    assert_eq!(world.rce.read(|state| state.interventions("conv-1").count()), 2);
}

#[tokio::test]
async fn cancelling_is_for_cases_without_replies() {
    let world = answered().await;
    let refused = world.rce.cancel("conv-1");
    assert!(matches!(refused, Err(DeskError::Forbidden(_))), "{refused:?}");

    world.customer_says("conv-2", "msg-9", "Hello?").await;
    world.to_agents("conv-2").await;
    let content = world.rce.contents("conv-2")[0].id.clone();
    let (status, it) = world
        .rest("POST", "/interventions", &format!("content_id={content}"))
        .await;
    assert_eq!((status, &it["closed"]), (200, &json!(false)));
    world.rce.cancel("conv-2").expect("cancelled");
    world.settle().await;
    let types = world.bridge.event_types();
    assert_eq!(
        routing(&types)[4..],
        [
            "task.created",
            "intervention.opened",
            "intervention.canceled",
            "task.destroyed"
        ]
    );
    let path = format!("/interventions/{}", it["id"].as_str().expect("an id"));
    assert_eq!(world.rest("GET", &path, "").await.0, 404);
}

#[tokio::test]
async fn ignoring_destroys_the_task() {
    let world = waiting().await;
    let (status, _) = world
        .rest(
            "PUT",
            &format!("/content_threads/{}/ignore", world.id("conv-1")),
            "",
        )
        .await;
    assert_eq!(status, 200);
    world.settle().await;
    assert_eq!(
        routing(&world.bridge.event_types()),
        ["task.created", "task.destroyed"]
    );
    assert!(world.rce.thread("conv-1").expect("the thread").archived);
}

#[tokio::test]
async fn agents_see_their_category_only() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hello bot").await;
    let refused = world.rce.take("conv-1", &world.agent(0));
    assert!(matches!(refused, Err(DeskError::Forbidden(_))), "{refused:?}");
    let refused = world.rce.reply("conv-1", &world.agent(0), "Hi");
    assert!(matches!(refused, Err(DeskError::Forbidden(_))), "{refused:?}");

    let takeover = Reply {
        as_supervisor: true,
        ..Reply::from("I take over")
    };
    world
        .rce
        .reply("conv-1", &world.agent(0), takeover)
        .expect("a supervisor may");
    world.settle().await;
    assert_eq!(routing(&world.bridge.event_types()), ["intervention.opened"]);
}

#[tokio::test]
async fn a_transcript_is_told_apart() {
    let world = World::new().await;
    let mut line = message("conv-1", "msg-b1", "Let me check that for you.");
    line["author"] = bot();
    assert_eq!(world.send("messages.create", line).await.0, 200);
    let contents = world.rce.contents("conv-1");
    assert_eq!(contents[0].author_kind, AuthorKind::Bot);
    assert!(contents[0].history);
    assert_eq!(contents[0].synchronization_status, SyncStatus::Success);
}

#[tokio::test]
async fn a_native_channel_delivers_by_itself() {
    let world = World::with(|config| config.channel = Channel::Native).await;
    let content = world
        .rce
        .native_message(&json!({"customer_id": "c1", "body": "Hello"}))
        .expect("imported");
    let (status, answer) = world
        .rest(
            "POST",
            "/contents",
            &format!("in_reply_to_id={content}&body=Hi%20there"),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["synchronization_status"], "export_pending");
    world.settle().await;
    assert!(world.bridge.actions("messages.create").is_empty());
    assert_eq!(world.bridge.event_types(), ["content.exported"]);
    let contents = world.rce.contents("native-c1");
    assert_eq!(contents[1].synchronization_status, SyncStatus::Success);
}
