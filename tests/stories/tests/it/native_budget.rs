//! Channels that RCE owns, at the limit of the account's REST budget: every reply is a call.

use std::time::Duration;

use handover_core::Timestamp;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{LoggedRequest, NativeKind, NativeMessage, Speaker};

use crate::native::finish;

async fn bench(limit: u32) -> Bench {
    let bench = Setup::default()
        .ringcx(&format!("requests_per_minute = {limit}"))
        .timers("bot_silent = 0")
        .on(NativeKind::WhatsApp)
        .start()
        .await;
    // What every connection asks once.
    bench.knows_opening_hours().await;
    bench
}

/// Customers who wrote, were heard, and have a known identity: from now on a turn is one call. Returns their threads.
async fn known_customers(bench: &Bench, count: usize) -> Vec<String> {
    let threads = (0..count).map(|n| {
        let message = NativeMessage::new(format!("customer-{n}"), "hello").named("Somebody");
        bench.customer(message).0
    });
    let threads: Vec<String> = threads.collect();
    bench.until_quiet().await;
    // All of that has left the window.
    bench.pass(Duration::from_secs(61));
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(61));
    threads
}

fn rest(bench: &Bench) -> Vec<LoggedRequest> {
    let mut requests = bench.rce.requests();
    requests.retain(|request| request.what.contains("/1.0/"));
    requests
}

/// Replies that RCE took, oldest first.
fn replies(bench: &Bench) -> Vec<LoggedRequest> {
    let mut requests = rest(bench);
    requests.retain(|request| request.what == "POST /1.0/contents");
    requests
}

/// Works until nothing waits any more, and checks on the way that no minute has more calls than the limit.
async fn drain(bench: &Bench, limit: usize, mut made: Vec<(Timestamp, usize)>) {
    loop {
        work_now(bench).await;
        let (now, all) = (bench.clock_now(), rest(bench).len());
        let minute_ago = now
            .saturating_sub(Duration::from_mins(1))
            .expect("a time of a story");
        let before = made.iter().rev().find(|(at, _)| *at <= minute_ago);
        let in_a_minute = all - before.map_or(made[0].1, |(_, all)| *all);
        assert!(in_a_minute <= limit, "{in_a_minute} calls in a minute");
        made.push((now, all));
        let Some(wait) = bench.until_next().await else {
            return;
        };
        bench.pass(wait);
    }
}

async fn delay_ms(bench: &Bench) -> u64 {
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    seen["ringcx"]["delay_ms"].as_u64().expect("milliseconds")
}

/// Works without letting time pass until nothing more can be done now.
async fn work_now(bench: &Bench) {
    loop {
        bench.settle().await;
        if bench.work().await == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn at_the_limit_replies_go_out_in_turn_and_none_is_lost_or_repeated() {
    let bench = bench(20).await;
    let threads = known_customers(&bench, 50).await;
    let before = vec![(bench.clock_now(), rest(&bench).len())];
    assert_eq!(delay_ms(&bench).await, 0);
    for (n, thread) in threads.iter().enumerate() {
        bench.answers(thread, &format!("answer {n}")).await;
        work_now(&bench).await;
    }
    let said = replies(&bench).len();
    assert!((15..=20).contains(&said), "{said} replies in no time");
    let delay = delay_ms(&bench).await;
    assert!(
        (61_000..130_000).contains(&delay),
        "some thirty others wait, and twenty go out a minute: {delay} ms"
    );
    drain(&bench, 20, before).await;
    let said: Vec<String> = replies(&bench)
        .iter()
        .map(|request| request.body["body"].as_str().unwrap_or_default().to_owned())
        .collect();
    let meant: Vec<String> = (0..threads.len()).map(|n| format!("answer {n}")).collect();
    assert_eq!(said, meant, "who came first went first");
    bench.pass(Duration::from_secs(61));
    assert_eq!(delay_ms(&bench).await, 0);
    for thread in &threads {
        assert_eq!(bench.read_by_customer(thread).len(), 1);
    }
    assert_eq!(bench.take_dead_letters().await.len(), 0);
    finish(bench, &threads[0]).await;
}

#[tokio::test]
async fn while_many_conversations_hand_over_at_once_replies_go_out_right_away() {
    let bench = bench(100).await;
    let threads = known_customers(&bench, 62).await;
    let before = vec![(bench.clock_now(), rest(&bench).len())];
    for thread in &threads[..60] {
        bench
            .asks_for_agent(thread, json!({"reason": "wants a human"}))
            .await;
    }
    work_now(&bench).await;
    let mut waiting = 0;
    for thread in &threads[..60] {
        waiting += usize::from(bench.status(thread).await == "requested");
    }
    assert!(
        (10..=20).contains(&waiting),
        "{waiting} handovers wait for the next minute"
    );
    let reads = rest(&bench)
        .iter()
        .filter(|it| it.what.starts_with("GET /1.0/content_threads"))
        .count();
    assert_eq!(reads, 60 - waiting, "none was begun that could not be finished");
    assert_eq!(delay_ms(&bench).await, 0, "a part is kept for replies");
    for thread in &threads[60..] {
        bench.answers(thread, "right away").await;
    }
    work_now(&bench).await;
    for thread in &threads[60..] {
        let read = bench.read_by_customer(thread);
        assert_eq!(read, [(Speaker::Bot, "right away".to_owned())]);
    }
    drain(&bench, 100, before).await;
    for thread in &threads[..60] {
        assert_eq!(bench.status(thread).await, "queued");
    }
    finish(bench, &threads[60]).await;
}

#[tokio::test]
async fn handovers_begin_although_replies_use_up_everything() {
    let bench = bench(40).await;
    let threads = known_customers(&bench, 10).await;
    for n in 0..200 {
        bench.answers(&threads[n % 9], &format!("answer {n}")).await;
    }
    work_now(&bench).await;
    let begun = bench.clock_now();
    bench.asks_for_agent(&threads[9], json!({})).await;
    while bench.status(&threads[9]).await != "queued" {
        bench.pass(bench.until_next().await.expect("it is tried again"));
        work_now(&bench).await;
        assert!(bench.clock_now().duration_since(begun).as_secs_f64() < 150.0);
    }
    assert!(replies(&bench).len() < 200, "replies still wait");
    bench.until_quiet().await;
    assert_eq!(replies(&bench).len(), 200);
    finish(bench, &threads[0]).await;
}
