//! REST calls for each turn, by operation.

use std::collections::BTreeMap;
use std::time::Duration;

use simulated_ringcx::{LoggedRequest, NativeMessage, State};

use crate::world::{WANTS_FILE, WANTS_HUMAN, World};

/// The first agent of the simulated desk.
pub(crate) const AGENT: &str = "5f0c00000000000000a90001";
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than the bridge takes for what nobody waits for, right after a turn.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// Plays one conversation and prints what each turn of it asked of RCE.
pub(crate) async fn count() -> anyhow::Result<()> {
    let world = World::start(100_000, 100_000).await?;
    println!("| turn | REST calls | by operation |\n|---|---|---|");
    let mut seen = world.rce.requests().len();
    let mut row = |turn: &str| {
        let all = world.rce.requests();
        let new = all.get(seen..).unwrap_or_default();
        seen = all.len();
        println!("{}", line(turn, new));
    };
    let mut replies = 0;
    let mut thread = String::new();
    for (turn, text) in [
        ("the first of a conversation", "hello"),
        ("a later one", "and then"),
        ("the bot answers with a file", WANTS_FILE),
    ] {
        thread = world.writes("c", text)?;
        replies += 1;
        answered(&world, &thread, replies).await?;
        row(turn);
    }
    let photo = world
        .rce
        .attach("photo.png", "image/png", &b"\x89PNG\r\n\x1a\n"[..]);
    world.says(NativeMessage::new("c", "look").with(photo))?;
    replies += 1;
    answered(&world, &thread, replies).await?;
    row("the customer sends a file");
    world.writes("c", WANTS_HUMAN)?;
    let category = world.rce.config().agent_category_id.clone();
    let moved = |state: &State| {
        let thread = state.thread(&thread);
        thread.is_some_and(|thread| thread.category_ids.contains(&category))
    };
    world.until("the handover", moved, PATIENCE).await?;
    quiet().await;
    row("the bot hands over");
    act(world.rce.take(&thread, AGENT))?;
    quiet().await;
    row("an agent takes it");
    act(world
        .rce
        .reply(&thread, AGENT, "Hello, here is an agent")
        .map(drop))?;
    world.writes("c", "hello agent")?;
    quiet().await;
    row("agent and customer write");
    act(world.rce.close(&thread))?;
    let bots = world.rce.config().bot_category_id.clone();
    let back = |state: &State| {
        let thread = state.thread(&thread);
        thread.is_some_and(|thread| thread.category_ids.contains(&bots))
    };
    world.until("the way back", back, PATIENCE).await?;
    quiet().await;
    row("the agent closes, the bot resumes");
    world.stop().await;
    Ok(())
}

async fn answered(world: &World, thread: &str, replies: usize) -> anyhow::Result<()> {
    let wanted = |state: &State| state.seen_by_customer(thread).len() >= replies;
    world.until("the bot's reply", wanted, PATIENCE).await?;
    quiet().await;
    Ok(())
}

async fn quiet() {
    tokio::time::sleep(AFTERWARDS).await;
}

pub(crate) fn act(done: Result<(), simulated_ringcx::DeskError>) -> anyhow::Result<()> {
    done.map_err(|error| anyhow::anyhow!("the desk: {error:?}"))
}

fn line(turn: &str, requests: &[LoggedRequest]) -> String {
    let calls = by_operation(requests.iter());
    let named: Vec<String> = calls
        .iter()
        .map(|(what, count)| format!("{count} `{what}`"))
        .collect();
    let sum: usize = calls.values().sum();
    format!("| {turn} | {sum} | {} |", named.join(", "))
}

/// How often each method and path was called, ids left out.
pub(crate) fn by_operation<'a>(requests: impl Iterator<Item = &'a LoggedRequest>) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for request in requests {
        *calls.entry(operation(&request.what)).or_default() += 1;
    }
    calls
}

fn operation(what: &str) -> String {
    let path = what.split('?').next().unwrap_or_default();
    let is_id = |part: &str| part.len() >= 16 && part.chars().all(|c| c.is_ascii_hexdigit());
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_id(part) { "…" } else { part })
        .collect();
    parts.join("/").replace("/1.0", "")
}
