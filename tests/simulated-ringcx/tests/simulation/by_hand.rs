//! What people do with threads outside of the ordinary course: by hand, from the folder view, and to the thread itself.

use serde_json::{Value, json};
use simulated_ringcx::{
    AgentStatus, Channel, DeskError, FURTHER_EVENTS, RECOMMENDED_EVENTS, SimulatedConfig, State,
};

use crate::World;

/// A world whose webhook gets everything that there is.
async fn all_events(change: impl FnOnce(&mut SimulatedConfig)) -> World {
    World::with(|config| {
        let all = RECOMMENDED_EVENTS.iter().chain(&FURTHER_EVENTS);
        config.registered_events = all.map(|kind| (*kind).to_owned()).collect();
        change(config);
    })
    .await
}

/// A conversation with the bot.
async fn with_bot() -> World {
    let world = all_events(|_| {}).await;
    world.customer_says("conv-1", "msg-1", "Hello bot").await;
    world
}

/// The events of these kinds that the bridge got.
async fn events(world: &World, kinds: &[&str]) -> Vec<Value> {
    world.settle().await;
    let mut events = world.bridge.events();
    events.retain(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        kinds.iter().any(|start| kind.starts_with(start))
    });
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

const ROUTING: [&str; 2] = ["task.", "intervention."];

#[tokio::test]
async fn a_person_moves_a_thread_to_the_agents_and_back() {
    let world = with_bot().await;
    let (sam, mira) = (world.agent(0), world.agent(1));
    world.rce.move_to_agents("conv-1", &sam).expect("moved");
    assert!(world.rce.read(|state| state.is_with_agents("conv-1")));
    world.rce.move_to_bot("conv-1", &mira).expect("moved back");
    assert!(!world.rce.read(|state| state.is_with_agents("conv-1")));
    let events = events(&world, &ROUTING).await;
    assert_eq!(types(&events), ["task.created", "task.recategorized"]);
    assert_eq!(events[1].get("user_id"), None, "the platform never tells who");
    let nobody = world.rce.move_to_bot("conv-1", "5f0c00000000000000a9ffff");
    assert!(matches!(nobody, Err(DeskError::NotFound(_))), "{nobody:?}");
}

#[tokio::test]
async fn an_open_intervention_follows_the_categories_of_its_thread() {
    let world = with_bot().await;
    let (sam, mira) = (world.agent(0), world.agent(1));
    world.rce.move_to_agents("conv-1", &sam).expect("moved");
    world.rce.take("conv-1", &sam).expect("taken");
    world.rce.reply("conv-1", &sam, "Hello").expect("answered");
    world.rce.move_to_bot("conv-1", &mira).expect("moved back");
    let events = events(&world, &["task.recategorized", "intervention."]).await;
    assert_eq!(
        types(&events),
        [
            "intervention.opened",
            "intervention.recategorized",
            "task.recategorized"
        ]
    );
    let bot = json!([world.rce.config().bot_category_id]);
    assert_eq!(events[1]["user_id"], json!(mira));
    assert_eq!(events[1]["resource"]["metadata"]["category_ids"], bot);
    assert_eq!(
        world.rest("GET", "/interventions", "").await.1["records"][0]["category_ids"],
        bot
    );
    world.to_agents("conv-1").await;
    world.rce.close("conv-1").expect("closed");
    world.to_bot("conv-1").await;
    world.settle().await;
    let count = world
        .bridge
        .event_types()
        .iter()
        .filter(|kind| *kind == "intervention.recategorized")
        .count();
    assert_eq!(count, 2, "what is closed keeps its categories");
}

#[tokio::test]
async fn a_supervisor_opens_a_case_on_a_thread_of_the_bot() {
    let world = with_bot().await;
    let (sam, mira) = (world.agent(0), world.agent(1));
    let id = world.rce.engage("conv-1", &sam).expect("opened");
    assert_eq!(world.rce.engage("conv-1", &mira).expect("taken over"), id);
    let events = events(&world, &ROUTING).await;
    assert_eq!(
        types(&events),
        ["intervention.opened", "intervention.user_updated"]
    );
    assert_eq!(events[0]["user_id"], json!(sam));
    assert_eq!(events[0]["resource"]["id"], json!(id));
    assert_eq!(events[1]["resource"]["metadata"]["user_id"], json!(mira));
    assert!(!world.rce.read(|state| state.is_with_agents("conv-1")));
}

#[tokio::test]
async fn a_waiting_thread_is_dismissed() {
    let world = with_bot().await;
    world.to_agents("conv-1").await;
    world.rce.ignore("conv-1").expect("dismissed");
    let events = events(&world, &ROUTING).await;
    assert_eq!(types(&events), ["task.created", "task.destroyed"]);
    assert_eq!(world.rce.contents("conv-1")[0].status, "ignored");
    assert_eq!(world.rce.read(|state| state.queue().count()), 0);
}

#[tokio::test]
async fn the_folder_view_destroys_tasks() {
    let world = with_bot().await;
    let sam = world.agent(0);
    world.to_agents("conv-1").await;
    let nothing = world.rce.close_from_folder("conv-1", &sam);
    assert!(matches!(nothing, Err(DeskError::Conflict(_))), "{nothing:?}");
    world.rce.defer_from_folder("conv-1", &sam).expect("deferred");
    world.rce.reactivate("conv-1").expect("reactivated");
    world.rce.close_from_folder("conv-1", &sam).expect("closed");
    let events = events(&world, &ROUTING).await;
    assert_eq!(
        types(&events),
        [
            "task.created",
            "intervention.opened",
            "intervention.deferred",
            "task.destroyed",
            "intervention.reactivated",
            "task.created",
            "intervention.closed",
            "task.destroyed",
        ]
    );
    assert_eq!(events[6]["user_id"], json!(sam));
    assert!(world.rce.read(|state| state.open_task("conv-1").is_none()));
}

#[tokio::test]
async fn a_locked_thread_still_takes_what_the_bridge_sends() {
    let world = with_bot().await;
    let path = format!("/content_threads/{}", world.id("conv-1"));
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world.rce.close_thread("conv-1").expect("locked");
    world.rce.close_thread("conv-1").expect("locked already");
    assert_eq!(world.rest("GET", &path, "").await.1["closed"], true);

    world.customer_says("conv-1", "msg-2", "Still there?").await;
    assert_eq!(world.rce.contents("conv-1").len(), 2);
    assert!(world.rce.thread("conv-1").expect("a thread").closed);
    let refused = world.rce.reply("conv-1", &world.agent(0), "Yes");
    assert!(matches!(refused, Err(DeskError::Forbidden(_))), "{refused:?}");
    let content = world.rce.contents("conv-1")[1].id.clone();
    let form = format!("in_reply_to_id={content}&body=Yes");
    let (status, refused) = world.rest("POST", "/contents", &form).await;
    assert_eq!(
        (status, &refused["error"]),
        (403, &json!("cant_reply_to_closed_thread"))
    );

    let (status, before) = world.rest("GET", &format!("{path}/open"), "").await;
    assert_eq!((status, &before["closed"]), (200, &json!(true)));
    assert_eq!(world.rest("GET", &path, "").await.1["closed"], false);
    world
        .rce
        .reply("conv-1", &world.agent(0), "Yes")
        .expect("answered");
    assert_eq!(world.rest("PUT", &format!("{path}/close"), "").await.0, 403);
    world.rce.close_thread("conv-1").expect("locked");
    world.rce.open_thread("conv-1").expect("unlocked");
    let events = events(&world, &["content.thread_"]).await;
    assert_eq!(
        types(&events),
        [
            "content.thread_closed",
            "content.thread_opened",
            "content.thread_closed",
            "content.thread_opened"
        ]
    );
    let metadata = &events[0]["resource"]["metadata"];
    assert_eq!(metadata["thread_id"], json!(world.id("conv-1")));
    world.no_violations();
}

#[tokio::test]
async fn a_channel_of_the_platform_has_threads_that_close() {
    let world = all_events(|config| config.channel = Channel::Native).await;
    world
        .rce
        .native_message(&json!({"customer_id": "c1", "body": "Hello"}))
        .expect("imported");
    let path = format!("/content_threads/{}", world.id("native-c1"));
    let (status, before) = world.rest("PUT", &format!("{path}/close"), "").await;
    assert_eq!((status, &before["closed"]), (200, &json!(false)));
    assert_eq!(world.rest("GET", &path, "").await.1["closed"], true);
}

#[tokio::test]
async fn agents_come_and_go_and_get_busy() {
    let world = all_events(|config| config.workload = (1, 2)).await;
    let sam = world.agent(0);
    for status in [
        AgentStatus::Away,
        AgentStatus::Away,
        AgentStatus::Disconnected,
        AgentStatus::Available,
    ] {
        world.rce.set_availability(&sam, status).expect("set");
    }
    for thread in ["conv-1", "conv-2"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
        world.to_agents(thread).await;
        world.rce.take(thread, &sam).expect("taken");
    }
    let agents = events(&world, &["push_agent."]).await;
    let seen: Vec<(&str, &Value, &Value)> = agents
        .iter()
        .map(|event| {
            assert_eq!(event["resource"]["type"], "push_agent");
            assert_eq!(event["resource"]["id"], json!(sam));
            let channel = &event["resource"]["metadata"]["channels"][0];
            assert!(channel["id"].is_string() && channel["name"].is_string());
            (
                event["type"].as_str().expect("a type"),
                &channel["status"],
                &channel["busyness"],
            )
        })
        .collect();
    let (available, away, gone) = (json!("available"), json!("away"), Value::Null);
    let (free, busy, full) = (json!("unoccupied"), json!("busy"), json!("full"));
    assert_eq!(
        seen,
        [
            ("push_agent.availability_change", &away, &free),
            ("push_agent.disconnected", &gone, &free),
            ("push_agent.connected", &available, &free),
            ("push_agent.busyness_change", &available, &busy),
            ("push_agent.accept_task", &available, &busy),
            ("push_agent.busyness_change", &available, &full),
            ("push_agent.accept_task", &available, &full),
        ]
    );
    world.rce.close("conv-1").expect("closed");
    let agents = events(&world, &["push_agent.busyness_change"]).await;
    assert_eq!(agents.len(), 3);

    let unregistered = World::new().await;
    unregistered
        .rce
        .set_availability(&sam, AgentStatus::Away)
        .expect("set");
    assert!(unregistered.rce.read(State::is_idle));
    assert_eq!(unregistered.rce.event_types(), ["push_agent.availability_change"]);
}
