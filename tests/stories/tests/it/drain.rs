//! An operator lets a connection run empty.

use handover_core::ports::Store as _;
use handover_stories::desk::SAM;
use handover_stories::setup::OPERATOR_KEY;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

async fn drain(bench: &Bench, method: &str) -> Value {
    bench
        .call_as(OPERATOR_KEY, method, "/operator/drain", &Value::Null)
        .await
        .expect(200)
}

async fn is_refused(bench: &Bench, conversation: &str) {
    let path = format!("/conversations/{conversation}/handover");
    let reply = bench.call("POST", &path, &json!({})).await;
    assert_eq!(
        reply.expect(200),
        json!({"handover": {"status": "unavailable", "reason": "disabled"}})
    );
}

#[tokio::test]
async fn nothing_new_begins_and_what_is_under_way_goes_on_to_its_end() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    let begun = drain(&bench, "POST").await;
    assert_eq!(
        (&begun["draining"], &begun["open_handovers"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(begun["since"], "2026-01-01T00:00:00.000Z");

    is_refused(&bench, "c2").await;
    let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
    assert_eq!(
        (&seen["available"], &seen["reason"]),
        (&json!(false), &json!("disabled"))
    );
    assert_eq!(bench.stored("c2").await, None, "and nothing came into being");

    // Both still hear each other.
    bench.user_says("c1", "are you there?").await;
    bench.rce.reply("c1", SAM, "I am").unwrap();
    bench.until_quiet().await;
    assert!(bench.in_rce("c1").contains(&"are you there?".to_owned()));
    assert_eq!(bench.bot.texts().last().unwrap(), "I am");
    let again = bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(again["epoch"], 1, "the running one is no new one");

    bench.rce.close("c1").unwrap();
    bench.settle().await;
    let ending = drain(&bench, "GET").await;
    assert_ne!(
        ending["waiting"]["to-bot"], 0,
        "its end is not told yet: {ending}"
    );
    bench.until_quiet().await;
    let empty = drain(&bench, "GET").await;
    assert_eq!(
        (&empty["open_handovers"], &empty["waiting"]),
        (
            &json!(0),
            &json!({"to-bot": 0, "to-ringcx": 0, "queue-updates": 0})
        )
    );
    is_refused(&bench, "c1").await;
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn it_stays_on_until_it_is_switched_off() {
    let bench = Bench::new().await;
    assert_eq!(drain(&bench, "GET").await["draining"], false);
    drain(&bench, "POST").await;
    bench.pass(std::time::Duration::from_hours(24 * 400));
    bench.embedded.sweep(bench.clock_now()).await.unwrap();
    let again = drain(&bench, "POST").await;
    assert_eq!(
        again["since"], "2026-01-01T00:00:00.000Z",
        "switching it on again begins nothing anew"
    );
    is_refused(&bench, "c1").await;

    let off = drain(&bench, "DELETE").await;
    assert_eq!((&off["draining"], &off["since"]), (&json!(false), &Value::Null));
    drain(&bench, "DELETE").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    // And on again, over what is remembered of the last time.
    drain(&bench, "POST").await;
    is_refused(&bench, "c2").await;
    bench.finish().await;
}

#[tokio::test]
async fn a_handover_that_no_timer_ends_is_open_too() {
    let timers = "queue = 0\nmax_age = 0\nreconcile_every = 0";
    let bench = Setup::default().timers(timers).start().await;
    bench.waiting("c1").await;
    assert_eq!(drain(&bench, "GET").await["open_handovers"], 1);
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(drain(&bench, "GET").await["open_handovers"], 0);
    bench.finish().await;
}

#[tokio::test]
async fn messages_do_not_ask_whether_it_is_on() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.steps.count();
    bench.user_says("c1", "hello").await;
    let before = bench.steps.taken();
    bench.until_quiet().await;
    drain(&bench, "POST").await;
    bench.steps.count();
    bench.user_says("c1", "hello again").await;
    assert_eq!(bench.steps.taken(), before);
    bench.until_quiet().await;
    bench.finish().await;
}
