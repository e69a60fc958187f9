//! Secrets are changed while people talk: with both valid nothing is lost, afterwards the old one opens nothing. And what
//! is lost in no case if only one side was changed.

use std::time::Duration;

use handover_core::ports::JobQueue as _;
use handover_stories::bench::CONNECTION;
use handover_stories::chatlayer::{Chatlayer, VERIFY_TOKENS};
use handover_stories::desk::{SAM, signature};
use handover_stories::setup::{BOT_KEY, BOT_SECRET, OPERATOR_KEY};
use handover_stories::{Answer, Bench, Setup};
use serde_json::{Value, json};

use crate::cognigy::{SESSION, call, signed};

const NEXT: &str = "the-next-secret-0123456789";
const NEXT_SIGNING: &str = "whsec_bmV4dC1uZXh0LW5leHQtbmV4dC1uZXh0LW5leHQhIQ==";
const SOURCE_TOKEN: &str = "simulated-source-token";
const WEBHOOK_SECRET: &str = "simulated-webhook-secret";

/// First the new one is put beside the old one, then the old one is taken away.
fn beside(bench: &mut Bench, old: &str, new: &str) {
    bench.reconfigure(|toml| {
        let listed = toml.replace(&format!("\"{old}\""), &format!("[\"{old}\", \"{new}\"]"));
        // Where a list stood already.
        listed.replace("[[\"", "[\"").replace("\"]]", "\"]")
    });
}

fn without(bench: &mut Bench, old: &str) {
    bench.reconfigure(|toml| toml.replace(&format!("\"{old}\", "), ""));
}

async fn says(bench: &Bench, key: &str, text: &str) -> u16 {
    let body = json!({"id": text, "from": "user", "text": text});
    bench
        .call_as(key, "POST", "/conversations/c1/messages", &body)
        .await
        .status
}

#[tokio::test]
async fn a_bots_key_is_changed_without_a_gap() {
    let mut bench = Bench::new().await;
    assert_eq!(says(&bench, BOT_KEY, "1").await, 202);
    assert_eq!(says(&bench, NEXT, "x").await, 401, "not yet");
    beside(&mut bench, BOT_KEY, NEXT);
    assert_eq!(says(&bench, BOT_KEY, "2").await, 202);
    assert_eq!(says(&bench, NEXT, "3").await, 202);
    assert_eq!(says(&bench, BOT_KEY, "4").await, 202);
    // A repeat is a repeat, whichever key it comes with.
    assert_eq!(says(&bench, NEXT, "4").await, 202);
    without(&mut bench, BOT_KEY);
    assert_eq!(says(&bench, BOT_KEY, "y").await, 401);
    assert_eq!(says(&bench, NEXT, "5").await, 202);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["1", "2", "3", "4", "5"]);
    bench.finish().await;
}

#[tokio::test]
async fn an_operators_key_is_changed_without_a_gap() {
    let mut bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    let sees_text = async |bench: &Bench, key: &str| {
        let path = "/conversations/c1/timeline";
        let reply = bench.call_as(key, "GET", path, &Value::Null).await;
        (reply.status, reply.text().contains("\"hi\""))
    };
    assert_eq!(sees_text(&bench, NEXT).await, (401, false));
    beside(&mut bench, OPERATOR_KEY, NEXT);
    assert_eq!(sees_text(&bench, OPERATOR_KEY).await, (200, true));
    assert_eq!(sees_text(&bench, NEXT).await, (200, true));
    without(&mut bench, OPERATOR_KEY);
    assert_eq!(sees_text(&bench, OPERATOR_KEY).await, (401, false));
    assert_eq!(sees_text(&bench, NEXT).await, (200, true));
    bench.finish().await;
}

#[tokio::test]
async fn the_sources_token_is_changed_in_both_directions_whichever_side_is_first() {
    for ours_first in [true, false] {
        let mut bench = Bench::new().await;
        bench.with_agent("c1").await;
        bench.bot_says("c1", "before").await;
        bench.until_quiet().await;
        if ours_first {
            // The new one signs first; RCE does not know it yet.
            bench.reconfigure(|toml| {
                toml.replace(
                    &format!("[\"{SOURCE_TOKEN}\"]"),
                    &format!("[\"{NEXT}\", \"{SOURCE_TOKEN}\"]"),
                )
            });
        } else {
            beside(&mut bench, SOURCE_TOKEN, NEXT);
        }
        bench.user_says("c1", "during, old").await;
        bench.rce.reply("c1", SAM, "agent, old").unwrap();
        bench.until_quiet().await;
        bench.rce.set_source_token(NEXT);
        bench.user_says("c1", "during, new").await;
        bench.rce.reply("c1", SAM, "agent, new").unwrap();
        bench.until_quiet().await;
        if ours_first {
            bench.reconfigure(|toml| toml.replace(&format!(", \"{SOURCE_TOKEN}\""), ""));
        } else {
            without(&mut bench, SOURCE_TOKEN);
        }
        bench.user_says("c1", "after").await;
        bench.rce.reply("c1", SAM, "agent, after").unwrap();
        bench.until_quiet().await;
        let said = bench.in_rce("c1");
        for text in ["during, old", "during, new", "after"] {
            assert_eq!(said.iter().filter(|said| *said == text).count(), 1, "{text}");
        }
        let texts = bench.bot.texts();
        assert!(
            texts.ends_with(&["agent, old", "agent, new", "agent, after"].map(str::to_owned)),
            "{texts:?}"
        );
        let old = signature(SOURCE_TOKEN, br#"{"action":"messages.list"}"#);
        let headers = [("x-smccsdk-signature", old.as_str())];
        let path = format!("/{CONNECTION}/handover/rce/source");
        let reply = bench
            .request("POST", &path, &headers, r#"{"action":"messages.list"}"#)
            .await;
        assert_eq!(reply.status, 401);
        // That every answer was signed with the token that RCE had is among the violations.
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_webhooks_secret_is_changed_without_a_gap() {
    let mut bench = Bench::new().await;
    bench.with_agent("c1").await;
    beside(&mut bench, WEBHOOK_SECRET, NEXT);
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler("c1").await, "bot", "the old one was taken");
    bench.rce.set_webhook_secret(NEXT);
    without(&mut bench, WEBHOOK_SECRET);
    bench.with_agent("c2").await;
    bench.rce.close("c2").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler("c2").await, "bot", "the new one was taken");
    let headers = [("x-dimelo-secret", WEBHOOK_SECRET)];
    let path = format!("/{CONNECTION}/handover/rce/webhook");
    let reply = bench.request("POST", &path, &headers, r#"{"events":[]}"#).await;
    reply.problem(401, "unauthorized");
    bench.finish().await;
}

#[tokio::test]
async fn what_signs_to_the_bot_is_changed_without_a_gap() {
    let mut bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    beside(&mut bench, BOT_SECRET, NEXT_SIGNING);
    // The bot changes over at a moment of its own.
    bench.agent_writes("c1", "1", "old").await;
    bench.work().await;
    bench.bot.takes_only(NEXT_SIGNING);
    bench.agent_writes("c1", "2", "new").await;
    bench.work().await;
    without(&mut bench, BOT_SECRET);
    bench.agent_writes("c1", "3", "after").await;
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["old", "new", "after"]);
    assert!(bench.bot.heard().iter().all(|heard| heard.accepted));
    bench.bot.takes_only(BOT_SECRET);
    bench.agent_writes("c1", "4", "no more").await;
    bench.work().await;
    assert_eq!(bench.bot.texts().len(), 3, "nothing is signed with the old one");
    bench.bot.takes_only(NEXT_SIGNING);
    bench.until_quiet_by_hand().await;
    bench.finish().await;
}

#[tokio::test]
async fn cognigys_secret_is_changed_in_both_directions() {
    let cognigy = handover_stories::cognigy::Cognigy::start().await;
    let setup = Setup::default().by_hand().bot_is(&cognigy.by_endpoint());
    let mut bench = setup.start().await;
    let says = async |bench: &Bench, secret: &str, text: &str| {
        let body = call("message.user", &json!({"message": {"id": text, "text": text}})).to_string();
        let seconds = bench.clock_now().as_second();
        let signed = signed(secret, text, seconds, &body);
        let time = seconds.to_string();
        let headers = [
            ("webhook-id", text),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signed.as_str()),
        ];
        bench
            .request("POST", "/acme/handover/cognigy", &headers, body)
            .await
            .status
    };
    assert_eq!(says(&bench, NEXT_SIGNING, "x").await, 401);
    beside(&mut bench, BOT_SECRET, NEXT_SIGNING);
    assert_eq!(says(&bench, BOT_SECRET, "1").await, 202);
    assert_eq!(says(&bench, NEXT_SIGNING, "2").await, 202);
    crate::cognigy::asks(&bench, &json!({})).await;
    bench.until_quiet_by_hand().await;
    // Its transformers still have the old one.
    bench.agent_writes(SESSION, "66aa", "Hello").await;
    bench.until_quiet_by_hand().await;
    without(&mut bench, BOT_SECRET);
    assert_eq!(says(&bench, BOT_SECRET, "y").await, 401);
    assert_eq!(says(&bench, NEXT_SIGNING, "3").await, 202);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.in_rce(SESSION).first().map(String::as_str), Some("1"));
    assert_eq!(bench.in_rce(SESSION).last().map(String::as_str), Some("3"));
    assert_eq!(cognigy.shown(SESSION), ["Hello"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn chatlayers_verify_token_is_changed_without_a_gap() {
    let chatlayer = Chatlayer::start().await;
    let mut bench = chatlayer.setup().start().await;
    let [old, new] = VERIFY_TOKENS;
    let says = async |bench: &Bench, token: &str, text: &str| {
        let mut event = chatlayer.event(bench, "s1", "messages");
        let message = json!({"text": text});
        event["messages"] = json!([chatlayer.of_user(bench, "s1", &message)]);
        let query = format!("?challenge.verifyToken={token}");
        let reply = chatlayer.posts_with(bench, &query, event.to_string()).await;
        reply.status
    };
    assert_eq!(says(&bench, old, "1").await, 200);
    assert_eq!(says(&bench, new, "2").await, 200);
    without(&mut bench, old);
    assert_eq!(says(&bench, old, "x").await, 403);
    assert_eq!(says(&bench, new, "3").await, 200);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("s1"), ["1", "2", "3"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_bot_that_changed_its_secret_first_gets_everything_in_order_once_ours_follows() {
    let mut bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.takes_only(NEXT_SIGNING);
    bench.agent_writes("c1", "1", "one").await;
    bench.agent_writes("c1", "2", "two").await;
    for _ in 0..4 {
        bench.work().await;
        bench.pass(Duration::from_mins(1));
    }
    assert_eq!(bench.bot.texts(), [""; 0]);
    assert_eq!(bench.dead_letters().await, [], "it may only be a moment");
    bench.reconfigure(|toml| toml.replace(BOT_SECRET, NEXT_SIGNING));
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.texts(), ["one", "two"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_secret_that_stays_wrong_holds_up_nobody_for_long_and_all_can_be_sent_again_in_order() {
    let mut bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.takes_only(NEXT_SIGNING);
    let began = bench.clock_now();
    for (content, text) in [("1", "one"), ("2", "two"), ("3", "three")] {
        bench.agent_writes("c1", content, text).await;
    }
    bench.until_quiet_by_hand().await;
    let took = bench.clock_now().duration_since(began);
    assert!(
        took.as_secs() < 320,
        "together, not one after the other: {took:?}"
    );
    let letters = bench.dead_letters().await;
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.reason.contains("401")));
    let told = bench.in_rce("c1");
    assert!(
        told.iter().any(|text| text.contains("could not be delivered")),
        "the agent is told: {told:?}"
    );

    bench.reconfigure(|toml| toml.replace(BOT_SECRET, NEXT_SIGNING));
    bench.agent_writes("c1", "4", "four").await;
    bench.work().await;
    for letter in bench.dead_letters().await {
        assert!(bench.embedded.replay(&letter.id).await.unwrap());
    }
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.texts(), ["four", "one", "two", "three"]);
    bench.bot.allow_replays();
    bench.finish().await;
}

#[tokio::test]
async fn rces_token_that_was_changed_there_first_loses_no_words_of_the_person() {
    let mut bench = Bench::new().await;
    bench.user_says("c1", "before").await;
    bench.until_quiet().await;
    bench.rce.set_source_token(NEXT);
    bench.user_says("c1", "one").await;
    bench.user_says("c1", "two").await;
    for _ in 0..4 {
        bench.work().await;
        bench.pass(Duration::from_mins(1));
    }
    assert_eq!(bench.in_rce("c1"), ["before"]);
    bench.reconfigure(|toml| toml.replace(SOURCE_TOKEN, NEXT));
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["before", "one", "two"]);
    assert_eq!(bench.bot.kinds(), [""; 0], "nobody was told of a failure");
    bench.finish().await;
}

/// The note to the agents needs the token; taking the thread back does not.
#[tokio::test]
async fn a_source_token_that_is_wrong_keeps_nobody_with_the_agents_who_leaves() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    bench.rce.set_source_token(NEXT);
    let left = bench
        .call("DELETE", "/conversations/c1/handover", &json!({}))
        .await;
    assert_eq!(left.status, 202);
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert_eq!(bench.bot.kinds().last().unwrap(), "handover.cancelled");
    bench.finish().await;
}

#[tokio::test]
async fn a_refusal_for_another_reason_is_still_final_at_once() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.answers([Answer::Status(404)]);
    bench.agent_writes("c1", "1", "one").await;
    bench.work().await;
    assert_eq!(bench.take_dead_letters().await[0].attempts, 1);
    bench.until_quiet_by_hand().await;
    bench.finish().await;
}
