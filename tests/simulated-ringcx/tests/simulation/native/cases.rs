//! Interventions, comments, the Bots API, and two voices on one thread.

use std::time::Duration;

use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage, NativeSource, WebhookBehaviour};

use super::{CHAT, text, whats_app, with};

const VIRTUAL_AGENT: &str = "5f0c00000000000000a9b0b1";

#[tokio::test]
async fn the_bot_answers_under_a_case_of_its_own() {
    let world = whats_app(|config| config.replies_need_intervention = true).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    let (status, refused) = world.post_content(reply.clone()).await;
    assert_eq!(
        (status, &refused["message"]),
        (422, &json!("In reply to is not under an open intervention"))
    );
    let form = format!("content_id={hello}");
    let (status, it) = world.rest("POST", "/interventions", &form).await;
    assert_eq!((status, &it["user_id"]), (200, &json!(world.rce.token_user())));
    assert_eq!(
        world.rest("POST", "/interventions", &form).await.0,
        422,
        "one is open"
    );
    let path = format!("/interventions/{}", text(&it["id"]));
    assert_eq!(
        world.rest("PUT", &format!("{path}/close"), "").await.0,
        403,
        "no replies"
    );
    assert_eq!(world.post_content(reply).await.0, 200);
    let counted = world.get(&path).await;
    assert_eq!(counted["user_replies_count"], 1);
    assert_eq!(
        world.rest("DELETE", &format!("{path}/cancel"), "").await.0,
        403,
        "replies"
    );
    assert_eq!(world.rest("PUT", &format!("{path}/close"), "").await.0, 200);
    assert_eq!(world.get(&path).await["closed"], true);
    for kind in ["intervention.opened", "intervention.closed"] {
        let events = world.told(kind).await;
        assert_eq!(events.len(), 1, "{kind}");
        assert_eq!(events[0]["user_id"], world.rce.token_user());
    }
    // What nobody answered is cancelled.
    let second = world.written(NativeMessage::new("c2", "Hello"));
    let (_, it) = world
        .rest("POST", "/interventions", &format!("content_id={second}"))
        .await;
    let path = format!("/interventions/{}", text(&it["id"]));
    assert_eq!(world.rest("DELETE", &format!("{path}/cancel"), "").await.0, 200);
    assert_eq!(world.rest("GET", &path, "").await.0, 404);
    assert_eq!(world.told("intervention.canceled").await.len(), 1);
    world.no_violations();
}

#[tokio::test]
async fn a_case_goes_to_somebody_else_and_carries_notes() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (_, it) = world
        .rest("POST", "/interventions", &format!("content_id={hello}"))
        .await;
    let id = text(&it["id"]);
    let form = format!("intervention_id={id}&body=The%20bot%20gave%20up");
    let (status, comment) = world.rest("POST", "/intervention_comments", &form).await;
    assert_eq!((status, &comment["body"]), (200, &json!("The bot gave up")));
    assert_eq!(comment["user_id"], world.rce.token_user());
    assert_eq!(comment["thread_id"], json!(world.id("native-c1")));
    for (form, status) in [
        ("intervention_id=none&body=x", 404),
        (&*format!("intervention_id={id}"), 422),
    ] {
        assert_eq!(
            world.rest("POST", "/intervention_comments", form).await.0,
            status,
            "{form}"
        );
    }
    let found = world
        .get(&format!("/intervention_comments?intervention_id={id}"))
        .await;
    assert_eq!((&found["count"], &found["records"][0]), (&json!(1), &comment));
    assert_eq!(
        world.get(&format!("/interventions/{id}")).await["comments_count"],
        1
    );
    let noted = world
        .rce
        .read(|state| state.interventions("native-c1").next().cloned())
        .expect("a case");
    assert_eq!(noted.comments[0].body, "The bot gave up");
    let card = &world.rce.snapshot()["threads"][0];
    assert_eq!(card["comments"][0]["body"], "The bot gave up");
    assert!(
        world.read_by_customer("native-c1").is_empty(),
        "nobody outside sees it"
    );

    let path = format!("/interventions/{id}/reassign");
    let agent = world.agent(1);
    let (status, moved) = world.rest("PUT", &path, &format!("user_id={agent}")).await;
    assert_eq!((status, &moved["user_id"]), (200, &json!(agent)));
    assert_eq!(world.rest("PUT", &path, "user_id=none").await.0, 422);
    world.rce.take_right("update_intervention").expect("taken");
    assert_eq!(world.rest("PUT", &path, &format!("user_id={agent}")).await.0, 403);
}

#[tokio::test]
async fn two_voices_are_heard_once_the_bridge_knows_of_the_agent() {
    let world = whats_app(|config| config.two_voices_after = Duration::from_hours(1)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.answers(&hello, "I am the bot").await;
    world.rce.move_to("native-c1", "agent").expect("moved");
    world.answers(&hello, "Somebody will come").await;
    world.settle().await;
    world.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    world.rce.take("native-c1", &world.agent(0)).expect("taken");
    world.answers(&hello, "Sent while nobody can know").await;
    world.no_violations();
    world.rce.set_webhooks(WebhookBehaviour::default());
    world
        .rce
        .transfer("native-c1", &world.agent(1))
        .expect("transferred");
    world.settle().await;
    world.answers(&hello, "Still here").await;
    assert_eq!(world.rules(), ["two-voices"]);
    world.rce.close("native-c1").expect("closed");
    world.rce.move_to("native-c1", "bot").expect("moved");
    world.answers(&hello, "The bot again").await;
    assert_eq!(world.rules().len(), 1);
}

#[tokio::test]
async fn two_voices_are_heard_after_a_while_whatever_the_bridge_knows() {
    let world = whats_app(|config| config.two_voices_after = Duration::ZERO).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    let opened = world
        .rce
        .engage("native-c1", &world.agent(0))
        .expect("engaged by hand");
    world.answers(&hello, "Hi").await;
    assert_eq!(world.rules(), ["two-voices"]);
    let counted = world.get(&format!("/interventions/{opened}")).await;
    assert_eq!(counted["user_replies_count"], 1);
}

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

#[tokio::test]
async fn what_the_bridge_did_not_take_it_does_not_know() {
    let world = whats_app(|config| config.two_voices_after = Duration::from_hours(1)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.settle().await;
    world.bridge.script_webhooks([500; 6]);
    world
        .rce
        .engage("native-c1", &world.agent(0))
        .expect("engaged by hand");
    world.settle().await;
    world.answers(&hello, "Hi").await;
    assert_eq!(world.rules(), ["webhook-undelivered"]);
}
