//! Places in the queue: in milliseconds, the newest only, to everybody who asked.

use std::time::Duration;

use handover_stories::{Answer, Bench, Heard, Setup};
use serde_json::{Value, json};

async fn waiting(setup: Setup) -> Bench {
    let bench = setup.by_hand().start().await;
    bench.waiting("c1").await;
    bench
}

fn figures(heard: &[Heard]) -> Vec<(Option<u64>, Option<u64>)> {
    let mut queued: Vec<&Heard> = heard.iter().collect();
    queued.retain(|heard| heard.kind() == "handover.queued" && heard.accepted);
    let read = |heard: &&Heard| {
        (
            heard.data()["position"].as_u64(),
            heard.data()["estimated_wait_ms"].as_u64(),
        )
    };
    queued.iter().map(read).collect()
}

#[tokio::test]
async fn br_020_seconds_become_milliseconds_and_unknown_stays_unknown() {
    let bench = waiting(Setup::default()).await;
    for (position, seconds) in [(4, json!(30)), (3, json!(12.5)), (2, Value::Null), (1, json!(0))] {
        bench.queue_position("c1", position, &seconds).await;
        bench.work().await;
        bench.pass(Duration::from_secs(2));
    }
    let expected = [
        (Some(4), Some(30_000)),
        (Some(3), Some(12_500)),
        (Some(2), None),
        (Some(1), Some(0)),
    ];
    assert_eq!(figures(&bench.bot.heard()), expected);
    let queue = bench.looks_at("c1").await["handover"]["queue"].clone();
    assert_eq!(
        (&queue["position"], &queue["estimated_wait_ms"]),
        (&json!(1), &json!(0))
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_020_nothing_is_sent_when_nothing_changed_or_nobody_waits() {
    let bench = waiting(Setup::default()).await;
    for _ in 0..3 {
        bench.queue_position("c1", 2, &json!(30)).await;
        bench.work().await;
        bench.pass(Duration::from_secs(2));
    }
    assert_eq!(figures(&bench.bot.heard()), [(Some(2), Some(30_000))]);
    bench.agent_writes("c1", "66aa", "Hello").await;
    bench.work().await;
    bench.queue_position("c1", 1, &json!(5)).await;
    bench.work().await;
    bench.ends_handover("c1", json!({})).await;
    bench.queue_position("c1", 1, &json!(6)).await;
    bench.until_quiet().await;
    assert_eq!(
        figures(&bench.bot.heard()).len(),
        1,
        "not while an agent answers, nor the bot"
    );
    bench.queue_position("nobody", 1, &json!(6)).await;
    assert!(bench.has_no_jobs().await);
    bench.finish().await;
}

#[tokio::test]
async fn only_the_newest_counts_when_the_bot_is_slow() {
    let bench = waiting(Setup::default()).await;
    bench.bot.answers([Answer::Status(503)]);
    bench.queue_position("c1", 9, &json!(90)).await;
    bench.work().await;
    for position in [8, 7, 6, 5] {
        bench.pass(Duration::from_millis(40));
        bench.queue_position("c1", position, &json!(position * 10)).await;
        bench.work_on(handover_core::job::QueueName::QueueUpdates).await;
    }
    bench.pass(Duration::from_secs(5));
    bench.until_quiet().await;
    let told = figures(&bench.bot.heard());
    assert_eq!(told.last(), Some(&(Some(5), Some(50_000))));
    assert!(told.len() <= 2, "what was overtaken is not told: {told:?}");
    bench.finish().await;
}

#[tokio::test]
async fn without_the_setting_nobody_is_told() {
    let bench = waiting(Setup::default().without_queue_updates().wallboard("/board")).await;
    bench.queue_position("c1", 9, &json!(90)).await;
    assert!(bench.has_no_jobs().await);
    assert_eq!(bench.status("c1").await, "queued");
    bench.finish().await;
}

#[tokio::test]
async fn wallboards_are_told_too_each_for_itself() {
    let bench = waiting(Setup::default().wallboard("/one").wallboard("/two")).await;
    bench.bot.answers([Answer::Status(500)]);
    bench
        .bot
        .answers_at("/two", [Answer::Status(500), Answer::RetryAfter(429, "7")]);
    bench.queue_position("c1", 3, &json!(30)).await;
    bench.work().await;
    assert_eq!(
        figures(&bench.bot.heard_at("/one")),
        [(Some(3), Some(30_000))],
        "it waits for nobody"
    );
    assert_eq!(bench.bot.heard_at("/one")[0].data().get("seq"), None);
    bench.until_quiet().await;
    assert_eq!(figures(&bench.bot.heard_at("/two")), [(Some(3), Some(30_000))]);
    assert_eq!(bench.bot.heard_at("/two").len(), 3);
    assert_eq!(figures(&bench.bot.heard()), [(Some(3), Some(30_000))]);
    bench.finish().await;
}

#[tokio::test]
async fn a_wallboard_that_is_gone_is_left_alone() {
    let bench = waiting(
        Setup::default()
            .timers("queue = 0")
            .wallboard("/one")
            .wallboard("/two"),
    )
    .await;
    bench.bot.answers_at("/one", [Answer::Status(410)]);
    bench.queue_position("c1", 3, &json!(30)).await;
    bench.work().await;
    let letters = bench.take_dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("410"), "{}", letters[0].reason);
    for position in [2, 1] {
        bench.pass(Duration::from_hours(1));
        bench.queue_position("c1", position, &json!(10)).await;
        bench.work().await;
    }
    assert_eq!(bench.bot.heard_at("/one").len(), 1, "never again");
    assert_eq!(figures(&bench.bot.heard_at("/two")).len(), 3);
    assert_eq!(figures(&bench.bot.heard()).len(), 3);
    bench.finish().await;
}

#[tokio::test]
async fn a_place_in_the_queue_survives_that_the_handover_is_still_being_told() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.queue_position("c1", 3, &json!(30)).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(figures(&bench.bot.heard()), [(Some(3), Some(30_000))]);
    bench.finish().await;
}

#[tokio::test]
async fn places_that_waited_for_a_worker_are_told_once() {
    let bench = waiting(Setup::default()).await;
    for position in [9, 8, 7] {
        bench.queue_position("c1", position, &json!(position * 10)).await;
        bench.pass(Duration::from_millis(100));
    }
    bench.work().await;
    assert_eq!(figures(&bench.bot.heard()), [(Some(7), Some(70_000))]);
    let queue = bench.looks_at("c1").await["handover"]["queue"].clone();
    assert_eq!(queue["position"], 7);
    bench.finish().await;
}
