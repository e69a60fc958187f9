//! The webhook, and the way from RCE to the bridge.

use super::world::{Receiver, World, case, serve};
use crate::bridge::{BOT_KEY, command};

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_webhook_are_named() {
    let elsewhere: [(&str, &str, &str); 3] = [
        ("/default/", "/other/", "names another connection, \"other\""),
        ("/handover/rce", "/handover/rce/source", "handover/rce/webhook"),
        ("127.0.0.1", "localhost", "another host, localhost"),
    ];
    for (from, to, words) in elsewhere {
        case(
            async |world| {
                let url = world.bridge.url("/handover/rce").replace(from, to);
                world.rce().set_webhook(&url).await;
            },
            &[("webhook", words)],
        )
        .await;
    }
    case(
        async |world| world.public_url = world.public_url.take().map(|url| url.replace("http:", "https:")),
        &[("webhook", "called by http://"), ("reachable", "certificate")],
    )
    .await;
    case(
        async |world| world.rce().switch_off_webhook(&world.webhook()).unwrap(),
        &[("webhook-active", "not active")],
    )
    .await;
    case(
        async |world| {
            let url = world.bridge.url("/handover/rce");
            world
                .rce()
                .add_webhook_of_a_colleague(&url, &["intervention.closed"]);
        },
        &[("webhook-single", "2 webhooks")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .tick_webhook_events(&world.webhook(), &["task.taken"])
                .unwrap();
        },
        &[
            ("webhook-events", "intervention.closed"),
            ("webhook-recommended-events", "task.recategorized"),
        ],
    )
    .await;
    case(
        async |world| {
            let all = world.rce().config().registered_events.clone();
            let but: Vec<&str> = all
                .iter()
                .map(String::as_str)
                .filter(|event| *event != "task.destroyed")
                .collect();
            world.rce().tick_webhook_events(&world.webhook(), &but).unwrap();
        },
        &[("webhook-recommended-events", "not registered: task.destroyed")],
    )
    .await;
    case(
        async |world| world.set("simulated-verify-token", "another-verification-token"),
        &[
            ("webhook-verify-token", "verification_token"),
            ("webhook-validation", "refuses verification_token"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ringcentral_does_not_have_shows_when_it_calls() {
    let verdict = case(
        async |world| {
            // Set on the bridge's side only: all is well as far as the bridge and the console tell.
            let file = world.bridge.config();
            let config = std::fs::read_to_string(&file).unwrap();
            std::fs::write(
                file,
                config.replace("simulated-webhook-secret", "a-new-webhook-secret"),
            )
            .unwrap();
            world.bridge.terminate().await;
            world.bridge.start_process().await;
            world.set("simulated-webhook-secret", "a-new-webhook-secret");
            world.round_trip = true;
        },
        &[("round-trip", "another secret than webhook_secrets")],
    )
    .await;
    assert_eq!(verdict.check("webhook-delivery")["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_another_verify_token_works_on() {
    let mut world = Box::pin(World::new()).await;
    let file = world.bridge.config();
    let config = std::fs::read_to_string(&file).unwrap();
    let config = config.replace("simulated-verify-token", "a-new-verification-token");
    std::fs::write(file, config).unwrap();
    world.bridge.terminate().await;
    world.bridge.start_process().await;
    world.set("simulated-verify-token", "a-new-verification-token");
    world.round_trip = true;
    let verdict = world.examine().await;
    assert_eq!(verdict.check("webhook-verify-token")["status"], "error");
    assert_eq!(verdict.check("round-trip")["status"], "skipped");
    let active = world
        .rce()
        .read(|state| state.webhooks().all(|webhook| webhook.active));
    assert!(active, "examining switched it off");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_ringcentral_from_the_bridge_is_named() {
    case(
        async |world| {
            world.bridge.terminate().await;
        },
        &[("reachable", "nobody answers"), ("serving", "no bridge runs")],
    )
    .await;
    case(
        async |world| world.public_url = Some(serve(Receiver::Redirects).await),
        &[
            ("webhook", "another host"),
            ("reachable", "https://elsewhere.example.org/"),
        ],
    )
    .await;
    case(
        async |world| world.public_url = Some(serve(Receiver::AcceptsAnything).await),
        &[
            ("webhook", "none"),
            ("source-sdk", "without the signature"),
            ("source-sdk-strangers", "an unsigned call was taken"),
            ("webhook-validation", "not the challenge"),
            ("webhook-strangers", "a wrong secret was taken"),
        ],
    )
    .await;
    case(
        async |world| world.set(BOT_KEY, "a-key-that-is-newer-than-the-bridge"),
        &[("bot-key", "another configuration")],
    )
    .await;
    case(
        async |world| world.set("simulated-webhook-secret", "another-webhook-secret"),
        &[
            ("webhook-validation", "webhook_secrets"),
            ("webhook-delivery", "refuses the first of webhook_secrets"),
        ],
    )
    .await;
    case(
        async |world| world.set("get_queue_updates = true", "get_queue_updates = false"),
        &[("source-sdk-options", "get_queue_updates = false")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_with_another_connection_name_is_named() {
    let mut world = Box::pin(World::new()).await;
    world.set("connections.default", "connections.shop");
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let output = command()
        .args(["doctor", "--no-round-trip", "--public-url"])
        .arg(world.public_url.as_ref().unwrap())
        .arg("--config")
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stdout).unwrap();
    for words in [
        "ERROR   reachable:",
        "knows no connection \"shop\"",
        "names another connection, \"default\" instead of \"shop\"",
        "why:",
        "mend:",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
