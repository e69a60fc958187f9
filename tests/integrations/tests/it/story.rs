//! The whole story: from the bot to an agent and back, twice, with everything that a bot must get right on the way.

use serde_json::{Value, json};
use simulated_ringcx::{AuthorKind, Content};

use crate::bot::{CHAT, KEY, Line, SECRET, count, now};
use crate::world::World;

/// What every bot says, or shows.
const SMALL: &str = "I am a small bot";
const ASKING: &str = "I am asking a colleague";
const PLACE: &str = "place in the queue: 1";
const HERE: &str = "is here.";
const BACK: &str = "You are back with the bot.";

pub(crate) async fn tell(world: &World) {
    the_customer_asks_for_a_human(world).await;
    the_customer_talks_to_an_agent(world).await;
    the_agent_closes_and_the_bot_is_back(world).await;
    the_customer_changes_their_mind(world).await;
    only_what_the_bridge_signed_counts_and_only_once(world).await;
    a_bridge_that_is_away_loses_nothing(world).await;
    nothing_that_was_said_is_in_the_log(world);
}

async fn the_customer_asks_for_a_human(world: &World) {
    world.bot.hears("m-1", "Hello").await;
    world.bot.shows_times("bot", SMALL, 1).await;
    world.bot.hears("m-2", "An agent, please: my cup is broken").await;
    world
        .desk("a waiting customer", |state| state.queue().count() == 1)
        .await;
    let lines = world
        .bot
        .shows("the place in the queue", |lines| {
            count(lines, "notice", PLACE) > 0
        })
        .await;
    assert_eq!(count(&lines, "bot", ASKING), 1);

    // The agents know who it is, why they come, and what was said.
    let contents = world.contents();
    let said_by_customer: Vec<&str> = bodies(&contents, AuthorKind::Customer);
    assert_eq!(said_by_customer, ["Hello", "An agent, please: my cup is broken"]);
    assert_eq!(count_of(&contents, SMALL), 1, "{contents:#?}");
    assert_eq!(count_of(&contents, ASKING), 1, "{contents:#?}");
    assert_eq!(count_of(&contents, "asked for a human"), 1, "{contents:#?}");
    let profile = world.rce.read(|state| {
        let thread = state.threads().next().unwrap();
        let customer = thread.customer_id.as_deref().unwrap();
        state.identity(customer).unwrap().profile.clone()
    });
    assert_eq!(profile["firstname"], "Ada");
    assert_eq!(profile["email"], "ada@example.org");
}

async fn the_customer_talks_to_an_agent(world: &World) {
    let (thread, agent) = (world.thread(), world.rce.config().agents[0].clone());
    let before = world.bot.window().await;
    world.bot.hears("m-3", "Are you there?").await;
    world.rce.take(&thread, &agent.id).unwrap();
    world.bot.shows_times("notice", HERE, 1).await;
    world.rce.reply(&thread, &agent.id, "Good morning, Ada").unwrap();
    let lines = world.bot.shows_times("agent", "Good morning, Ada", 1).await;
    let said = lines.last().unwrap();
    assert_eq!(said.name.as_deref(), Some(agent.name.as_str()), "{lines:#?}");

    // The bridge acts, but its answer gets lost: the bot says it again, and the agent reads it once.
    let requests = world.door.requests();
    world.door.stumble(1);
    world.bot.hears("m-4", "It fell off the table").await;
    assert_eq!(world.door.requests(), requests + 2, "the call and its repeat");
    world.bot.hears("m-5", "Yesterday").await;
    world
        .desk("the customer's words", |state| {
            state
                .contents(&thread)
                .any(|content| content.body.as_deref() == Some("Yesterday"))
        })
        .await;
    let contents = world.contents();
    let said = bodies(&contents, AuthorKind::Customer);
    assert_eq!(
        said[2..],
        ["Are you there?", "It fell off the table", "Yesterday"]
    );
    let lines = world.bot.window().await;
    assert_eq!(
        by(&lines, "bot"),
        by(&before, "bot"),
        "the bot is silent while an agent has the conversation"
    );
}

async fn the_agent_closes_and_the_bot_is_back(world: &World) {
    let thread = world.thread();
    let agent = world.rce.config().agents[0].id.clone();
    world
        .rce
        .reply(&thread, &agent, "A new one is on its way")
        .unwrap();
    world.bot.shows_times("agent", "A new one is on its way", 1).await;
    world.rce.close(&thread).unwrap();
    let lines = world.bot.shows_times("notice", BACK, 1).await;
    assert_eq!(
        lines.last().map(|line| line.text.as_str()),
        Some(BACK),
        "{lines:#?}"
    );
    world.bot.hears("m-6", "Thank you").await;
    world.bot.shows_times("bot", SMALL, 2).await;
}

async fn the_customer_changes_their_mind(world: &World) {
    let places = count(&world.bot.window().await, "notice", PLACE);
    world.bot.hears("m-7", "One more thing for the agent").await;
    world
        .desk("a waiting customer", |state| state.queue().count() == 1)
        .await;
    world
        .bot
        .shows("the place again", |lines| count(lines, "notice", PLACE) > places)
        .await;
    world.bot.hears("m-8", "bot").await;
    world.bot.shows_times("notice", BACK, 2).await;
    world
        .desk("nobody waits", |state| state.queue().count() == 0)
        .await;
    world.bot.hears("m-9", "Never mind").await;
    let lines = world.bot.shows_times("bot", SMALL, 3).await;
    assert_eq!(count(&lines, "bot", ASKING), 2);
    // Agents were told the beginning of the story once.
    let contents = world.contents();
    assert_eq!(
        bodies(&contents, AuthorKind::Customer)
            .iter()
            .filter(|body| **body == "Hello")
            .count(),
        1
    );
}

async fn only_what_the_bridge_signed_counts_and_only_once(world: &World) {
    let bot = &world.bot;
    let forged = event("message.created", "forged");
    let wrong = "whsec_bm90IHRoZSBzZWNyZXQgb2YgdGhpcyBjb25uZWN0aW9u";
    let refusals = [
        bot.gets_event(wrong, 0, "evt-forged", &forged).await,
        bot.gets_event(SECRET, 600, "evt-forged", &forged).await,
        bot.gets("evt-forged", now(), "nonsense", forged.to_string())
            .await,
        bot.gets("evt-forged", now(), "v1,nonsense v1", forged.to_string())
            .await,
    ];
    for refusal in refusals {
        assert!(refusal.is_client_error(), "{refusal}: {}", bot.log());
    }
    // An operator sent the words again long after: they are shown, once. The rest is over, and so are unknown events.
    for _ in 0..2 {
        for (id, late) in [
            ("evt-late", event("message.created", "I forgot to say")),
            ("evt-over", event("handover.active", "")),
            ("evt-new", event("handover.of_the_future", "")),
        ] {
            let taken = bot.gets_event(SECRET, 0, id, &late).await;
            assert!(taken.is_success(), "{taken}: {}", bot.log());
        }
    }
    let lines = bot.shows_times("agent", "I forgot to say", 1).await;
    assert_eq!(count(&lines, "agent", "forged"), 0);
    assert_eq!(count(&lines, "notice", HERE), 1, "{lines:#?}");
}

async fn a_bridge_that_is_away_loses_nothing(world: &World) {
    world.door.shut(true);
    let status = world.bot.is_told("m-10", "Is anybody there?").await;
    assert_eq!(status, 503, "the customer's chat learns that it must try again");
    world.door.shut(false);
    world.bot.hears("m-10", "Is anybody there?").await;
    let lines = world.bot.shows_times("bot", SMALL, 4).await;
    assert_eq!(count(&lines, "user", "Is anybody there?"), 1);
}

fn nothing_that_was_said_is_in_the_log(world: &World) {
    let log = world.bot.log();
    for hidden in [
        "Hello",
        "cup",
        "Ada",
        "ada@",
        "morning",
        "fell",
        "way",
        "Thank",
        "forgot",
        "anybody",
        "small bot",
        KEY,
        "MDEyMzQ1",
    ] {
        assert!(!log.contains(hidden), "{hidden} is in the log:\n{log}");
    }
}

fn event(kind: &str, text: &str) -> Value {
    let message = json!({"id": "rcx-late", "text": text, "attachments": [], "structured": null, "agent": {"name": "Sam"}});
    let data =
        json!({"connection": "default", "conversation": CHAT, "epoch": 1, "seq": 1, "message": message});
    json!({"type": kind, "timestamp": "2026-11-20T09:15:02.418Z", "data": data})
}

fn by<'a>(lines: &'a [Line], from: &str) -> Vec<&'a str> {
    lines
        .iter()
        .filter(|line| line.from == from)
        .map(|line| line.text.as_str())
        .collect()
}

fn bodies(contents: &[Content], author: AuthorKind) -> Vec<&str> {
    let by = contents.iter().filter(|content| content.author_kind == author);
    by.filter_map(|content| content.body.as_deref()).collect()
}

fn count_of(contents: &[Content], words: &str) -> usize {
    let bodies = contents.iter().filter_map(|content| content.body.as_deref());
    bodies.filter(|body| body.contains(words)).count()
}
