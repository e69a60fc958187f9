//! Something breaks at every step between Chatlayer and RCE, and nobody is lost: see `crashes`.

use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::Bench;
use handover_stories::chatlayer::{Chatlayer, VERIFY_TOKENS};
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use serde_json::{Value, json};

use crate::chatlayer::DIALOGS;

/// Chatlayer's event until it is answered with 200.
async fn insists(bench: &Bench, event: &Value) -> Value {
    let path = format!(
        "/acme/handover/chatlayer?challenge.verifyToken={}",
        VERIFY_TOKENS[0]
    );
    for _ in 0..5 {
        let reply = bench.try_request("POST", &path, &[], event.to_string()).await;
        if let Some(reply) = reply.filter(|reply| reply.status == 200) {
            return reply.json();
        }
    }
    panic!("the event is never accepted");
}

async fn recover(bench: &Bench) {
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
}

/// From the first word over the agent's to the end, with a fault at one step or none. Returns how many steps it took, and
/// what agents can read.
async fn whole_story(forward_only: bool, fault: Option<(usize, Crash)>) -> (usize, Vec<String>) {
    let chatlayer = Chatlayer::start().await;
    let setup = chatlayer.setup().section(DIALOGS).by_hand();
    let setup = if forward_only { setup.forward_only() } else { setup };
    let bench = setup.start().await;
    let said = [
        chatlayer.of_user(&bench, "s1", &json!({"text": "one"})),
        chatlayer.of_bot(&bench, &json!({"text": "two"})),
    ];
    let mut messages = chatlayer.event(&bench, "s1", "messages");
    messages["messages"] = json!(said);
    let mut offload = chatlayer.offload_event(&bench, "s1", &json!({"reason": "three"}));
    offload["transcript"] = json!(said);

    bench.steps.count();
    if let Some((number, crash)) = fault {
        bench.steps.break_at(number, crash);
    }
    insists(&bench, &messages).await;
    bench.work().await;
    let answer = insists(&bench, &offload).await;
    assert_eq!(answer, json!({"offloadSuccess": true, "pauseBot": true}));
    recover(&bench).await;
    bench.rce.take("s1", SAM).expect("RCE agrees");
    let taken = bench.event("task.taken", "s1", &json!({"user_id": SAM}));
    bench.insist_webhook(&[taken]).await;
    bench
        .insist_source_sdk(&bench.agent_message("s1", "c-1", "hello"))
        .await;
    recover(&bench).await;
    bench.rce.reply("s1", SAM, "hello").expect("RCE agrees");
    bench.rce.close("s1").expect("RCE agrees");
    let closed = bench.event("intervention.closed", "s1", &json!({"user_id": SAM}));
    bench.insist_webhook(&[closed]).await;
    recover(&bench).await;

    let what = format!("{fault:?}");
    assert!(fault.is_none() || bench.steps.broke(), "{what} was never reached");
    let steps = bench.steps.taken();
    let mut session = chatlayer.session("s1");
    // A lost answer makes us say a thing again; nothing is ever left out, or out of order.
    for list in [&mut session.shown, &mut session.dialogs] {
        assert!(list.len() <= 3, "{what}: {list:?}");
        list.dedup();
    }
    assert_eq!(session.shown, ["hello"], "{what}");
    assert_eq!(session.dialogs, ["hello-agent", "welcome-back"], "{what}");
    assert!(!session.paused && (1..=2).contains(&session.resumes), "{what}");
    assert_eq!(bench.handler("s1").await, "bot", "{what}");
    assert_eq!(bench.categories("s1"), ["bot"], "{what}");
    let in_rce = bench.in_rce("s1");
    chatlayer.check();
    bench.finish().await;
    (steps, in_rce)
}

#[tokio::test]
async fn nothing_is_lost_wherever_it_breaks() {
    // The ways through the bridge differ in what a message does only: one of them is broken in every way.
    let some: &[Crash] = &[Crash::DeadAfter];
    for (forward_only, crashes) in [(true, &Crash::ALL[..]), (false, some)] {
        let (steps, expected) = whole_story(forward_only, None).await;
        assert_eq!(expected[..3], ["one", "two", "Reason: three"]);
        assert!(steps > 40, "{steps} steps");
        for number in 1..=steps {
            for crash in crashes {
                let (_, found) = whole_story(forward_only, Some((number, *crash))).await;
                assert_eq!(found, expected, "{crash:?} at step {number} of {steps}");
            }
        }
    }
}
