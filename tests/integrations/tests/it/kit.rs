//! The transformer kit of Cognigy.AI in an endpoint in miniature: the person, the Flow, the agents.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::AuthorKind;
use standardwebhooks::Webhook;
use tokio::time::{Instant, interval};

use crate::bot::{PATIENCE, SECRET, now};
use crate::world::World;

const TOKEN: &str = "tok-kit";
const SESSION: &str = "session-1";
const USER: &str = "user-1";

pub(crate) async fn tell(world: &World, sends_everything: bool) {
    the_flow_hands_over(world, sends_everything).await;
    an_agent_talks_and_closes(world).await;
    the_person_cancels(world).await;
    only_what_the_bridge_signed_counts_and_only_once(world).await;
    a_bridge_that_is_away_strands_nobody(world).await;
    let shown = json!(window(world).await).to_string();
    assert!(
        !shown.contains("ada@example.org"),
        "the Flow's wish is for the bridge only: {shown}"
    );
    let state = world.bot.asks("/state", None).await;
    assert_eq!(state["broken"], json!([]), "{}", world.bot.log());
    for hidden in ["small bot", "Ada", "private", "2210", "MDEyMzQ1"] {
        assert!(!world.bot.log().contains(hidden), "{hidden} is in the log");
    }
}

async fn the_flow_hands_over(world: &World, sends_everything: bool) {
    says(world, "Hello").await;
    shows(world, "bot", "I am a small bot", 1).await;
    says(world, "An agent, please").await;
    world
        .desk("a waiting person", |state| state.queue().count() == 1)
        .await;
    shows(world, "bot", "I am asking a colleague", 1).await;
    shows_some(world, "bot", "Your place in the queue: 1").await;
    let person = world.rce.read(|state| state.identity(USER).cloned()).unwrap();
    assert_eq!(person.profile["firstname"], "Ada");
    assert_eq!(person.profile["context_data"]["accepted-gdpr"], "true");
    assert!(
        !json!(person.profile).to_string().contains("private"),
        "memories stay with the bot"
    );
    let bodies = words(world, AuthorKind::Customer);
    if sends_everything {
        assert_eq!(bodies, ["Hello", "An agent, please"]);
    }
    assert!(
        world
            .contents()
            .iter()
            .any(|content| content.body.as_deref() == Some("Reason: asked for a human"))
    );
}

async fn an_agent_talks_and_closes(world: &World) {
    let (thread, agent) = (world.thread(), world.rce.config().agents[0].clone());
    world.rce.take(&thread, &agent.id).unwrap();
    shows(world, "bot", "is here.", 1).await;
    world.rce.reply(&thread, &agent.id, "Which invoice?").unwrap();
    let lines = shows(world, "agent", "Which invoice?", 1).await;
    assert_eq!(
        lines.last().unwrap()["data"]["bridge"]["agentName"],
        agent.name.as_str()
    );
    says(world, "Number 2210").await;
    world
        .desk("the person's words", |state| {
            state
                .contents(&thread)
                .any(|content| content.body.as_deref() == Some("Number 2210"))
        })
        .await;
    assert_eq!(
        count(&window(world).await, "bot", "small bot"),
        1,
        "the bot is silent"
    );
    world.rce.reply(&thread, &agent.id, "It is on its way").unwrap();
    shows(world, "agent", "It is on its way", 1).await;
    world.rce.close(&thread).unwrap();
    shows(world, "bot", "You are back with the bot. (completed)", 1).await;
    says(world, "Thank you").await;
    shows(world, "bot", "I am a small bot", 2).await;
}

async fn the_person_cancels(world: &World) {
    says(world, "The agent again, please").await;
    world
        .desk("a waiting person", |state| state.queue().count() == 1)
        .await;
    says(world, "bot").await;
    shows(world, "bot", "You are back with the bot. (cancelled)", 1).await;
    world
        .desk("nobody waits", |state| state.queue().count() == 0)
        .await;
    says(world, "Never mind").await;
    shows(world, "bot", "I am a small bot", 3).await;
}

async fn only_what_the_bridge_signed_counts_and_only_once(world: &World) {
    let bridge = json!({"eventId": "evt-1", "seq": 99, "from": "agent", "agentName": "Sam"});
    let words =
        json!({"userId": USER, "sessionId": SESSION, "text": "I forgot to say", "data": {"bridge": bridge}});
    let state = json!({"userId": USER, "sessionId": SESSION,
        "data": {"handover": {"status": "completed"}, "bridge": {"eventId": "evt-2", "seq": 100}}});
    let other = "whsec_bm90IHRoZSBzZWNyZXQgb2YgdGhpcyBjb25uZWN0aW9u";
    for (secret, seconds_ago) in [(other, 0), (SECRET, 600)] {
        calls(world, "notify", secret, seconds_ago, &words).await;
        calls(world, "inject", secret, seconds_ago, &state).await;
    }
    assert_eq!(count(&window(world).await, "agent", "I forgot"), 0);
    for _ in 0..2 {
        calls(world, "notify", SECRET, 0, &words).await;
        calls(world, "inject", SECRET, 0, &state).await;
    }
    shows(world, "agent", "I forgot to say", 1).await;
    shows(world, "bot", "(completed)", 2).await;
}

async fn a_bridge_that_is_away_strands_nobody(world: &World) {
    let before = count(&window(world).await, "bot", "small bot");
    world.door.shut(true);
    says(world, "Are you there?").await;
    shows(world, "bot", "I am a small bot", before + 1).await;
    says(world, "An agent, please").await;
    shows(world, "bot", "Nobody is there.", 1).await;
    world.door.shut(false);
    says(world, "An agent, now").await;
    world
        .desk("a waiting person", |state| state.queue().count() == 1)
        .await;
    world.door.shut(true);
    says(world, "Hurry").await;
    shows(world, "bot", "The agent could not be reached.", 1).await;
    says(world, "bot").await;
    shows(world, "bot", "The agent could not be reached.", 2).await;
    world.door.shut(false);
    says(world, "bot").await;
    shows(world, "bot", "(cancelled)", 2).await;
}

/// The person says something in the chat.
async fn says(world: &World, text: &str) {
    sends(world, &json!({"text": text, "data": {}})).await;
}

/// The person's channel sends this.
async fn sends(world: &World, said: &Value) {
    let mut input = said.clone();
    input["userId"] = json!(USER);
    input["sessionId"] = json!(SESSION);
    world.bot.asks(&format!("/{TOKEN}"), Some(&input)).await;
}

async fn calls(world: &World, does: &str, secret: &str, seconds_ago: i64, body: &Value) {
    let (body, at) = (body.to_string(), now() - seconds_ago);
    let signature = Webhook::new(secret)
        .unwrap()
        .sign("evt", at, body.as_bytes())
        .unwrap();
    world
        .bot
        .gets_at(&format!("/{does}/{TOKEN}"), "evt", at, &signature, body)
        .await;
}

async fn window(world: &World) -> Vec<Value> {
    let lines = world.bot.asks(&format!("/window/{SESSION}"), None).await;
    lines.as_array().unwrap().clone()
}

fn count(lines: &[Value], from: &str, words: &str) -> usize {
    let by = lines.iter().filter(|line| line["from"] == from);
    by.filter(|line| line["text"].as_str().unwrap().contains(words))
        .count()
}

/// Waits until the person sees such a line so many times.
async fn shows(world: &World, from: &str, words: &str, times: usize) -> Vec<Value> {
    until(world, words, |lines| count(lines, from, words) == times).await
}

async fn shows_some(world: &World, from: &str, words: &str) -> Vec<Value> {
    until(world, words, |lines| count(lines, from, words) > 0).await
}

async fn until(world: &World, what: &str, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let (deadline, mut look) = (Instant::now() + PATIENCE, interval(Duration::from_millis(20)));
    loop {
        look.tick().await;
        let lines = window(world).await;
        if enough(&lines) {
            return lines;
        }
        let log = world.bot.log();
        assert!(Instant::now() < deadline, "not shown: {what}\n{lines:#?}\n{log}");
    }
}

fn words(world: &World, author: AuthorKind) -> Vec<String> {
    let contents = world.contents();
    let by = contents.iter().filter(|content| content.author_kind == author);
    by.filter_map(|content| content.body.clone()).collect()
}
