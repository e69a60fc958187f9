//! What is an end of a handover, and what is none.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::SimulatedRingcx;

use crate::by_hand::{by_hand, ends, tell};

#[tokio::test]
async fn br_057_deferring_and_transferring_are_no_end() {
    let bench = by_hand().await;
    let deferred = json!({"action": "deferred", "metadata": {"action": "deferred"}});
    let disagreeing = json!({"action": "closed", "metadata": {"action": "deferred"}});
    for (kind, changes) in [
        ("intervention.deferred", json!({})),
        ("task.completed", deferred),
        ("task.completed", disagreeing),
        ("task.completed", json!({})),
        ("task.transferred", json!({})),
        ("task.expired_from_workbin", json!({})),
        ("task.undelivered", json!({})),
        ("intervention.reactivated", json!({})),
        ("intervention.recategorized", json!({})),
        ("task.destroyed", json!({})),
    ] {
        tell(&bench, &bench.event(kind, "c1", &changes)).await;
        assert_eq!(bench.handler("c1").await, "agent", "{kind}");
    }
    assert_eq!(bench.bot.kinds(), ["handover.active", "handover.deferred"]);
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_058_each_of_the_vendors_ends_is_one_end() {
    for (kind, changes, cause) in [
        ("intervention.closed", json!({}), "agent_closed"),
        (
            "intervention.closed",
            json!({"metadata": {"closed_at": null}}),
            "agent_closed",
        ),
        ("intervention.canceled", json!({}), "agent_cancelled"),
        (
            "task.completed",
            json!({"metadata": {"action": "closed"}}),
            "agent_closed",
        ),
    ] {
        let bench = by_hand().await;
        tell(&bench, &bench.event(kind, "c1", &changes)).await;
        // The others that follow the same click.
        for (kind, changes) in [
            ("intervention.closed", json!({})),
            ("task.completed", json!({"metadata": {"action": "closed"}})),
            ("task.destroyed", json!({})),
        ] {
            tell(&bench, &bench.event(kind, "c1", &changes)).await;
        }
        assert_eq!(ends(&bench), [1], "{kind}");
        assert_eq!(
            bench.bot.only("handover.completed").data()["cause"],
            cause,
            "{kind}"
        );
        assert_eq!(bench.categories("c1"), ["bot"]);
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_destroyed_task_is_an_end_only_if_nothing_is_open() {
    let bench = by_hand().await;
    tell(&bench, &bench.event("task.destroyed", "c1", &json!({}))).await;
    assert_eq!(bench.status("c1").await, "active", "the intervention is open");
    bench.rce.close("c1").unwrap();
    tell(&bench, &bench.event("task.destroyed", "c1", &json!({}))).await;
    assert_eq!(bench.status("c1").await, "completed");
    bench.finish().await;
}

#[tokio::test]
async fn the_guides_single_event_is_enough_and_so_are_the_four_of_the_other_guide() {
    for registered in [
        &["intervention.closed"][..],
        &["task.created", "task.taken", "task.completed", "task.destroyed"],
    ] {
        let bench = Setup::default()
            .rce(|rce| rce.registered_events = registered.iter().map(|name| (*name).to_owned()).collect())
            .start()
            .await;
        bench.with_agent("c1").await;
        assert_eq!(bench.bot.texts(), ["Hello, Sam here"]);
        bench.rce.close("c1").unwrap();
        bench.until_quiet().await;
        assert_eq!(ends(&bench), [1], "{registered:?}");
        assert_eq!(bench.categories("c1"), ["bot"]);
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_waiting_person_whom_an_agent_dismisses_is_not_left_alone() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    bench.rce.ignore("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(
        bench.bot.only("handover.completed").data()["cause"],
        "agent_cancelled"
    );
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_person_whom_an_agent_takes_and_dismisses_without_a_word_is_not_left_alone() {
    for dismiss in [SimulatedRingcx::cancel, SimulatedRingcx::ignore] {
        let bench = Bench::new().await;
        bench.waiting("c1").await;
        bench.rce.take("c1", SAM).unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.status("c1").await, "active");
        // No intervention was ever opened, so only the task tells of it.
        dismiss(&bench.rce, "c1").unwrap();
        bench.until_quiet().await;
        assert_eq!(ends(&bench), [1]);
        let told = bench.bot.only("handover.completed");
        assert_eq!(told.data()["cause"], "agent_cancelled");
        assert_eq!(bench.handler("c1").await, "bot");
        assert_eq!(bench.categories("c1"), ["bot"]);
        // The next one is another one, whatever is still said of the first.
        bench.with_agent("c1").await;
        assert_eq!(bench.handler("c1").await, "agent");
        bench.finish().await;
    }
}

/// Somebody whom agents have answered before waits for them again.
pub(crate) async fn waiting_again(bench: &Bench) {
    bench.with_agent("c1").await;
    bench.rce.close("c1").expect("an open case");
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(10));
    bench.waiting("c1").await;
}

#[tokio::test]
async fn who_is_dismissed_in_a_later_handover_is_not_left_alone_because_of_what_was_answered_before() {
    for dismiss in [SimulatedRingcx::cancel, SimulatedRingcx::ignore] {
        let bench = Bench::new().await;
        waiting_again(&bench).await;
        bench.rce.take("c1", SAM).unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.status("c1").await, "active");
        dismiss(&bench.rce, "c1").unwrap();
        bench.until_quiet().await;
        assert_eq!(ends(&bench), [1, 2]);
        assert_eq!(bench.handler("c1").await, "bot");
        assert_eq!(bench.categories("c1"), ["bot"]);
        bench.finish().await;
    }
}
