//! How many calls to AWS something costs. Money and time, so a test holds it down.

use std::collections::BTreeMap;

use handover_aws_stage::proxy::Proxy;
use handover_aws_stage::{AwsStage, Setup, Stage as _, eventually};
use handover_stories::desk::SAM;

/// The calls of a function since they were last forgotten, by operation.
fn calls(stage: &AwsStage, function: &str) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for operation in stage.calls_of(function).operations() {
        *calls.entry(operation).or_default() += 1;
    }
    calls
}

fn writes(calls: &BTreeMap<String, usize>) -> usize {
    let writes = [
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
        "BatchWriteItem",
    ];
    writes.iter().filter_map(|operation| calls.get(*operation)).sum()
}

fn reads(calls: &BTreeMap<String, usize>) -> usize {
    let reads = ["GetItem", "Query", "BatchGetItem", "TransactGetItems"];
    reads.iter().filter_map(|operation| calls.get(*operation)).sum()
}

fn sends(calls: &BTreeMap<String, usize>) -> usize {
    ["SendMessage", "SendMessageBatch"]
        .iter()
        .filter_map(|operation| calls.get(*operation))
        .sum()
}

fn all(calls: &BTreeMap<String, usize>) -> usize {
    calls.values().sum()
}

/// Every function has read its settings, and nothing is on its way.
async fn warm() -> Option<AwsStage> {
    warm_with(Setup::default()).await
}

async fn warm_with(setup: Setup) -> Option<AwsStage> {
    let stage = AwsStage::start_with(setup).await?;
    let world = stage.world();
    world.user_says("c1", "hi").await;
    world.asks_for_agent("c1").await;
    world.status_is("c1", "queued").await;
    world.queue_position("c1", 9, 90).await;
    let placed = async || world.kinds("c1") == ["handover.queued"];
    eventually("the bot knows the place in the queue", placed).await;
    forget(&stage).await;
    Some(stage)
}

async fn forget(stage: &AwsStage) {
    stage.until_quiet().await;
    stage.proxies().for_each(Proxy::forget);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_update_is_one_send_and_at_most_one_write() {
    let Some(stage) = warm().await else { return };
    let world = stage.world();
    world.queue_position("c1", 8, 80).await;
    let placed = async || world.kinds("c1").len() == 2;
    eventually("the bot knows the new place", placed).await;
    stage.until_quiet().await;
    let (accepting, fanning, telling) = (
        calls(&stage, "source-sdk"),
        calls(&stage, "queue-updates"),
        calls(&stage, "agent-messages"),
    );
    assert_eq!((sends(&accepting), writes(&accepting)), (1, 0), "{accepting:?}");
    assert!(reads(&accepting) <= 1, "{accepting:?}");
    assert!(writes(&fanning) <= 1, "{fanning:?}");
    assert!(writes(&telling) <= 2, "{telling:?}");

    forget(&stage).await;
    world.queue_position("c1", 8, 80).await;
    stage.until_quiet().await;
    let accepting = calls(&stage, "source-sdk");
    assert_eq!(
        (all(&accepting), reads(&accepting)),
        (1, 1),
        "nothing changed: {accepting:?}"
    );
    assert_eq!(
        all(&calls(&stage, "queue-updates")) + all(&calls(&stage, "agent-messages")),
        0
    );
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_message_is_one_send_and_one_read_and_then_two_writes() {
    let Some(stage) = warm().await else { return };
    let world = stage.world();
    world
        .rce
        .take(&world.thread("c1"), SAM)
        .expect("a waiting thread");
    world.agent_writes("c1", "Hello").await;
    world.status_is("c1", "active").await;
    world.bot_hears("c1", &["Hello"]).await;
    forget(&stage).await;

    world.agent_writes("c1", "Let me look").await;
    world.bot_hears("c1", &["Hello", "Let me look"]).await;
    stage.until_quiet().await;
    let (accepting, delivering) = (calls(&stage, "source-sdk"), calls(&stage, "agent-messages"));
    assert_eq!(
        (sends(&accepting), reads(&accepting), all(&accepting)),
        (1, 1, 2),
        "{accepting:?}"
    );
    assert!(writes(&delivering) <= 2, "{delivering:?}");
    assert_eq!(sends(&delivering), 0, "{delivering:?}");
    assert!(reads(&delivering) <= 2, "{delivering:?}");
    print(&stage, "agent message");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_message_and_a_handover_are_counted() {
    let Some(stage) = warm().await else { return };
    let world = stage.world();
    world.user_says("c1", "are you there?").await;
    world.rce_has("c1", "are you there?").await;
    stage.until_quiet().await;
    let (accepting, delivering) = (
        calls(&stage, "handover-requests"),
        calls(&stage, "ringcx-delivery"),
    );
    assert_eq!(sends(&accepting), 1, "{accepting:?}");
    assert!(writes(&accepting) <= 2 && reads(&accepting) <= 2, "{accepting:?}");
    assert!(
        writes(&delivering) <= 2 && reads(&delivering) <= 1,
        "{delivering:?}"
    );
    print(&stage, "user message");

    forget(&stage).await;
    world.user_says("c2", "hi").await;
    world.rce_has("c2", "hi").await;
    forget(&stage).await;
    world.asks_for_agent("c2").await;
    let queued = async || {
        world
            .rce
            .thread(&world.thread("c2"))
            .is_some_and(|it| it.category_ids.len() == 1)
    };
    eventually("the thread is before the agents", queued).await;
    stage.until_quiet().await;
    print(&stage, "handover request");
    let total: usize = stage.proxies().map(|proxy| proxy.operations().len()).sum();
    // 19, and two more for each job that a worker finds before its sender took it off the conversation: here workers
    // are faster than they will ever be behind SQS.
    assert!(total <= 25, "a handover's start costs {total} calls");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_without_work_is_eight_queries_and_a_look_is_one_send_and_one_write() {
    let setup = Setup {
        timers: "reconcile_every = 2",
        ..Setup::default()
    };
    let Some(stage) = warm_with(setup).await else {
        return;
    };
    let due = async || {
        stage.calls_of("handover-watch").forget();
        stage.try_tick().await == Ok(1)
    };
    // The first one after a cold start reads what others read only once, too.
    for _ in 0..2 {
        forget(&stage).await;
        eventually("it is time to look", due).await;
    }
    stage.until_quiet().await;
    let (watching, looking) = (calls(&stage, "handover-watch"), calls(&stage, "ringcx-delivery"));
    assert_eq!(
        (watching.get("Query"), sends(&watching), all(&watching)),
        (Some(&8), 1, 9),
        "{watching:?}"
    );
    // Two reads and the write of the conversation; a read and a write for each lease of the REST budget, at most two.
    assert!(reads(&looking) <= 4 && writes(&looking) <= 3, "{looking:?}");
    assert_eq!(sends(&looking), 0, "{looking:?}");
    print(&stage, "look after a handover");

    let nothing = async || {
        stage.calls_of("handover-watch").forget();
        stage.try_tick().await == Ok(0)
    };
    eventually("nothing is due", nothing).await;
    let watching = calls(&stage, "handover-watch");
    assert_eq!((reads(&watching), all(&watching)), (8, 8), "{watching:?}");
    print(&stage, "a minute without work");
    stage.finish().await;
}

/// For the price list: what each function asked.
#[expect(
    clippy::print_stdout,
    reason = "shown with --nocapture, for the published figures"
)]
fn print(stage: &AwsStage, what: &str) {
    for function in stage.functions() {
        let calls = calls(stage, function.name());
        if !calls.is_empty() {
            println!("{what}: {}: {calls:?}", function.name());
        }
    }
}
