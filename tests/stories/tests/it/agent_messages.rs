//! What agents write reaches the bot once, whole, and in order.

use futures_util::future::join_all;
use handover_stories::{Answer, Bench, Setup};
use serde_json::{Value, json};

async fn by_hand() -> Bench {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

#[tokio::test]
async fn br_013_a_message_that_rce_repeats_is_answered_alike_and_delivered_once() {
    let bench = by_hand().await;
    let mut call = bench.agent_message("c1", "66aa", "Hello");
    let first = bench.source_sdk(&call).await.expect(200);
    call["params"]["retry"] = json!(true);
    let queued = bench.source_sdk(&call).await.expect(200);
    bench.work().await;
    let delivered = bench.source_sdk(&call).await.expect(200);
    bench.pass(std::time::Duration::from_hours(1));
    let late = bench.source_sdk(&call).await.expect(200);
    bench.work().await;
    assert!(
        [&queued, &delivered, &late]
            .into_iter()
            .all(|answer| *answer == first)
    );
    assert_eq!(bench.bot.texts(), ["Hello"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_013_the_same_message_many_times_at_once_is_delivered_once() {
    let bench = by_hand().await;
    let call = bench.agent_message("c1", "66aa", "Hello");
    let answers = join_all((0..20).map(|_| bench.source_sdk(&call))).await;
    for answer in answers {
        assert_eq!(answer.expect(200), json!({"id": "rcx-66aa"}));
    }
    bench.work().await;
    assert_eq!(
        bench
            .bot
            .heard()
            .iter()
            .filter(|heard| heard.kind() == "message.created")
            .count(),
        1
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_019_what_can_never_be_delivered_is_refused_for_good() {
    let bench = by_hand().await;
    let mut unknown = bench.agent_message("nobody", "66aa", "Hello");
    let mut without_thread = bench.agent_message("c1", "66ab", "Hello");
    without_thread["params"]["thread_id"] = Value::Null;
    let mut empty = bench.agent_message("c1", "66ac", "");
    empty["params"]["body"] = Value::Null;
    let mut private = bench.agent_message("c1", "66ad", "Hello");
    private["action"] = json!("private_messages.create");
    let mut begun = bench.agent_message("c1", "66ae", "Hello");
    begun["action"] = json!("threads.create");
    unknown["params"]["retry"] = json!(true);
    for call in [unknown, without_thread, empty, private, begun] {
        let answer = bench.source_sdk(&call).await.expect(200);
        assert_eq!(answer["error"]["fatal"], true, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.len() > 10 && answer.get("id").is_none(), "{answer}");
    }
    assert!(bench.has_no_jobs().await);
    bench.finish().await;
}

#[tokio::test]
async fn br_019_no_id_is_given_before_the_message_is_stored() {
    let bench = by_hand().await;
    let call = bench.agent_message("c1", "66aa", "Hello");
    bench.steps.set_down(true);
    let refused = bench.source_sdk(&call).await;
    assert_eq!(refused.status, 503);
    bench.steps.set_down(false);
    bench.work().await;
    assert_eq!(bench.bot.texts(), [""; 0]);
    assert_eq!(bench.source_sdk(&call).await.expect(200)["id"], "rcx-66aa");
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Hello"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_010_capabilities_are_told_while_everything_is_down() {
    let bench = Bench::new().await;
    bench.steps.set_down(true);
    let info = bench
        .source_sdk(&json!({"action": "implementation.info"}))
        .await
        .expect(200);
    assert_eq!(info["objects"]["messages"], json!(["create", "show", "list"]));
    // That RCE called is noted if that can be, once a minute; the answer does not depend on it.
    bench.steps.count();
    let again = bench.source_sdk(&json!({"action": "implementation.info"})).await;
    assert_eq!(again.expect(200), info);
    assert!(
        info["options"]
            .as_array()
            .is_some_and(|options| options.contains(&json!("messaging.queuing_update")))
    );
    assert_eq!(
        bench
            .source_sdk(&json!({"action": "messages.list"}))
            .await
            .expect(200),
        json!([])
    );
    assert_eq!(
        bench
            .source_sdk(&json!({"action": "threads.show", "params": {"id": 7}}))
            .await
            .expect(200),
        json!({})
    );
    assert_eq!(bench.steps.taken(), 0, "nothing was asked");
    bench.steps.set_down(false);
    bench.finish().await;
    let without = Setup::default().without_queue_updates().start().await;
    let info = without
        .source_sdk(&json!({"action": "implementation.info"}))
        .await
        .expect(200);
    assert!(!info.to_string().contains("queuing_update"), "{info}");
    without.finish().await;
}

#[tokio::test]
async fn br_006_every_answer_is_signed_over_its_bytes() {
    let bench = by_hand().await;
    // The bench checks the signature of each.
    for (call, status) in [
        (json!({"action": "implementation.info"}), 200),
        (json!({"action": "messages.list"}), 200),
        (json!({"action": "messages.show"}), 200),
        (bench.agent_message("c1", "66aa", "Zoë 🙂"), 200),
        (bench.agent_message("nobody", "66ab", "x"), 200),
        (json!({"action": "messages.delete", "params": {"id": "x"}}), 422),
        (json!({"action": 1}), 400),
        (
            json!({"action": "typing.start", "params": {"thread_id": "c1"}}),
            200,
        ),
    ] {
        bench.source_sdk(&call).await.expect(status);
    }
    bench.steps.set_down(true);
    bench
        .source_sdk(&bench.agent_message("c1", "66ac", "x"))
        .await
        .expect(503);
    bench
        .source_sdk(&json!({"action": "messaging.queuing_update", "params": {"thread_id": "c1"}}))
        .await
        .expect(503);
    bench.steps.set_down(false);
    bench.work().await;
    bench.finish().await;
}

#[tokio::test]
async fn br_021_typing_and_unknown_actions_never_do_harm() {
    let bench = by_hand().await;
    for action in ["typing.start", "typing.stop"] {
        let call = json!({"action": action, "params": {"thread_id": "c1", "in_reply_to_id": null}});
        assert_eq!(bench.source_sdk(&call).await.expect(200), json!({}));
        bench.work().await;
    }
    assert_eq!(bench.bot.kinds()[1..], ["typing.started", "typing.stopped"]);
    // What is late is worthless: no second attempt, and its number goes to the next event.
    bench.bot.answers([Answer::Status(503)]);
    bench
        .source_sdk(&json!({"action": "typing.start", "params": {"thread_id": "c1"}}))
        .await
        .expect(200);
    bench.agent_writes("c1", "66aa", "Hello").await;
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Hello"]);
    let seqs: Vec<u64> = bench
        .bot
        .taken()
        .iter()
        .map(handover_stories::Heard::seq)
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    for action in ["typing.start", "messages.levitate", "users.create", "x", "."] {
        let reply = bench
            .source_sdk(&json!({"action": action, "params": {"thread_id": "nobody"}}))
            .await;
        assert!([200, 422].contains(&reply.status), "{action}: {}", reply.status);
    }
    bench.work().await;
    bench.finish().await;
}

#[tokio::test]
async fn br_022_unknown_members_are_ignored_everywhere() {
    let bench = Setup::default().by_hand().start().await;
    let surprise = json!({"nested": [1, null, {"a": {}}]});
    bench
        .message(
            "c1",
            json!({"id": "m1", "from": "user", "text": "hi", "x": surprise}),
        )
        .await;
    bench.asks_for_agent("c1", json!({"x": surprise})).await;
    bench.work().await;
    let mut call = bench.agent_message("c1", "66aa", "Hello");
    call["x"] = surprise.clone();
    call["params"]["x"] = surprise.clone();
    call["params"]["attachments"] = json!([{"url": "https://x.test/a.png", "x": surprise}]);
    bench.source_sdk(&call).await.expect(200);
    let mut event = bench.event("intervention.closed", "c1", &json!({"metadata": {"x": surprise}}));
    event["x"] = surprise.clone();
    event["resource"]["x"] = surprise;
    assert_eq!(bench.webhook(&[event]).await, 200);
    bench.work().await;
    assert_eq!(
        bench.bot.kinds(),
        ["handover.active", "message.created", "handover.completed"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_024_an_answer_never_waits_for_the_bot_or_for_rce() {
    let bench = by_hand().await;
    bench.bot.answers([Answer::Hang]);
    let before = bench.rce.requests().len();
    bench.agent_writes("c1", "66aa", "Hello").await;
    assert_eq!(bench.bot.heard().len(), 1, "the bot hears of it later");
    assert_eq!(bench.rce.requests().len(), before);
    bench.bot.forget_script();
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Hello"]);
    bench.finish().await;
}
