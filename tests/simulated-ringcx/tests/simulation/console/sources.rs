//! Sources, their channel groups, and who may read them.

use serde_json::{Value, json};

use super::{id, ok, refused, source_path};
use crate::samples::has_the_shape_of;
use crate::{World, bot, customer};

#[tokio::test]
async fn threads_begin_with_what_the_source_says() {
    let world = World::new().await;
    let (bot_category, other) = (
        world.rce.config().bot_category_id.clone(),
        world.rce.config().other_categories[0].0.clone(),
    );
    let form = format!("default_category_ids[]={other}");
    let source = ok(&world, "PUT", &source_path(&world), &form).await;
    assert_eq!(
        source["user_thread_default_category_ids"],
        json!([bot_category]),
        "named members change"
    );
    has_the_shape_of("rest-source", &source);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let mut greeting = crate::message("conv-2", "msg-2", "Welcome");
    greeting["author"] = bot();
    assert_eq!(world.send("messages.create", greeting).await.0, 200);
    let categories = |thread: &str| world.rce.thread(thread).expect("a thread").category_ids;
    assert_eq!(
        (categories("conv-1"), categories("conv-2")),
        (vec![other], vec![bot_category])
    );
    assert_eq!(
        refused(
            &world,
            "PUT",
            &source_path(&world),
            "default_category_ids[]=nothing"
        )
        .await,
        422
    );
    let cleared = ok(&world, "PUT", &source_path(&world), "default_category_ids[]=").await;
    assert_eq!(cleared["default_category_ids"], json!([]));
    let source = &world.rce.config().source_id;
    world.rce.set_default_categories(source, &[]).expect("cleared");
    let source = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(source["user_thread_default_category_ids"], json!([]));
}

#[tokio::test]
async fn a_source_goes_wrong() {
    let world = World::new().await;
    let source = world.rce.config().source_id.clone();
    let mail = world.rce.add_source("Mail", "email");
    let listed = ok(&world, "GET", "/content_sources", "").await;
    assert_eq!(
        (&listed["count"], &listed["records"][1]["type"]),
        (&json!(2), &json!("email"))
    );
    assert_eq!(ok(&world, "GET", "/communities", "").await["count"], 2);

    world.rce.deactivate_source(&source).expect("deactivated");
    let active = ok(&world, "GET", "/content_sources?active=true", "").await;
    assert_eq!(
        (&active["count"], &active["records"][0]["id"]),
        (&json!(1), &json!(mail))
    );
    let said = world.send("users.create", customer()).await;
    assert_eq!(said, (422, "Source not found".to_owned()));
    ok(&world, "PUT", &source_path(&world), "active=true").await;
    assert_eq!(world.send("users.create", customer()).await.0, 200);

    assert!(
        !world
            .rce
            .set_base_uri(&format!("{}/nowhere", world.rce.base_url()))
            .await
    );
    let shown = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(shown["status"], "error");
    assert!(shown["error_message"].is_string());
    assert!(world.rce.set_base_uri(&world.bridge.url()).await);
    let shown = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(
        (&shown["status"], &shown["error_message"]),
        (&json!("ok"), &Value::Null)
    );
    world.rce.set_source_type(&source, "email").expect("another type");
    assert_eq!(ok(&world, "GET", &source_path(&world), "").await["type"], "email");
}

#[tokio::test]
async fn what_the_token_may_not_read_does_not_exist() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let thread = format!("/content_threads/{}", world.id("conv-1"));
    let source = world.rce.config().source_id.clone();
    let me = world.rce.token_user();
    world.rce.permit(me, &source, &[]).expect("nothing permitted");
    for path in [thread.as_str(), &source_path(&world)] {
        assert_eq!(refused(&world, "GET", path, "").await, 404, "{path}");
    }
    for path in ["/content_sources", "/content_threads", "/identities"] {
        assert_eq!(ok(&world, "GET", path, "").await["count"], 0, "{path}");
    }
    world.rce.permit(me, &source, &["read"]).expect("to read");
    ok(&world, "GET", &thread, "").await;
    let initiate = ok(
        &world,
        "GET",
        "/content_sources?permission=initiate_discussion",
        "",
    )
    .await;
    assert_eq!(initiate["count"], 0);
    let content = world.rce.contents("conv-1")[0].id.clone();
    let reply = format!("in_reply_to_id={content}&body=Hello");
    assert_eq!(refused(&world, "POST", "/contents", &reply).await, 403);
}

#[tokio::test]
async fn channel_groups_name_their_sources() {
    let world = World::new().await;
    let channels = ok(&world, "GET", "/channels", "").await;
    let (realtime, other) = (&channels["records"][0], &channels["records"][1]);
    assert_eq!(realtime["source_ids"], json!([world.rce.config().source_id]));
    assert_eq!(
        (&realtime["soft_capability"], &realtime["hard_capability"]),
        (&json!(3), &json!(5))
    );
    ok(
        &world,
        "PUT",
        &source_path(&world),
        &format!("channel_id={}", id(other)),
    )
    .await;
    let moved = ok(&world, "GET", &format!("/channels/{}", id(realtime)), "").await;
    assert_eq!(moved["source_ids"], json!([]));
    assert_eq!(
        refused(&world, "PUT", &source_path(&world), "channel_id=x").await,
        422
    );
}
