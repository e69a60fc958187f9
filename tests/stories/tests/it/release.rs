//! An operator gives a conversation back to the bot by hand.

use handover_stories::chat::at;
use handover_stories::desk::SAM;
use handover_stories::setup::OPERATOR_KEY;
use handover_stories::{Bench, Reply, Setup};
use serde_json::{Value, json};

async fn releases(bench: &Bench, conversation: &str) -> Reply {
    let path = format!("/operator{}/release", at(conversation));
    bench.call_as(OPERATOR_KEY, "POST", &path, &Value::Null).await
}

#[tokio::test]
async fn the_bot_has_it_back_and_the_agents_work_is_ended() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    let released = releases(&bench, "c1").await.expect(200);
    assert_eq!(
        (&released["handler"], &released["handover"]["outcome"]),
        (&json!("bot"), &json!("operator"))
    );
    bench.until_quiet().await;
    let told = bench.bot.only("handover.cancelled");
    assert_eq!(
        (told.data()["cause"].as_str(), told.epoch()),
        (Some("operator"), 1)
    );
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_none()));
    assert_eq!(
        bench.asked_rce("PUT /1.0/interventions"),
        1,
        "closed, as an agent replied"
    );
    assert_eq!(
        bench.in_rce("c1").last().unwrap(),
        "An operator gave the conversation back to the bot."
    );
    let line = bench
        .timeline("c1")
        .await
        .into_iter()
        .find(|line| line["cause"] == "operator");
    assert_eq!(line.unwrap()["what"], "handover.cancelled");
    bench.finish().await;
}

#[tokio::test]
async fn who_only_waits_is_taken_out_of_the_queue() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    releases(&bench, "c1").await.expect(200);
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert_eq!(bench.rce.read(|state| state.queue().count()), 0);
    assert_eq!(bench.bot.only("handover.cancelled").data()["cause"], "operator");
    bench.finish().await;
}

#[tokio::test]
async fn a_case_without_an_answer_is_cancelled() {
    let bench = Setup::default().rce(|rce| rce.task_mode = false).start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    bench.rce.take("c1", SAM).unwrap();
    bench.until_quiet().await;
    releases(&bench, "c1").await.expect(200);
    bench.until_quiet().await;
    assert_eq!(bench.asked_rce("DELETE /1.0/interventions"), 1);
    assert_eq!(bench.asked_rce("PUT /1.0/interventions"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn once_is_enough_and_there_must_be_something_to_end() {
    let bench = Bench::new().await;
    releases(&bench, "c1").await.problem(404, "unknown-conversation");
    bench.user_says("c1", "hi").await;
    releases(&bench, "c1").await.problem(409, "no-handover");
    bench.waiting("c1").await;
    releases(&bench, "c1").await.expect(200);
    releases(&bench, "c1").await.problem(409, "no-handover");
    bench.until_quiet().await;
    releases(&bench, "c1").await.problem(409, "no-handover");
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.cancelled"], "told once");
    bench.finish().await;
}

#[tokio::test]
async fn a_close_that_comes_late_ends_nothing_of_the_next_handover() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    releases(&bench, "c1").await.expect(200);
    bench.until_quiet().await;
    bench.pass(std::time::Duration::from_mins(1));
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    assert_eq!(bench.webhook(&[closed]).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.handler("c1").await, "agent", "the second handover goes on");
    assert_eq!(bench.bot.kinds(), ["handover.active", "handover.cancelled"]);
    bench.finish().await;
}
