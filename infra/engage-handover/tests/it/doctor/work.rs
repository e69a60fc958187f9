//! The bot, the work in hand, the configuration, and the examination that a stage makes of itself.

use std::future::Future;

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Receiver, SIGNING_SECRET, World, case, nobody, serve};
use crate::bridge::{BOT_KEY, OPERATOR_KEY};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_bot_is_named() {
    async fn with_bot(receiver: impl Future<Output = String>, expected: &[(&str, &str)]) {
        let url = receiver.await;
        case(
            async |world| {
                let line = world
                    .config
                    .lines()
                    .find(|line| line.starts_with("url = "))
                    .unwrap()
                    .to_owned();
                world.set(&line, &format!("url = \"{url}/events\""));
            },
            expected,
        )
        .await;
    }
    with_bot(nobody(), &[("bot", "does not answer")]).await;
    with_bot(
        serve(Receiver::Answers(401)),
        &[("bot-signature", "signing secret differs")],
    )
    .await;
    with_bot(serve(Receiver::Answers(403)), &[("bot-signature", "(403)")]).await;
    with_bot(serve(Receiver::Answers(404)), &[("bot", "answers 404")]).await;
    with_bot(serve(Receiver::Answers(410)), &[("bot", "410")]).await;
    with_bot(serve(Receiver::Answers(503)), &[("bot", "in trouble (503)")]).await;
    with_bot(serve(Receiver::Redirects), &[("bot", "redirects (301)")]).await;
    with_bot(
        serve(Receiver::AcceptsAnything),
        &[("bot-verifies", "wrong signature")],
    )
    .await;
    case(
        async |world| {
            let url = nobody().await;
            let subscriber = format!(
                "[[connections.default.bot.queue_subscribers]]\nurl = \"{url}/queue\"\nsigning_secrets = [\"{SIGNING_SECRET}\"]\n"
            );
            world.config.push_str(&subscriber);
        },
        &[("queue-subscribers", "127.0.0.1")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_and_what_the_configuration_says_is_named() {
    case(
        async |world| {
            world.bridge.bot_answers(Some(400));
            world
                .bridge
                .insist("/conversations/d/messages", json!({"from": "user", "text": "Hi"}))
                .await;
            world.bridge.insist("/conversations/d/handover", json!({})).await;
            world.bridge.until_queued(2).await;
            let agent = world.agent(0);
            world.rce().take("d", &agent).unwrap();
            world.rce().reply("d", &agent, "Hello").unwrap();
            world.until_dead_letter().await;
        },
        &[("dead-letters", "the bot refused it (400)")],
    )
    .await;
    case(
        async |world| {
            world.set(
                "get_queue_updates = true",
                "get_queue_updates = true\nenabled = false",
            );
        },
        &[("slider", "enabled = false")],
    )
    .await;
    case(
        async |world| {
            let url = world.bridge.url("/operator/drain");
            let http = handover_ringcx::http::client();
            let answer = http.post(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        },
        &[("slider", "drained since")],
    )
    .await;
    case(
        async |world| {
            world
                .config
                .push_str("[connections.default.files]\nrehost = \"always\"\n");
        },
        &[("file-hosting", "public_url")],
    )
    .await;
    case(
        async |world| world.set("requests_per_minute = 300", "requests_per_minute = 450"),
        &[("rest-budget", "450")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_examines_itself_once_a_minute_for_operators_only() {
    let world = Box::pin(World::new()).await;
    let http = handover_ringcx::http::client();
    let url = world.bridge.url("/operator/doctor");
    let ask = async |method: Method, key: &str| {
        let answer = http.request(method, &url).bearer_auth(key).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (status, body)
    };
    assert_eq!(ask(Method::GET, "nobodys-key-at-all").await.0, 401);
    assert_eq!(ask(Method::GET, BOT_KEY).await.0, 403);
    // One that asked for no round trip is not what is answered to who asks for one.
    let (_, looked) = ask(Method::GET, OPERATOR_KEY).await;
    assert_eq!(looked["round_trip"], json!(false));
    let (status, first) = ask(Method::POST, OPERATOR_KEY).await;
    assert!(first["at"].as_str() > looked["at"].as_str());
    assert_eq!((status, &first["round_trip"]), (200, &json!(true)));
    let checks = first["checks"].as_array().unwrap();
    let find = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert_eq!(find("round-trip")["status"], "ok", "{checks:#?}");
    assert_eq!(find("serving")["status"], "ok");
    let calls = world.rce().requests().len();
    let (_, second) = ask(Method::GET, OPERATOR_KEY).await;
    assert_eq!(first, second, "the same within a minute");
    assert_eq!(world.rce().requests().len(), calls, "nobody was asked");
}
