//! Typing and read marks.

use std::time::Duration;

use handover_stories::chat::at;
use handover_stories::desk::MIRA;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

#[tokio::test]
async fn br_039_typing_is_throttled_and_shown_only_to_agents() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    let typing = at("c1") + "/typing";
    let start = json!({"state": "start", "preview": "I still ha"});
    bench.call("POST", &typing, &start).await.expect(202);
    assert_eq!(bench.asked_rce("typing"), 0, "the bot has the conversation");
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    for _ in 0..5 {
        bench.call("POST", &typing, &start).await.expect(202);
    }
    assert_eq!(bench.asked_rce("typing.start"), 1);
    bench.pass(Duration::from_secs(2));
    bench
        .call("POST", &typing, &json!({"state": "start"}))
        .await
        .expect(202);
    assert_eq!(bench.asked_rce("typing.start"), 2);
    bench
        .call("POST", &typing, &json!({"state": "stop"}))
        .await
        .expect(202);
    assert_eq!(
        bench.asked_rce("typing.stop"),
        1,
        "the agent sees that it stopped"
    );
    let starts: Vec<Value> = bench
        .rce
        .requests()
        .iter()
        .filter(|request| request.what == "typing.start")
        .map(|request| request.body["params"]["preview"].clone())
        .collect();
    assert_eq!(starts[0], "I still ha");
    assert!(
        starts[1].as_str().is_some_and(|preview| !preview.is_empty()),
        "{starts:?}"
    );
    assert!(bench.has_no_jobs().await, "never queued");
    bench.finish().await;
}

#[tokio::test]
async fn br_039_typing_that_rce_refuses_is_dropped() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    for status in [429, 500, 422] {
        let fault = simulated_ringcx::Fault::Status(status, "no".to_owned());
        bench
            .rce
            .fail_next(simulated_ringcx::FaultTarget::SendApiTyping, fault, 1);
        bench.pass(Duration::from_secs(2));
        bench
            .call("POST", &(at("c1") + "/typing"), &json!({"state": "start"}))
            .await
            .expect(202);
    }
    assert_eq!(bench.asked_rce("typing.start"), 3, "each was tried once");
    assert!(bench.has_no_jobs().await);
    bench.finish().await;
}

#[tokio::test]
async fn br_040_a_read_mark_names_the_message_by_the_id_that_rce_got_from_us() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    let id = bench.bot.only("message.created").data()["message"]["id"].clone();
    bench
        .call("POST", &(at("c1") + "/read"), &json!({"message_id": id}))
        .await
        .expect(202);
    bench.until_quiet().await;
    let read = bench
        .rce
        .contents("c1")
        .iter()
        .any(|content| content.foreign_id.as_deref() == id.as_str() && content.read);
    assert!(read);
    bench.finish().await;
}

#[tokio::test]
async fn typing_is_shown_while_the_person_waits_and_no_longer() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    let start = json!({"state": "start"});
    let typing = at("c1") + "/typing";
    bench.call("POST", &typing, &start).await.expect(202);
    assert_eq!(
        bench.asked_rce("typing.start"),
        1,
        "an agent may look at the queue"
    );
    bench.ends_handover("c1", json!({})).await;
    bench.pass(Duration::from_secs(2));
    for body in [start, json!({"state": "stop"})] {
        bench.call("POST", &typing, &body).await.expect(202);
    }
    assert_eq!(bench.asked_rce("typing.start"), 1, "the bot has the conversation");
    assert_eq!(bench.asked_rce("typing.stop"), 0);
    bench
        .call("POST", &(at("nobody") + "/typing"), &json!({"state": "stop"}))
        .await
        .expect(404);
    bench.until_quiet_by_hand().await;
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_s_typing_is_told_while_a_handover_runs_only() {
    let bench = Setup::default().by_hand().start().await;
    let types = |action: &str| json!({"action": action, "params": {"thread_id": "c1"}});
    bench.user_says("c1", "hi").await;
    bench.source_sdk(&types("typing.start")).await.expect(200);
    bench.work().await;
    assert_eq!(
        bench.bot.kinds(),
        Vec::<String>::new(),
        "the bot has the conversation"
    );
    bench.with_agent_by_hand("c1").await;
    for action in ["typing.start", "typing.stop"] {
        bench.source_sdk(&types(action)).await.expect(200);
    }
    bench.work().await;
    assert_eq!(bench.bot.kinds()[1..], ["typing.started", "typing.stopped"]);
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    let told = bench.bot.kinds().len();
    bench.source_sdk(&types("typing.start")).await.expect(200);
    bench.work().await;
    assert_eq!(bench.bot.kinds().len(), told, "it is over");
    bench.finish().await;
}

#[tokio::test]
async fn a_read_mark_may_come_twice_and_late() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    let id = bench.bot.only("message.created").data()["message"]["id"].clone();
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let mark = json!({"message_id": id});
    for _ in 0..2 {
        bench.call("POST", &(at("c1") + "/read"), &mark).await.expect(202);
        bench.until_quiet().await;
        // Longer than anything is remembered of the message.
        bench.pass(Duration::from_hours(80));
    }
    assert_eq!(bench.asked_rce("status.mark_as_read"), 2);
    let contents = bench.rce.contents("c1");
    let read = contents.iter().filter(|content| content.read).count();
    assert_eq!(read, 1);
    bench.until_quiet().await;
    bench.finish().await;
}

/// The id alone names the message, as it does for RCE: what is remembered of a message ends before somebody may
/// read it, so an id cannot be refused for not being known.
#[tokio::test]
async fn a_read_mark_is_of_the_message_that_it_names() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.user_says("c2", "hi").await;
    bench.until_quiet().await;
    let id = bench.bot.only("message.created").data()["message"]["id"].clone();
    bench
        .call("POST", &(at("c2") + "/read"), &json!({"message_id": id}))
        .await
        .expect(202);
    bench.until_quiet().await;
    let read = |conversation: &str| {
        bench
            .rce
            .contents(conversation)
            .iter()
            .any(|content| content.read)
    };
    assert!(read("c1") && !read("c2"));
    // What was never an agent's message, or of a conversation that there never was, is refused.
    for body in [json!({"message_id": "u-1"}), json!({"message_id": 7}), json!({})] {
        bench.call("POST", &(at("c1") + "/read"), &body).await.expect(422);
    }
    let unknown = at("nobody") + "/read";
    bench
        .call("POST", &unknown, &json!({"message_id": id}))
        .await
        .expect(404);
    bench.finish().await;
}

#[tokio::test]
async fn another_agent_is_told_with_id_and_name() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let change = json!({"metadata": {"user_id": MIRA}});
    let changed = bench.event("intervention.user_updated", "c1", &change);
    assert_eq!(bench.webhook(&[changed]).await, 200);
    bench.until_quiet_by_hand().await;
    let told = bench.bot.only("agent.changed");
    assert_eq!(told.data()["agent"], json!({"id": MIRA, "name": "Mira"}));
    bench.finish().await;
}
