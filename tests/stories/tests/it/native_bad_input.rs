//! What should not come, comes: on a channel of RCE's own it harms nobody and holds nobody up.

use std::time::Duration;

use handover_stories::bot::Heard;
use handover_stories::file_server::FileServer;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage};

use crate::files::png;
use crate::native::{finish, sentences};

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp).timers("queue = 0")
}

async fn asked(setup: Setup) -> (Bench, String) {
    let bench = setup.start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    (bench, thread)
}

fn last(bench: &Bench) -> Heard {
    bench.heard_customers().pop().expect("the bot heard something")
}

#[tokio::test]
async fn mail_is_read_as_text_without_its_markup() {
    let (bench, thread) = asked(Setup::default().on(NativeKind::Email)).await;
    let html = "<html><head><style>p{color:red}</style><script>alert(1)</script></head><body><p>Hello &amp; \
                good day</p><p>Where is <b>it</b>?</p></body></html>";
    bench.customer(NativeMessage::new("nadia", html).html());
    bench.until_quiet().await;
    let text = last(&bench).text().to_owned();
    assert!(
        text.contains("Hello & good day") && text.contains("Where is it?"),
        "{text}"
    );
    assert!(
        !text.contains('<') && !text.contains("alert") && !text.contains("color"),
        "{text}"
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn nothing_in_many_forms_is_still_a_message_and_blocks_nothing() {
    let (bench, thread) = asked(chat()).await;
    bench.customer(NativeMessage::without_body("nadia"));
    bench.customer(NativeMessage::new("nadia", ""));
    bench.customer(NativeMessage::new("nadia", " \n\t "));
    bench.nadia_writes("Something");
    bench.until_quiet().await;
    assert_eq!(last(&bench).text(), "Something");
    assert_eq!(bench.heard_customers().len(), 5);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn long_texts_and_strange_letters_arrive() {
    let (bench, thread) = asked(chat()).await;
    let long = sentences(850);
    let strange =
        "\u{202E}txet sdrawkcab\u{202C} \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{0} \u{FEFF}e\u{301}";
    for text in [long.as_str(), strange, "<b>no markup here</b> &amp;"] {
        bench.nadia_writes(text);
        bench.until_quiet().await;
        assert!(last(&bench).text() == text, "{:.60}", last(&bench).text());
    }
    bench.nadia_writes(&"\u{1F600}".repeat(400_000));
    bench.until_quiet().await;
    assert!(last(&bench).text().ends_with('\u{2026}'), "agents have all of it");
    bench
        .answers(&thread, strange.replace('\u{0}', "").as_str())
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread).len(), 1);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn forty_files_come_with_the_message_that_has_them() {
    let (bench, thread) = asked(chat().files(&["127.0.0.1"])).await;
    let mut message = NativeMessage::new("nadia", "Look at these");
    for number in 0..40 {
        let name = format!("photo-{number}.png");
        message = message.with(bench.rce.attach(&name, "image", crate::files::PNG));
    }
    bench.customer(message);
    bench.until_quiet().await;
    let heard = last(&bench);
    assert_eq!(heard.text(), "Look at these");
    let files = heard.data()["message"]["attachments"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!((10..=40).contains(&files.len()), "{}", files.len());
    bench.nadia_writes("And?");
    bench.until_quiet().await;
    assert_eq!(last(&bench).text(), "And?");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn odd_events_are_taken_for_what_they_are_worth() {
    let bench = chat().by_hand().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello"));
    let good = bench.imported(&content, &json!({}));
    let mut odd = Vec::new();
    let broken: [(&str, Value); 8] = [
        ("body", json!(17)),
        ("body", json!({"a": [1, 2, {"b": null}]})),
        ("author_id", Value::Null),
        ("author_id", json!([])),
        ("category_ids", json!("none")),
        ("capabilities_supported", json!({"select": true})),
        ("structured_reply_payload", json!(12.5)),
        ("created_from", json!(["api"])),
    ];
    for (number, (member, value)) in broken.into_iter().enumerate() {
        let mut event = good.clone();
        event["id"] = json!(format!("5f0c0000000000000000ee{number:02}"));
        event["resource"]["id"] = json!(format!("5f0c0000000000000000cc{number:02}"));
        event["resource"]["metadata"]["id"] = json!(format!("5f0c0000000000000000cc{number:02}"));
        event["resource"]["metadata"][member] = value;
        event["resource"]["metadata"]["unheard_of"] = json!({"x": ["y"]});
        odd.push(event);
    }
    for missing in ["thread_id", "source_id"] {
        let mut event = good.clone();
        event["id"] = json!(format!("5f0c0000000000000000ff-{missing}"));
        event["resource"]["metadata"][missing] = Value::Null;
        odd.push(event);
    }
    odd.extend([
        json!(null),
        json!([]),
        json!({"type": "content.imported"}),
        json!("x"),
    ]);
    assert_eq!(bench.webhook(&odd).await, 200);
    assert_eq!(bench.webhook(&[good]).await, 200);
    bench.until_quiet_by_hand().await;
    let texts = bench.heard_texts();
    assert_eq!(
        texts.iter().filter(|text| *text == "Hello").count(),
        7,
        "{texts:?}"
    );
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_huge_payload_of_a_button_comes_back_whole_or_shortened_but_comes() {
    let (bench, thread) = asked(chat()).await;
    let payload = "x".repeat(100_000);
    let content = bench.rce.contents(&thread)[0].id.clone();
    bench.customer(NativeMessage::new("nadia", "Yes").pressing(payload, content));
    bench.until_quiet().await;
    assert_eq!(last(&bench).text(), "Yes");
    bench.nadia_writes("Next");
    bench.until_quiet().await;
    assert_eq!(last(&bench).text(), "Next");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_bot_may_not_speak_for_the_customer_nor_to_nobody() {
    let (bench, thread) = asked(chat()).await;
    let before = bench.stored(&thread).await;
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"from": "user", "text": "I am Nadia"});
    bench.call("POST", &path, &body).await.expect(422);
    assert_eq!(bench.stored(&thread).await, before, "nothing changes");
    let body = json!({"from": "bot", "text": "Hello?"});
    for (method, path, body) in [
        ("POST", "/conversations/nobody/messages", &body),
        ("POST", "/conversations/nobody/handover", &json!({})),
        ("DELETE", "/conversations/nobody/handover", &json!({})),
        ("GET", "/conversations/nobody", &Value::Null),
        ("POST", "/conversations/nobody/typing", &json!({"state": "start"})),
        (
            "POST",
            "/conversations/nobody/read",
            &json!({"message_id": "rcx-1"}),
        ),
    ] {
        let reply = bench.call(method, path, body).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    bench.until_quiet().await;
    assert!(bench.said(&thread).is_empty());
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_conversation_that_an_agent_began_is_none_of_the_bots_until_the_customer_writes_alone() {
    let bench = chat().start().await;
    let content = bench
        .rce
        .initiate(
            handover_stories::native::CHAT,
            handover_stories::desk::SAM,
            "+4912345",
            "We have news",
        )
        .unwrap();
    let thread = bench.rce.thread_of(&content).unwrap().id;
    bench.until_quiet().await;
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"from": "bot", "text": "Hello?"});
    bench.call("POST", &path, &body).await.expect(404);
    assert!(bench.bot.kinds().is_empty());
    bench.customer(NativeMessage::new("+4912345", "What news?"));
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["We have news"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_ignored_is_told_to_nobody() {
    let (bench, thread) = asked(chat()).await;
    bench.answers(&thread, "On its way").await;
    bench.customer(NativeMessage::new("nadia", "Win a prize").ignored());
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(10));
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["Where is my parcel?"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_reply_of_twenty_five_thousand_characters_is_read_whole_in_order() {
    for kind in [NativeKind::WhatsApp, NativeKind::Sms, NativeKind::Email] {
        let (bench, thread) = asked(Setup::default().on(kind)).await;
        let text = sentences(1_150);
        let reply = bench
            .call(
                "POST",
                &format!("/conversations/{thread}/messages"),
                &json!({"id": "b1", "from": "bot", "text": text}),
            )
            .await;
        bench.until_quiet().await;
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if reply.status == 202 {
            assert!(words(&bench.said(&thread).join(" ")) == words(&text), "{kind:?}");
        } else {
            assert_eq!(reply.status, 422, "{kind:?}");
            assert!(bench.said(&thread).is_empty());
        }
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn what_a_channel_does_not_show_is_said_in_words() {
    for kind in [NativeKind::Sms, NativeKind::Email, NativeKind::AppleMessages] {
        let (bench, thread) = asked(Setup::default().on(kind)).await;
        let items = json!([{"title": "Ticket", "subtitle": "For today", "url": "https://example.org",
            "items": [{"type": "reply", "title": "Buy", "payload": "buy"}]}]);
        let body = json!({"id": "m1", "from": "bot", "text": "Choose",
            "structured": {"type": "carousel", "items": items}});
        bench.message(&thread, body).await;
        bench.until_quiet().await;
        let said = bench.said(&thread).join("\n");
        assert!(
            said.contains("Choose") && said.contains("Ticket") && said.contains("Buy"),
            "{kind:?}: {said}"
        );
        assert!(
            bench
                .seen(&thread)
                .iter()
                .all(|it| it.structured_type().is_none())
        );
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn nonsense_in_structured_content_is_refused_or_said_in_words_but_strands_nobody() {
    for structured in [
        json!({"type": "select", "items": []}),
        json!({"type": "select"}),
        json!({"type": "unheard_of", "items": [{"title": "A"}]}),
        json!({"type": "carousel", "items": [{}]}),
        json!({"type": "select", "items": [{"title": "x".repeat(5000), "payload": "p".repeat(5000)}]}),
        json!({"type": "template", "items": [{"type": "url", "title": "A", "url": "javascript:alert(1)"}]}),
        json!({"type": 5}),
    ] {
        let (bench, thread) = asked(chat()).await;
        let path = format!("/conversations/{thread}/messages");
        let body = json!({"id": "m1", "from": "bot", "text": "Choose", "structured": structured});
        let reply = bench.call("POST", &path, &body).await;
        bench.until_quiet().await;
        match reply.status {
            202 => assert!(bench.said(&thread).join(" ").contains("Choose"), "{structured}"),
            status => assert_eq!(status, 422, "{structured}"),
        }
        assert_eq!(bench.handler(&thread).await, "bot", "{structured}");
        assert!(
            bench
                .rce
                .violations()
                .iter()
                .all(|it| it.rule == "structured-limit"),
            "{structured}"
        );
        assert!(bench.dead_letters().await.is_empty(), "{structured}");
        bench.bot.check();
    }
}

#[tokio::test]
async fn forty_files_of_the_bot_arrive_or_are_named() {
    let (bench, thread) = asked(chat().files(&["127.0.0.1"])).await;
    let server = FileServer::start().await;
    let mut files = Vec::new();
    for number in 0..40 {
        files.push(json!({"url": server.gives(&format!("/photo-{number}.png"), [png()])}));
    }
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"id": "m1", "from": "bot", "text": "Look", "attachments": files});
    let reply = bench.call("POST", &path, &body).await;
    bench.until_quiet().await;
    if reply.status == 202 {
        let seen = bench.seen(&thread);
        let names: std::collections::BTreeSet<String> = seen
            .iter()
            .flat_map(|it| it.attachments.iter().map(|file| file["filename"].to_string()))
            .collect();
        assert_eq!(names.len(), 40);
    } else {
        assert_eq!(reply.status, 422, "{}", reply.text());
    }
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn addresses_inside_the_company_are_never_fetched() {
    let (bench, thread) = asked(chat().files(&[])).await;
    let urls = [
        "http://127.0.0.1:1/secret.png",
        "http://[::1]/secret.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/x.png",
        "https://localhost/x.png",
    ];
    let path = format!("/conversations/{thread}/messages");
    for (number, url) in urls.into_iter().enumerate() {
        let body = json!({"id": format!("m{number}"), "from": "bot", "text": format!("Look {number}"),
            "attachments": [{"url": url, "filename": "secret.png"}]});
        let reply = bench.call("POST", &path, &body).await;
        assert!([202, 422].contains(&reply.status), "{url}: {}", reply.text());
    }
    bench.until_quiet().await;
    assert!(bench.seen(&thread).iter().all(|it| it.attachments.is_empty()));
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_program_that_answers_mail_by_itself_is_not_answered() {
    let (bench, thread) = asked(Setup::default().on(NativeKind::Email).timers("bot_silent = 60")).await;
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    for (name, value) in [
        ("auto-submitted", "auto-replied"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
    ] {
        bench.customer(NativeMessage::new("nadia", "I am away").header(name, value));
        bench.until_quiet().await;
    }
    assert_eq!(bench.heard_texts(), ["Where is my parcel?"]);
    bench.pass(Duration::from_mins(10));
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot", "nobody waits for an answer");
    let path = format!("/conversations/{thread}/timeline");
    let timeline = bench.call("GET", &path, &Value::Null).await.json().to_string();
    assert_eq!(timeline.matches("it is automatic").count(), 3, "{timeline}");

    bench.customer(NativeMessage::new("nadia", "I am back").header("Auto-Submitted", "no"));
    bench.until_quiet().await;
    assert_eq!(last(&bench).text(), "I am back");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_too_long_is_told_to_be_a_beginning() {
    let (bench, thread) = asked(Setup::default().on(NativeKind::Email)).await;
    assert_eq!(last(&bench).data()["message"].get("truncated"), None);
    bench.customer(NativeMessage::new("nadia", "long ".repeat(6_000)));
    bench.until_quiet().await;
    let heard = last(&bench);
    assert_eq!(heard.data()["message"]["truncated"], true);
    assert!(heard.text().ends_with('…'));
    assert_eq!(heard.text().chars().count(), 20_000);
    finish(bench, &thread).await;
}
