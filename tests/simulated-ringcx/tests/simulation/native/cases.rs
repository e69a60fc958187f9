//! Interventions that a bridge opens and ends, and comments.

use serde_json::json;
use simulated_ringcx::NativeMessage;

use super::{text, whats_app};

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
async fn a_customer_reopens_a_case_wherever_the_thread_is_if_the_account_does_so() {
    for anywhere in [false, true] {
        let world = whats_app(|config| config.cases_reopen_anywhere = anywhere).await;
        let hello = world.written(NativeMessage::new("c1", "Hello"));
        let (_, it) = world
            .rest("POST", "/interventions", &format!("content_id={hello}"))
            .await;
        world.answers(&hello, "Hi").await;
        let path = format!("/interventions/{}", text(&it["id"]));
        assert_eq!(world.rest("PUT", &format!("{path}/close"), "").await.0, 200);
        let thanks = world.written(NativeMessage::new("c1", "Thanks"));
        assert_eq!(world.get(&path).await["closed"], !anywhere);
        assert_eq!(
            world.told("intervention.reopened").await.len(),
            usize::from(anywhere)
        );
        let content = world.get(&format!("/contents/{thanks}")).await;
        assert_eq!(content["intervention_id"].is_string(), anywhere);
        assert!(world.rce.read(|state| state.open_task("native-c1").is_none()));
    }
}

#[tokio::test]
async fn a_comment_may_have_to_name_its_user() {
    let world = whats_app(|config| config.comments_need_user = true).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (_, it) = world
        .rest("POST", "/interventions", &format!("content_id={hello}"))
        .await;
    let form = format!("intervention_id={}&body=Note", text(&it["id"]));
    assert_eq!(world.rest("POST", "/intervention_comments", &form).await.0, 422);
    let named = format!("{form}&user_id={}", world.rce.token_user());
    assert_eq!(world.rest("POST", "/intervention_comments", &named).await.0, 200);
    let stranger = format!("{form}&user_id=nobody");
    assert_eq!(
        world.rest("POST", "/intervention_comments", &stranger).await.0,
        422
    );
}
