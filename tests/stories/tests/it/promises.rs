//! The promises, each on every kind of bot: what may go wrong between two platforms goes wrong here, and is kept anyway.
//!
//! That nothing is lost wherever the process dies is told in `crashes`, `cognigy_crashes` and `chatlayer_crashes`; who is
//! not let in, in `authentication`, `cognigy` and `chatlayer_input`; RCE's limits in `rce_limits`.

use std::time::Duration;

use handover_stories::chatlayer::{Chatlayer, Trouble};
use handover_stories::cognigy::Cognigy;
use handover_stories::desk::SAM;
use handover_stories::logs::Logs;
use handover_stories::{Answer, Bench, Setup};
use serde_json::json;

use crate::cognigy::{SESSION, call, send};

/// A bot of one kind, and what its person sees.
enum Side {
    Webhook,
    Cognigy(Cognigy),
    Chatlayer(Chatlayer),
}

impl Side {
    async fn all() -> [Self; 3] {
        let (cognigy, chatlayer) = (Cognigy::start().await, Chatlayer::start().await);
        [Self::Webhook, Self::Cognigy(cognigy), Self::Chatlayer(chatlayer)]
    }

    fn setup(&self) -> Setup {
        match self {
            Self::Webhook => Setup::default(),
            Self::Cognigy(cognigy) => Setup::default().bot_is(&cognigy.by_endpoint()),
            Self::Chatlayer(chatlayer) => chatlayer.setup(),
        }
    }

    /// The person says something; the same id is the same message.
    async fn says(&self, bench: &Bench, id: &str, text: &str) {
        match self {
            Self::Webhook => {
                let said = json!({"id": id, "from": "user", "text": text});
                bench.message(SESSION, said).await;
            }
            Self::Cognigy(_) => {
                let said = call("message.user", &json!({"message": {"id": id, "text": text}}));
                send(bench, &said).await.expect(202);
            }
            Self::Chatlayer(chatlayer) => {
                let said = chatlayer.of_user(bench, SESSION, &json!({"id": id, "text": text}));
                chatlayer.reports(bench, SESSION, &[said]).await;
            }
        }
    }

    async fn asks(&self, bench: &Bench, reason: &str) {
        match self {
            Self::Webhook => drop(bench.asks_for_agent(SESSION, json!({"reason": reason})).await),
            Self::Cognigy(_) => {
                let wish = call("handover.requested", &json!({"reason": reason}));
                drop(send(bench, &wish).await.expect(202));
            }
            Self::Chatlayer(chatlayer) => {
                let payload = json!({"reason": reason});
                drop(chatlayer.offloads(bench, SESSION, &payload).await);
            }
        }
    }

    /// The bot's side cannot be reached for its next so many calls.
    fn is_away(&self, bench: &Bench, times: usize) {
        match self {
            Self::Webhook => bench.bot.answers(vec![Answer::Status(503); times]),
            Self::Cognigy(cognigy) => cognigy.answers(vec![503; times]),
            Self::Chatlayer(chatlayer) => {
                chatlayer.answers(std::iter::repeat_with(|| Trouble::Status(503)).take(times));
            }
        }
    }

    /// What the person reads of agents, and the ends that the bot was told, in order.
    fn seen(&self, bench: &Bench) -> Vec<String> {
        match self {
            Self::Webhook => {
                let taken = bench.bot.taken();
                let seen = taken.iter().filter_map(|heard| match heard.kind() {
                    "message.created" => Some(heard.text().to_owned()),
                    "handover.completed" | "handover.timed_out" => Some("END".to_owned()),
                    _ => None,
                });
                seen.collect()
            }
            Self::Cognigy(cognigy) => {
                let taken = cognigy.taken();
                let seen = taken
                    .iter()
                    .filter_map(|call| match call.handover()["status"].as_str() {
                        Some("completed" | "error") => Some("END".to_owned()),
                        None => call.body["text"].as_str().map(str::to_owned),
                        Some(_) => None,
                    });
                seen.collect()
            }
            Self::Chatlayer(chatlayer) => chatlayer.session(SESSION).events,
        }
    }

    fn check(&self) {
        match self {
            Self::Webhook => {}
            Self::Cognigy(cognigy) => cognigy.check(),
            Self::Chatlayer(chatlayer) => chatlayer.check(),
        }
    }
}

async fn with_agent(side: &Side, bench: &Bench) {
    side.says(bench, "m-1", "I need a human").await;
    side.asks(bench, "billing").await;
    bench.until_quiet().await;
    bench.rce.take(SESSION, SAM).expect("a waiting thread");
    let hello = bench.rce.reply(SESSION, SAM, "Hello, Sam here");
    hello.expect("Sam has it");
    bench.until_quiet().await;
}

#[tokio::test]
async fn promise_2_the_end_never_overtakes_the_last_words() {
    for side in Side::all().await {
        let bench = side.setup().start().await;
        with_agent(&side, &bench).await;
        side.is_away(&bench, 3);
        for text in ["one", "two"] {
            bench.rce.reply(SESSION, SAM, text).unwrap();
            bench.settle().await;
        }
        bench.rce.close(SESSION).unwrap();
        bench.until_quiet().await;
        assert_eq!(side.seen(&bench), ["Hello, Sam here", "one", "two", "END"]);
        side.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn promise_3_whatever_is_repeated_has_one_effect() {
    for side in Side::all().await {
        let bench = side.setup().start().await;
        for _ in 0..3 {
            side.says(&bench, "m-1", "I need a human").await;
        }
        for _ in 0..2 {
            side.asks(&bench, "billing").await;
        }
        bench.until_quiet().await;
        bench.rce.take(SESSION, SAM).unwrap();
        let words = bench.agent_message(SESSION, "66aa", "Hello");
        for _ in 0..3 {
            bench.source_sdk(&words).await.expect(200);
        }
        bench.rce.close(SESSION).unwrap();
        let closed = bench.event("intervention.closed", SESSION, &json!({}));
        for _ in 0..3 {
            bench.webhook(std::slice::from_ref(&closed)).await;
        }
        bench.until_quiet().await;
        assert_eq!(bench.in_rce(SESSION), ["I need a human", "Reason: billing"]);
        assert_eq!(side.seen(&bench), ["Hello", "END"]);
        side.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn promise_4_from_the_request_to_the_end_the_agents_answer() {
    for side in Side::all().await {
        let bench = side.setup().start().await;
        side.says(&bench, "m-1", "Hello").await;
        assert_eq!(bench.handler(SESSION).await, "bot");
        side.asks(&bench, "billing").await;
        // Before RCE has even heard of it.
        assert_eq!(bench.handler(SESSION).await, "agent");
        side.says(&bench, "m-2", "Are you there?").await;
        bench.until_quiet().await;
        assert_eq!(bench.handler(SESSION).await, "agent");
        bench.rce.take(SESSION, SAM).unwrap();
        bench.rce.reply(SESSION, SAM, "Yes").unwrap();
        bench.until_quiet().await;
        bench.rce.close(SESSION).unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.handler(SESSION).await, "bot");
        side.says(&bench, "m-3", "Thanks").await;
        bench.until_quiet().await;
        let read = bench.in_rce(SESSION);
        assert_eq!(
            read,
            ["Hello", "Reason: billing", "Are you there?", "Yes", "Thanks"]
        );
        side.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn promise_5_a_lost_report_of_the_end_is_made_up_for_once() {
    for side in Side::all().await {
        let bench = side.setup().by_hand().start().await;
        side.asks(&bench, "billing").await;
        bench.until_quiet_by_hand().await;
        bench.rce.take(SESSION, SAM).unwrap();
        bench.agent_writes(SESSION, "66aa", "Hello").await;
        bench.rce.reply(SESSION, SAM, "Hello").unwrap();
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(5));
        bench.rce.close(SESSION).unwrap();
        bench.pass(Duration::from_secs(70));
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.handler(SESSION).await, "bot");
        let late = bench.event("intervention.closed", SESSION, &json!({}));
        bench.webhook(&[late]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(side.seen(&bench), ["Hello", "END"]);
        side.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn promise_5_who_waits_for_nobody_comes_back() {
    for side in Side::all().await {
        let bench = side.setup().timers("queue = 120").start().await;
        side.asks(&bench, "billing").await;
        bench.until_quiet().await;
        bench.pass(Duration::from_secs(125));
        bench.until_quiet().await;
        assert_eq!(bench.handler(SESSION).await, "bot");
        assert_eq!(side.seen(&bench), ["END"]);
        side.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn promise_6_nothing_that_was_said_is_in_a_log() {
    let said = "zebra-crossing-at-midnight";
    for side in Side::all().await {
        let logs = Logs::capture();
        let bench = side.setup().start().await;
        with_agent(&side, &bench).await;
        side.says(&bench, "m-2", said).await;
        side.is_away(&bench, 2);
        bench.rce.reply(SESSION, SAM, said).unwrap();
        bench.until_quiet().await;
        bench.rce.close(SESSION).unwrap();
        bench.until_quiet().await;
        let log = logs.text();
        assert!(log.lines().count() > 5, "{log}");
        for hidden in [
            said,
            "I need a human",
            "Sam here",
            "tok-webchat",
            "chatlayer-access-token",
            "whsec_",
        ] {
            assert!(!log.contains(hidden), "{hidden} is in the log:\n{log}");
        }
        bench.finish().await;
    }
}
