//! What SQS and its event source may do: batches that fail in part, redelivery, records that nobody can read.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use handover_aws_stage::proxy::Fault;
use handover_aws_stage::{AwsStage, Stage as _, eventually, story};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_fails_in_part_and_only_that_conversation_waits() {
    let Some(mut stage) = AwsStage::start().await else {
        return;
    };
    join_all(["c1", "c2", "c3"].map(|it| stage.world().with_agent(it))).await;
    stage.until_quiet().await;
    stage.to_bot.pause().await;
    stage.calls_of("agent-messages").forget();
    for n in 0..3 {
        for conversation in ["c1", "c2", "c3"] {
            stage.world().agent_writes(conversation, &format!("{n}")).await;
        }
    }
    assert_eq!(stage.to_bot.queue().depth().await, (9, 0), "one batch");
    stage.world().bot_door.fail(Fault::Status500, 2, |call| {
        call.mentions(r#""conversation":"c2""#)
    });
    stage.to_bot.resume();
    for conversation in ["c1", "c2", "c3"] {
        stage
            .world()
            .bot_hears(conversation, &["Hello", "0", "1", "2"])
            .await;
    }
    let heard = stage.world().bot.taken();
    let last_of = |conversation| heard.iter().rposition(|it| it.conversation() == conversation);
    let first_of_c2 = heard
        .iter()
        .position(|it| it.conversation() == "c2" && it.text() == "0");
    assert!(
        last_of("c1") < first_of_c2 && last_of("c3") < first_of_c2,
        "the others did not wait"
    );
    assert_eq!(stage.world().bot_door.hit(), 2);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_batch_comes_twice_and_has_one_effect() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    for source in stage.sources() {
        source.deliver_again(8);
    }
    Box::pin(story::there_and_back(stage)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_again_are_delivered_once() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent("c1").await;
    stage.until_quiet().await;
    stage.to_bot.deliver_again(3);
    stage.to_ringcx.deliver_again(3);
    for n in 0..5 {
        world.agent_writes("c1", &format!("agent {n}")).await;
        world.user_says("c1", &format!("user {n}")).await;
    }
    world
        .bot_hears(
            "c1",
            &["Hello", "agent 0", "agent 1", "agent 2", "agent 3", "agent 4"],
        )
        .await;
    world.rce_has("c1", "user 4").await;
    stage.until_quiet().await;
    assert!(stage.to_bot.came_again() > 0 && stage.to_ringcx.came_again() > 0);
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    for event in world.bot.heard() {
        *heard.entry(event.id).or_default() += 1;
    }
    assert!(
        heard.values().all(|times| *times == 1),
        "a processed message is not sent again: {heard:?}"
    );
    let mut users = world.in_rce("c1");
    users.retain(|text| text.starts_with("user"));
    assert_eq!(users, ["user 0", "user 1", "user 2", "user 3", "user 4"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_nobody_can_read_is_put_aside_alone() {
    let Some(mut stage) = AwsStage::start().await else {
        return;
    };
    join_all(["c1", "c2"].map(|it| stage.world().with_agent(it))).await;
    stage.until_quiet().await;
    stage.to_bot.pause().await;
    stage.world().agent_writes("c1", "before").await;
    let queue = stage.to_bot.queue().clone();
    let batch = queue.receive(1).await.unwrap();
    let group = batch[0].group().to_owned();
    queue.show_again(&batch[0], 0).await.unwrap();
    let garbage = ["not JSON", r#"{"work": "of a later version"}"#, "\u{1f4a5}"];
    for (n, body) in garbage.iter().enumerate() {
        queue.send(&group, &format!("garbage-{n}"), body).await;
    }
    stage.world().agent_writes("c1", "after").await;
    stage.world().agent_writes("c2", "meanwhile").await;
    stage.to_bot.resume();
    stage.world().bot_hears("c1", &["Hello", "before", "after"]).await;
    stage.world().bot_hears("c2", &["Hello", "meanwhile"]).await;
    stage.until_quiet().await;
    let all = async || queue.dead_letters().await == 3;
    eventually("the garbage is in the dead-letter queue", all).await;
    let mut found: Vec<String> = queue
        .look_at_dead_letters()
        .await
        .into_iter()
        .map(|it| it.body)
        .collect();
    found.sort();
    let mut expected = garbage.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected, "as it was");
    stage.world().check(false);
}
