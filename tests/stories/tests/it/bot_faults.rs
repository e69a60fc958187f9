//! A bot that is slow, down, gone, or does not want what it is told.

use std::time::Duration;

use handover_core::job::QueueName;
use handover_core::ports::JobQueue as _;
use handover_handlers::work::{self, Outcome, VISIBILITY};
use handover_stories::{Answer, Bench, Setup};
use serde_json::json;

async fn by_hand() -> Bench {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

async fn three_messages(bench: &Bench) {
    for (content, text) in [("1", "one"), ("2", "two"), ("3", "three")] {
        bench.agent_writes("c1", content, text).await;
    }
}

#[tokio::test]
async fn a_bot_that_comes_back_gets_everything_in_order() {
    let bench = by_hand().await;
    bench.bot.answers([
        Answer::Status(500),
        Answer::Status(503),
        Answer::Drop,
        Answer::Status(408),
        Answer::Status(200),
        Answer::Status(429),
    ]);
    three_messages(&bench).await;
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["one", "two", "three"]);
    let ids: Vec<String> = bench.bot.heard().iter().map(|heard| heard.id.clone()).collect();
    assert!(
        ids[1..6].iter().all(|id| *id == ids[1]),
        "every attempt has the same id: {ids:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn nobody_waits_for_another_conversation() {
    let bench = by_hand().await;
    bench.with_agent_by_hand("c2").await;
    bench.bot.answers([Answer::Status(503)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.work().await;
    bench.agent_writes("c1", "2", "two").await;
    bench.agent_writes("c2", "3", "three").await;
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["three"], "c1 waits, c2 does not");
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["three", "one", "two"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_bot_that_asks_for_time_gets_it() {
    let bench = by_hand().await;
    for (answer, wait) in [
        (Answer::RetryAfter(429, "7"), 7),
        (Answer::RetryAfter(503, "40"), 40),
        (Answer::RetryAfter(503, "86400"), 300),
    ] {
        let content = format!("w{wait}");
        bench.bot.answers([answer]);
        bench.agent_writes("c1", &content, &content).await;
        bench.work().await;
        assert_eq!(bench.until_next().await, Some(Duration::from_secs(wait)));
        bench.pass(
            Duration::from_secs(wait)
                .checked_sub(Duration::from_millis(1))
                .unwrap(),
        );
        let heard = bench.bot.heard().len();
        bench.work().await;
        assert_eq!(bench.bot.heard().len(), heard, "not a moment earlier");
        bench.pass(Duration::from_millis(1));
        bench.work().await;
        assert_eq!(bench.bot.texts().last(), Some(&content));
    }
    bench.finish().await;
}

#[tokio::test]
async fn what_the_bot_refuses_for_good_is_put_aside_and_the_next_is_delivered() {
    for answer in [
        Answer::Status(400),
        Answer::Status(404),
        Answer::Status(422),
        Answer::Status(410),
        Answer::Redirect,
    ] {
        let bench = by_hand().await;
        bench.bot.answers([answer]);
        three_messages(&bench).await;
        bench.work().await;
        assert_eq!(bench.bot.texts(), ["two", "three"], "{answer:?}");
        assert!(
            bench.bot.heard_at("/elsewhere").is_empty(),
            "nobody follows a redirect"
        );
        let letters = bench.take_dead_letters().await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].attempts, 1, "not tried again");
        let happened = bench.what_happened("c1").await;
        assert!(
            happened.contains(&"agent_message.not_delivered".to_owned()),
            "{happened:?}"
        );
        // The agent is told in the thread, by the bot's puppet.
        let said = bench.in_rce("c1");
        assert!(
            said.last().unwrap().contains("could not be delivered"),
            "{said:?}"
        );
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_bot_that_never_answers_is_given_up_after_its_budget_and_blocks_nobody_for_ever() {
    let bench = by_hand().await;
    bench.bot.answers(std::iter::repeat_n(Answer::Status(503), 200));
    bench.agent_writes("c1", "1", "lost").await;
    bench.agent_writes("c1", "2", "found").await;
    let begun = bench.clock_now();
    while bench.take_dead_letters().await.is_empty() {
        bench.pass(bench.until_next().await.expect("it is tried again"));
        bench.work().await;
    }
    let minutes = bench.clock_now().duration_since(begun).as_secs() / 60;
    assert!((4..=7).contains(&minutes), "{minutes} minutes");
    bench.bot.forget_script();
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["found"]);
    assert!(
        bench
            .in_rce("c1")
            .iter()
            .any(|text| text.contains("could not be delivered"))
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_bot_that_hangs_is_not_waited_for() {
    let bench = by_hand().await;
    bench.bot.answers([Answer::Hang]);
    bench.agent_writes("c1", "1", "one").await;
    // Only the client's own patience ends this attempt, and its time passes at once.
    tokio::time::pause();
    bench.work().await;
    tokio::time::resume();
    assert_eq!(bench.bot.texts(), [""; 0]);
    assert!(bench.until_next().await.is_some(), "it is tried again");
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["one"]);
    bench.finish().await;
}

#[tokio::test]
async fn an_answer_that_got_lost_means_a_repeat_with_the_same_id_and_number() {
    let bench = by_hand().await;
    bench.bot.answers([Answer::TakeAndDrop]);
    bench.agent_writes("c1", "1", "one").await;
    bench.until_quiet().await;
    let mut heard = bench.bot.heard();
    heard.retain(|heard| heard.kind() == "message.created");
    assert_eq!(heard.len(), 2);
    assert_eq!((&heard[0].id, heard[0].seq()), (&heard[1].id, heard[1].seq()));
    bench.finish().await;
}

#[tokio::test]
async fn what_the_bot_took_before_the_failure_is_not_repeated() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    // One job, two events: the agent joins, and writes.
    bench.bot.answers([Answer::Status(200), Answer::Status(503)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.until_quiet().await;
    let kinds: Vec<String> = bench
        .bot
        .heard()
        .iter()
        .map(|heard| heard.kind().to_owned())
        .collect();
    assert_eq!(kinds, ["handover.active", "message.created", "message.created"]);
    bench.finish().await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the reference compares with the machine's clock"
)]
async fn events_can_be_verified_by_the_reference_within_its_tolerance() {
    let now = jiff::Timestamp::now();
    let bench = Setup::default().by_hand().clock_at_time(now).start().await;
    bench.waiting("c1").await;
    bench.agent_writes("c1", "1", "one").await;
    bench.work().await;
    let webhook = standardwebhooks::Webhook::new(handover_stories::setup::BOT_SECRET).unwrap();
    for heard in bench.bot.heard() {
        webhook.verify(&heard.raw, &heard.headers).unwrap();
        assert_eq!(heard.at, now.as_second());
        assert!(webhook.verify(b"{}", &heard.headers).is_err());
        let time: jiff::Timestamp = heard.body["timestamp"].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_millisecond(), now.as_millisecond());
        assert_eq!(heard.data()["connection"], json!("acme"));
    }
    bench.finish().await;
}

#[tokio::test]
async fn a_bot_that_refuses_the_news_of_an_agent_still_hears_what_the_agent_says() {
    let bench = Setup::default().by_hand().start().await;
    bench.waiting("c1").await;
    // The agent joins, and writes; the news of joining is refused once more on its own, then put aside.
    bench
        .bot
        .answers([Answer::Status(422), Answer::Status(200), Answer::Status(422)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["one"]);
    assert!(
        !bench
            .in_rce("c1")
            .iter()
            .any(|text| text.contains("could not be delivered"))
    );
    let letters = bench.take_dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].job.work.kind(), "tell");
    bench.finish().await;
}

/// A Lambda function has only so much time.
#[tokio::test]
async fn work_that_takes_too_long_is_a_failed_attempt_and_goes_on_with_the_same_ids() {
    let bench = by_hand().await;
    bench.bot.answers([Answer::Hang]);
    bench.agent_writes("c1", "1", "one").await;
    let received = bench
        .embedded
        .receive(QueueName::ToBot, 1, VISIBILITY)
        .await
        .expect("the queue answers");
    let outcome = work::run_within(&bench.app, &received[0], Duration::from_millis(300)).await;
    let Outcome::Retry { after } = outcome else {
        panic!("{outcome:?}")
    };
    bench
        .embedded
        .retry(&received[0].receipt, after, true)
        .await
        .expect("the queue answers");
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts(), ["one"]);
    let ids: Vec<String> = bench.bot.heard().iter().map(|heard| heard.id.clone()).collect();
    assert_eq!(ids[ids.len() - 2], ids[ids.len() - 1], "the same event: {ids:?}");
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_has_the_same_body_whatever_was_learnt_in_between() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    assert_eq!(bench.stored("c1").await.unwrap().rce_thread, None);
    bench.bot.answers([Answer::TakeAndDrop]);
    bench.agent_writes("c1", "66aa", "Let me see").await;
    bench.until_quiet_by_hand().await;
    // Meanwhile the takeover has found the thread.
    assert!(bench.stored("c1").await.unwrap().rce_thread.is_some());
    let active: Vec<_> = bench
        .bot
        .heard()
        .into_iter()
        .filter(|heard| heard.kind() == "handover.active")
        .collect();
    assert_eq!(active.len(), 2);
    assert_eq!((&active[0].id, &active[0].raw), (&active[1].id, &active[1].raw));
    bench.finish().await;
}
