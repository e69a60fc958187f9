//! The Bots API.

use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage, NativeSource};

use super::{CHAT, text, whats_app, with};

const VIRTUAL_AGENT: &str = "5f0c00000000000000a9b0b1";

#[tokio::test]
async fn a_virtual_agent_engages_hands_over_and_completes() {
    let world = whats_app(|config| config.virtual_agent_id = Some(VIRTUAL_AGENT.to_owned())).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    assert_eq!(world.rest("POST", "/bots/engage", "content_id=none").await.0, 422);
    let form = format!("content_id={hello}");
    let (status, it) = world.rest("POST", "/bots/engage", &form).await;
    assert_eq!((status, &it["user_id"]), (200, &json!(VIRTUAL_AGENT)));
    assert_eq!(
        world.rest("POST", "/bots/engage", &form).await.0,
        422,
        "one is open"
    );
    world.answers(&hello, "I am no second voice").await;
    world.no_violations();

    let id = text(&it["id"]);
    let agents = world.rce.config().agent_category_id.clone();
    let hand_over = |from: &str, to: &str, kind: &str, category: &str| {
        format!("from={from}&to={to}&type={kind}&intervention_id={id}&thread_category_ids[]={category}")
    };
    for form in [
        hand_over("bot", "bot", "engage_virtual_agent", &agents),
        hand_over("bot", "nobody", "engage_virtual_agent", &agents),
        hand_over("bot", "agent", "whats_app", &agents),
        hand_over("bot", "agent", "engage_virtual_agent", "unknown"),
        hand_over("agent", "bot", "engage_virtual_agent", &agents),
    ] {
        assert_eq!(world.rest("POST", "/bots/handover", &form).await.0, 422, "{form}");
    }
    let form = hand_over("bot", "agent", "engage_virtual_agent", &agents);
    let success = json!({"status": "200", "message": "Success"});
    assert_eq!(
        world.rest("POST", "/bots/handover", &form).await,
        (200, success.clone())
    );
    let task = world
        .rce
        .read(|state| state.open_task("native-c1").cloned())
        .expect("agents are asked");
    assert_eq!(task.intervention_id.as_deref(), Some(id.as_str()));
    world.rce.take("native-c1", &world.agent(0)).expect("taken");
    assert_eq!(world.told("intervention.user_updated").await.len(), 1);
    assert_eq!(
        world
            .rest("POST", "/bots/complete", &format!("intervention_id={id}"))
            .await
            .0,
        422
    );

    let bots = world.rce.config().bot_category_id.clone();
    let form = hand_over("agent", "bot", "engage_virtual_agent", &bots);
    assert_eq!(world.rest("POST", "/bots/handover", &form).await.0, 200);
    let form = format!("intervention_id={id}&thread_category_ids[]={agents}");
    assert_eq!(world.rest("POST", "/bots/complete", &form).await, (200, success));
    assert_eq!(
        world.rest("POST", "/bots/complete", &form).await.0,
        422,
        "it is closed"
    );
    let thread = world.rce.thread("native-c1").expect("a thread");
    assert_eq!(thread.category_ids, [bots, agents], "categories are added");
    let closed = world.told("intervention.closed").await;
    assert_eq!(closed[0]["user_id"], VIRTUAL_AGENT);
}

#[tokio::test]
async fn without_a_virtual_agent_its_calls_are_refused() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (status, refused) = world
        .rest("POST", "/bots/engage", &format!("content_id={hello}"))
        .await;
    assert_eq!((status, &refused["error"]), (422, &json!("validation_error")));
}

#[tokio::test]
async fn messenger_has_a_handover_by_the_customer() {
    let sources = vec![NativeSource::new(CHAT, "Messenger", NativeKind::Messenger)];
    let world = with(sources, |_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let form = |from: &str, to: &str, who: &str| {
        format!("from={from}&to={to}&type=messenger&identity_foreign_id={who}")
    };
    assert_eq!(
        world
            .rest("POST", "/bots/handover", &form("bot", "agent", "c9"))
            .await
            .0,
        422
    );
    world.rce.fail_next(FaultTarget::RestBots, Fault::LoseAnswer, 1);
    assert!(
        world
            .rest_as(
                &world.rce.config().api_token,
                "POST",
                "/bots/handover",
                &form("bot", "agent", "c1")
            )
            .await
            .is_err()
    );
    assert_eq!(
        world
            .rest("POST", "/bots/handover", &form("bot", "agent", "c1"))
            .await
            .0,
        200
    );
    let back = format!("{}&app_id=1", form("agent", "bot", "c1"));
    assert_eq!(
        world
            .rest("POST", "/bots/handover", &form("agent", "bot", "c1"))
            .await
            .0,
        422,
        "no app"
    );
    assert_eq!(world.rest("POST", "/bots/handover", &back).await.0, 200);
    world
        .rest("POST", "/interventions", &format!("content_id={hello}"))
        .await;
    assert_eq!(
        world.rest("POST", "/bots/handover", &back).await.0,
        422,
        "a case is engaged"
    );
}
