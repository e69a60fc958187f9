//! The scenarios, each against the simulated RCE.

use std::pin::Pin;

use futures_util::future::join_all;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{AgentStatus, Fault, FaultTarget, IndexLag};

use crate::{entries, id, vectors};

#[tokio::test]
async fn every_scenario_ends_as_expected() {
    let Some(vectors) = vectors() else { return };
    for told in entries(&vectors["scenarios"], 18) {
        let bench = scenario(id(told)).await;
        bench.until_quiet_by_hand().await;
        bench.finish().await;
    }
}

async fn human() -> Bench {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

async fn event(bench: &Bench, kind: &str, changes: Value) {
    let event = bench.event(kind, "c1", &changes);
    assert_eq!(bench.webhook(&[event]).await, 200);
    bench.work().await;
}

fn resumed(bench: &Bench) -> usize {
    bench
        .bot
        .kinds()
        .iter()
        .filter(|kind| *kind == "handover.completed")
        .count()
}

/// The scenario of this name.
fn scenario(name: &str) -> Pin<Box<dyn Future<Output = Bench>>> {
    match name {
        "sc-01-happy-path" => Box::pin(happy_path()),
        "sc-02-duplicate-closed" => Box::pin(duplicate_closed()),
        "sc-03-stale-closed-after-new-handover" => Box::pin(stale_closed()),
        "sc-04-closed-before-opened" => Box::pin(closed_before_opened()),
        "sc-05-deferred" => Box::pin(deferred()),
        "sc-06-retry-of-agent-message" => Box::pin(retry_of_agent_message()),
        "sc-07-concurrent-duplicate-create" => Box::pin(concurrent_duplicate_create()),
        "sc-08-thread-not-indexed" => Box::pin(thread_not_indexed()),
        "sc-09-recategorize-conflict" => Box::pin(recategorize_conflict()),
        "sc-10-foreign-source-event" => Box::pin(foreign_source_event()),
        "sc-11-unknown-thread" => Box::pin(unknown_thread()),
        "sc-12-user-leaves-in-queue" => Box::pin(user_leaves_in_queue()),
        "sc-13-user-leaves-after-agent-reply" => Box::pin(user_leaves_after_agent_reply()),
        "sc-14-customer-writes-after-close" => Box::pin(customer_writes_after_close()),
        "sc-15-echo-suppression" => Box::pin(echo_suppression()),
        "sc-16-no-agents" => Box::pin(no_agents()),
        "sc-17-implementation-info-during-outage" => Box::pin(implementation_info_during_outage()),
        "sc-18-queue-update-after-agent-joined" => Box::pin(queue_update_after_agent_joined()),
        other => panic!("an unknown scenario: {other}"),
    }
}

async fn happy_path() -> Bench {
    let bench = Setup::default().forward_only().start().await;
    bench.user_says("c1", "hello bot").await;
    bench.until_quiet().await;
    assert!(bench.rce.thread("c1").is_none(), "only while a human answers");
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    for position in [2, 1] {
        bench.pass(std::time::Duration::from_secs(5));
        bench.queue_position("c1", position, &json!(position * 30)).await;
        bench.work().await;
    }
    bench.rce.take("c1", SAM).expect("as told");
    bench.rce.reply("c1", SAM, "Hi").expect("as told");
    bench.until_quiet().await;
    bench.user_says("c1", "thanks").await;
    bench.until_quiet().await;
    bench.rce.close("c1").expect("as told");
    bench.until_quiet().await;
    let expected = [
        "handover.queued",
        "handover.queued",
        "handover.active",
        "message.created",
        "handover.completed",
    ];
    assert_eq!(bench.bot.kinds(), expected);
    assert_eq!(bench.bot.taken()[0].data()["estimated_wait_ms"], 60_000);
    assert_eq!(bench.in_rce("c1"), ["hello bot", "Hi", "thanks"]);
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench
}

async fn stale_closed() -> Bench {
    let bench = human().await;
    bench.pass(std::time::Duration::from_mins(30));
    let closed = bench.event(
        "intervention.closed",
        "c1",
        &json!({"issued_at": "2026-01-01T00:29:00Z"}),
    );
    bench.ends_handover("c1", json!({"cause": "bot_ended"})).await;
    bench.work().await;
    bench.pass(std::time::Duration::from_mins(10));
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    bench.pass(std::time::Duration::from_mins(5));
    bench.webhook(&[closed]).await;
    bench.work().await;
    assert_eq!(
        (resumed(&bench), bench.handler("c1").await.as_str()),
        (0, "agent")
    );
    bench
}

async fn duplicate_closed() -> Bench {
    let bench = human().await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    for _ in 0..3 {
        bench.webhook(std::slice::from_ref(&closed)).await;
        bench.work().await;
    }
    assert_eq!(resumed(&bench), 1);
    bench
}

async fn closed_before_opened() -> Bench {
    let bench = human().await;
    bench.pass(std::time::Duration::from_mins(30));
    event(
        &bench,
        "intervention.closed",
        json!({"issued_at": "2026-01-01T00:29:00Z"}),
    )
    .await;
    event(
        &bench,
        "intervention.opened",
        json!({"issued_at": "2026-01-01T00:20:00Z"}),
    )
    .await;
    assert_eq!((resumed(&bench), bench.handler("c1").await.as_str()), (1, "bot"));
    bench
}

async fn deferred() -> Bench {
    let bench = human().await;
    event(&bench, "intervention.deferred", json!({})).await;
    event(
        &bench,
        "task.completed",
        json!({"metadata": {"action": "deferred"}}),
    )
    .await;
    assert_eq!(resumed(&bench), 0);
    bench
}

async fn retry_of_agent_message() -> Bench {
    let bench = human().await;
    let mut call = bench.agent_message("c1", "66aa", "Hi");
    bench.steps.set_down(true);
    bench.source_sdk(&call).await.expect(503);
    bench.steps.set_down(false);
    call["params"]["retry"] = json!(true);
    assert_eq!(bench.source_sdk(&call).await.expect(200)["id"], "rcx-66aa");
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Hi"]);
    bench
}

async fn concurrent_duplicate_create() -> Bench {
    let bench = human().await;
    let call = bench.agent_message("c1", "66aa", "Hi");
    let answers = join_all([bench.source_sdk(&call), bench.source_sdk(&call)]).await;
    assert_eq!(answers[0].body, answers[1].body);
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Hi"]);
    bench
}

async fn thread_not_indexed() -> Bench {
    let bench = Setup::default()
        .rce(|rce| rce.index_lag = IndexLag::Searches(3))
        .start()
        .await;
    bench.waiting("c1").await;
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench
}

async fn recategorize_conflict() -> Bench {
    let bench = Bench::new().await;
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Conflict, 1);
    bench.waiting("c1").await;
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench
}

async fn foreign_source_event() -> Bench {
    let bench = human().await;
    event(
        &bench,
        "intervention.closed",
        json!({"metadata": {"source_id": "65d0a10000000000000050c2"}}),
    )
    .await;
    assert_eq!(bench.status("c1").await, "active");
    bench
}

async fn unknown_thread() -> Bench {
    let bench = human().await;
    let before = bench.asked_rce("GET /1.0/content_threads/0");
    event(
        &bench,
        "intervention.closed",
        json!({"metadata": {"thread_id": "000000000000000000000000"}}),
    )
    .await;
    assert_eq!(bench.asked_rce("GET /1.0/content_threads/0"), before + 1);
    assert_eq!(bench.status("c1").await, "active");
    bench
}

async fn user_leaves_in_queue() -> Bench {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert!(bench.rce.thread("c1").expect("as told").archived);
    assert_eq!(bench.asked_rce("PUT /1.0/interventions"), 0);
    bench
}

async fn user_leaves_after_agent_reply() -> Bench {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.asked_rce("PUT /1.0/interventions"), 1);
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_none()));
    bench
}

async fn customer_writes_after_close() -> Bench {
    let bench = human().await;
    event(&bench, "intervention.closed", json!({})).await;
    // A customer's message: the bot first. An agent: the agent.
    event(&bench, "intervention.reopened", json!({})).await;
    assert_eq!(
        (bench.handler("c1").await.as_str(), bench.categories("c1")),
        ("bot", vec!["bot".to_owned()])
    );
    event(&bench, "intervention.reopened", json!({"user_id": SAM})).await;
    assert_eq!(bench.handler("c1").await, "agent");
    bench
}

async fn echo_suppression() -> Bench {
    let bench = human().await;
    bench.bot_says("c1", "mirrored").await;
    bench.work().await;
    let before = (bench.bot.heard().len(), bench.rce.requests().len());
    event(&bench, "content.imported", json!({})).await;
    assert_eq!((bench.bot.heard().len(), bench.rce.requests().len()), before);
    bench
}

async fn no_agents() -> Bench {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    for agent in bench.rce.config().agents.clone() {
        bench
            .rce
            .set_availability(&agent.id, AgentStatus::Disconnected)
            .expect("as told");
    }
    let wish = json!({"require_agent": true});
    let answer = bench
        .call("POST", "/conversations/c1/handover", &wish)
        .await
        .expect(200);
    assert_eq!(answer["handover"]["reason"], "no_agents");
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.until_quiet().await;
    bench
}

async fn implementation_info_during_outage() -> Bench {
    let bench = Bench::new().await;
    bench.steps.set_down(true);
    let info = bench
        .source_sdk(&json!({"action": "implementation.info"}))
        .await
        .expect(200);
    assert_eq!(info["options"].as_array().map(Vec::len), Some(6));
    bench.steps.set_down(false);
    bench
}

async fn queue_update_after_agent_joined() -> Bench {
    let bench = human().await;
    bench.queue_position("c1", 1, &json!(30)).await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    bench
}
