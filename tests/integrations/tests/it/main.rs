//! The example bots of `integrations/`, each as a process beside the real bridge, live through the same story.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bot;
mod installed;
mod kit;
mod pages;
mod story;
mod stumbling;
mod world;

use installed::{Endpoint, Example};
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_python_bot_brings_in_agents_and_comes_back() {
    tell(Example::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_bot_brings_in_agents_and_comes_back() {
    tell(Example::JavaScript).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rasa_channel_and_action_bring_in_agents_and_come_back() {
    tell(Example::Rasa).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_joins_a_webchat_endpoint_of_cognigy() {
    tell_of_kit("socket", false, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_joins_a_webhook_endpoint_of_cognigy_that_shows_the_bytes() {
    tell_of_kit("webhook", true, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_can_keep_to_itself_what_is_said_before_a_handover() {
    tell_of_kit("socket", false, false).await;
}

async fn tell_of_kit(kind: &'static str, raw_body: bool, sends_everything: bool) {
    if !installed::are_there() {
        return;
    }
    let endpoint = Endpoint {
        kind,
        raw_body,
        sends_everything,
    };
    let world = World::start(Example::Cognigy(endpoint)).await;
    kit::tell(&world, sends_everything).await;
    world.stop().await;
}

async fn tell(example: Example) {
    if !installed::are_there() {
        return;
    }
    let world = World::start(example).await;
    story::tell(&world).await;
    world.stop().await;
}
