//! Something breaks at every step between Cognigy.AI and RCE, and nobody is lost: see `crashes`.

use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::cognigy::Cognigy;
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use handover_stories::setup::BOT_KEY;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

use crate::cognigy::{HISTORY, SESSION, call};

/// The kit's call until it is taken.
async fn insists(bench: &Bench, id: &str, call: &Value) {
    let (authorization, mut call) = (format!("Bearer {BOT_KEY}"), call.clone());
    call["id"] = json!(id);
    let headers = [("authorization", authorization.as_str())];
    for _ in 0..5 {
        let reply = bench
            .try_request("POST", "/acme/handover/cognigy", &headers, call.to_string())
            .await;
        if reply.is_some_and(|reply| reply.status == 202) {
            return;
        }
    }
    panic!("the call is never accepted");
}

async fn recover(bench: &Bench) {
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
}

/// From the first word over an agent's long ones to the end, with a fault at one step or none. Returns how many steps it
/// took, and what agents can read.
async fn whole_story(fault: Option<(usize, Crash)>) -> (usize, Vec<String>) {
    let cognigy = Cognigy::start().await;
    cognigy.takes_unsigned();
    let setup = Setup::default().forward_only().by_hand();
    let bench = setup.bot_is(&cognigy.by_endpoint()).start().await;
    bench.steps.count();
    if let Some((number, crash)) = fault {
        bench.steps.break_at(number, crash);
    }
    let said = json!({"message": {"id": "m1", "text": "one"}});
    insists(&bench, "k1", &call("message.user", &said)).await;
    insists(
        &bench,
        "k2",
        &call("handover.requested", &json!({"reason": "two"})),
    )
    .await;
    recover(&bench).await;
    bench.rce.take(SESSION, SAM).expect("RCE agrees");
    // Two calls for one event.
    let long = format!("{} {}", "x".repeat(9_990), "y".repeat(100));
    bench
        .insist_source_sdk(&bench.agent_message(SESSION, "c-1", &long))
        .await;
    recover(&bench).await;
    insists(
        &bench,
        "k3",
        &call("profile.updated", &json!({"profile": {"firstname": "Ada"}})),
    )
    .await;
    insists(
        &bench,
        "k4",
        &call("presence.user", &json!({"state": "disconnected"})),
    )
    .await;
    recover(&bench).await;
    bench.rce.reply(SESSION, SAM, "bye").expect("RCE agrees");
    bench.rce.close(SESSION).expect("RCE agrees");
    let closed = bench.event("intervention.closed", SESSION, &json!({"user_id": SAM}));
    bench.insist_webhook(&[closed]).await;
    recover(&bench).await;

    let what = format!("{fault:?}");
    assert!(fault.is_none() || bench.steps.broke(), "{what} was never reached");
    let steps = bench.steps.taken();
    // A lost answer makes us say a thing again, under the same id; nothing is ever left out, or out of order.
    let mut taken: Vec<String> = cognigy
        .taken()
        .iter()
        .map(|call| {
            format!(
                "{} {} {}",
                call.does, call.body["data"]["bridge"]["eventId"], call.body["data"]["bridge"]["part"]
            )
        })
        .collect();
    let calls = taken.len();
    taken.dedup();
    assert!(calls <= taken.len() + 1, "{what}: more than one repeat");
    assert_eq!(taken.len(), 4, "{what}: {taken:?}");
    let mut shown = cognigy.shown(SESSION);
    shown.dedup();
    assert_eq!(shown, ["x".repeat(9_990), "y".repeat(100)], "{what}");
    let mut states = cognigy.states(SESSION);
    states.dedup();
    assert_eq!(states, ["active", "completed"], "{what}");
    assert_eq!(bench.handler(SESSION).await, "bot", "{what}");
    assert_eq!(bench.categories(SESSION), ["bot"], "{what}");
    let in_rce = bench.in_rce(SESSION);
    cognigy.check();
    bench.finish().await;
    (steps, in_rce)
}

#[tokio::test]
async fn nothing_is_lost_wherever_it_breaks() {
    let (steps, expected) = whole_story(None).await;
    let note = format!("{HISTORY}\nReason: two");
    assert_eq!(expected, ["one", &note, "The customer has disconnected.", "bye"]);
    assert!(steps > 40, "{steps} steps");
    for number in 1..=steps {
        for crash in Crash::ALL {
            let (_, found) = whole_story(Some((number, crash))).await;
            assert_eq!(found, expected, "{crash:?} at step {number} of {steps}");
        }
    }
}
