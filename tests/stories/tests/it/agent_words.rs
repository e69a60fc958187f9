//! What an agent may write, and under which name.

use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

async fn by_hand() -> Bench {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

#[tokio::test]
async fn br_016_br_017_words_files_and_cards_arrive_as_the_bot_can_use_them() {
    let bench = by_hand().await;
    let write = async |content: &str, change: Value| {
        let mut call = bench.agent_message("c1", content, "");
        for (key, value) in change.as_object().into_iter().flatten() {
            call["params"][key] = value.clone();
        }
        bench.source_sdk(&call).await.expect(200);
        bench.work().await;
        bench.bot.taken().last().unwrap().data()["message"].clone()
    };
    let html = "<p>Hello&nbsp;<b>Nadia</b><br>see <a href=\"https://x.test/faq\">the FAQ</a></p>";
    let message = write("1", json!({"body": html, "format": "html"})).await;
    assert_eq!(message["text"], "Hello Nadia\nsee the FAQ (https://x.test/faq)");
    let file = json!({"url": "https://x.test/a.png", "type": "image/png", "filename": "a.png"});
    let message = write("2", json!({"body": null, "attachments": [file]})).await;
    assert_eq!(message["text"], Value::Null);
    let attached = json!([{"url": "https://x.test/a.png", "content_type": "image/png", "filename": "a.png"}]);
    assert_eq!(message["attachments"], attached);
    let select = json!({"type": "select", "items": [{"title": "Red", "payload": "r"}]});
    let message = write("3", json!({"body": null, "structured_content": select})).await;
    assert_eq!(
        (&message["structured"], &message["text"]),
        (&select, &json!("- Red"))
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_023_the_display_name_is_the_agents_and_the_puppet_is_not() {
    let bench = by_hand().await;
    bench.agent_writes("c1", "66aa", "Hello").await;
    bench.work().await;
    let message = bench.bot.only("message.created").data()["message"].clone();
    assert_eq!(message["agent"], json!({"name": "Sam"}));
    assert!(
        !bench
            .bot
            .only("message.created")
            .body
            .to_string()
            .contains("\"agent\":\"agent\"")
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_014_without_a_content_id_repeats_are_recognised_by_what_they_say() {
    let bench = by_hand().await;
    let legacy = |text: &str, at: &str| {
        let mut call = bench.agent_message("c1", "", text);
        let params = call["params"].as_object_mut().unwrap();
        params.remove("content_id");
        params.remove("retry");
        params.insert("created_at".into(), json!(at));
        call
    };
    let (one, two) = ("2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z");
    let mut ids = Vec::new();
    for call in [
        legacy("Yes", one),
        legacy("Yes", one),
        legacy("Yes", two),
        legacy("No", one),
    ] {
        ids.push(bench.source_sdk(&call).await.expect(200)["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0] != ids[2] && ids[0] != ids[3] && ids[2] != ids[3]);
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["Yes", "Yes", "No"]);
    bench.finish().await;
}
