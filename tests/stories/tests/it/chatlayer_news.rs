//! With the four events that the removed provider asked for, and no others.

use std::time::Duration;

use handover_stories::chatlayer::Chatlayer;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

use crate::chatlayer::{DIALOGS, waiting};

const FOUR: [&str; 4] = ["task.created", "task.taken", "task.completed", "task.destroyed"];

fn four(setup: Setup) -> Setup {
    setup
        .section(DIALOGS)
        .rce(|rce| rce.registered_events = FOUR.map(str::to_owned).to_vec())
}

#[track_caller]
fn is_back(chatlayer: &Chatlayer, session: &str) {
    let seen = chatlayer.session(session);
    assert_eq!((seen.paused, seen.resumes), (false, 1), "{seen:?}");
    assert_eq!(seen.dialogs, ["hello-agent", "welcome-back"]);
}

#[tokio::test]
async fn the_four_events_alone_carry_a_handover_there_and_back() {
    let chatlayer = Chatlayer::start().await;
    let bench = four(chatlayer.setup()).start().await;
    waiting(&chatlayer, &bench, "s1").await;
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "queued");
    bench.rce.take("s1", SAM).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "active");
    bench.rce.reply("s1", SAM, "Hello").unwrap();
    // Putting it aside completes the task and ends nothing.
    bench.rce.defer("s1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "active");
    assert!(chatlayer.session("s1").paused);
    bench.rce.reactivate("s1").unwrap();
    bench.rce.take("s1", SAM).unwrap();
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    is_back(&chatlayer, "s1");
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_task_that_is_destroyed_is_an_end_only_if_ringcx_says_so() {
    let chatlayer = Chatlayer::start().await;
    let bench = four(chatlayer.setup()).start().await;
    for session in ["deferred", "closed", "dismissed"] {
        waiting(&chatlayer, &bench, session).await;
        bench.until_quiet().await;
        bench.pass(Duration::from_secs(10));
        if session != "dismissed" {
            bench.rce.take(session, SAM).unwrap();
            bench.rce.reply(session, SAM, "Hello").unwrap();
            bench.until_quiet().await;
        }
        match session {
            "deferred" => bench.rce.defer_from_folder(session, SAM).unwrap(),
            "closed" => bench.rce.close_from_folder(session, SAM).unwrap(),
            _ => bench.rce.ignore(session).unwrap(),
        }
        bench.until_quiet().await;
        if session == "deferred" {
            assert!(chatlayer.session(session).paused);
            assert_eq!(bench.status(session).await, "active");
        } else {
            is_back(&chatlayer, session);
        }
    }
    chatlayer.check();
    bench.finish().await;
}

/// A handover whose thread and intervention exist at RCE, which reports nothing by itself; and what it would have
/// reported: taken, put aside, taken again, closed.
async fn unreported(chatlayer: &Chatlayer, bench: &Bench) -> Vec<Value> {
    waiting(chatlayer, bench, "s1").await;
    bench.work().await;
    bench.pass(Duration::from_secs(10));
    let mut events = vec![bench.event("task.created", "s1", &json!({}))];
    let mut note = |bench: &Bench, kind: &str, changes: Value| {
        bench.pass(Duration::from_secs(10));
        events.push(bench.event(kind, "s1", &changes));
    };
    bench.rce.take("s1", SAM).expect("RCE agrees");
    note(bench, "task.taken", json!({"user_id": SAM}));
    bench.rce.reply("s1", SAM, "Hello").expect("RCE agrees");
    note(bench, "task.completed", json!({"action": "deferred"}));
    note(bench, "task.created", json!({}));
    note(bench, "task.taken", json!({"user_id": SAM}));
    bench.rce.close("s1").expect("RCE agrees");
    note(bench, "task.completed", json!({"action": "closed"}));
    note(bench, "task.destroyed", json!({}));
    events
}

#[tokio::test]
async fn the_four_events_may_come_in_any_order_and_more_than_once() {
    // Every rotation, forwards and backwards.
    for turn in 0..7 {
        for backwards in [false, true] {
            let chatlayer = Chatlayer::start().await;
            let bench = chatlayer.setup().section(DIALOGS).by_hand().start().await;
            let mut events = unreported(&chatlayer, &bench).await;
            events.rotate_left(turn);
            if backwards {
                events.reverse();
            }
            for event in &events {
                assert_eq!(bench.webhook(&[event.clone(), event.clone()]).await, 200);
                bench.until_quiet_by_hand().await;
            }
            assert_eq!(bench.webhook(&events).await, 200);
            bench.until_quiet_by_hand().await;
            is_back(&chatlayer, "s1");
            assert_eq!(bench.looks_at("s1").await["handover"]["epoch"], 1);
            chatlayer.check();
            bench.finish().await;
        }
    }
}

#[tokio::test]
async fn without_any_event_the_end_is_found_out() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().section(DIALOGS).by_hand().start().await;
    unreported(&chatlayer, &bench).await;
    assert!(chatlayer.session("s1").paused);
    bench.pass(Duration::from_mins(2));
    bench.until_quiet_by_hand().await;
    is_back(&chatlayer, "s1");
    chatlayer.check();
    bench.finish().await;
}
