//! Cognigy.AI: files, buttons and cards both ways.

use handover_stories::Setup;
use handover_stories::desk::SAM;
use serde_json::{Value, json};

use crate::cognigy::{SESSION, asks, by_endpoint, call, send};

/// The data of what the person of the session was shown besides texts.
fn forms(cognigy: &handover_stories::cognigy::Cognigy) -> Vec<Value> {
    let taken = cognigy.taken();
    let notified = taken
        .iter()
        .filter(|call| call.does == "notify" && call.body.get("text").is_none());
    notified.map(|call| call.body["data"].clone()).collect()
}

#[tokio::test]
async fn v4_7_a_button_brings_back_the_payload_that_it_was_given() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(SESSION, SAM).unwrap();
    let select = json!({"type": "select", "items": [{"title": "Refund", "payload": "refund-2210"}, {"title": "Größer", "payload": "größer"}]});
    let reply = simulated_ringcx::Reply {
        structured_content: Some(select),
        ..simulated_ringcx::Reply::from("What shall we do?")
    };
    let written = bench.rce.reply(SESSION, SAM, reply).unwrap();
    bench.until_quiet().await;
    let forms = forms(&cognigy);
    let quick = &forms[0]["_cognigy"]["_default"]["_quickReplies"];
    assert_eq!(quick["text"], "What shall we do?");
    let choices = quick["quickReplies"].as_array().unwrap();
    assert_eq!(
        choices
            .iter()
            .map(|choice| &choice["payload"])
            .collect::<Vec<_>>(),
        [&json!("refund-2210"), &json!("größer")]
    );
    let told = forms[0]["bridge"]["messageId"].clone();
    for (title, payload) in [("Refund", "refund-2210"), ("Größer", "größer")] {
        let data = json!({"payload": payload});
        let picked = json!({"message": {"id": format!("m-{title}"), "text": title, "data": data, "in_reply_to": told}});
        send(&bench, &call("message.user", &picked)).await.expect(202);
    }
    bench.until_quiet().await;
    let contents = bench.rce.contents(SESSION);
    let replies: Vec<&Value> = contents
        .iter()
        .rev()
        .take(2)
        .map(|content| &content.params["structured_reply"]["payload"])
        .collect();
    assert_eq!(replies, [&json!("utf8:gr%C3%B6%C3%9Fer"), &json!("refund-2210")]);
    assert_eq!(contents.last().unwrap().in_reply_to_id, Some(written));
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_88_what_only_a_machine_can_show_is_readable_for_agents() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let card = json!({"_plugin": {"type": "adaptivecards", "payload": {"type": "AdaptiveCard", "body": [
        {"type": "TextBlock", "text": "Your order"}, {"type": "TextBlock", "text": "Arrives on Monday"}]}}});
    let xapp = json!({"_cognigy": {"_default": {"_text": {"type": "text", "text": "Please sign"}}},
        "_plugin": {"type": "xApp", "url": "https://x.test/app/1"}});
    for (n, data) in [card, xapp].into_iter().enumerate() {
        let said = json!({"message": {"id": format!("b-{n}"), "text": "", "data": data}});
        send(&bench, &call("message.bot", &said)).await.expect(202);
    }
    bench.until_quiet().await;
    let read = bench.in_rce(SESSION);
    assert!(
        read[0].contains("Your order") && read[0].contains("Arrives on Monday"),
        "{read:?}"
    );
    assert!(read[1].contains("Please sign"), "{read:?}");
    assert!(read.iter().all(|text| !text.contains('{')), "{read:?}");
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_bots_buttons_and_gallery_are_choices_and_cards_for_agents() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let quick = json!({"_cognigy": {"_default": {"_quickReplies": {"type": "quick_replies", "text": "Which one?",
        "quickReplies": [{"title": "Red", "payload": "r", "contentType": "postback"}, {"title": "Blue", "payload": "b", "contentType": "postback"}]}}}});
    let gallery = json!({"_cognigy": {"_default": {"_gallery": {"type": "carousel", "items": [
        {"title": "Bike", "subtitle": "red", "imageUrl": "https://x.test/bike.jpg",
         "buttons": [{"title": "Take it", "type": "postback", "payload": "bike"}]}]}}}});
    for (n, data) in [quick, gallery].into_iter().enumerate() {
        let said = json!({"message": {"id": format!("b-{n}"), "data": data}});
        send(&bench, &call("message.bot", &said)).await.expect(202);
    }
    bench.until_quiet().await;
    let contents = bench.rce.contents(SESSION);
    let kinds: Vec<_> = contents
        .iter()
        .map(|content| content.structured_content.as_ref().unwrap()["type"].clone())
        .collect();
    assert_eq!(contents[0].body.as_deref(), Some("Which one?"));
    assert_eq!(kinds[0], "select");
    assert!(
        ["template", "carousel"].contains(&kinds[1].as_str().unwrap()),
        "{kinds:?}"
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn files_go_both_ways_and_a_message_of_a_file_alone_arrives() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    let file =
        json!({"name": "invoice.pdf", "url": "https://files.test/invoice.pdf", "type": "application/pdf"});
    let sent = json!({"message": {"id": "m-1", "data": {"attachments": [file]}}});
    send(&bench, &call("message.user", &sent)).await.expect(202);
    bench.until_quiet().await;
    let contents = bench.rce.contents(SESSION);
    assert_eq!(
        contents.last().unwrap().attachments[0]["url"],
        "https://files.test/invoice.pdf"
    );
    bench.rce.take(SESSION, SAM).unwrap();
    let mut call = bench.agent_message(SESSION, "66aa", "");
    call["params"]["body"] = Value::Null;
    call["params"]["attachments"] =
        json!([{"url": "https://files.test/label.png", "type": "image", "filename": "label.png"}]);
    bench.source_sdk(&call).await.expect(200);
    bench.until_quiet().await;
    let forms = forms(&cognigy);
    assert!(
        forms[0].to_string().contains("https://files.test/label.png"),
        "{forms:?}"
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_form_that_the_api_service_would_not_take_is_text() {
    let cognigy = handover_stories::cognigy::Cognigy::start().await;
    let bench = Setup::default()
        .bot_is(&cognigy.by_api())
        .connection("")
        .by_hand()
        .start()
        .await;
    let key = format!("Bearer {}", handover_stories::setup::BOT_KEY);
    let headers = [("authorization", key.as_str())];
    let wish = call("handover.requested", &json!({})).to_string();
    bench
        .request("POST", "/acme/handover/cognigy", &headers, wish)
        .await
        .expect(202);
    bench.until_quiet_by_hand().await;
    let card = |n: usize| {
        json!({"title": format!("Card {n}"), "subtitle": "é".repeat(1_000),
            "items": [{"type": "reply", "title": "Take", "payload": "p".repeat(1_000)}]})
    };
    let mut words = bench.agent_message(SESSION, "66aa", "");
    words["params"]["structured_content"] =
        json!({"type": "carousel", "items": (1..=10).map(card).collect::<Vec<_>>()});
    bench.source_sdk(&words).await.expect(200);
    bench.until_quiet_by_hand().await;
    let shown = cognigy.shown(SESSION).concat();
    assert!((1..=10).all(|n| shown.contains(&format!("Card {n}"))), "{shown}");
    assert!(forms(&cognigy).is_empty());
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_text_is_counted_as_cognigy_counts() {
    let (bench, cognigy) = by_endpoint(Setup::default().by_hand()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet_by_hand().await;
    bench.agent_writes(SESSION, "66aa", &"🙂".repeat(9_000)).await;
    bench.until_quiet_by_hand().await;
    let shown = cognigy.shown(SESSION);
    assert!(shown.iter().all(|text| text.encode_utf16().count() <= 10_000));
    assert_eq!(shown.concat(), "🙂".repeat(9_000));
    cognigy.check();
    bench.finish().await;
}
