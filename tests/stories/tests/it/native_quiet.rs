//! On a channel of RCE's own the bot may have an intervention. When nobody speaks any more, it ends.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeKind, Reply};

use crate::native::finish;
use crate::native_agents::{answered, native};

const VIRTUAL_AGENT: &str = "5f0c00000000000000a9ffff";

async fn bench(lines: &'static str) -> Bench {
    let setup = Setup::default().on(NativeKind::WhatsApp).rce(|rce| {
        rce.virtual_agent_id = Some(VIRTUAL_AGENT.to_owned());
        rce.cases_reopen_anywhere = true;
    });
    native(setup, lines).await
}

/// Whether each intervention of a thread is open, oldest first.
fn open(bench: &Bench, thread: &str) -> Vec<bool> {
    bench.rce.read(|state| {
        let all = state.interventions(thread);
        all.map(|it| it.closed_at.is_none()).collect()
    })
}

async fn after(bench: &Bench, minutes: u64) {
    bench.pass(Duration::from_mins(minutes));
    bench.until_quiet().await;
}

#[tokio::test]
async fn after_half_an_hour_without_a_word_the_bots_intervention_ends_and_the_next_word_opens_it_again() {
    for (lines, how) in [
        (r#"bot_intervention = "always""#, "PUT /1.0/interventions/"),
        ("virtual_agent = true", "POST /1.0/bots/complete"),
    ] {
        let bench = bench(lines).await;
        let thread = answered(&bench).await;
        after(&bench, 20).await;
        bench.nadia_writes("Thank you");
        bench.until_quiet().await;
        bench.answers(&thread, "You are welcome").await;
        bench.until_quiet().await;
        after(&bench, 29).await;
        assert_eq!(open(&bench, &thread), [true], "{lines}");
        after(&bench, 2).await;
        assert_eq!(open(&bench, &thread), [false], "{lines}");
        let calls = bench.rce.requests();
        let ends = calls.iter().filter(|call| call.what.starts_with(how));
        assert_eq!(ends.count(), 1, "{lines}");
        assert_eq!(bench.handler(&thread).await, "bot");
        assert_eq!(bench.categories(&thread), ["bot"]);

        bench.nadia_writes("One more thing");
        bench.until_quiet().await;
        bench.answers(&thread, "Yes?").await;
        bench.until_quiet().await;
        assert_eq!(open(&bench, &thread), [true], "{lines}");
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet().await;
        assert_eq!(bench.categories(&thread), ["agent"]);
        // A virtual agent's intervention is given on, any other is ended.
        assert_eq!(open(&bench, &thread), [lines.starts_with("virtual")], "{lines}");
        bench.rce.take(&thread, SAM).expect("a waiting thread");
        bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
        bench.until_quiet().await;
        assert_eq!(bench.status(&thread).await, "active", "{lines}");
        after(&bench, 1).await;
        bench.rce.close(&thread).expect("an open case");
        bench.until_quiet().await;
        assert_eq!(bench.handler(&thread).await, "bot");
        assert_eq!(
            bench.said(&thread),
            ["On its way", "You are welcome", "Yes?", "Sam here"]
        );
        assert!(!bench.bot.kinds().contains(&"handover.queued".to_owned()));
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agent_who_has_the_bots_intervention_keeps_it_although_nobody_reported_that() {
    let bench = bench(r#"bot_intervention = "always""#).await;
    let thread = answered(&bench).await;
    bench.rce_reports(false);
    let asks = Reply {
        as_supervisor: true,
        ..Reply::from("Shall I send another one?")
    };
    bench.rce.reply(&thread, SAM, asks).expect("a reply");
    bench.settle().await;
    bench.rce_reports(true);
    after(&bench, 31).await;
    assert_eq!(open(&bench, &thread), [true]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_end_that_rce_does_not_answer_holds_nobody_up_and_comes_later() {
    for fault in [Fault::Drop, Fault::LoseAnswer] {
        let bench = bench(r#"bot_intervention = "always""#).await;
        let thread = answered(&bench).await;
        bench
            .rce
            .fail_next(FaultTarget::RestInterventions, fault.clone(), 20);
        after(&bench, 31).await;
        bench.nadia_writes("Hello again");
        bench.until_quiet().await;
        bench.answers(&thread, "Hello").await;
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread), ["On its way", "Hello"], "{fault:?}");
        bench.rce.clear_faults();
        after(&bench, 31).await;
        after(&bench, 31).await;
        assert_eq!(open(&bench, &thread), [false], "{fault:?}");
        assert_eq!(bench.categories(&thread), ["bot"]);
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn zero_is_never() {
    let setup = Setup::default()
        .on(NativeKind::WhatsApp)
        .timers("bot_intervention_idle = 0");
    let bench = native(setup, r#"bot_intervention = "always""#).await;
    let thread = answered(&bench).await;
    after(&bench, 600).await;
    assert_eq!(open(&bench, &thread), [true]);
    finish(bench, &thread).await;
}
