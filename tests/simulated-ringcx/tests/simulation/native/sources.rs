//! Several channels in one account.

use serde_json::{Value, json};
use simulated_ringcx::{Channel, NativeKind, NativeMessage, NativeSource};

use super::{CHAT, text, with};
use crate::World;

const ALL: [NativeKind; 7] = [
    NativeKind::AppleMessages,
    NativeKind::WhatsApp,
    NativeKind::Messenger,
    NativeKind::Email,
    NativeKind::Sms,
    NativeKind::EngageMessaging,
    NativeKind::PrivateMessages,
];

fn id(number: usize) -> String {
    format!("5f0c000000000000000051{number:02}")
}

fn every_kind() -> Vec<NativeSource> {
    let numbered = ALL.into_iter().enumerate();
    numbered
        .map(|(number, kind)| NativeSource::new(id(number), kind.source_type(), kind))
        .collect()
}

#[tokio::test]
async fn every_channel_is_what_it_says() {
    let world = with(every_kind(), |_| {}).await;
    let sources = world.get("/content_sources").await;
    assert_eq!(sources["count"], 7, "and none of the bridge's own");
    for (number, kind) in ALL.into_iter().enumerate() {
        let content = world.written(NativeMessage::new("+49301", "Hello").on(id(number)));
        let content = world.get(&format!("/contents/{content}")).await;
        assert_eq!(content["source_id"], json!(id(number)));
        assert_eq!(content["source_type"], kind.source_type());
        assert_eq!(sources["records"][number]["type"], kind.source_type());
        let structured = content["capabilities_supported"].as_array().map_or(0, Vec::len);
        let plain = matches!(
            kind,
            NativeKind::Sms | NativeKind::Email | NativeKind::PrivateMessages
        );
        assert_eq!(structured == 0, plain, "{kind:?}");
        let thread = world
            .get(&format!("/content_threads/{}", text(&content["thread_id"])))
            .await;
        assert_eq!(thread["source_id"], json!(id(number)));
        let close = format!("/content_threads/{}/close", text(&content["thread_id"]));
        let closes = !matches!(
            kind,
            NativeKind::AppleMessages | NativeKind::WhatsApp | NativeKind::Sms
        );
        assert_eq!(world.rest("PUT", &close, "").await.0 == 200, closes, "{kind:?}");
        let told = world.told("content.imported").await;
        assert_eq!(told[number]["resource"]["type"], kind.resource_type());
    }
    let authors: std::collections::HashSet<String> = world
        .find("text:Hello")
        .await
        .iter()
        .map(|content| text(&content["author_id"]))
        .collect();
    assert_eq!(authors.len(), 7, "the same number on two channels is two people");
}

#[tokio::test]
async fn what_may_not_be_read_is_not_there() {
    let world = with(every_kind(), |_| {}).await;
    let (chat, foreign) = (id(1), id(4));
    let ours = world.written(NativeMessage::new("c1", "Ours").on(&chat));
    let theirs = world.written(NativeMessage::new("c1", "Theirs").on(&foreign));
    world
        .rce
        .permit(world.rce.token_user(), &foreign, &[])
        .expect("nothing");
    assert_eq!(world.rest("GET", &format!("/contents/{theirs}"), "").await.0, 404);
    let thread = world
        .rce
        .read(|state| state.content(&theirs).map(|it| it.thread_id.clone()));
    let thread = format!("/content_threads/{}", thread.expect("a thread"));
    assert_eq!(world.rest("GET", &thread, "").await.0, 404);
    assert_eq!(
        world
            .rest("PUT", &format!("{thread}/update_categories"), "")
            .await
            .0,
        404
    );
    let found: Vec<Value> = world.find(&format!("source:{chat} source:{foreign}")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], json!(ours));
    let (status, _) = world
        .post_content(json!({"in_reply_to_id": theirs, "body": "Hi"}))
        .await;
    assert_eq!(status, 422);
    assert_eq!(
        world.told("content.imported").await.len(),
        2,
        "events know no permissions"
    );
}

#[tokio::test]
async fn the_bridges_own_channel_lives_beside_others() {
    let world = World::with(|config| {
        config.native_sources = vec![NativeSource::new(CHAT, "SMS", NativeKind::Sms)];
        config.registered_events.push("content.imported".to_owned());
    })
    .await;
    assert_eq!(world.rce.config().channel, Channel::SourceSdk);
    world.customer_says("conv-1", "msg-1", "Mirrored").await;
    let content = world.written(NativeMessage::new("usr-42", "Native").on(CHAT));
    world.answers(&content, "By SMS").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world
        .rce
        .reply("conv-1", &world.agent(0), "By the bridge")
        .expect("sent");
    world.settle().await;
    assert_eq!(world.bridge.actions("messages.create").len(), 1);
    let native = world
        .rce
        .read(|state| state.content(&content).map(|it| it.thread_id.clone()));
    assert_eq!(world.read_by_customer(&native.expect("a thread")), ["By SMS"]);
    assert_eq!(world.get("/content_sources").await["count"], 2);
    let own = world.rce.config().source_id.clone();
    assert_eq!(world.find(&format!("source:{own}")).await.len(), 2);
    assert_eq!(world.find(&format!("source:{CHAT}")).await.len(), 2);
    let identities = world
        .get(&format!("/identities?source_id={CHAT}&foreign_id=usr-42"))
        .await;
    assert_eq!(identities["count"], 1, "not the bridge's person of the same id");
    world.no_violations();
}
