//! Repeats are harmless: the same answer, one effect.

use std::time::Duration;

use futures_util::future::join_all;
use handover_stories::setup::BOT_KEY;
use handover_stories::{Bench, Reply};
use serde_json::{Value, json};

const MESSAGES: &str = "/acme/conversations/c1/messages";
const HANDOVER: &str = "/acme/conversations/c1/handover";

async fn with_key(bench: &Bench, method: &str, path: &str, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    bench.request(method, path, &headers, body.to_string()).await
}

#[tokio::test]
async fn a_repeated_message_has_the_first_answer_and_no_second_effect() {
    let bench = Bench::new().await;
    let body = json!({"id": "m1", "from": "user", "text": "hi"});
    let first = bench.message("c1", body.clone()).await;
    bench.until_quiet().await;
    bench.asks_for_agent("c1", json!({})).await;
    let again = bench
        .message("c1", json!({"text": "hi", "from": "user", "id": "m1"}))
        .await;
    assert_eq!(
        first, again,
        "as it was then, although an agent answers now; the order of members is no matter"
    );
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["hi"]);
    let other = json!({"id": "m1", "from": "user", "text": "ho"});
    bench
        .call("POST", "/conversations/c1/messages", &other)
        .await
        .problem(422, "idempotency-mismatch");
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["hi"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_header_does_what_an_id_does_and_wins_over_it() {
    let bench = Bench::new().await;
    let body = json!({"from": "user", "text": "hi"});
    let first = with_key(&bench, "POST", MESSAGES, "k1", &body).await;
    let again = with_key(&bench, "POST", MESSAGES, "k1", &body).await;
    assert_eq!(first.expect(202), again.expect(202));
    with_key(
        &bench,
        "POST",
        MESSAGES,
        "k1",
        &json!({"from": "bot", "text": "hi"}),
    )
    .await
    .problem(422, "idempotency-mismatch");
    let long = "k".repeat(257);
    with_key(&bench, "POST", MESSAGES, &long, &body)
        .await
        .problem(422, "invalid");
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["hi"]);
    bench.finish().await;
}

#[tokio::test]
async fn one_id_in_another_conversation_or_call_is_another_thing() {
    let bench = Bench::new().await;
    let body = json!({"id": "same", "from": "user", "text": "hi"});
    bench.message("c1", body.clone()).await;
    bench.message("c2", body).await;
    let handover = bench.asks_for_agent("c1", json!({"id": "same"})).await;
    assert_eq!(handover["epoch"], 1);
    bench.until_quiet().await;
    assert_eq!((bench.in_rce("c1").len(), bench.in_rce("c2").len()), (1, 1));
    bench.finish().await;
}

#[tokio::test]
async fn many_at_once_are_one() {
    let bench = Bench::new().await;
    let body = json!({"id": "m1", "from": "user", "text": "hi"});
    let replies = join_all((0..20).map(|_| bench.call("POST", "/conversations/c1/messages", &body))).await;
    for reply in &replies {
        assert_eq!(reply.expect(202), replies[0].json());
    }
    let wish = json!({"id": "h1", "reason": "help"});
    let replies = join_all((0..20).map(|_| bench.call("POST", "/conversations/c1/handover", &wish))).await;
    for reply in &replies {
        assert_eq!(reply.expect(202), replies[0].json());
    }
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["hi", "Reason: help"]);
    let goodbye = json!({"cause": "bot_ended"});
    let replies = join_all((0..20).map(|_| with_key(&bench, "DELETE", HANDOVER, "d1", &goodbye))).await;
    for reply in &replies {
        assert_eq!(reply.expect(202), replies[0].json());
    }
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.cancelled"]);
    bench.finish().await;
}

#[tokio::test]
async fn many_different_at_once_all_arrive() {
    let bench = Bench::new().await;
    let send = |n: usize| {
        let bench = &bench;
        async move {
            let body = json!({"id": format!("m{n}"), "from": "user", "text": format!("{n}")});
            bench.message("c1", body).await
        }
    };
    join_all((0..30).map(send)).await;
    let wishes = join_all((0..5).map(|_| bench.asks_for_agent("c1", json!({})))).await;
    assert!(
        wishes.iter().all(|wish| wish["id"] == wishes[0]["id"]),
        "one handover: {wishes:?}"
    );
    bench.until_quiet().await;
    let mut arrived = bench.in_rce("c1");
    arrived.sort_by_key(|text| text.parse::<usize>().ok());
    assert_eq!(arrived, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_wish_for_an_agent_does_not_begin_a_second_handover() {
    let bench = Bench::new().await;
    let wish = json!({"id": "h1"});
    let first = bench.asks_for_agent("c1", wish.clone()).await;
    bench.until_quiet().await;
    bench.ends_handover("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(
        bench.asks_for_agent("c1", wish.clone()).await,
        first,
        "the answer of then"
    );
    assert_eq!(bench.handler("c1").await, "bot", "and no new handover");
    // Remembered for three days at least.
    bench.pass(Duration::from_hours(72) - Duration::from_mins(1));
    assert_eq!(bench.asks_for_agent("c1", wish).await, first);
    let second = bench.asks_for_agent("c1", json!({"id": "h2"})).await;
    assert_eq!(
        (&second["epoch"], &second["status"]),
        (&json!(2), &json!("requested"))
    );
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn a_second_wish_during_a_handover_returns_the_running_one() {
    let bench = Bench::new().await;
    let first = bench.asks_for_agent("c1", json!({"reason": "a"})).await;
    let second = bench.asks_for_agent("c1", json!({"reason": "b"})).await;
    assert_eq!(second, first);
    bench.until_quiet().await;
    let third = bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(
        (&third["id"], &third["status"], &third["epoch"]),
        (&first["id"], &json!("queued"), &json!(1))
    );
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["Reason: a"]);
    bench.finish().await;
}
