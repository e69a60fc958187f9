//! What is said of a case besides who has it, with the metadata that the vendor's page lists.

use serde_json::{Value, json};
use simulated_ringcx::{DeskError, FURTHER_EVENTS};

use crate::World;

/// A case that the first agent has answered.
async fn answered() -> World {
    let world = World::with(|config| {
        config.registered_events.extend(FURTHER_EVENTS.map(str::to_owned));
    })
    .await;
    world.customer_says("conv-1", "msg-1", "Where is my order?").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "Hi")
        .expect("answered");
    world.settle().await;
    world
}

/// The events of a kind that the bridge got.
async fn events(world: &World, start: &str) -> Vec<Value> {
    world.settle().await;
    let mut events = world.bridge.events();
    events.retain(|event| event["type"].as_str().is_some_and(|kind| kind.starts_with(start)));
    events
}

fn members(event: &Value) -> Vec<&str> {
    let metadata = event["resource"]["metadata"].as_object().expect("metadata");
    metadata.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn each_agents_part_has_a_summary() {
    let world = answered().await;
    world
        .rce
        .summarise("conv-1", "Generated", false)
        .expect("summarised");
    world
        .rce
        .summarise("conv-1", "Submitted", true)
        .expect("summarised");
    world
        .rce
        .transfer("conv-1", &world.agent(1))
        .expect("transferred");
    world
        .rce
        .reply("conv-1", &world.agent(1), "Mira here")
        .expect("answered");
    world
        .rce
        .summarise("conv-1", "Mira's part", false)
        .expect("summarised");
    let events = events(&world, "intervention_segment.").await;
    let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    let (generated, submitted) = (
        "intervention_segment.summary_generated",
        "intervention_segment.summary_submitted",
    );
    assert_eq!(kinds, [generated, submitted, generated]);
    let expected = [
        "content_source_id",
        "content_thread_id",
        "intervention_id",
        "intervention_segment_id",
        "summary",
        "user_id",
    ];
    assert_eq!(members(&events[0]), expected);
    assert_eq!(events[0].get("user_id"), None, "nobody did it");
    assert_eq!(events[1]["user_id"], json!(world.agent(0)));
    let segment = |index: usize| &events[index]["resource"]["metadata"]["intervention_segment_id"];
    assert_eq!(segment(0), segment(1));
    assert_ne!(segment(1), segment(2), "another agent's part");
    world.no_violations();
}

#[tokio::test]
async fn a_survey_names_the_intervention_and_no_thread() {
    let world = answered().await;
    world.rce.close("conv-1").expect("closed");
    world.rce.survey("conv-1", 5, Some("Quick")).expect("answered");
    let events = events(&world, "survey_response.").await;
    let expected = [
        "intervention_id",
        "main_indicator",
        "main_indicator_scaled",
        "questions",
        "response_foreign_id",
        "source_id",
        "submitted_at",
        "survey_id",
        "user_id",
    ];
    assert_eq!(members(&events[0]), expected);
    let metadata = &events[0]["resource"]["metadata"];
    assert_eq!(metadata["main_indicator_scaled"], 1.0);
    assert_eq!(metadata["questions"][1]["replies"][0]["text"], "Quick");
    world.customer_says("conv-2", "msg-2", "Hi bot").await;
    let nobody = world.rce.survey("conv-2", 5, None);
    assert!(matches!(nobody, Err(DeskError::Conflict(_))), "{nobody:?}");
    let nobody = world.rce.summarise("conv-2", "Nothing", false);
    assert!(matches!(nobody, Err(DeskError::Conflict(_))), "{nobody:?}");
    world.no_violations();
}

#[tokio::test]
async fn a_page_does_both() {
    let world = answered().await;
    for (action, body) in [
        ("summarise", json!({"summary": "Sent again", "submitted": true})),
        ("survey", json!({"rating": 2, "comment": "Slow"})),
    ] {
        let url = format!("{}/desk/threads/conv-1/{action}", world.rce.base_url());
        let request = world.http.post(url).body(body.to_string());
        assert_eq!(
            request.send().await.expect("an answer").status().as_u16(),
            200,
            "{action}"
        );
    }
    assert_eq!(
        events(&world, "intervention_segment.summary_submitted")
            .await
            .len(),
        1
    );
    let survey = events(&world, "survey_response.").await.remove(0);
    assert_eq!(survey["resource"]["metadata"]["main_indicator"], 2);
    world.no_violations();
}
