//! AWS throttles, fails, or does not answer: what was accepted is never lost.

use futures_util::future::join_all;
use handover_aws_stage::proxy::{Fault, Proxy};
use handover_aws_stage::{AwsStage, Stage as _, eventually};
use handover_stories::chat::at;
use serde_json::json;

const ALL: [Fault; 4] = [Fault::Throttled, Fault::Status500, Fault::Lost, Fault::AnswerLost];
const FOREVER: usize = usize::MAX;

/// Every third call of every function fails.
fn shake(stage: &AwsStage, fault: Fault) {
    for proxy in stage.proxies() {
        let count = std::sync::atomic::AtomicUsize::new(0);
        proxy.fail(fault, FOREVER, move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 3 == 2
        });
    }
}

async fn everything_arrives(fault: Fault) {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    shake(&stage, fault);
    let world = stage.world();
    let conversations = ["c0", "c1", "c2"];
    join_all(conversations.map(|conversation| async move {
        world.with_agent(conversation).await;
        for n in 0..5 {
            world.agent_writes(conversation, &format!("agent {n}")).await;
            world.user_says(conversation, &format!("user {n}")).await;
        }
    }))
    .await;
    for conversation in conversations {
        let expected = ["Hello", "agent 0", "agent 1", "agent 2", "agent 3", "agent 4"];
        world.bot_hears(conversation, &expected).await;
        world.rce_has(conversation, "user 4").await;
        let mut users = world.in_rce(conversation);
        users.retain(|text| text.starts_with("user"));
        assert_eq!(users, ["user 0", "user 1", "user 2", "user 3", "user 4"]);
    }
    let hit: usize = stage.proxies().map(Proxy::hit).sum();
    assert!(hit > 20, "only {hit} faults");
    stage.proxies().for_each(Proxy::heal);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_of_all_calls_is_throttled() {
    Box::pin(everything_arrives(Fault::Throttled)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_of_all_calls_is_answered_500() {
    Box::pin(everything_arrives(Fault::Status500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_of_all_calls_is_lost() {
    Box::pin(everything_arrives(Fault::Lost)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_of_all_answers_is_lost() {
    Box::pin(everything_arrives(Fault::AnswerLost)).await;
}

/// Something is away altogether: either the caller hears so, or it arrives when it is back.
async fn away(operation: fn(&str) -> bool) {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent("c1").await;
    stage.until_quiet().await;
    for (n, fault) in ALL.into_iter().enumerate() {
        for name in ["handover-requests", "source-sdk"] {
            stage
                .calls_of(name)
                .fail(fault, FOREVER, move |call| operation(&call.operation));
        }
        let user = json!({"id": format!("u{n}"), "from": "user", "text": format!("user {n}")});
        let said = world
            .try_call("POST", &format!("{}/messages", at("c1")), &user)
            .await;
        let content = format!("5f0c0000000000000d{n:06}");
        let agent = world.agent_message("c1", &content, &format!("agent {n}"));
        let wrote = world.rce.send_action(agent.clone()).await;
        stage.proxies().for_each(Proxy::heal);
        let said = said.map(|reply| reply.status);
        assert!(
            matches!(said, None | Some(202 | 500..=599)),
            "{fault:?}: {said:?}"
        );
        let wrote = wrote.ok().map(|answer| answer.status);
        assert!(
            matches!(wrote, None | Some(200 | 500..=599)),
            "{fault:?}: {wrote:?}"
        );
        if said != Some(202) {
            world
                .insist("POST", &format!("{}/messages", at("c1")), &user)
                .await;
        }
        if wrote != Some(200) {
            world.insist_action(agent).await;
        }
        let heard = async || world.texts("c1").contains(&format!("agent {n}"));
        eventually(&format!("{fault:?}: the agent's message arrives"), heard).await;
        let arrived = async || world.in_rce("c1").contains(&format!("user {n}"));
        eventually(&format!("{fault:?}: the person's message arrives"), arrived).await;
    }
    assert_eq!(
        world.texts("c1"),
        ["Hello", "agent 0", "agent 1", "agent 2", "agent 3"],
        "each once"
    );
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_are_away() {
    Box::pin(away(|operation| operation.starts_with("SendMessage"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_writes_are_away() {
    let writes =
        |operation: &str| ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&operation);
    Box::pin(away(writes)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_reads_are_away() {
    Box::pin(away(|operation| {
        ["GetItem", "Query", "BatchGetItem"].contains(&operation)
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_away_at_a_cold_start() {
    let Some(mut stage) = AwsStage::start().await else {
        return;
    };
    stage.world().with_agent("c1").await;
    stage.until_quiet().await;
    for proxy in stage.proxies() {
        proxy.fail(Fault::Status500, FOREVER, |call| {
            call.operation.starts_with("GetParameter")
        });
    }
    stage.calls_of("source-sdk").heal();
    stage.restart().await;
    let world = stage.world();
    world.agent_writes("c1", "does it arrive?").await;
    let user = json!({"id": "u1", "from": "user", "text": "it does not"});
    let path = format!("{}/messages", at("c1"));
    let refused = world.call("POST", &path, &user).await;
    assert!(refused.status >= 500, "{}", refused.text());
    let tried = async || stage.calls_of("agent-messages").hit() > 0;
    eventually("the worker looks for its settings", tried).await;
    assert_eq!(world.texts("c1"), ["Hello"]);
    stage.proxies().for_each(Proxy::heal);
    world.bot_hears("c1", &["Hello", "does it arrive?"]).await;
    world.insist("POST", &path, &user).await;
    world.rce_has("c1", "it does not").await;
    stage.finish().await;
}
