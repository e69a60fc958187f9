//! Webhooks as an administrator sees them.

use serde_json::json;
use simulated_ringcx::{DeliveryKind, State, WebhookState};

use super::{id, ok, refused};
use crate::samples::has_the_shape_of;
use crate::{SOON, World};

fn handshakes(world: &World) -> usize {
    let deliveries = world.rce.deliveries();
    deliveries
        .iter()
        .filter(|it| it.kind == DeliveryKind::Handshake)
        .count()
}

/// Until the receiver was asked this often and the webhook is so.
async fn validated(world: &World, times: usize, wanted: WebhookState) {
    let settled = |state: &State| {
        let asked = state.deliveries().filter(|it| it.kind == DeliveryKind::Handshake);
        asked.count() == times && state.webhook_state() == Some(wanted)
    };
    assert!(
        world.rce.wait_until(settled, SOON).await,
        "{:?}",
        world.rce.deliveries()
    );
}

#[tokio::test]
async fn saving_an_active_webhook_validates_it() {
    let world = World::unconnected(|_| {}).await;
    let url: String = form_urlencoded::byte_serialize(world.bridge.url().as_bytes()).collect();
    let token = &world.rce.config().api_token;
    let form = format!(
        "access_token={token}&url={url}&verify_token=simulated-verify-token&secret=simulated-webhook-secret\
         &registered_events[]=intervention.closed&registered_events[]=intervention.canceled"
    );
    let webhook = ok(&world, "POST", "/webhooks", &form).await;
    has_the_shape_of("rest-webhook-create", &webhook);
    assert_eq!(
        (&webhook["active"], &webhook["verify_token"]),
        (&json!(false), &json!("simulated-verify-token"))
    );
    assert!(!webhook.to_string().contains("simulated-webhook-secret"));
    assert_eq!(
        refused(&world, "POST", "/webhooks", &form).await,
        422,
        "one URL, one webhook of a token"
    );
    assert_eq!(handshakes(&world), 0);
    let path = format!("/webhooks/{}", id(&webhook));
    let active = ok(&world, "PUT", &path, "active=true").await;
    assert_eq!(
        (&active["active"], &active["webhook_status"]),
        (&json!(true), &json!("pending"))
    );
    validated(&world, 1, WebhookState::Enabled).await;
    ok(&world, "PUT", &path, "").await;
    validated(&world, 2, WebhookState::Enabled).await;

    world
        .rce
        .change_webhook_secret(&id(&webhook), "another")
        .expect("changed");
    validated(&world, 3, WebhookState::Disabled).await;
    let shown = ok(&world, "GET", &path, "").await;
    assert_eq!(
        (&shown["active"], &shown["webhook_status"]),
        (&json!(false), &json!("disabled"))
    );
    ok(&world, "PUT", &path, "secret=simulated-webhook-secret").await;
    assert_eq!(handshakes(&world), 3, "it is not active");
    ok(&world, "PUT", &path, "active=true").await;
    validated(&world, 4, WebhookState::Enabled).await;
    world.rce.switch_off_webhook(&id(&webhook)).expect("off");
    assert_eq!(ok(&world, "GET", &path, "").await["active"], false);

    for wrong in [
        "registered_events[]=",
        "registered_events[]=content.thread_closed",
        "url=x",
        "secret=%C3%A9",
    ] {
        assert_eq!(refused(&world, "PUT", &path, wrong).await, 422, "{wrong}");
    }
    world
        .rce
        .tick_webhook_events(&id(&webhook), &["content.thread_closed"])
        .expect("ticked");
    let by_hand = ok(&world, "PUT", &path, "name=mine").await;
    assert_eq!(by_hand["registered_events"], json!(["content.thread_closed"]));
}

#[tokio::test]
async fn webhooks_of_colleagues_need_a_right() {
    let world = World::new().await;
    let theirs = world
        .rce
        .add_webhook_of_a_colleague(&world.bridge.url(), &["task.taken"]);
    let path = format!("/webhooks/{theirs}");
    assert_eq!(
        ok(&world, "GET", "/webhooks", "").await["count"],
        2,
        "the same URL, another token"
    );
    ok(&world, "PUT", &path, "active=false").await;
    world.rce.take_right("manage_api_access_tokens").expect("taken");
    assert_eq!(ok(&world, "GET", "/webhooks", "").await["count"], 1);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(refused(&world, method, &path, "").await, 404, "{method}");
    }
    let elsewhere = "access_token=unknown&url=http%3A%2F%2F127.0.0.1%3A1&registered_events[]=task.taken";
    assert_eq!(refused(&world, "POST", "/webhooks", elsewhere).await, 403);
    world.rce.give_right("manage_api_access_tokens").expect("given");
    assert_eq!(ok(&world, "DELETE", &path, "").await["id"], theirs);
}
