//! An agent's message on each platform. RCE's column is what RCE gets where a bot says the same.

use handover_core::message::AgentMessage;
use handover_platforms::{chatlayer, cognigy, plain_text};
use serde_json::{Map, Value, json};

use super::{cases, to_rce, walk};

fn message(case: &Value) -> AgentMessage {
    let mut message = case["message"].clone();
    message["id"] = json!("rcx-1");
    serde_json::from_value(message).expect("an agent's message")
}

#[test]
fn an_agents_message_is_the_same_in_every_platforms_words() {
    walk("to", |case| {
        let message = message(case);
        let cognigy = cognigy::to_cognigy(&message);
        let columns = json!({
            "rce": to_rce(message.text.as_deref(), message.structured.as_ref()),
            "cognigy": {"texts": cognigy.texts, "data": cognigy.data},
            "chatlayer": chatlayer::to_chatlayer(&message),
            "text": plain_text(&message),
        });
        let Value::Object(columns) = columns else {
            return Map::new();
        };
        columns
    });
}

/// Every title, subtitle, link and picture, wherever it is.
fn words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let shown = ["text", "title", "subtitle", "url", "url_text", "attachment_url"];
                match member {
                    Value::String(text) if shown.contains(&key.as_str()) => found.push(text.clone()),
                    _ => words(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

#[test]
fn nothing_that_a_person_reads_is_lost_on_the_way() {
    for (name, case) in cases("to") {
        let mut said = Vec::new();
        words(&case["message"], &mut said);
        let message = message(&case);
        let cognigy = cognigy::to_cognigy(&message);
        let columns = [
            ("cognigy", json!([cognigy.texts, cognigy.data])),
            ("chatlayer", json!(chatlayer::to_chatlayer(&message))),
            ("text", json!(plain_text(&message))),
        ];
        for (platform, column) in columns {
            let column = column.to_string();
            for word in &said {
                for line in word.lines() {
                    let line = Value::from(line).to_string();
                    let line = line.trim_matches('"').trim_start_matches("tel:");
                    assert!(column.contains(line), "{name}: {line} is lost on {platform}");
                }
            }
        }
    }
}

/// What a person clicks comes back as the agent's payload, on each platform's own way.
#[test]
fn a_click_brings_back_the_agents_payload() {
    let payloads = ["refund", "größe", "50% & more", "{\"a\":1}"];
    let items: Vec<Value> = payloads
        .iter()
        .map(|payload| json!({"title": format!("T {payload}"), "payload": payload}))
        .collect();
    let message: AgentMessage = serde_json::from_value(json!({
        "id": "rcx-1", "text": "Which?", "structured": {"type": "select", "items": items},
    }))
    .unwrap();
    let sent = chatlayer::to_chatlayer(&message);
    let replies = sent[0]["quickReplyTemplate"]["quickReplies"].as_array().unwrap();
    for (reply, payload) in replies.iter().zip(payloads) {
        // Chatlayer calls session data "parameters" once it was clicked.
        for parameters in [reply["payload"]["sessionDataToSet"].clone(), json!([])] {
            let click = json!({"messageType": "postback", "title": reply["title"], "parameters": parameters,
                "nextDialogstateId": reply["payload"]["nextDialogstateId"]});
            let read = chatlayer::from_chatlayer(&click, handover_core::message::Author::User);
            assert_eq!(read.payload.as_deref(), Some(payload));
            assert_eq!(read.text.as_deref(), reply["title"].as_str());
        }
    }
    let sent = &cognigy::to_cognigy(&message).data[0]["_cognigy"];
    let forms = [
        &sent["_default"]["_quickReplies"]["quickReplies"],
        &sent["_webchat"]["message"]["quick_replies"],
    ];
    for replies in forms {
        let carried: Vec<&str> = replies
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|reply| reply["payload"].as_str())
            .collect();
        assert_eq!(carried, payloads);
    }
}

#[test]
fn long_words_are_in_parts_that_the_platform_takes() {
    let long: AgentMessage = serde_json::from_value(json!({
        "id": "rcx-1", "text": "word ".repeat(5_000), "structured": {"type": "select", "items": [{"title": "A"}]},
    }))
    .unwrap();
    let cognigy = cognigy::to_cognigy(&long);
    let question = cognigy.data[0]["_cognigy"]["_default"]["_quickReplies"]["text"]
        .as_str()
        .unwrap();
    let texts: Vec<&str> = cognigy
        .texts
        .iter()
        .map(String::as_str)
        .chain([question])
        .collect();
    assert!(texts.len() == 3 && texts.iter().all(|text| text.chars().count() <= cognigy::TEXT_MAX));
    assert_eq!(texts.join(" ").split_whitespace().count(), 5_000);
    let entries = chatlayer::to_chatlayer(&long);
    assert_eq!(entries.len(), 13);
    assert!(entries[12]["quickReplyTemplate"].is_object());
    for entry in &entries[..12] {
        let texts = entry["textMessageTemplate"]["textMessages"].as_array().unwrap();
        assert!(
            texts.len() == 1 && texts[0]["text"].as_str().unwrap().chars().count() <= chatlayer::TEXT_MAX
        );
    }
    assert_eq!(cognigy::text_for_cognigy(&long).len(), 3);
}
