//! Real answers to operators are what the document says, and nothing more.

use serde_json::json;

use crate::bot::{Bot, HANDOVER, HELLO, MESSAGES};
use crate::host::{BOT_KEY, OPERATOR_KEY};

const STATUS: &str = "GET /{connection}/operator/status";
const CONVERSATIONS: &str = "GET /{connection}/operator/conversations";
const RELEASE: &str = "POST /{connection}/operator/conversations/{id}/release";
const DEAD_LETTERS: &str = "GET /{connection}/operator/dead-letters";
const REPLAY: &str = "POST /{connection}/operator/dead-letters/{letter}/replay";
const DISCARD: &str = "DELETE /{connection}/operator/dead-letters/{letter}";
const DRAIN: [&str; 3] = [
    "GET /{connection}/operator/drain",
    "POST /{connection}/operator/drain",
    "DELETE /{connection}/operator/drain",
];

#[tokio::test]
async fn an_operators_answers_are_described() {
    let mut bot = Bot::start();
    bot.call(MESSAGES, "c-1", HELLO, 202).await;
    bot.call(HANDOVER, "c-1", "", 202).await;
    bot.host.work().await;
    bot.ringcx_calls(json!({"action": "messaging.queuing_update",
        "params": {"thread_id": "c-1", "position": 2, "estimated_wait_time": 30}}))
        .await;
    bot.key = OPERATOR_KEY;
    let waiting = bot.call(CONVERSATIONS, "", "", 200).await;
    assert_eq!(waiting["conversations"][0]["queue"]["position"], 2);
    bot.ringcx_calls(
        json!({"action": "messages.create", "params": {"thread_id": "c-1", "content_id": "co-1",
        "body": "Good morning", "format": "text", "sender_name": "Ada"}}),
    )
    .await;
    let held = bot.call(CONVERSATIONS, "", "", 200).await;
    assert_eq!(held["conversations"][0]["agent"]["name"], "Ada");
    bot.call(STATUS, "", "", 200).await;
    for (call, draining) in DRAIN.into_iter().zip([false, true, false]) {
        assert_eq!(bot.call(call, "", "", 200).await["draining"], draining);
    }
    bot.call(RELEASE, "c-1", "", 200).await;
    bot.call(RELEASE, "c-1", "", 409).await;
    bot.call(RELEASE, "nobody", "", 404).await;
    bot.call(DEAD_LETTERS, "", "", 200).await;
    bot.call(REPLAY, "", "", 404).await;
    bot.call(DISCARD, "", "", 404).await;
}

#[tokio::test]
async fn every_other_key_is_refused_as_described() {
    let mut bot = Bot::start();
    let calls = [STATUS, CONVERSATIONS, RELEASE, DEAD_LETTERS, REPLAY, DISCARD];
    for (key, status) in [(BOT_KEY, 403), ("some-other-key", 401)] {
        bot.key = key;
        for call in calls.into_iter().chain(DRAIN) {
            bot.call(call, "c-1", "", status).await;
        }
    }
}
