//! Real answers of every call are what the document says.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::bot::{AVAILABILITY, Bot, CANCEL, FILES, HANDOVER, HELLO, MESSAGES, READ, SHOW, TIMELINE, TYPING};
use crate::host::{BOT_KEY, OPERATOR_KEY};
use crate::schemas::{assert_valid, document};

#[tokio::test]
async fn a_handover_from_the_first_word_to_the_last() {
    let bot = Bot::start();
    assert_eq!(bot.call(MESSAGES, "c-1", HELLO, 202).await["handler"], "bot");
    assert_eq!(
        bot.call(SHOW, "c-1", "", 200).await["handover"],
        json!({"status": "none"})
    );
    let asked = bot.call(HANDOVER, "c-1", r#"{"reason": "refund"}"#, 202).await;
    assert_eq!(asked["handover"]["status"], "requested");
    bot.host.work().await;

    bot.ringcx_calls(json!({"action": "messaging.queuing_update",
        "params": {"thread_id": "c-1", "position": 2, "estimated_wait_time": 30.5}}))
        .await;
    let waiting = bot.call(SHOW, "c-1", "", 200).await;
    assert_eq!(waiting["handover"]["queue"]["estimated_wait_ms"], 30_500);
    assert_eq!(
        bot.call(MESSAGES, "c-1", r#"{"from": "user", "text": "?"}"#, 202)
            .await["handler"],
        "agent"
    );

    bot.ringcx_calls(
        json!({"action": "messages.create", "params": {"thread_id": "c-1", "content_id": "co-1",
        "body": "Good morning", "format": "text", "sender_name": "Ada"}}),
    )
    .await;
    assert_eq!(
        bot.call(HANDOVER, "c-1", "", 202).await["handover"]["agent"]["name"],
        "Ada"
    );
    bot.call(TYPING, "c-1", r#"{"state": "start", "preview": "Th"}"#, 202)
        .await;
    bot.call(READ, "c-1", r#"{"message_id": "rcx-co-1"}"#, 202).await;

    bot.ringcx_reports("intervention.closed", json!({"user_id": "a-1"}))
        .await;
    let over = bot.call(SHOW, "c-1", "", 200).await;
    assert_eq!(
        (&over["handler"], &over["handover"]["outcome"]),
        (&json!("bot"), &json!("agent_closed"))
    );

    bot.call(HANDOVER, "c-1", "", 202).await;
    let cancelled = bot.call(CANCEL, "c-1", r#"{"cause": "bot_ended"}"#, 202).await;
    assert_eq!(cancelled["handover"]["outcome"], "bot_ended");
    bot.call(CANCEL, "c-1", "", 202).await;
}

#[tokio::test]
async fn a_timeline_shows_text_to_operators_only() {
    let mut bot = Bot::start();
    bot.call(MESSAGES, "c-1", HELLO, 202).await;
    bot.call(HANDOVER, "c-1", "", 202).await;
    bot.host.work().await;
    let shown = bot.call(TIMELINE, "c-1", "", 200).await.to_string();
    assert!(shown.contains("message.sent") && !shown.contains("Hello"));
    bot.key = OPERATOR_KEY;
    let shown = bot.call(TIMELINE, "c-1", "", 200).await.to_string();
    assert!(shown.contains("Hello"));
}

#[tokio::test]
async fn nobody_there_is_an_answer_too() {
    let bot = Bot::start();
    assert_eq!(bot.call(AVAILABILITY, "", "", 200).await["agents"], 3);
    bot.host.ringcx.no_agents.store(true, Ordering::Relaxed);
    assert_eq!(bot.call(AVAILABILITY, "", "", 200).await["reason"], "no_agents");
    let refused = bot.call(HANDOVER, "c-1", r#"{"require_agent": true}"#, 200).await;
    assert_eq!(
        refused["handover"],
        json!({"status": "unavailable", "reason": "no_agents"})
    );
    bot.host.ringcx.silent_about_agents.store(true, Ordering::Relaxed);
    assert_eq!(bot.call(AVAILABILITY, "", "", 200).await["agents"], Value::Null);

    let off = HANDOVER.replace("{connection}", "off");
    let request =
        Request::post("/off/conversations/c-1/handover").header("authorization", format!("Bearer {BOT_KEY}"));
    let answer = bot
        .host
        .answer(request.body(Bytes::new()).expect("a request"))
        .await;
    let value: Value = serde_json::from_slice(answer.body()).expect("JSON");
    assert_valid(
        &bot.document,
        &json!({"$ref": "#/components/schemas/HandoverRefused"}),
        &value,
        &off,
    );
    assert_eq!(
        (answer.status().as_u16(), &value["handover"]["reason"]),
        (200, &json!("disabled"))
    );
}

#[tokio::test]
async fn the_service_describes_itself() {
    let bot = Bot::start();
    bot.call("GET /health", "", "", 200).await;
    assert_eq!(bot.call("GET /openapi.json", "", "", 200).await, document());
}

#[tokio::test]
async fn a_file_is_kept_and_opened() {
    let mut bot = Bot::start();
    let kept = bot.call(FILES, "c-1", "just text", 201).await;
    assert_eq!(
        (&kept["filename"], &kept["size"]),
        (&json!("file.txt"), &json!(9))
    );
    let path = kept["url"]
        .as_str()
        .and_then(|url| url.strip_prefix("https://bridge.example.org"));
    let request = Request::get(path.expect("an address of ours")).body(Bytes::new());
    let opened = bot.host.answer(request.expect("a request")).await;
    let described = &bot.document["paths"]["/{connection}/files/{key}/{filename}"]["get"]["responses"];
    assert_eq!(
        (opened.status().as_u16(), &opened.body()[..]),
        (200, &b"just text"[..])
    );
    for header in described["200"]["headers"].as_object().expect("headers").keys() {
        assert!(opened.headers().contains_key(header), "{header}");
    }
    let refused = bot.call(FILES, "c-1", "MZ\0\0", 422).await;
    assert!(refused["errors"][0].is_string());
    bot.call(FILES, "c-1", vec![b' '; 4 * 1024 * 1024 + 1], 413).await;
    bot.key = OPERATOR_KEY;
    bot.call(FILES, "c-1", "just text", 401).await;
}
