//! What stories told by chance have found (`tests/model`), each told once more by hand.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, SimulatedRingcx};

const GAP: Duration = Duration::from_secs(5);

/// All that RCE has to report, in order.
fn events(rce: &SimulatedRingcx) -> Vec<Value> {
    rce.read(|state| state.events().cloned().collect())
}

#[tokio::test]
async fn the_first_handover_counts_although_the_clock_of_ringcx_is_an_hour_behind() {
    let bench = Setup::default().by_hand().rce_ahead(-3600).start().await;
    // All within a second, so that the time of the thread's last change does not tell when it was moved.
    bench.waiting("c1").await;
    bench.pass(GAP);
    bench.rce.take("c1", SAM).unwrap();
    bench.webhook(&events(&bench.rce)).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "active");
    bench.pass(GAP);
    bench.rce.close("c1").unwrap();
    bench.webhook(&events(&bench.rce)).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "completed");
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_thread_that_we_have_not_moved_yet_was_not_taken_back_by_anybody() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    bench.pass(GAP);
    bench.asks_for_agent("c1", json!({})).await;
    // A place that was on its way when the first handover ended.
    bench.queue_position("c1", 1, &json!(30)).await;
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::RestCategorize, busy, 3);
    bench.work().await;
    bench.pass(Duration::from_secs(61));
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(bench.categories("c1"), ["agent"]);
    assert_eq!(bench.bot.kinds(), ["handover.cancelled", "handover.queued"]);
    bench.finish().await;
}

#[tokio::test]
async fn what_was_found_out_about_a_handover_that_is_over_by_now_begins_none() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    bench.pass(GAP);
    bench.rce.engage("c1", SAM).unwrap();
    bench.pass(GAP);
    // On its way when the agent closes: it will open the intervention again.
    bench.user_says("c1", "thanks").await;
    bench.rce.close("c1").unwrap();
    bench.webhook(&events(&bench.rce)).await;
    bench.pass(Duration::from_secs(61));
    bench.work().await;
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_some()));
    assert_eq!(bench.bot.kinds(), ["handover.active", "handover.completed"]);
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn our_own_move_of_a_thread_that_is_still_to_be_put_back_is_no_takeover() {
    let setup = Setup::default().ringcx("requests_per_minute = 1000");
    let bench = setup.by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    bench.pass(GAP);
    bench.asks_for_agent("c1", json!({})).await;
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::LoseAnswer, 1);
    bench.work().await;
    assert_eq!(bench.categories("c1"), ["agent"], "and we do not know it yet");
    bench.ends_handover("c1", json!({})).await;
    // Putting it back takes longer than the bot waits for.
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::SendApi, busy, 8);
    let created = json!({"issued_at": "2026-01-01T00:00:06Z"});
    let created = bench.event("task.created", "c1", &created);
    assert_eq!(bench.webhook(&[created]).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.kinds(), ["handover.cancelled"]);
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

/// Somebody waits before agents, in RCE too.
async fn is_in_the_queue(bench: &Bench) {
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(bench.categories("c1"), ["agent"]);
    assert_eq!(bench.rce.read(|state| state.queue().count()), 1);
}

fn busy(bench: &Bench, target: FaultTarget) {
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(target, busy, 1);
}

#[tokio::test]
async fn who_asks_again_while_an_agents_end_is_carried_out_comes_into_the_queue() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(GAP);
    bench.rce.close("c1").unwrap();
    busy(&bench, FaultTarget::RestThread);
    bench.webhook(&events(&bench.rce)).await;
    bench.work().await;
    assert_eq!(bench.categories("c1"), ["agent"], "not put back yet");
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    is_in_the_queue(&bench).await;
    bench.finish().await;
}

#[tokio::test]
async fn who_asks_again_while_the_last_handover_is_tidied_up_comes_into_the_queue() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(GAP);
    bench.ends_handover("c1", json!({})).await;
    busy(&bench, FaultTarget::RestThread);
    bench.work().await;
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_none()));
    assert_eq!(bench.categories("c1"), ["agent"], "not put back yet");
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    is_in_the_queue(&bench).await;
    bench.finish().await;
}

#[tokio::test]
async fn an_end_that_is_heard_of_after_an_agent_came_back_is_none() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    bench.pass(GAP);
    bench.rce.take("c1", SAM).unwrap();
    bench.pass(GAP);
    // Without an answer there is no intervention that the end could name.
    bench.rce.close("c1").unwrap();
    bench.pass(GAP);
    bench.rce.engage("c1", SAM).unwrap();
    for event in events(&bench.rce).iter().rev() {
        bench.webhook(std::slice::from_ref(event)).await;
    }
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    assert_eq!(bench.categories("c1"), ["agent"]);
    assert_eq!(bench.status("c1").await, "active");
    bench.finish().await;
}
