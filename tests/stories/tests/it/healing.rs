//! What RCE reported and we never heard is found out: by looking after handovers, with few questions.

use std::time::Duration;

use handover_core::job::QueueName;
use handover_stories::desk::{MIRA, SAM};
use handover_stories::logs::Logs;
use handover_stories::{Bench, Heard, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, Rights, WebhookBehaviour};

use crate::by_hand::ends;
use crate::ends::waiting_again;

/// Until the next moment at which all handovers are looked after, and a little more.
async fn a_minute_later(bench: &Bench) {
    bench.pass(Duration::from_secs(61));
    bench.work().await;
    bench.until_quiet().await;
}

/// RCE's reports get lost from now on.
fn lose_webhooks(bench: &Bench) {
    bench.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
}

#[tokio::test]
async fn br_070_a_close_that_was_never_reported_is_healed_within_a_minute() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    lose_webhooks(&bench);
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "agent", "who could know?");
    a_minute_later(&bench).await;
    assert_eq!(ends(&bench), [1]);
    assert_eq!(
        bench.bot.only("handover.completed").data()["cause"],
        "agent_closed"
    );
    assert_eq!(
        (bench.handler("c1").await, bench.categories("c1")),
        ("bot".into(), vec!["bot".to_owned()])
    );
    a_minute_later(&bench).await;
    assert_eq!(ends(&bench), [1], "once");
    bench.finish().await;
}

#[tokio::test]
async fn br_070_the_report_that_comes_after_all_changes_nothing() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.rce.close("c1").unwrap();
    let late = [
        bench.event("intervention.closed", "c1", &json!({"id": "e1"})),
        bench.event(
            "task.completed",
            "c1",
            &json!({"id": "e2", "metadata": {"action": "closed"}}),
        ),
    ];
    bench.pass(Duration::from_secs(61));
    bench.work().await;
    assert_eq!(ends(&bench), [1]);
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    bench.webhook(&late).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(ends(&bench), [1]);
    bench.finish().await;
}

#[tokio::test]
async fn a_cancelled_case_and_a_thread_given_back_are_found_too() {
    let bench = Setup::default().rce(|rce| rce.task_mode = false).start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    bench.rce.take("c1", SAM).unwrap();
    bench.until_quiet().await;
    lose_webhooks(&bench);
    bench.rce.cancel("c1").unwrap();
    a_minute_later(&bench).await;
    assert_eq!(
        bench.bot.only("handover.completed").data()["cause"],
        "agent_cancelled"
    );
    bench.finish().await;

    let bench = Bench::new().await;
    bench.waiting("c1").await;
    lose_webhooks(&bench);
    bench.rce.move_to_bot("c1", SAM).unwrap();
    a_minute_later(&bench).await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(
        bench.bot.only("handover.completed").data()["cause"],
        "agent_cancelled"
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_joined_unheard_is_introduced() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    lose_webhooks(&bench);
    bench.rce.engage("c1", SAM).unwrap();
    a_minute_later(&bench).await;
    let active = bench.bot.only("handover.active");
    assert_eq!(active.data()["agent"]["name"], "Sam");
    bench.finish().await;
}

#[tokio::test]
async fn deferring_is_no_end_however_often_one_looks() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    lose_webhooks(&bench);
    bench.rce.defer("c1").unwrap();
    for _ in 0..3 {
        a_minute_later(&bench).await;
    }
    assert_eq!(bench.handler("c1").await, "agent");
    assert_eq!(ends(&bench), [0; 0]);
    bench.finish().await;
}

#[tokio::test]
async fn an_outage_longer_than_rce_repeats_itself_is_healed_at_the_start() {
    let bench = Bench::new().await;
    for conversation in ["c1", "c2", "c3"] {
        bench.with_agent(conversation).await;
    }
    lose_webhooks(&bench);
    bench.pass(Duration::from_hours(4));
    bench.rce.close("c1").unwrap();
    bench.rce.close("c3").unwrap();
    bench.pass(Duration::from_hours(4));
    bench.work().await;
    bench.until_quiet().await;
    let handlers = [
        bench.handler("c1").await,
        bench.handler("c2").await,
        bench.handler("c3").await,
    ];
    assert_eq!(handlers, ["bot", "agent", "bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn an_old_case_does_not_end_a_new_handover() {
    let bench = Bench::new().await;
    for epoch in 1..=3 {
        bench.with_agent("c1").await;
        a_minute_later(&bench).await;
        assert_eq!(bench.handler("c1").await, "agent", "{epoch}");
        bench.rce.close("c1").unwrap();
        bench.until_quiet().await;
        bench.waiting("c1").await;
        a_minute_later(&bench).await;
        assert_eq!(bench.status("c1").await, "queued", "{epoch}");
        bench.ends_handover("c1", json!({})).await;
        bench.until_quiet().await;
    }
    bench.finish().await;
}

#[tokio::test]
async fn br_070_many_handovers_are_looked_after_with_few_questions() {
    let bench = Setup::default().timers("queue = 0").start().await;
    let names: Vec<String> = (0..40).map(|n| format!("c{n}")).collect();
    for name in &names {
        bench.user_says(name, "hi").await;
        bench.asks_for_agent(name, json!({})).await;
    }
    bench.until_quiet().await;
    for name in names.iter().take(20) {
        bench.rce.engage(name, SAM).unwrap();
        bench
            .rce
            .reply(name, SAM, handover_stories_reply("hello"))
            .unwrap();
    }
    bench.until_quiet().await;
    lose_webhooks(&bench);
    for name in names.iter().take(10) {
        bench.rce.close_from_folder(name, SAM).unwrap();
    }
    let before = bench.asked_rce("GET /1.0/");
    bench.pass(Duration::from_secs(61));
    bench.work().await;
    for name in names.iter().take(10) {
        let seen = bench.looks_at(name).await;
        assert_eq!(seen["handover"]["status"], "completed", "{name}");
    }
    let returns = 10; // each thread is read once to put it back
    let asked = bench.asked_rce("GET /1.0/") - before - returns;
    assert!(asked <= 15, "{asked} questions are more than 5 % of 300");
    bench.until_quiet().await;
    // As long as nothing changes it stays so.
    let before = bench.asked_rce("GET /1.0/");
    for _ in 0..5 {
        bench.pass(Duration::from_mins(1));
        bench.work().await;
    }
    let asked = bench.asked_rce("GET /1.0/") - before;
    assert!(asked <= 5 * 15, "{asked} questions in five minutes");
    bench.finish().await;
}

fn handover_stories_reply(text: &str) -> simulated_ringcx::Reply {
    simulated_ringcx::Reply {
        as_supervisor: true,
        ..simulated_ringcx::Reply::from(text)
    }
}

#[tokio::test]
async fn an_account_that_may_not_read_interventions_works_with_less_and_that_is_logged_once() {
    let logs = Logs::capture();
    let bench = Setup::default()
        .timers("queue = 300\nagent_idle = 300")
        .start()
        .await;
    bench.rce.set_rights(Rights {
        may_monitor: false,
        may_read_time_sheets: false,
        may_read_interventions: false,
    });
    bench.with_agent("c1").await;
    let closed = bench.bot.kinds().len();
    a_minute_later(&bench).await;
    assert_eq!(bench.bot.kinds().len(), closed);
    // A task that is gone tells nothing then; the close itself does.
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(ends(&bench), [1]);
    // Who leaves is still taken out of the queue.
    bench.waiting("c1").await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.rce.read(|state| state.queue().count()), 0);
    // And the timers still end what nobody ends.
    bench.with_agent("c1").await;
    lose_webhooks(&bench);
    bench.rce.close("c1").unwrap();
    bench.pass(Duration::from_secs(301));
    bench.work().await;
    bench.until_quiet().await;
    let last = bench.bot.taken().pop().unwrap();
    assert_eq!((last.kind(), last.epoch()), ("handover.timed_out", 3));
    // Who runs the bridge reads once, and not with every call, what it goes without.
    let logged = logs.text();
    for operation in ["interventions", "time_sheets"] {
        let said = logged
            .lines()
            .filter(|line| line.contains("may not do this") && line.contains(&format!("\"{operation}\"")));
        assert_eq!(said.count(), 1, "{operation}: {logged}");
    }
    bench.finish().await;
}

#[tokio::test]
async fn an_rce_that_does_not_answer_stops_nobody() {
    let bench = Setup::default().timers("queue = 600").start().await;
    bench.with_agent("c1").await;
    for target in [FaultTarget::RestInterventions, FaultTarget::RestThread] {
        bench
            .rce
            .fail_next(target, Fault::Status(503, "busy".to_owned()), 1_000);
    }
    lose_webhooks(&bench);
    bench.rce.close("c1").unwrap();
    for _ in 0..3 {
        a_minute_later(&bench).await;
    }
    assert_eq!(bench.handler("c1").await, "agent");
    let destroyed = bench.event("task.destroyed", "c1", &json!({}));
    bench.webhook(&[destroyed]).await;
    bench
        .agent_writes("c1", "66aa", "words behind a question that RCE does not answer")
        .await;
    bench.until_quiet().await;
    assert_eq!(
        bench.bot.texts().len(),
        2,
        "the agent's words are told all the same"
    );
    bench.rce.clear_faults();
    a_minute_later(&bench).await;
    assert_eq!(ends(&bench), [1], "healed as soon as RCE answers");
    bench.finish().await;
}

#[tokio::test]
async fn rce_s_clock_may_be_an_hour_off_in_either_direction() {
    for seconds in [3_600, -3_600, 240, -240] {
        let bench = Setup::default().rce_ahead(seconds).start().await;
        for epoch in 1..=3_u64 {
            bench.with_agent("c1").await;
            bench.rce.transfer("c1", MIRA).unwrap();
            bench.until_quiet().await;
            bench.rce.close("c1").unwrap();
            bench.until_quiet().await;
            assert_eq!(ends(&bench).last(), Some(&epoch), "{seconds} s");
            assert_eq!(bench.handler("c1").await, "bot", "{seconds} s");
        }
        bench.with_agent("c1").await;
        lose_webhooks(&bench);
        bench.rce.close("c1").unwrap();
        a_minute_later(&bench).await;
        assert_eq!(
            ends(&bench),
            [1, 2, 3, 4],
            "{seconds} s: a lost close is found too"
        );
        bench.finish().await;
    }
}

#[tokio::test]
async fn ten_handovers_in_one_conversation_are_ten_handovers() {
    let bench = Bench::new().await;
    for epoch in 1..=10_u64 {
        let thread_is_locked = epoch % 3 == 0;
        if thread_is_locked {
            bench.rce.close_thread("c1").unwrap();
            bench.until_quiet().await;
        }
        bench.with_agent("c1").await;
        let said = bench.user_says("c1", "thanks").await;
        assert_eq!(said["handler"], "agent");
        bench.until_quiet().await;
        match epoch % 4 {
            0 => {
                bench.ends_handover("c1", json!({"cause": "bot_ended"})).await;
            }
            1 => bench.rce.close_from_folder("c1", SAM).unwrap(),
            _ => bench.rce.close("c1").unwrap(),
        }
        bench.until_quiet().await;
        assert_eq!(bench.handler("c1").await, "bot", "{epoch}");
        assert_eq!(bench.categories("c1"), ["bot"], "{epoch}");
        let last = bench.bot.taken().pop().unwrap();
        assert_eq!((last.epoch(), is_end(&last)), (epoch, true), "{}", last.kind());
    }
    bench.finish().await;
}

fn is_end(heard: &Heard) -> bool {
    matches!(heard.kind(), "handover.completed" | "handover.cancelled")
}

#[tokio::test]
async fn words_of_the_second_of_their_close_are_the_last_ones_though_heard_of_later() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(Duration::from_secs(30));
    let mut words = bench.agent_message("c1", "66aa", "It is on its way. Bye");
    words["params"]["created_at"] = json!(bench.clock_now().to_string());
    bench.rce.close("c1").unwrap();
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    bench.source_sdk(&words).await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(
        bench.bot.texts().last().map(String::as_str),
        Some("It is on its way. Bye")
    );
    assert!(
        !bench
            .bot
            .kinds()
            .iter()
            .skip_while(|kind| *kind != "handover.completed")
            .any(|kind| kind == "handover.active")
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_end_that_comes_while_the_thread_is_moved_puts_it_back() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_mins(1));
    bench.asks_for_agent("c1", json!({})).await;
    bench.pass(Duration::from_secs(3));
    let asked = bench.asked_rce("GET");
    // RCE moves the thread a moment after it was asked to; meanwhile an agent has opened and closed it from a folder.
    let slow = Fault::Delay(Duration::from_millis(300));
    bench.rce.fail_next(FaultTarget::RestCategorize, slow, 1);
    let starts = bench.work_on(QueueName::ToRingcx);
    let ends = async {
        while bench.asked_rce("GET") == asked {
            tokio::task::yield_now().await;
        }
        let mut closed = bench.event("intervention.closed", "c1", &json!({"user_id": SAM}));
        closed["resource"]["id"] = json!("5f0c0000000000000000e0e0");
        bench.webhook(&[closed]).await;
        bench.work_on(QueueName::ToBot).await;
    };
    tokio::join!(starts, ends);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn late_events_of_an_end_do_not_end_the_handover_after_it() {
    for (kind, change) in [
        ("task.completed", json!({"metadata": {"action": "closed"}})),
        ("task.destroyed", json!({})),
        ("intervention.closed", json!({})),
    ] {
        let bench = Setup::default().by_hand().start().await;
        bench.with_agent_by_hand("c1").await;
        bench.pass(Duration::from_secs(30));
        bench.rce.close("c1").unwrap();
        let closed = bench.event("intervention.closed", "c1", &json!({}));
        // RCE reports the same end again, seconds later, under another name.
        let mut late = bench.event(kind, "c1", &change);
        bench.webhook(&[closed]).await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(3));
        bench.asks_for_agent("c1", json!({})).await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(4));
        late["id"] = json!("late-1");
        late["issued_at"] = json!(bench.clock_now().to_string());
        bench.webhook(&[late]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.status("c1").await, "queued", "{kind}");
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_dismissal_that_nobody_reported_is_found_whatever_was_answered_in_the_thread_before() {
    let bench = Bench::new().await;
    waiting_again(&bench).await;
    bench.rce.engage("c1", MIRA).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "active");
    lose_webhooks(&bench);
    bench.rce.cancel("c1").unwrap();
    a_minute_later(&bench).await;
    assert_eq!(ends(&bench), [1, 2]);
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn who_takes_a_conversation_and_moves_it_back_by_hand_leaves_it_to_the_bot() {
    for answers in [false, true] {
        let bench = Bench::new().await;
        bench.waiting("c1").await;
        bench.rce.take("c1", SAM).unwrap();
        if answers {
            bench.rce.reply("c1", SAM, "Hello, Sam here").unwrap();
        }
        bench.until_quiet().await;
        bench.rce.move_to_bot("c1", SAM).unwrap();
        bench.until_quiet().await;
        for _ in 0..3 {
            a_minute_later(&bench).await;
        }
        // Whose intervention is open has work.
        let (handler, over) = if answers {
            ("agent", vec![])
        } else {
            ("bot", vec![1])
        };
        assert_eq!(bench.handler("c1").await, handler);
        assert_eq!(ends(&bench), over);
        bench.finish().await;
    }
}
