//! `kill -9` at any moment: nothing is lost, nothing is out of order, and what comes twice has the same id.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use handover_aws_stage::{AwsStage, Setup, Stage as _, eventually};
use handover_stories::chat::at;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at};

const CONVERSATIONS: usize = 6;
const MESSAGES: usize = 12;
/// A story goes on until so many kills hit a worker over its work.
const HITS: usize = 5;

fn hits(stage: &AwsStage) -> usize {
    stage.sources().iter().map(|source| source.failed()).sum()
}

/// Kills one function after the other until it is over. Each round is slower, so that a busy machine, on which starting a
/// function takes longer than it lives at first, gets somewhere too.
async fn kill(stage: &AwsStage, mut over: watch::Receiver<bool>) {
    let functions: Vec<_> = stage.functions().collect();
    // Not in step with anything that the bridge does.
    let mut pause = Duration::from_millis(97);
    loop {
        let mut again = interval_at(Instant::now() + pause, pause);
        for function in &functions {
            again.tick().await;
            if *over.borrow_and_update() {
                return;
            }
            function.kill();
        }
        pause += pause / 20;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_are_killed_under_load() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    let conversations: Vec<String> = (0..CONVERSATIONS).map(|n| format!("c{n}")).collect();
    join_all(conversations.iter().map(|it| world.with_agent(it))).await;
    let (done, over) = watch::channel(false);
    let enough = &|| hits(&stage) >= HITS;
    let talk = async {
        let said = join_all(conversations.iter().map(|conversation| async move {
            let mut said = 0;
            while said < MESSAGES || !enough() {
                world.agent_writes(conversation, &format!("agent {said}")).await;
                world.user_says(conversation, &format!("user {said}")).await;
                said += 1;
            }
            said
        }));
        let said = said.await;
        done.send_replace(true);
        said
    };
    let (said, ()) = join(talk, kill(&stage, over)).await;
    for (conversation, said) in conversations.iter().zip(said) {
        let lines = |from: &str| (0..said).map(|n| format!("{from} {n}")).collect::<Vec<_>>();
        let (from_user, from_agent) = (lines("user"), lines("agent"));
        let expected: Vec<&str> = std::iter::once("Hello")
            .chain(from_agent.iter().map(String::as_str))
            .collect();
        world.bot_hears(conversation, &expected).await;
        let last = from_user.last().expect("they said something");
        let arrived = async || world.in_rce(conversation).contains(last);
        eventually("everything is in RCE", arrived).await;
        let mut users = world.in_rce(conversation);
        users.retain(|text| text.starts_with("user"));
        assert_eq!(users, from_user, "{conversation}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handovers_survive_kills_at_every_stage_of_them() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    let (done, over) = watch::channel(false);
    let handovers = async {
        let mut conversations = Vec::new();
        while hits(&stage) < HITS {
            let four: Vec<String> = (0..4).map(|n| format!("c{}", conversations.len() + n)).collect();
            join_all(four.iter().map(|conversation| async move {
                world.with_agent(conversation).await;
                let thread = world.thread(conversation);
                world.rce.close(&thread).expect("an open case");
                let told = async || {
                    let kinds = world.kinds(conversation);
                    kinds.iter().any(|kind| kind == "handover.completed")
                };
                eventually("the bot is told that it is over", told).await;
            }))
            .await;
            conversations.extend(four);
        }
        done.send_replace(true);
        conversations
    };
    let (conversations, ()) = join(handovers, kill(&stage, over)).await;
    for conversation in conversations {
        let thread = world.rce.thread(&world.thread(&conversation)).expect("a thread");
        assert_eq!(thread.category_ids, [world.rce.config().bot_category_id.clone()]);
        let seen = world.insist("GET", &at(&conversation), &Value::Null).await;
        assert_eq!(seen["handler"], "bot");
        assert_eq!(
            world.kinds(&conversation),
            ["handover.active", "message.created", "handover.completed"],
            "{conversation}"
        );
    }
    stage.finish().await;
}

/// RCE's word of every end is lost, and nobody takes the others: somebody looks after them all, whoever dies over it and
/// however often a minute is over at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_after_handovers_is_killed() {
    let setup = Setup {
        timers: "queue = 12\nwarn_before = 0\nreconcile_every = 1",
        ..Setup::default()
    };
    let Some(stage) = AwsStage::start_with(setup).await else {
        return;
    };
    let world = stage.world();
    let (taken, waiting) = (["c0", "c1", "c2", "c3"], ["w0", "w1", "w2", "w3"]);
    join_all(taken.map(|conversation| world.with_agent_at_rce(conversation))).await;
    join_all(waiting.map(|conversation| async move {
        world.asks_for_agent(conversation).await;
        world.status_is(conversation, "queued").await;
    }))
    .await;
    for conversation in taken {
        world.closes_unheard(conversation);
    }
    let (done, over) = watch::channel(false);
    let missed = AtomicUsize::new(0);
    let tick = async || {
        let ticked = stage.try_tick().await;
        if ticked.is_err() {
            missed.fetch_add(1, Ordering::Relaxed);
        }
    };
    let told = || {
        let count = |conversations: [&str; 4], kind: &str| {
            let counts = conversations.map(|conversation| world.count(conversation, kind));
            counts.iter().filter(|count| **count > 0).count()
        };
        count(taken, "handover.completed") + count(waiting, "handover.timed_out")
    };
    let looked_after = async {
        eventually("the bot is told of every end", async || {
            join(tick(), tick()).await;
            told() == taken.len() + waiting.len()
        })
        .await;
        done.send_replace(true);
    };
    join(looked_after, kill(&stage, over)).await;
    let missed = missed.load(Ordering::Relaxed);
    assert!(missed > 0 && hits(&stage) > 0, "nobody died over it");
    stage.until_quiet().await;
    join(tick(), tick()).await;
    stage.until_quiet().await;
    for conversation in taken {
        let expected = ["handover.active", "message.created", "handover.completed"];
        assert_eq!(world.kinds(conversation), expected, "{conversation}");
    }
    for conversation in waiting {
        assert_eq!(
            world.kinds(conversation),
            ["handover.timed_out"],
            "{conversation}"
        );
    }
    for conversation in taken.iter().chain(&waiting) {
        assert!(world.is_with_bot(conversation), "{conversation}");
        assert_eq!(
            world.insist("GET", &at(conversation), &Value::Null).await["handler"],
            "bot"
        );
    }
    stage.finish().await;
}
