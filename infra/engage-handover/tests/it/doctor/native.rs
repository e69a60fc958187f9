//! Channels of RingCentral's own: what is wrong with each is named by its check and its source.

use simulated_ringcx::{NativeKind, NativeMessage, NativeSource};

use super::world::{World, case_in};

const CHAT: &str = "5f0c00000000000000005001";
const MAIL: &str = "5f0c00000000000000005002";
/// The account of the token.
const ME: &str = "users/me";

async fn world() -> World {
    let sources = vec![
        NativeSource::new(CHAT, "Chat", NativeKind::WhatsApp),
        NativeSource::new(MAIL, "Support mail", NativeKind::Email),
    ];
    Box::pin(World::native(sources)).await
}

/// One mistake, and the checks that name it with a part of their words.
async fn case(mistake: impl AsyncFnOnce(&mut World), expected: &[(&str, &str)]) {
    case_in(world().await, mistake, expected).await;
}

async fn my_id(world: &World) -> String {
    let url = format!("{}/1.0/{ME}", world.rce().base_url());
    let http = handover_ringcx::http::client();
    let token = &world.rce().config().api_token;
    let answer = http.get(url).bearer_auth(token).send().await.unwrap();
    let me: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    me["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_native_connection_has_no_finding_and_ringcentral_reaches_it() {
    let mut world = world().await;
    world.round_trip = true;
    let verdict = world.examine().await;
    assert_eq!(verdict.failed(), [&serde_json::Value::Null; 0]);
    assert_eq!(
        verdict.code, 3,
        "the world has another bot, and one account for all"
    );
    for id in [
        "round-trip",
        "reply-permission",
        "author-identity",
        "webhook-imported",
        "webhook-answers",
    ] {
        assert_eq!(verdict.check(id)["status"], "ok", "{:#}", verdict.check(id));
    }
    let skipped = [
        "realtime-url",
        "source-sdk",
        "source-calls",
        "send-api",
        "agent-identity",
    ];
    for id in skipped {
        let check = verdict.check(id);
        assert_eq!(check["status"], "skipped", "{check:#}");
        let what = check["what"].as_str().unwrap();
        assert!(what.contains("RingCentral's own"), "{check:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_bot_from_answering_on_one_of_its_channels_is_named() {
    case(
        async |world| {
            let me = my_id(world).await;
            world.rce().permit(&me, MAIL, &["read"]).unwrap();
        },
        &[(
            "reply-permission",
            "\"Support mail\" (5f0c00000000000000005002): the token's account lacks reply",
        )],
    )
    .await;
    case(
        async |world| {
            let me = my_id(world).await;
            world.rce().permit(&me, MAIL, &[]).unwrap();
        },
        &[("source", "source 5f0c00000000000000005002 does not exist, or")],
    )
    .await;
    case(
        async |world| world.rce().set_source_type(CHAT, "sdk").unwrap(),
        &[("source-type", "\"Chat\"")],
    )
    .await;
    case(
        async |world| world.rce().deactivate_source(MAIL).unwrap(),
        &[("source-active", "Support mail")],
    )
    .await;
    case(
        async |world| world.rce().set_default_categories(MAIL, &[]).unwrap(),
        &[("default-categories", "Support mail")],
    )
    .await;
    case(
        async |world| {
            let sam = world.agent(0);
            world.rce().permit(&sam, MAIL, &["read"]).unwrap();
        },
        &[("agent-permissions", "lacks reply")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_bot_cannot_speak_as_is_named() {
    fn speaking_as(world: &mut World, source: &str, identity: &str) {
        let native = format!(
            "[connections.default.ringcx.native]\nauthor_identities = {{ {source} = \"{identity}\" }}\n"
        );
        world.config.push_str(&native);
    }
    case(
        async |world| speaking_as(world, CHAT, "5f0c00000000000000000bad"),
        &[("author-identity", "there is no identity 5f0c00000000000000000bad")],
    )
    .await;
    case(
        async |world| {
            let message = NativeMessage::new("nadia", "Hello").named("Nadia").on(CHAT);
            let content = world.rce().customer_writes(message).unwrap();
            let nadia = world
                .rce()
                .read(|state| state.content(&content).map(|it| it.author_id.clone()))
                .unwrap();
            super::world::until_idle(&world.bridge).await;
            speaking_as(world, CHAT, &nadia);
        },
        &[("author-identity", "may not speak as identity \"Nadia\"")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_rights_and_settings_that_a_native_connection_lacks_are_named() {
    case(
        async |world| {
            let all = world.rce().config().registered_events.clone();
            let but: Vec<&str> = all
                .iter()
                .map(String::as_str)
                .filter(|event| !["content.imported", "content.replied"].contains(event))
                .collect();
            world.rce().tick_webhook_events(&world.webhook(), &but).unwrap();
        },
        &[
            ("webhook-imported", "the bot hears nobody"),
            ("webhook-answers", "without content.replied"),
        ],
    )
    .await;
    case(
        async |world| world.rce().take_right("read_identity").unwrap(),
        &[("right-identities", "read_identity")],
    )
    .await;
    case(
        async |world| {
            world.set("bot_keys", "forward_only_handover_conversations = true\nbot_keys");
        },
        &[("unused-settings", "forward_only_handover_conversations")],
    )
    .await;
    case(
        async |world| {
            // On this machine two connections on one source are refused when the file is read.
            world.set(
                "channel = \"native\"",
                "channel = \"native\"\nrequests_per_minute = 450",
            );
        },
        &[("rest-budget", "450")],
    )
    .await;
}
