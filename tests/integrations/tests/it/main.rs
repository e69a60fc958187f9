//! The example bots of `integrations/`, each as a process beside the real bridge, live through the same story.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bot;
mod installed;
mod pages;
mod story;
mod stumbling;
mod world;

use installed::Example;
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

async fn tell(example: Example) {
    if !installed::are_there() {
        return;
    }
    let world = World::start(example).await;
    story::tell(&world).await;
    world.stop().await;
}
