//! Webhook events: at least once, in any order, in any batch, from anybody's source.

use handover_stories::Setup;
use handover_stories::desk::{MIRA, SAM};
use serde_json::{Value, json};

use crate::by_hand::{by_hand, ends, tell};

#[tokio::test]
async fn br_052_two_hundred_means_stored() {
    let bench = by_hand().await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    let deferred = bench.event("intervention.deferred", "c1", &json!({}));
    bench.steps.set_down(true);
    bench
        .webhook_reply(&[deferred.clone(), closed.clone()])
        .await
        .problem(503, "unavailable");
    bench.steps.set_down(false);
    bench.work().await;
    assert_eq!(bench.status("c1").await, "active");
    let accepted = bench.webhook_reply(&[deferred, closed]).await;
    assert_eq!(accepted.status, 200, "exactly");
    assert!(!bench.has_no_jobs().await);
    assert_eq!(
        bench.bot.kinds(),
        ["handover.active"],
        "and the rest is done later"
    );
    bench.work().await;
    assert_eq!(bench.status("c1").await, "completed");
    bench.finish().await;
}

#[tokio::test]
async fn br_053_an_event_acts_once_in_whatever_batch_it_comes() {
    let bench = Setup::default().timers("queue = 0").by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    let noise = bench.event("task.assigned", "c1", &json!({}));
    assert_eq!(bench.webhook(&[closed.clone(), closed.clone()]).await, 200);
    tell(&bench, &closed).await;
    bench.webhook(&[noise, closed.clone()]).await;
    bench.work().await;
    assert_eq!(ends(&bench), [1]);
    // Two days later, when the next handover is under way.
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    bench.pass(std::time::Duration::from_hours(48));
    tell(&bench, &closed).await;
    assert_eq!(ends(&bench), [1]);
    assert_eq!(bench.status("c1").await, "queued");
    bench.finish().await;
}

#[tokio::test]
async fn br_054_an_opening_that_arrives_after_the_end_pauses_nothing() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "hello").unwrap();
    let opened = bench.event(
        "intervention.opened",
        "c1",
        &json!({"issued_at": "2026-01-01T00:00:10Z"}),
    );
    let taken = bench.event("task.taken", "c1", &json!({"issued_at": "2026-01-01T00:00:09Z"}));
    let closed = bench.event(
        "intervention.closed",
        "c1",
        &json!({"issued_at": "2026-01-01T00:00:20Z"}),
    );
    bench.pass(std::time::Duration::from_secs(30));
    tell(&bench, &closed).await;
    assert_eq!(bench.status("c1").await, "completed");
    tell(&bench, &opened).await;
    tell(&bench, &taken).await;
    assert_eq!(bench.handler("c1").await, "bot");
    assert_eq!(bench.bot.kinds(), ["handover.completed"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_054_late_news_of_an_older_handover_ends_nothing() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(std::time::Duration::from_mins(1));
    let closed = bench.event(
        "intervention.closed",
        "c1",
        &json!({"issued_at": "2026-01-01T00:01:00Z"}),
    );
    let cancelled = bench.event(
        "intervention.canceled",
        "c1",
        &json!({"issued_at": "2026-01-01T00:00:40Z"}),
    );
    let destroyed = bench.event(
        "task.destroyed",
        "c1",
        &json!({"issued_at": "2026-01-01T00:00:59Z"}),
    );
    let completed = json!({"issued_at": "2026-01-01T00:01:00Z", "metadata": {"action": "closed"}});
    let completed = bench.event("task.completed", "c1", &completed);
    let taken = bench.event("task.taken", "c1", &json!({"issued_at": "2026-01-01T00:00:30Z"}));
    tell(&bench, &closed).await;
    bench.pass(std::time::Duration::from_mins(1));
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    for late in [&cancelled, &destroyed, &completed, &taken] {
        tell(&bench, late).await;
        assert_eq!(bench.status("c1").await, "queued", "{late}");
    }
    // The same handover number two, closed for real.
    bench.pass(std::time::Duration::from_mins(1));
    let closed = json!({"issued_at": "2026-01-01T00:03:00Z", "resource": {
        "type": "intervention", "id": "another", "metadata": closed["resource"]["metadata"]}});
    let closed = bench.event("intervention.closed", "c1", &closed);
    tell(&bench, &closed).await;
    assert_eq!(ends(&bench), [1, 2]);
    bench.finish().await;
}

#[tokio::test]
async fn br_055_events_about_others_are_acknowledged_and_forgotten() {
    let bench = by_hand().await;
    let foreign = json!({"metadata": {"source_id": "5f0c000000000000000050c2"}});
    let foreign = bench.event("intervention.closed", "c1", &foreign);
    let unknown_thread = json!({"metadata": {"thread_id": "5f0c00000000000000000000"}});
    let unknown_thread = bench.event("intervention.closed", "c1", &unknown_thread);
    let without_thread = bench.event(
        "intervention.closed",
        "c1",
        &json!({"metadata": {"thread_id": null}}),
    );
    let unknown_kind = bench.event("content.levitated", "c1", &json!({}));
    let merged = json!({"type": "identity.merged", "id": "e9", "issued_at": "2026-01-01T00:00:00Z"});
    for event in [foreign, unknown_thread, without_thread, unknown_kind, merged] {
        tell(&bench, &event).await;
    }
    assert_eq!(bench.status("c1").await, "active");
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_059_our_own_messages_come_back_and_are_no_news() {
    let bench = by_hand().await;
    bench.bot_says("c1", "an echo").await;
    bench.work().await;
    let before = (bench.rce.requests().len(), bench.bot.heard().len());
    for kind in [
        "content.imported",
        "content.replied",
        "content.approved",
        "content.discussion_initiated",
    ] {
        tell(&bench, &bench.event(kind, "c1", &json!({}))).await;
    }
    let exported = json!({"metadata": {"synchronization_status": "success"}});
    tell(&bench, &bench.event("content.exported", "c1", &exported)).await;
    assert_eq!((bench.rce.requests().len(), bench.bot.heard().len()), before);
    bench.finish().await;
}

#[tokio::test]
async fn br_060_a_message_that_did_not_leave_rce_is_reported() {
    let bench = by_hand().await;
    let logs = handover_stories::logs::Logs::capture();
    for (status, failed) in [
        ("export_failure", true),
        ("unsuccessful", true),
        ("delete_aborted", false),
    ] {
        let before = logs.text().matches(" ERROR ").count();
        let event = json!({"metadata": {"synchronization_status": status}});
        tell(&bench, &bench.event("content.exported", "c1", &event)).await;
        let errors = logs.text().matches(" ERROR ").count() - before;
        assert_eq!(errors, usize::from(failed), "{status}: {}", logs.text());
    }
    let noted: Vec<Value> = bench.timeline("c1").await;
    assert_eq!(
        noted
            .iter()
            .filter(|entry| entry["event"] == "content.exported")
            .count(),
        2,
        "{noted:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn duplicates_and_disorder_of_a_whole_story_change_nothing() {
    let bench = Setup::default()
        .rce(|rce| {
            rce.webhook_duplicate_every = 2;
            rce.webhook_reorder_every = 3;
            rce.webhook_batch_size = 2;
        })
        .start()
        .await;
    bench.with_agent("c1").await;
    bench.rce.transfer("c1", MIRA).unwrap();
    bench.rce.reply("c1", MIRA, "and Mira").unwrap();
    bench.rce.defer("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "agent");
    bench.rce.reactivate("c1").unwrap();
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["Hello, Sam here", "and Mira"]);
    assert_eq!(ends(&bench), [1]);
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn an_unknown_thread_is_looked_up_once_and_then_known() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    assert_eq!(bench.stored("c1").await.unwrap().rce_thread, None);
    tell(&bench, &bench.event("task.created", "c1", &json!({}))).await;
    let thread = bench.rce.thread("c1").unwrap().id;
    assert_eq!(
        bench.stored("c1").await.unwrap().rce_thread.unwrap().as_str(),
        thread
    );
    let asked = bench.asked_rce("GET /1.0/content_threads/");
    assert_eq!(
        asked, 2,
        "whose it is, and whether somebody moved it to the agents"
    );
    tell(&bench, &bench.event("intervention.closed", "c1", &json!({}))).await;
    assert_eq!(bench.asked_rce("GET /1.0/content_threads/"), asked);
    bench.finish().await;
}
