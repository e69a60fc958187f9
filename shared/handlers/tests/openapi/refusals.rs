//! Refusals are described problems, and the bodies that are refused are those that the document forbids.

use handover_handlers::routes::BOT_API_BODY_LIMIT;
use serde_json::json;

use crate::bot::{AVAILABILITY, Bot, CANCEL, HANDOVER, HELLO, MESSAGES, READ, SHOW, TIMELINE, TYPING};
use crate::schemas::{document, validator};

#[tokio::test]
async fn every_refusal_is_a_described_problem() {
    let mut bot = Bot::start();
    let problem = |slug: &str| json!(format!("urn:engage-handover:problem:{slug}"));
    let writes = [MESSAGES, HANDOVER, CANCEL, TYPING, READ];
    for what in [CANCEL, SHOW, TIMELINE] {
        assert_eq!(
            bot.call(what, "unknown", "", 404).await["type"],
            problem("unknown-conversation"),
            "{what}"
        );
    }
    assert_eq!(
        bot.call(TYPING, "unknown", r#"{"state": "stop"}"#, 404).await["status"],
        404
    );
    assert_eq!(
        bot.call(READ, "unknown", r#"{"message_id": "rcx-1"}"#, 404).await["status"],
        404
    );
    let huge = vec![b' '; BOT_API_BODY_LIMIT + 1];
    let long = "i".repeat(257);
    for what in writes {
        assert_eq!(
            bot.call(what, "c-1", "[1", 400).await["type"],
            problem("malformed"),
            "{what}"
        );
        assert_eq!(
            bot.call(what, "c-1", huge.clone(), 413).await["type"],
            problem("too-large"),
            "{what}"
        );
        assert_eq!(
            bot.call(what, &long, "", 422).await["type"],
            problem("invalid"),
            "{what}"
        );
    }
    bot.call(MESSAGES, "c-1", HELLO, 202).await;
    let other = r#"{"id": "m-1", "from": "user", "text": "Good bye"}"#;
    assert_eq!(
        bot.call(MESSAGES, "c-1", other, 422).await["type"],
        problem("idempotency-mismatch")
    );
    bot.key = "some-other-key";
    for what in writes.into_iter().chain([SHOW, TIMELINE, AVAILABILITY]) {
        assert_eq!(
            bot.call(what, "c-1", huge.clone(), 401).await["type"],
            problem("unauthorized"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn what_the_document_calls_a_wrong_body_is_refused_and_its_examples_are_taken() {
    let (bot, document) = (Bot::start(), document());
    let wrong = [
        (MESSAGES, json!({"text": "no author"})),
        (MESSAGES, json!({"from": "agent", "text": "x"})),
        (MESSAGES, json!({"from": "user"})),
        (MESSAGES, json!({"from": "user", "text": 7})),
        (MESSAGES, json!({"id": "", "from": "user", "text": "x"})),
        (
            MESSAGES,
            json!({"id": "i".repeat(257), "from": "user", "text": "x"}),
        ),
        (
            MESSAGES,
            json!({"from": "user", "attachments": [{"url": "ftp://x.test/a"}]}),
        ),
        (
            MESSAGES,
            json!({"from": "user", "attachments": [{"filename": "a"}]}),
        ),
        (
            MESSAGES,
            json!({"from": "user", "attachments": [{"content": 7, "filename": "a.txt"}]}),
        ),
        (MESSAGES, json!({"from": "bot", "structured": "select"})),
        (MESSAGES, json!({"from": "user", "payload": ["a"]})),
        (
            MESSAGES,
            json!({"from": "user", "text": "x", "sent_at": "yesterday"}),
        ),
        (MESSAGES, json!({"from": "user", "text": "x", "user": {"id": {}}})),
        (
            MESSAGES,
            json!({"from": "user", "text": "x", "platform": {"session_id": 1}}),
        ),
        (HANDOVER, json!({"reason": 1})),
        (HANDOVER, json!({"require_agent": "yes"})),
        (HANDOVER, json!({"context": {"a": {"b": 1}}})),
        (HANDOVER, json!({"context": {"a": [1]}})),
        (HANDOVER, json!({"category_ids": [1]})),
        (
            HANDOVER,
            json!({"transcript": vec![json!({"from": "user", "text": "x"}); 1001]}),
        ),
        (HANDOVER, json!({"transcript": [{"text": "x"}]})),
        (CANCEL, json!({"cause": "boredom"})),
        (TYPING, json!({})),
        (TYPING, json!({"state": "start", "preview": 1})),
        (READ, json!({"message_id": "m-1"})),
        (READ, json!({})),
    ];
    let schema = |what: &str| {
        let (method, path) = what.split_once(' ').expect("method and path");
        document["paths"][path][method.to_lowercase()]["requestBody"]["content"]["application/json"].clone()
    };
    for (what, body) in wrong {
        assert!(
            !validator(&document, &schema(what)["schema"]).is_valid(&body),
            "{what}: {body}"
        );
        bot.call(what, "c-1", body.to_string(), 422).await;
    }
    for what in [MESSAGES, HANDOVER, CANCEL, TYPING, READ] {
        for example in schema(what)["examples"].as_object().expect("examples").values() {
            bot.call(what, "c-1", example["value"].to_string(), 202).await;
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do_in_the_document_s_words() {
    let (mut bot, document) = (Bot::start(), document());
    let example = |response: &str, slug: &str| {
        let content = &document["components"]["responses"][response]["content"]["application/problem+json"];
        content["examples"][slug]["value"].clone()
    };
    bot.call(MESSAGES, "c-1", HELLO, 202).await;
    let other = r#"{"id": "m-1", "from": "user", "text": "Good bye"}"#;
    let mismatch = bot.call(MESSAGES, "c-1", other, 422).await;
    assert_eq!(mismatch, example("Invalid", "idempotency-mismatch"));
    let unknown = bot.call(SHOW, "unknown", "", 404).await;
    assert_eq!(unknown, example("NotFound", "unknown-conversation"));
    bot.key = "some-other-key";
    let unauthorized = bot.call(SHOW, "c-1", "", 401).await;
    assert_eq!(unauthorized, example("Unauthorized", "unauthorized"));
}
