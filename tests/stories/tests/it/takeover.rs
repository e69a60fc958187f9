//! Agents who write, or reopen, while the bot has the conversation.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Reply, SyncStatus};

fn unasked(text: &str) -> Reply {
    Reply {
        as_supervisor: true,
        ..Reply::from(text)
    }
}

#[tokio::test]
async fn an_agent_who_writes_unasked_takes_the_conversation_over() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench
        .rce
        .reply("c1", SAM, unasked("I take this one"))
        .expect("a supervisor may");
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.active", "message.created"]);
    let active = bench.bot.only("handover.active");
    assert_eq!(
        (active.data()["cause"].as_str(), active.epoch()),
        (Some("agent"), 1)
    );
    assert_eq!(bench.bot.texts(), ["I take this one"]);
    assert_eq!(
        bench.categories("c1"),
        ["agent"],
        "or the agents would not see it any more"
    );
    let said = bench.user_says("c1", "thanks").await;
    assert_eq!(
        (&said["handler"], &said["handover"]["cause"]),
        (&json!("agent"), &json!("agent"))
    );
    bench.until_quiet().await;
    bench.rce.close("c1").expect("open");
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds()[2..], ["handover.completed"]);
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn words_that_come_after_their_close_are_delivered_and_the_bot_keeps_the_conversation() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    // The bridge is away: an agent writes unasked and closes, and RCE repeats the words later than the close.
    bench.pass(Duration::from_secs(30));
    let mut words = bench.agent_message("c1", "66aa", "Done, the parcel is on its way");
    words["params"]["created_at"] = json!(bench.clock_now().to_string());
    bench.pass(Duration::from_secs(20));
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    assert_eq!(bench.webhook(&[closed]).await, 200);
    bench.work().await;
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.source_sdk(&words).await.status, 200);
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Done, the parcel is on its way"]);
    assert_eq!(bench.handler("c1").await, "bot");
    // Who writes from now on takes over as ever.
    bench.pass(Duration::from_secs(5));
    bench.agent_writes("c1", "66ab", "And one more thing").await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "agent");
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_may_not_take_over_is_told_so() {
    let bench = Setup::default().ringcx("agent_takeover = false").start().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    let content = bench
        .rce
        .reply("c1", SAM, unasked("I take this one"))
        .expect("a supervisor may");
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), [""; 0]);
    assert_eq!(bench.handler("c1").await, "bot");
    let content = bench
        .rce
        .read(|state| state.content(&content).cloned())
        .expect("it is there");
    assert_eq!(content.synchronization_status, SyncStatus::ExportFailure);
    assert_eq!(content.attempts, 1, "not tried again");
    let reason = content.synchronization_error.unwrap_or_default();
    assert!(reason.contains("bot answers"), "{reason}");
    bench.finish().await;
}

#[tokio::test]
async fn br_058_an_agent_who_reopens_begins_a_new_epoch() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").expect("open");
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    bench.rce.reopen("c1", SAM).expect("closed");
    bench.until_quiet().await;
    let seen = bench.looks_at("c1").await;
    assert_eq!(
        (&seen["handler"], &seen["handover"]["epoch"]),
        (&json!("agent"), &json!(2))
    );
    let last = bench.bot.taken().pop().expect("an event");
    assert_eq!(
        (last.kind(), last.epoch(), last.data()["cause"].as_str()),
        ("handover.active", 2, Some("agent"))
    );
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench.rce.reply("c1", SAM, "One more thing").expect("reopened");
    bench.until_quiet().await;
    bench.rce.close("c1").expect("open");
    bench.until_quiet().await;
    let ends: Vec<u64> = bench
        .bot
        .taken()
        .iter()
        .filter(|heard| heard.kind() == "handover.completed")
        .map(handover_stories::Heard::epoch)
        .collect();
    assert_eq!(ends, [1, 2]);
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn br_058_a_customers_message_that_reopens_does_not_silence_the_bot() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    let reopened = bench.event("intervention.reopened", "c1", &json!({}));
    assert!(reopened.get("user_id").is_none(), "{reopened}");
    assert_eq!(bench.webhook(&[reopened]).await, 200);
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.bot.kinds(), ["handover.active", "handover.completed"]);
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_is_faster_than_the_handover_keeps_the_conversation_if_it_fails() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    let refusal = simulated_ringcx::Fault::Status(422, "{}".to_owned());
    bench
        .rce
        .fail_next(simulated_ringcx::FaultTarget::RestCategorize, refusal, 1);
    bench.asks_for_agent("c1", json!({})).await;
    bench.agent_writes("c1", "66aa", "I am here already").await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active", "message.created"]);
    assert_eq!(
        bench.status("c1").await,
        "active",
        "only its category could not be moved"
    );
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_opens_a_case_unasked_has_the_conversation_at_once() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench.rce.engage("c1", SAM).expect("a supervisor may");
    bench.until_quiet().await;
    let active = bench.bot.only("handover.active");
    assert_eq!(
        (
            active.data()["cause"].as_str(),
            active.data()["agent"]["name"].as_str()
        ),
        (Some("agent"), Some("Sam"))
    );
    assert_eq!(bench.user_says("c1", "who is there?").await["handler"], "agent");
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench
        .rce
        .reply("c1", SAM, unasked("It is me"))
        .expect("a supervisor may");
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["It is me"]);
    bench.rce.close("c1").expect("open");
    bench.until_quiet().await;
    assert_eq!(bench.bot.only("handover.completed").epoch(), 1);
    assert_eq!(
        (bench.handler("c1").await, bench.categories("c1")),
        ("bot".into(), vec!["bot".to_owned()])
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_thread_that_is_moved_to_the_agents_by_hand_silences_the_bot_at_once() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench.rce.move_to_agents("c1", SAM).expect("a supervisor may");
    bench.until_quiet().await;
    let told = bench.bot.only("handover.queued");
    assert_eq!((told.data()["cause"].as_str(), told.epoch()), (Some("agent"), 1));
    assert_eq!(
        (bench.status("c1").await, bench.handler("c1").await),
        ("queued".into(), "agent".into())
    );
    bench.rce.take("c1", SAM).expect("it waits");
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "active");
    bench.rce.close("c1").expect("taken");
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn an_account_that_makes_a_task_for_every_message_is_not_asked_about_each() {
    let bench = Setup::default().by_hand().start().await;
    for n in 0..20 {
        let conversation = format!("c{n}");
        bench.user_says(&conversation, "hi").await;
        bench.work().await;
        let created = bench.event("task.created", &conversation, &json!({}));
        bench.webhook(&[created]).await;
        bench.work().await;
        assert_eq!(
            bench.handler(&conversation).await,
            "bot",
            "a task alone is no takeover"
        );
    }
    let whose = 20;
    assert_eq!(bench.asked_rce("GET /1.0/content_threads/"), whose + 1);
    // Moving the thread of such a task is reported by itself.
    bench.rce.move_to("c7", "agent").expect("a supervisor may");
    let moved = bench.event("task.recategorized", "c7", &json!({}));
    bench.webhook(&[moved]).await;
    bench.work().await;
    assert_eq!(bench.handler("c7").await, "agent");
    bench.finish().await;
}

#[tokio::test]
async fn where_agents_may_not_take_over_neither_a_case_nor_a_category_does() {
    let bench = Setup::default().ringcx("agent_takeover = false").start().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench.rce.move_to_agents("c1", SAM).expect("a supervisor may");
    bench.rce.engage("c1", SAM).expect("a supervisor may");
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.bot.kinds(), [""; 0]);
    bench.finish().await;
}

#[tokio::test]
async fn news_of_a_takeover_that_is_over_already_takes_nothing_over() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    bench.rce.engage("c1", SAM).expect("a supervisor may");
    let opened = bench.event("intervention.opened", "c1", &json!({"user_id": SAM}));
    bench.pass(Duration::from_secs(5));
    bench.rce.close("c1").expect("open");
    let closed = bench.event("intervention.closed", "c1", &json!({"user_id": SAM}));
    // The end comes first.
    bench.webhook(&[closed]).await;
    bench.work().await;
    bench.webhook(&[opened]).await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.bot.kinds(), [""; 0]);
    bench.finish().await;
}

#[tokio::test]
async fn a_reopening_that_overtakes_its_own_close_keeps_the_conversation_with_the_agent() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.rce.close("c1").expect("open");
    let closed = bench.event("intervention.closed", "c1", &json!({"user_id": SAM}));
    bench.pass(Duration::from_secs(5));
    bench.rce.reopen("c1", SAM).expect("closed");
    let reopened = bench.event("intervention.reopened", "c1", &json!({"user_id": SAM}));
    bench.webhook(&[reopened]).await;
    bench.work().await;
    bench.webhook(&[closed]).await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "agent");
    bench.agent_writes("c1", "66aa", "As I said").await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active", "message.created"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_058_a_customers_message_may_call_the_agents_back_where_that_is_wanted() {
    let bench = Setup::default()
        .ringcx("customer_reopens = true")
        .by_hand()
        .start()
        .await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(Duration::from_secs(5));
    bench.rce.close("c1").expect("open");
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "bot");
    bench.pass(Duration::from_secs(5));
    let reopened = bench.event("intervention.reopened", "c1", &json!({}));
    bench.webhook(&[reopened]).await;
    bench.work().await;
    let told = bench.bot.taken().pop().expect("an event");
    assert_eq!(
        (told.kind(), told.epoch(), told.data()["cause"].as_str()),
        ("handover.queued", 2, Some("user"))
    );
    assert_eq!(
        (bench.handler("c1").await, bench.categories("c1")),
        ("agent".into(), vec!["agent".to_owned()])
    );
    bench.finish().await;
}
