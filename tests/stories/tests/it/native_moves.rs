//! On a channel of RCE's own the thread's way to the agents and back may take long, or happen after we gave it up: it is no
//! sign of agents, and in the end the thread is where it belongs.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeKind};

use crate::native::finish;
use crate::native_agents::{answered, handovers, supervisors};
use crate::native_withdrawn::entries;

async fn chat() -> Bench {
    Setup::default().on(NativeKind::WhatsApp).start().await
}

/// Time passes in small steps while everybody does what they can.
async fn goes_on(bench: &Bench, time: Duration) {
    let step = Duration::from_millis(500);
    for _ in 0..time.as_millis() / step.as_millis() {
        bench.pass(step);
        bench.settle().await;
        bench.work().await;
    }
}

/// Sam comes unasked, answers and closes, before anything that waits is tried again.
async fn sam_comes_and_goes(bench: &Bench, thread: &str) {
    bench.rce.engage(thread, SAM).expect("a thread");
    bench
        .rce
        .reply(thread, SAM, supervisors("Sam here"))
        .expect("a reply");
    reports_are_worked_on(bench).await;
    bench.pass(Duration::from_millis(100));
    bench.rce.close(thread).expect("an open case");
    reports_are_worked_on(bench).await;
}

/// Time stands still: what waits goes on waiting.
async fn reports_are_worked_on(bench: &Bench) {
    bench.settle().await;
    while bench.work().await > 0 {
        bench.settle().await;
    }
}

/// Where the thread was said to be when the bot resumed.
async fn resumed_in(bench: &Bench, thread: &str) -> String {
    let resumed = entries(bench, thread, "bot.resumed").await;
    let last = resumed.last().expect("the bot resumed");
    last["category"].as_str().expect("a word").to_owned()
}

/// Somebody moves the thread to the agents by hand, and that is understood.
async fn moved_by_hand_it_is_with_agents(bench: &Bench, thread: &str) {
    goes_on(bench, Duration::from_mins(1)).await;
    bench.rce.move_to_agents(thread, SAM).expect("a thread");
    bench.nadia_writes("Who is there?");
    bench.until_quiet().await;
    assert_eq!(bench.status(thread).await, "queued");
    assert_eq!(bench.categories(thread), ["agent"]);
}

#[tokio::test]
async fn while_the_thread_is_still_to_be_put_back_the_person_is_the_bots() {
    let no_answer = (FaultTarget::RestCategorize, Fault::Drop);
    let busy = || Fault::Status(503, "busy".to_owned());
    for (target, fault) in [
        no_answer,
        (FaultTarget::RestCategorize, busy()),
        (FaultTarget::RestAny, busy()),
    ] {
        let bench = chat().await;
        let thread = answered(&bench).await;
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet().await;
        bench.rce.take(&thread, SAM).expect("a waiting thread");
        bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
        bench.until_quiet().await;
        bench.pass(Duration::from_secs(5));
        bench.rce.fail_next(target, fault.clone(), 1000);
        bench.rce.close(&thread).expect("an open case");
        goes_on(&bench, Duration::from_secs(1)).await;
        bench.nadia_writes("One more thing");
        goes_on(&bench, Duration::from_secs(5)).await;
        assert_eq!(resumed_in(&bench, &thread).await, "still to be restored");
        bench.nadia_writes("Hello?");
        goes_on(&bench, Duration::from_secs(2)).await;
        assert_eq!(bench.categories(&thread), ["agent"], "not put back yet");
        assert_eq!(bench.handler(&thread).await, "bot", "{target:?} {fault:?}");
        bench.rce.clear_faults();
        bench.until_quiet().await;
        assert_eq!(
            bench.heard_texts(),
            ["Where is my parcel?", "One more thing", "Hello?"]
        );
        assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
        assert_eq!(bench.categories(&thread), ["bot"], "{target:?} {fault:?}");
        moved_by_hand_it_is_with_agents(&bench, &thread).await;
        finish(bench, &thread).await;
    }
}

/// The bot asks for an agent, RCE does not answer the attempt to move the thread, and Sam comes and goes before the next one.
async fn ended_on_the_way(bench: &Bench) -> String {
    let thread = answered(bench).await;
    bench.rce.fail_next(FaultTarget::RestCategorize, Fault::Drop, 1);
    bench.asks_for_agent(&thread, json!({})).await;
    bench.work().await;
    sam_comes_and_goes(bench, &thread).await;
    assert_eq!(resumed_in(bench, &thread).await, "still to be restored");
    assert_eq!(handovers(bench), ["handover.active", "handover.completed"]);
    thread
}

#[tokio::test]
async fn an_agent_who_closes_before_our_move_came_to_its_end_is_not_back_because_of_it() {
    let bench = chat().await;
    let thread = ended_on_the_way(&bench).await;
    // RCE does now what it was asked for.
    bench.rce.move_to(&thread, "agent").expect("a thread");
    bench.nadia_writes("One more thing");
    reports_are_worked_on(&bench).await;
    assert_eq!(bench.heard_texts(), ["Where is my parcel?", "One more thing"]);
    bench.until_quiet().await;
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    assert_eq!(bench.categories(&thread), ["bot"]);
    moved_by_hand_it_is_with_agents(&bench, &thread).await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_move_of_ours_that_lands_after_the_thread_was_put_back_is_undone_when_the_person_writes() {
    let bench = chat().await;
    let thread = ended_on_the_way(&bench).await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["bot"]);
    bench.rce_reports(false);
    bench.rce.move_to(&thread, "agent").expect("a thread");
    bench.settle().await;
    bench.rce_reports(true);
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(bench.heard_texts(), ["Where is my parcel?", "One more thing"]);
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    moved_by_hand_it_is_with_agents(&bench, &thread).await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_move_of_ours_that_lands_late_is_undone_when_rce_reports_it() {
    let bench = chat().await;
    let thread = ended_on_the_way(&bench).await;
    bench.until_quiet().await;
    bench.rce.move_to(&thread, "agent").expect("a thread");
    bench
        .webhook(&[bench.rce.event("intervention.recategorized", &thread, &json!({}))])
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_move_of_ours_that_lands_late_and_unheard_is_undone_within_half_a_minute() {
    let bench = chat().await;
    let thread = ended_on_the_way(&bench).await;
    bench.until_quiet().await;
    bench.rce_reports(false);
    bench.rce.move_to(&thread, "agent").expect("a thread");
    bench.settle().await;
    goes_on(&bench, Duration::from_secs(25)).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    goes_on(&bench, Duration::from_secs(10)).await;
    bench.rce_reports(true);
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    let looks = bench.asked_rce("GET /1.0/content_threads/");
    goes_on(&bench, Duration::from_mins(2)).await;
    assert_eq!(
        bench.asked_rce("GET /1.0/content_threads/"),
        looks,
        "it was looked at once"
    );
    moved_by_hand_it_is_with_agents(&bench, &thread).await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_who_takes_it_while_our_move_may_still_land_has_it() {
    let bench = chat().await;
    let thread = ended_on_the_way(&bench).await;
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce_reports(false);
    bench.rce.move_to_agents(&thread, SAM).expect("a thread");
    bench.rce.engage(&thread, SAM).expect("a thread");
    bench.settle().await;
    bench.rce_reports(true);
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(bench.categories(&thread), ["agent"]);
    goes_on(&bench, Duration::from_mins(1)).await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_way_back_that_lands_in_the_next_handover_takes_the_person_from_no_queue() {
    let bench = chat().await;
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).expect("a waiting thread");
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Drop, 1000);
    bench.rce.close(&thread).expect("an open case");
    goes_on(&bench, Duration::from_secs(1)).await;
    bench.asks_for_agent(&thread, json!({})).await;
    goes_on(&bench, Duration::from_secs(6)).await;
    bench.rce.clear_faults();
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "queued");
    // RCE puts it back now, as it was asked to before.
    bench.rce_reports(false);
    bench.rce.move_to(&thread, "bot").expect("a thread");
    bench.settle().await;
    bench.rce_reports(true);
    goes_on(&bench, Duration::from_mins(2)).await;
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.categories(&thread), ["agent"]);
    let started = entries(&bench, &thread, "handover.started").await;
    assert_eq!(started.len(), 2, "each handover once");
    // What somebody does by hand after that counts.
    bench.rce.move_to_bot(&thread, SAM).expect("a thread");
    goes_on(&bench, Duration::from_mins(2)).await;
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}
