//! Choices, links and cards, both ways.

use handover_stories::Bench;
use handover_stories::desk::SAM;
use serde_json::{Value, json};
use simulated_ringcx::Reply;

/// Everything in a form that a person reads.
fn words(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key != "type" && key != "payload" => found.push(text.clone()),
                    _ => words(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

/// A text of so many characters that ends with its own mark.
fn text(length: usize, mark: &str) -> String {
    format!("{}{mark}", "é".repeat(length - mark.chars().count()))
}

fn url(length: usize) -> String {
    let start = "https://x.test/";
    format!("{start}{}", "a".repeat(length - start.len()))
}

fn choice(number: usize) -> Value {
    json!({"title": format!("Choice {number}"), "payload": format!("c{number}")})
}

fn select(items: usize) -> Value {
    json!({"type": "select", "items": (1..=items).map(choice).collect::<Vec<_>>()})
}

fn item(title: usize, payload: usize) -> Value {
    json!({"type": "select", "items": [{"title": text(title, "end"), "payload": "p".repeat(payload)}]})
}

fn link(change: &Value) -> Value {
    let mut link = json!({"type": "rich_link", "url": "https://x.test/manual", "title": "Manual"});
    for (key, value) in change.as_object().expect("members") {
        link[key] = value.clone();
    }
    link
}

fn button(number: usize) -> Value {
    json!({"type": "reply", "title": format!("Button {number}"), "payload": format!("b{number}")})
}

fn template(buttons: usize) -> Value {
    json!({"type": "template", "title": "Parcel", "attachment_url": "https://x.test/parcel.jpg",
        "items": (1..=buttons).map(button).collect::<Vec<_>>()})
}

fn carousel(cards: usize, buttons: usize, pictures: usize) -> Value {
    let card = |number: usize| {
        let items: Vec<Value> = (1..=buttons).map(button).collect();
        let mut card = json!({"title": format!("Card {number}"), "items": items});
        if number <= pictures {
            card["attachment_url"] = json!(format!("https://x.test/{number}.png"));
        }
        card
    };
    json!({"type": "carousel", "items": (1..=cards).map(card).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_is_at_a_limit_goes_as_it_is_and_one_beyond_as_all_of_its_words() {
    let bench = Bench::new().await;
    let mut pairs = vec![
        (select(13), select(14)),
        (item(80, 1), item(81, 1)),
        (item(1 + 3, 1000), item(1 + 3, 1001)),
        (template(4), template(5)),
        (carousel(10, 4, 10), carousel(11, 4, 11)),
        (carousel(2, 4, 0), carousel(2, 5, 0)),
        (carousel(3, 0, 3), carousel(3, 0, 2)),
    ];
    for (member, most) in [("title", 350), ("subtitle", 1000), ("url_text", 80)] {
        let of = |length: usize| link(&json!({member: text(length, "end")}));
        pairs.push((of(most), of(most + 1)));
    }
    for member in ["url", "attachment_url"] {
        let of = |length: usize| link(&json!({member: url(length)}));
        pairs.push((of(2048), of(2049)));
        pairs.push((of(100), link(&json!({member: "app://open/manual"}))));
    }
    for (fits, exceeds) in &pairs {
        for form in [fits, exceeds] {
            bench
                .message("c1", json!({"from": "bot", "text": "Look:", "structured": form}))
                .await;
        }
    }
    bench.until_quiet().await;
    let contents = bench.rce.contents("c1");
    assert_eq!(contents.len(), pairs.len() * 2);
    for (pair, shown) in pairs.iter().zip(contents.chunks(2)) {
        let (fits, exceeds) = pair;
        assert_eq!(
            (shown[0].body.as_deref(), shown[0].structured_content.as_ref()),
            (Some("Look:"), Some(fits))
        );
        assert_eq!(shown[1].structured_content, None, "{exceeds}");
        let body = shown[1].body.as_deref().unwrap();
        let mut said = vec!["Look:".to_owned()];
        words(exceeds, &mut said);
        for word in said {
            assert!(body.contains(&word), "{word} is lost: {body}");
        }
    }
    assert_eq!(
        bench.asked_rce("messages.create"),
        pairs.len() * 2,
        "nothing was refused"
    );
    bench.finish().await;
}

#[tokio::test]
async fn forms_that_the_channel_does_not_have_or_nobody_knows_go_as_text() {
    let bench = Bench::new().await;
    let many: Vec<Value> = (1..=3000).map(choice).collect();
    let forms = [
        json!({"type": "time_select", "title": "When?", "items": [{"start_time": "9:00"}]}),
        json!({"type": "form", "title": "You", "fields": [{"label": "E-mail"}]}),
        json!({"type": "list", "title": "Menu", "sections": [{"title": "Hot", "items": [{"title": "Tea"}]}]}),
        json!({"type": "apple_pay", "title": "Pay 5 €"}),
        json!({"type": "authenticate", "title": "Sign in"}),
        json!({"type": "template", "title": "Go", "items": [{"type": "webview", "title": "Open", "url": "https://x.test"}]}),
        json!({"type": "select", "items": many}),
    ];
    let firsts = [
        "When?\n- start_time: 9:00",
        "You\nfields:",
        "Menu\nHot\n- Tea",
        "Pay 5 €",
        "Sign in",
        "Go\n- Open (https://x.test)",
        "- Choice 1\n- Choice 2\n",
    ];
    for form in &forms {
        bench
            .message("c1", json!({"from": "bot", "structured": form}))
            .await;
    }
    bench.until_quiet().await;
    let said = bench.in_rce("c1");
    for (body, first) in said.iter().zip(firsts) {
        assert!(body.starts_with(first), "{body}");
    }
    assert!(said.len() > forms.len(), "the longest is in parts");
    assert!(said.last().unwrap().ends_with("- Choice 3000"));
    assert!(
        bench
            .rce
            .contents("c1")
            .iter()
            .all(|content| content.structured_content.is_none())
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_click_on_an_agents_button_names_it_and_its_message() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    bench.rce.take("c1", SAM).unwrap();
    // The second is what the bridge once made of a payload that is not ASCII, and an agent sends again.
    let select = json!({"type": "select", "items": [
        {"title": "Refund", "payload": "refund"}, {"title": "Größer", "payload": "utf8:gr%C3%B6%C3%9Fer"}]});
    let reply = Reply {
        body: Some("What shall we do?".to_owned()),
        structured_content: Some(select),
        ..Reply::default()
    };
    bench.rce.reply("c1", SAM, reply).unwrap();
    bench.until_quiet().await;
    let message = bench.bot.only("message.created").data()["message"].clone();
    let items = message["structured"]["items"].as_array().unwrap().clone();
    assert_eq!(
        (&items[0]["payload"], &items[1]["payload"]),
        (&json!("refund"), &json!("größer"))
    );
    for item in &items {
        bench
            .message(
                "c1",
                json!({"from": "user", "text": item["title"], "payload": item["payload"],
                "in_reply_to": message["id"]}),
            )
            .await;
    }
    // Ids of the bot's own mean nothing to RCE.
    bench
        .message("c1", json!({"from": "user", "text": "hm", "in_reply_to": "m-77"}))
        .await;
    bench.until_quiet().await;
    let contents = bench.rce.contents("c1");
    let (clicks, last) = contents[contents.len() - 3..].split_at(2);
    for (click, payload) in clicks.iter().zip(["refund", "utf8:gr%C3%B6%C3%9Fer"]) {
        assert_eq!(click.params["structured_reply"], json!({"payload": payload}));
        assert_eq!(click.params["in_reply_to_id"], message["id"]);
        let answered = contents
            .iter()
            .find(|content| Some(&content.id) == click.in_reply_to_id.as_ref());
        assert_eq!(answered.unwrap().body.as_deref(), Some("What shall we do?"));
    }
    assert_eq!(last[0].params.get("in_reply_to_id"), None);
    bench.finish().await;
}

#[tokio::test]
async fn a_click_on_a_bots_button_names_the_payload_that_rce_was_shown() {
    let bench = Bench::new().await;
    for payload in ["refund", "größer", "utf8:%C3%B6", "50% & more"] {
        let select = json!({"type": "select", "items": [{"title": "This", "payload": payload}]});
        bench
            .message(
                "c1",
                json!({"from": "bot", "text": "Which?", "structured": select}),
            )
            .await;
        bench
            .message("c1", json!({"from": "user", "text": "This", "payload": payload}))
            .await;
    }
    bench.until_quiet().await;
    let contents = bench.rce.contents("c1");
    for pair in contents.chunks(2) {
        let shown = &pair[0].structured_content.as_ref().unwrap()["items"][0]["payload"];
        assert_eq!(pair[1].params["structured_reply"]["payload"], *shown);
    }
    assert_eq!(contents.len(), 8);
    bench.finish().await;
}

#[tokio::test]
async fn an_answers_reference_is_an_id() {
    let bench = Bench::new().await;
    let odd = json!({"from": "user", "text": "hi", "in_reply_to": 7});
    let path = "/conversations/c1/messages";
    let refused = bench.call("POST", path, &odd).await;
    assert_eq!(refused.status, 422);
    let endless = json!({"from": "user", "text": "hi", "in_reply_to": format!("rcx-{}", "x".repeat(1000))});
    bench.message("c1", endless).await;
    bench.until_quiet().await;
    assert_eq!(bench.rce.contents("c1")[0].params.get("in_reply_to_id"), None);
    bench.finish().await;
}

#[tokio::test]
async fn every_card_has_a_body_and_a_refused_one_does_not_cost_the_handover() {
    let bench = Bench::new().await;
    let cards = [
        json!({"type": "template", "title": "Parcel", "items": [{"type": "reply", "title": "Where?", "payload": "w"}]}),
        link(&json!({})),
        json!({"type": "carousel", "items": [{"title": "S", "items": [{"type": "reply", "title": "Take S", "payload": "s"}]}]}),
    ];
    for card in &cards {
        bench
            .message("c1", json!({"from": "bot", "structured": card}))
            .await;
    }
    bench.until_quiet().await;
    let contents = bench.rce.contents("c1");
    let bodies: Vec<_> = contents
        .iter()
        .map(|content| content.body.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(bodies, ["Parcel", "Manual", "S"], "RCE requires one");
    assert!(
        contents
            .iter()
            .all(|content| content.structured_content.is_some())
    );
    // In a transcript, refused whatever it is.
    let refused = simulated_ringcx::Fault::Status(422, "Invalid resource format".to_owned());
    bench
        .rce
        .fail_next(simulated_ringcx::FaultTarget::SendApiMessages, refused, 1);
    let transcript = json!([{"from": "bot", "structured": cards[1]}]);
    bench
        .asks_for_agent("c2", json!({"transcript": transcript}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c2").await, "queued");
    assert_eq!(bench.in_rce("c2")[0], "Manual\nhttps://x.test/manual");
    bench.finish().await;
}
