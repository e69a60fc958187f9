//! What bots and people say on each platform, in our words, and what RCE gets of it.

use handover_core::message::Author;
use handover_platforms::{Content, chatlayer, cognigy};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{cases, to_rce, walk};

fn read(source: &str, input: &Value) -> Content {
    match source {
        "cognigy bot" => cognigy::from_cognigy(input),
        "cognigy person" => cognigy::person_from_cognigy(input),
        "chatlayer bot" => chatlayer::from_chatlayer(input, Author::Bot),
        "chatlayer person" => chatlayer::from_chatlayer(input, Author::User),
        "chatlayer channel" => chatlayer::from_webhook_channel(input),
        other => panic!("nobody speaks {other}"),
    }
}

#[test]
fn every_platforms_messages_are_read_in_our_words() {
    walk("from", |case| {
        let source = case["source"].as_str().expect("a source");
        let content = read(source, &case["input"]);
        let rce = to_rce(content.text.as_deref(), content.structured.as_ref());
        Map::from_iter([
            ("content".to_owned(), serde_json::to_value(content).expect("JSON")),
            ("rce".to_owned(), rce),
        ])
    });
}

#[test]
fn every_platform_and_every_side_is_in_the_table() {
    let cases = cases("from");
    for source in [
        "cognigy bot",
        "cognigy person",
        "chatlayer bot",
        "chatlayer person",
        "chatlayer channel",
    ] {
        assert!(cases.values().any(|case| case["source"] == source), "{source}");
    }
}

/// What a bot's button carries and what a click on it brings are the same payload, so that RCE knows what was picked.
#[test]
fn a_click_on_a_chatlayer_bots_button_is_the_payload_that_rce_was_shown() {
    for parameters in [
        json!([]),
        json!([{"key": "city", "value": "Gent", "order": 0, "__typename": "Parameter"}]),
    ] {
        let button =
            json!({"title": "Go", "caption": "Go", "nextDialogstateId": "d-1", "parameters": parameters});
        let bot = json!({"text": "Where?", "quick_replies": [
            {"title": "Go", "content_type": "text", "payload": button.to_string()}]});
        let shown = chatlayer::from_chatlayer(&bot, Author::Bot).structured.unwrap();
        let click = json!({"messageType": "postback", "title": "Go", "nextDialogstateId": "d-1", "parameters": parameters});
        let clicked = chatlayer::from_chatlayer(&click, Author::User).payload;
        assert_eq!(shown["items"][0]["payload"].as_str(), clicked.as_deref());
        assert!(clicked.unwrap().contains("d-1"));
    }
}

#[test]
fn giant_and_deep_messages_are_bounded() {
    let mut deep = json!({"title": "bottom"});
    for _ in 0..100 {
        deep = json!({"items": [deep], "body": [{"type": "Container", "items": []}]});
    }
    let many: Vec<Value> = (0..5_000)
        .map(|n| json!({"title": format!("Card {n}")}))
        .collect();
    for value in [&deep, &json!({"a": vec!["x".repeat(500); 500]})] {
        for (source, input) in [
            (
                "cognigy bot",
                json!({"data": {"_cognigy": {"_default": {"_adaptiveCard": {"adaptiveCard": value}}}}}),
            ),
            ("cognigy bot", json!({"data": {"any": value}})),
            (
                "cognigy bot",
                json!({"data": {"_cognigy": {"_ringCentralEngage": {"json":
                {"command": "structured-content", "structuredContent": value}}}}}),
            ),
            (
                "cognigy person",
                json!({"data": {"_cognigy": {"_app": {"payload": value}}}}),
            ),
            (
                "chatlayer bot",
                json!({"attachment": {"type": "odd", "payload": value}}),
            ),
            ("chatlayer person", json!({"messageType": "odd", "value": value})),
        ] {
            let content = read(source, &input);
            assert!(!content.is_empty(), "{source} said something");
            let length = content.text.unwrap_or_default().chars().count();
            assert!(length <= 25_000, "{source}: {length}");
            assert!(
                content
                    .structured
                    .is_none_or(|form| !handover_core::json::is_too_deep(&form))
            );
        }
    }
    // A form is never cut: RCE gets all of it as text.
    let gallery = json!({"data": {"_cognigy": {"_default": {"_gallery": {"items": many}}}}});
    let content = read("cognigy bot", &gallery);
    let rce = to_rce(None, content.structured.as_ref());
    assert!(rce["body"].as_str().unwrap().ends_with("- Card 4999"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "|text|title|[a-z<>&]{0,6}|https://x\\.test/[a-z]{1,3}\\.png|postback|template|web_url|select|structured-content";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "text",
        "data",
        "_cognigy",
        "_default",
        "_webchat",
        "message",
        "_quickReplies",
        "quickReplies",
        "_gallery",
        "items",
        "_buttons",
        "buttons",
        "_list",
        "button",
        "attachment",
        "payload",
        "template_type",
        "elements",
        "quick_replies",
        "title",
        "type",
        "url",
        "messageType",
        "urls",
        "coordinates",
        "parameters",
        "key",
        "value",
        "attachments",
        "_image",
        "_ringCentralEngage",
        "json",
        "command",
        "structuredContent",
        "_adaptiveCard",
        "adaptiveCard",
        "body",
        "_plugin",
    ]);
    leaf.prop_recursive(8, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_the_same_way_twice_and_says_something_or_nothing(input in any_json()) {
        for source in ["cognigy bot", "cognigy person", "chatlayer bot", "chatlayer person", "chatlayer channel"] {
            let content = read(source, &input);
            prop_assert_eq!(&content, &read(source, &input));
            prop_assert!(content.text.is_none_or(|text| !text.trim().is_empty()));
            prop_assert!(content.structured.is_none_or(|form| form.is_object()));
        }
    }
}
