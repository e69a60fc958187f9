//! What the person and the bot say, as it arrives in RCE.

use handover_stories::chat::at;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::AuthorKind;

fn created(bench: &Bench) -> Vec<Value> {
    let mut requests = bench.rce.requests();
    requests.retain(|request| request.what == "messages.create");
    requests
        .iter()
        .map(|request| request.body["params"].clone())
        .collect()
}

#[tokio::test]
async fn br_034_long_words_arrive_in_parts_in_order() {
    let bench = Bench::new().await;
    let exactly = "é".repeat(20_000);
    let longer: Vec<String> = (0..9_000).map(|n| format!("{n:04}")).collect();
    let longer = longer.join(" ");
    bench.user_says("c1", &exactly).await;
    bench.user_says("c1", &longer).await;
    bench.user_says("c1", "and then").await;
    bench.until_quiet().await;
    let said = bench.in_rce("c1");
    assert_eq!(said[0], exactly, "the limit itself is one part");
    assert_eq!(said.last().unwrap(), "and then");
    let parts = &said[1..said.len() - 1];
    assert!(parts.len() >= 3 && parts.iter().all(|part| part.chars().count() <= 20_000));
    assert_eq!(
        parts.join(" ").split_whitespace().collect::<Vec<_>>(),
        longer.split_whitespace().collect::<Vec<_>>()
    );
    let ids: Vec<String> = created(&bench)[1..=parts.len()]
        .iter()
        .map(|params| params["id"].as_str().unwrap().to_owned())
        .collect();
    for (index, id) in ids.iter().enumerate() {
        assert!(id.ends_with(&format!("-{}", index + 1)), "{ids:?}");
    }
    bench.finish().await;
}

#[tokio::test]
async fn any_script_and_any_sign_arrives_unchanged() {
    let bench = Bench::new().await;
    let texts = [
        "👨‍👩‍👧 family",
        "שלום עולם",
        "\u{202e}abc\u{202c}",
        "a\u{0}b",
        "<b>not bold</b> & \"quoted\"",
        "  padded  ",
        "line\r\nbreak",
        "𝒳 ﷽ é",
    ];
    for text in texts {
        bench.user_says("c1", text).await;
    }
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), texts);
    bench.finish().await;
}

#[tokio::test]
async fn any_conversation_id_becomes_a_thread_of_its_own() {
    let bench = Bench::new().await;
    let long = "s".repeat(256);
    let ids = [
        "a/b",
        "a|b",
        "a:b",
        "a b",
        "a%2Fb",
        "..",
        "ünïcode",
        "🙂🙂",
        "שלום",
        "x_YQ",
        "q\"uote",
        &long,
        "?a=b#c",
        "a",
    ];
    for id in ids {
        bench.user_says(id, id).await;
        bench.asks_for_agent(id, json!({})).await;
        bench.until_quiet().await;
        assert_eq!(bench.status(id).await, "queued", "{id}");
        assert_eq!(bench.in_rce(id), [id], "{id}");
        assert_eq!(bench.looks_at(id).await["id"], id);
    }
    assert_eq!(bench.rce.read(|state| state.threads().count()), ids.len());
    let too_long = at(&"s".repeat(257));
    bench
        .call("GET", &too_long, &Value::Null)
        .await
        .problem(422, "invalid");
    bench
        .call("GET", "/conversations/a%0Ab", &Value::Null)
        .await
        .problem(422, "invalid");
    bench.finish().await;
}

#[tokio::test]
async fn br_035_the_bot_speaks_as_its_puppet_and_nobody_else_does() {
    let bench = Setup::default()
        .ringcx("bot_identity = { id = \"bot\", name = \"Ada\" }")
        .start()
        .await;
    for (conversation, user) in [("c1", "usr-42"), ("c2", "bot"), ("c3", "agent"), ("c4", "")] {
        let message =
            json!({"from": "user", "text": "I am a person", "user": {"id": user, "screenname": "Ada"}});
        bench.message(conversation, message).await;
        bench.bot_says(conversation, "and I am not").await;
    }
    // A person without a name, and one who changes it.
    bench.message("c5", json!({"from": "user", "text": "hi"})).await;
    bench
        .message(
            "c5",
            json!({"from": "user", "text": "ho", "user": {"firstname": "Zoë"}}),
        )
        .await;
    bench.until_quiet().await;
    for conversation in ["c1", "c2", "c3", "c4"] {
        let kinds: Vec<AuthorKind> = bench
            .rce
            .contents(conversation)
            .iter()
            .map(|content| content.author_kind)
            .collect();
        assert_eq!(kinds, [AuthorKind::Customer, AuthorKind::Bot], "{conversation}");
    }
    let sent = created(&bench);
    assert!(
        sent.iter()
            .all(|params| params["author"]["puppetizable"].is_boolean())
    );
    let of_the_bot = sent
        .iter()
        .find(|params| params["body"] == "and I am not")
        .unwrap();
    assert_eq!(
        (&of_the_bot["author"]["id"], &of_the_bot["author"]["screenname"]),
        (&json!("bot"), &json!("Ada"))
    );
    let of = |conversation: &str| {
        let authors = bench.rce.contents(conversation);
        authors
            .iter()
            .map(|content| content.author_id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("c5")[0], of("c5")[1], "one person");
    assert_ne!(of("c4")[0], of("c5")[0], "two nameless persons are two");
    bench.finish().await;
}

#[tokio::test]
async fn br_036_br_041_every_message_says_what_it_is_and_when_it_was() {
    let bench = Bench::new().await;
    let message = json!({"from": "user", "text": "<b>hi</b>", "sent_at": "2025-12-31T23:59:59.987+01:00", "language": "nl"});
    bench.message("c1", message).await;
    bench.until_quiet().await;
    let params = &created(&bench)[0];
    assert_eq!(
        (&params["format"], &params["body"]),
        (&json!("text"), &json!("<b>hi</b>"))
    );
    assert_eq!(params["created_at"], "2025-12-31T22:59:59Z");
    assert_eq!(
        (&params["updated_at"], &params["language"]),
        (&params["created_at"], &json!("nl"))
    );
    bench.finish().await;
}

#[tokio::test]
async fn files_choices_and_cards_arrive_too() {
    let bench = Bench::new().await;
    let file = json!([{"url": "https://x.test/photo.jpg", "filename": "photo.jpg"}]);
    bench
        .message("c1", json!({"from": "user", "attachments": file}))
        .await;
    bench
        .message("c1", json!({"from": "user", "payload": "prod_modem"}))
        .await;
    bench
        .message(
            "c1",
            json!({"from": "user", "text": "Modem", "payload": "prod_modem"}),
        )
        .await;
    let select = json!({"type": "select", "items": [{"title": "Delivery", "payload": "d"}]});
    bench
        .message(
            "c1",
            json!({"from": "bot", "text": "Which?", "structured": select}),
        )
        .await;
    // What RCE refuses as a card arrives as text.
    let odd = json!({"type": "hologram", "title": "Look", "items": [{"title": "here"}]});
    bench
        .message("c1", json!({"from": "bot", "structured": odd}))
        .await;
    bench.until_quiet().await;
    let contents = bench.rce.contents("c1");
    assert_eq!(contents[0].attachments, *file.as_array().unwrap());
    assert_eq!(
        contents[1].params["structured_reply"],
        json!({"payload": "prod_modem"})
    );
    assert_eq!(contents[2].body.as_deref(), Some("Modem"));
    assert_eq!(contents[3].structured_content, Some(select));
    assert_eq!(
        (contents[4].body.as_deref(), &contents[4].structured_content),
        (Some("Look\n- here"), &None)
    );
    bench.finish().await;
}

#[tokio::test]
async fn who_answers_is_told_with_every_message() {
    let bench = Bench::new().await;
    assert_eq!(bench.user_says("c1", "hi").await["handler"], "bot");
    bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(
        bench.user_says("c1", "hello?").await["handler"],
        "agent",
        "from the moment it was accepted"
    );
    bench.until_quiet().await;
    let said = bench.bot_says("c1", "(stays silent)").await;
    assert_eq!(
        (&said["handler"], &said["handover"]["status"]),
        (&json!("agent"), &json!("queued"))
    );
    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "hello").unwrap();
    bench.until_quiet().await;
    assert_eq!(
        bench.user_says("c1", "hi Sam").await["handover"]["status"],
        "active"
    );
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.user_says("c1", "bye").await["handler"], "bot");
    bench.until_quiet().await;
    bench.finish().await;
}
