//! The whole story there and back.

use std::time::Duration;

use handover_stories::desk::{MIRA, SAM};
use handover_stories::{Bench, Heard, Setup};
use serde_json::json;

const BILLING: &str = "5f0c0000000000000000ca01";

#[tokio::test]
async fn a_person_talks_to_the_bot_then_to_agents_then_to_the_bot_again() {
    let bench = Setup::default()
        .section("[connections.acme.dialogs]\nopened = \"hello-agent\"\nclosed = \"welcome-back\"")
        .start()
        .await;
    bench.user_says("c1", "Where is my parcel?").await;
    bench.bot_says("c1", "I do not know.").await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["Where is my parcel?", "I do not know."]);
    assert_eq!(bench.categories("c1"), ["bot"]);

    let user =
        json!({"id": "usr-42", "firstname": "Nadia", "email": "nadia@example.test", "loyalty_tier": "gold"});
    let wish = json!({
        "reason": "parcel", "summary": "lost since Monday", "user": user, "category_ids": [BILLING],
        "context": {"page_url": "https://x.test", "cart value": 12.5, "tags": ["a", "b"]},
    });
    let handover = bench.asks_for_agent("c1", wish).await;
    assert_eq!(
        (&handover["status"], &handover["epoch"]),
        (&json!("requested"), &json!(1))
    );
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["agent", BILLING]);
    let thread = bench.rce.thread("c1").unwrap();
    assert_eq!(
        json!(thread.context_data),
        json!({"page-url": "https://x.test", "cart-value": "12.5", "tags": ["a", "b"]})
    );
    assert_eq!(
        bench.in_rce("c1")[2],
        "Reason: parcel\nSummary: lost since Monday"
    );
    let nadia = bench
        .rce
        .read(|state| state.identity("usr-42").cloned())
        .expect("announced");
    assert_eq!(nadia.profile["context_data"], json!({"loyalty-tier": "gold"}));

    bench.queue_position("c1", 1, &json!(30)).await;
    bench.work().await;
    bench.pass(Duration::from_secs(20));
    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "Let me look").unwrap();
    bench.until_quiet().await;
    bench.user_says("c1", "Thank you").await;
    bench.rce.transfer("c1", MIRA).unwrap();
    bench.until_quiet().await;
    bench.rce.reply("c1", MIRA, "It comes tomorrow").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(100));
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;

    let kinds = bench.bot.kinds();
    let expected = [
        "handover.queued",
        "handover.active",
        "message.created",
        "agent.changed",
        "message.created",
        "handover.completed",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(bench.bot.texts(), ["Let me look", "It comes tomorrow"]);
    assert_eq!(bench.bot.only("handover.active").data()["dialog"], "hello-agent");
    let completed = bench.bot.only("handover.completed");
    assert_eq!(
        (
            completed.data()["cause"].as_str(),
            completed.data()["dialog"].as_str()
        ),
        (Some("agent_closed"), Some("welcome-back"))
    );
    assert_eq!(
        completed.data()["durations_ms"],
        json!({"queued": 20_000, "active": 100_000})
    );
    assert!(bench.bot.taken().iter().all(|heard| heard.epoch() == 1));
    assert_eq!(
        bench.categories("c1"),
        [BILLING, "bot"],
        "additional categories stay"
    );
    let seen = bench.looks_at("c1").await;
    assert_eq!(
        (&seen["handler"], &seen["handover"]["outcome"]),
        (&json!("bot"), &json!("agent_closed"))
    );
    bench.user_says("c1", "Thank you, bot").await;
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot");
    bench.finish().await;
}

#[tokio::test]
async fn br_042_in_forward_only_mode_the_agent_reads_everything_that_was_said() {
    let bench = Setup::default().forward_only().start().await;
    let said: Vec<String> = (0..7).map(|n| format!("line {n}")).collect();
    for (n, text) in said.iter().enumerate() {
        bench.pass(Duration::from_mins(1));
        let said = if n % 2 == 0 {
            bench.user_says("c1", text).await
        } else {
            bench.bot_says("c1", text).await
        };
        assert_eq!(said["handler"], "bot");
    }
    bench.until_quiet().await;
    assert_eq!(bench.rce.requests().len(), 0, "nothing reaches RCE before");
    bench.asks_for_agent("c1", json!({"reason": "help"})).await;
    bench.user_says("c1", "while it is being told").await;
    bench.until_quiet().await;
    let mut expected = said.clone();
    expected.extend(["Reason: help".to_owned(), "while it is being told".to_owned()]);
    assert_eq!(bench.in_rce("c1"), expected);
    let times: Vec<String> = bench
        .rce
        .contents("c1")
        .iter()
        .map(|c| c.created_at.to_string())
        .collect();
    assert_eq!(
        times[..2],
        ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"],
        "when they were said"
    );
    // The category comes last.
    let requests = bench.rce.requests();
    let moved = requests
        .iter()
        .position(|request| request.what.ends_with("update_categories"))
        .unwrap();
    let told = requests
        .iter()
        .position(|request| request.body["params"]["body"] == "Reason: help")
        .unwrap();
    assert!(told < moved);

    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "hello").unwrap();
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let before = bench.in_rce("c1").len();
    bench.user_says("c1", "kept again").await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1").len(), before);
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce("c1")[before..],
        ["kept again"],
        "and only what is new"
    );
    let repeated = bench.rce.contents("c1").iter().any(|content| content.repeats > 0);
    assert!(!repeated, "nothing is sent a second time");
    bench.finish().await;
}

#[tokio::test]
async fn br_042_a_transcript_of_the_request_takes_the_place_of_what_was_kept() {
    let bench = Setup::default().forward_only().start().await;
    bench.user_says("c1", "kept").await;
    let transcript = json!([
        {"id": "t1", "from": "user", "text": "one", "sent_at": "2025-12-31T10:00:00Z"},
        {"id": "t2", "from": "bot", "text": "two", "sent_at": "2025-12-31T10:00:01Z"},
        {"from": "user", "text": "three", "sent_at": "2025-12-31T10:00:02Z"},
    ]);
    bench
        .asks_for_agent("c1", json!({"transcript": transcript}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["one", "two", "three"]);
    assert_eq!(
        bench.rce.contents("c1")[0].created_at.to_string(),
        "2025-12-31T10:00:00Z"
    );
    bench.finish().await;
}

#[tokio::test]
async fn kept_messages_are_two_hundred_at_most_and_three_days_old_at_most() {
    let bench = Setup::default().forward_only().start().await;
    bench.user_says("c1", "too old").await;
    bench.pass(Duration::from_hours(73));
    for n in 0..205 {
        bench.user_says("c1", &n.to_string()).await;
    }
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    let expected: Vec<String> = (5..205).map(|n| n.to_string()).collect();
    assert_eq!(bench.in_rce("c1"), expected);
    bench.user_says("c2", "old").await;
    bench.pass(Duration::from_hours(73));
    bench.user_says("c2", "new").await;
    bench.asks_for_agent("c2", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c2"), ["new"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_handover_may_be_the_first_thing_that_happens() {
    for setup in [Setup::default(), Setup::default().forward_only()] {
        let bench = setup.start().await;
        bench
            .asks_for_agent("c1", json!({"user": {"id": "usr-42", "screenname": "Nadia"}}))
            .await;
        bench.until_quiet().await;
        assert_eq!(bench.status("c1").await, "queued");
        assert_eq!(
            bench.rce.read(|state| state.queue().count()),
            1,
            "somebody sees it"
        );
        assert_eq!(bench.in_rce("c1").len(), 1);
        bench.finish().await;
    }
}

#[tokio::test]
async fn in_mirror_mode_a_transcript_is_used_only_if_nothing_was_mirrored() {
    let bench = Bench::new().await;
    let transcript = json!([{"from": "user", "text": "from elsewhere"}]);
    bench
        .asks_for_agent("c1", json!({"transcript": transcript}))
        .await;
    bench.user_says("c2", "mirrored").await;
    bench
        .asks_for_agent("c2", json!({"transcript": transcript}))
        .await;
    bench.until_quiet().await;
    assert_eq!(
        (bench.in_rce("c1"), bench.in_rce("c2")),
        (vec!["from elsewhere".to_owned()], vec!["mirrored".to_owned()])
    );
    bench.finish().await;
}

#[tokio::test]
async fn three_handovers_are_three_epochs_and_each_ends_once() {
    let bench = Bench::new().await;
    for epoch in 1..=3 {
        bench.with_agent("c1").await;
        assert_eq!(bench.looks_at("c1").await["handover"]["epoch"], epoch);
        bench.rce.close("c1").unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.handler("c1").await, "bot");
    }
    let ends: Vec<u64> = bench
        .bot
        .taken()
        .iter()
        .filter(|heard| heard.kind() == "handover.completed")
        .map(Heard::epoch)
        .collect();
    assert_eq!(ends, [1, 2, 3]);
    bench.finish().await;
}
