//! Ends that nobody brings about: nobody took it, somebody is silent, it is too old.

use std::time::Duration;

use handover_core::handover::Timer;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Heard, Setup};
use serde_json::json;

/// Time passes in small steps, as it does for a stage that looks every second.
async fn pass(bench: &Bench, seconds: u64) {
    for _ in 0..seconds {
        bench.pass(Duration::from_secs(1));
        bench.work().await;
    }
}

fn causes(bench: &Bench, kind: &str) -> Vec<String> {
    let mut told = bench.bot.taken();
    told.retain(|heard| heard.kind() == kind);
    told.iter()
        .map(|heard| heard.data()["cause"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn last(bench: &Bench) -> Heard {
    bench.bot.taken().pop().expect("an event")
}

#[tokio::test]
async fn who_waits_for_nobody_goes_back_to_the_bot_after_a_warning() {
    let bench = Setup::default()
        .timers("queue = 60\nwarn_before = 20")
        .start()
        .await;
    bench.waiting("c1").await;
    pass(&bench, 39).await;
    assert_eq!(bench.bot.kinds(), [""; 0]);
    pass(&bench, 2).await;
    let warned = bench.bot.only("handover.timing_out");
    assert_eq!(warned.data()["cause"], "queue");
    assert_eq!(warned.data()["ends_at"], "2026-01-01T00:01:00.000Z");
    assert_eq!(bench.status("c1").await, "queued");
    pass(&bench, 20).await;
    assert_eq!(
        (bench.status("c1").await, bench.handler("c1").await),
        ("timed_out".into(), "bot".into())
    );
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.timing_out", "handover.timed_out"]);
    let told = bench.bot.only("handover.timed_out");
    assert_eq!((&told.data()["cause"], told.epoch()), (&json!("queue"), 1));
    assert!(told.data()["durations_ms"]["queued"].as_u64() >= Some(60_000));
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert!(
        bench.rce.thread("c1").unwrap().archived,
        "agents do not see it any more"
    );
    assert_eq!(bench.rce.read(|state| state.queue().count()), 0);
    assert!(
        bench
            .in_rce("c1")
            .last()
            .unwrap()
            .contains("went back to the bot")
    );
    pass(&bench, 300).await;
    assert_eq!(bench.bot.kinds().len(), 2, "once");
    let seen = bench.looks_at("c1").await;
    assert_eq!(seen["handover"]["outcome"], Timer::Queue.as_str());
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_in_time_stops_the_clock_of_the_queue() {
    let bench = Setup::default()
        .timers("queue = 60\nwarn_before = 0")
        .start()
        .await;
    bench.waiting("c1").await;
    pass(&bench, 59).await;
    bench.rce.take("c1", SAM).unwrap();
    bench.settle().await;
    pass(&bench, 120).await;
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    assert_eq!(bench.status("c1").await, "active");
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_whose_arrival_was_not_reported_is_found_before_the_time_is_up() {
    let bench = Setup::default()
        .timers("queue = 60\nreconcile_every = 0")
        .by_hand()
        .start()
        .await;
    bench.waiting("c1").await;
    bench.rce.engage("c1", SAM).unwrap();
    pass(&bench, 61).await;
    assert_eq!(bench.bot.kinds(), ["handover.timing_out", "handover.active"]);
    assert_eq!(bench.status("c1").await, "active");
    bench.finish().await;
}

#[tokio::test]
async fn a_person_who_does_not_answer_the_agent_goes_back_to_the_bot() {
    let bench = Setup::default()
        .timers("user_idle = 60\nagent_idle = 30\nwarn_before = 10")
        .start()
        .await;
    bench.with_agent("c1").await;
    // The person thinks, which is not the agent's silence.
    pass(&bench, 40).await;
    bench.user_says("c1", "Here is my number").await;
    pass(&bench, 15).await;
    bench.rce.reply("c1", SAM, "Thanks, one moment").unwrap();
    bench.settle().await;
    pass(&bench, 49).await;
    assert_eq!(bench.handler("c1").await, "agent");
    assert_eq!(causes(&bench, "handover.timing_out"), [""; 0]);
    pass(&bench, 3).await;
    assert_eq!(causes(&bench, "handover.timing_out"), ["user_idle"]);
    // A warning is worth something: the person answers, and everything starts anew.
    bench.user_says("c1", "Still here").await;
    bench.rce.reply("c1", SAM, "Good").unwrap();
    bench.settle().await;
    pass(&bench, 55).await;
    assert_eq!(causes(&bench, "handover.timing_out"), ["user_idle", "user_idle"]);
    assert_eq!(bench.handler("c1").await, "agent");
    pass(&bench, 8).await;
    assert_eq!(causes(&bench, "handover.timed_out"), ["user_idle"]);
    bench.until_quiet().await;
    assert!(
        bench.rce.read(|state| state.open_intervention("c1").is_none()),
        "closed at RCE too"
    );
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert_eq!(
        last(&bench).kind(),
        "handover.timed_out",
        "and the close that we caused is no news"
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_leaves_the_person_waiting_loses_the_conversation() {
    let bench = Setup::default()
        .timers("agent_idle = 30\nwarn_before = 5")
        .start()
        .await;
    bench.with_agent("c1").await;
    pass(&bench, 10).await;
    bench.user_says("c1", "And now?").await;
    pass(&bench, 10).await;
    bench.user_says("c1", "Hello?").await;
    pass(&bench, 18).await;
    assert_eq!(
        bench.handler("c1").await,
        "agent",
        "counted from the first words without an answer"
    );
    pass(&bench, 3).await;
    assert_eq!(causes(&bench, "handover.timed_out"), ["agent_idle"]);
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn with_the_agents_silence_limited_alone_a_dead_talk_ends_too() {
    let bench = Setup::default().timers("agent_idle = 30").start().await;
    bench.with_agent("c1").await;
    pass(&bench, 32).await;
    bench.until_quiet().await;
    assert_eq!(causes(&bench, "handover.timed_out"), ["agent_idle"]);
    bench.finish().await;
}

#[tokio::test]
async fn no_handover_is_older_than_the_absolute_maximum() {
    let bench = Setup::default()
        .timers("queue = 0\nmax_age = 100\nwarn_before = 0\nreconcile_every = 0")
        .start()
        .await;
    bench.with_agent("c1").await;
    for _ in 0..9 {
        bench.user_says("c1", "more").await;
        bench.rce.reply("c1", SAM, "and more").unwrap();
        bench.settle().await;
        pass(&bench, 10).await;
    }
    assert_eq!(bench.handler("c1").await, "agent");
    pass(&bench, 12).await;
    bench.until_quiet().await;
    assert_eq!(causes(&bench, "handover.timed_out"), ["max_age"]);
    bench.finish().await;
}

#[tokio::test]
async fn without_timers_nothing_ends_and_rce_is_left_alone() {
    let bench = Setup::default()
        .timers("queue = 0\nmax_age = 0\nreconcile_every = 0")
        .start()
        .await;
    bench.waiting("c1").await;
    let asked = bench.rce.requests().len();
    bench.pass(Duration::from_hours(24 * 30));
    bench.work().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(bench.rce.requests().len(), asked);
    bench.finish().await;
}

#[tokio::test]
async fn timers_survive_an_outage_and_still_fire_once() {
    let bench = Setup::default().timers("queue = 60").start().await;
    bench.waiting("c1").await;
    // Nobody is there for hours: no warning any more, it is over.
    bench.pass(Duration::from_hours(5));
    bench.work().await;
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.timed_out"]);
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.timed_out"]);
    bench.finish().await;
}

#[tokio::test]
async fn the_next_handover_has_timers_of_its_own() {
    let bench = Setup::default()
        .timers("queue = 60\nwarn_before = 0")
        .start()
        .await;
    for epoch in 1..=3 {
        bench.waiting("c1").await;
        pass(&bench, 61).await;
        bench.until_quiet().await;
        let told = last(&bench);
        assert_eq!((told.kind(), told.epoch()), ("handover.timed_out", epoch));
    }
    bench.finish().await;
}

#[tokio::test]
async fn words_of_an_agent_that_were_accepted_before_the_time_was_up_count() {
    let bench = Setup::default()
        .timers("queue = 60\nwarn_before = 0")
        .by_hand()
        .start()
        .await;
    bench.waiting("c1").await;
    bench.pass(Duration::from_mins(1));
    bench.agent_writes("c1", "66aa", "Here I am").await;
    // The timer is looked at after the agent's words were accepted, and before they are delivered.
    bench.look_after().await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active", "message.created"]);
    assert_eq!(bench.status("c1").await, "active");
    bench.finish().await;
}
