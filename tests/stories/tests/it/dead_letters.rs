//! What was put aside, and sending it again.

use handover_core::ports::JobQueue as _;
use handover_stories::{Answer, Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget};

async fn replay_all(bench: &Bench) {
    for letter in bench.dead_letters().await {
        assert!(bench.embedded.replay(&letter.id).await.expect("as told"));
    }
    bench.until_quiet().await;
}

#[tokio::test]
async fn an_agents_message_can_be_sent_again() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.answers([Answer::Status(400)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.agent_writes("c1", "2", "two").await;
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["two"]);
    replay_all(&bench).await;
    assert_eq!(bench.bot.texts(), ["two", "one"]);
    bench.bot.allow_replays();
    bench.finish().await;
}

#[tokio::test]
async fn a_replayed_message_is_no_repeat_of_the_event_that_went_before_it() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    // One job, two events; the bot takes the first and refuses the second.
    bench.bot.answers([Answer::Status(200), Answer::Status(400)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    bench.agent_writes("c1", "2", "two").await;
    bench.work().await;
    replay_all(&bench).await;
    // A bot that drops repeats by their id still hears the message.
    assert_eq!(bench.bot.texts(), ["two", "one"]);
    let seqs: Vec<u64> = bench
        .bot
        .taken()
        .iter()
        .map(handover_stories::Heard::seq)
        .collect();
    assert_eq!(seqs, [1, 3, 2], "it fills the gap that it left");
    bench.bot.allow_replays();
    bench.finish().await;
}

#[tokio::test]
async fn a_persons_message_can_be_sent_again() {
    let bench = Bench::new().await;
    bench.user_says("c1", "first").await;
    bench.until_quiet().await;
    let refusal = Fault::Status(422, "Invalid resource format".to_owned());
    bench.rce.fail_next(FaultTarget::SendApiMessages, refusal, 1);
    bench.user_says("c1", "refused").await;
    bench.user_says("c1", "accepted").await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["first", "accepted"]);
    let failed = bench.bot.only("message.failed");
    assert_eq!(failed.data()["message"], json!({"id": "u-2"}));
    assert!(!failed.data()["reason"].as_str().unwrap().is_empty());
    replay_all(&bench).await;
    assert_eq!(bench.in_rce("c1"), ["first", "accepted", "refused"]);
    bench.finish().await;
}

#[tokio::test]
async fn the_news_of_an_end_can_be_sent_again() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.answers([Answer::Status(404)]);
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    replay_all(&bench).await;
    assert_eq!(bench.bot.kinds(), ["handover.active", "handover.completed"]);
    bench.finish().await;
}

#[tokio::test]
async fn the_news_of_an_end_can_be_sent_again_even_after_something_else_was_told() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.answers([Answer::Status(404)]);
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    bench.agent_writes("c1", "1", "hello").await;
    bench.work().await;
    replay_all(&bench).await;
    let kinds = bench.bot.kinds();
    assert!(kinds.contains(&"handover.completed".to_owned()), "{kinds:?}");
    assert_eq!(bench.bot.only("handover.completed").epoch(), 1);
    assert_eq!(bench.handler("c1").await, "agent", "and it ended nothing new");
    bench.bot.allow_replays();
    bench.finish().await;
}
