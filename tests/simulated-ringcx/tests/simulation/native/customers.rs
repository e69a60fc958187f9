//! What comes in on a native channel, and how a bridge can tell whose word it is.

use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, Speaker};

use super::{CHAT, whats_app, world};

fn metadata(event: &Value) -> &Value {
    &event["resource"]["metadata"]
}

#[tokio::test]
async fn a_customers_message_is_told_of_and_can_be_read() {
    let world = world(NativeKind::WhatsApp).await;
    let long = "x".repeat(20_000);
    let first = world.written(NativeMessage::new("c1", &long).named("Nadia").id("wamid.1"));
    assert_eq!(
        world.written(NativeMessage::new("c1", "again").id("wamid.1")),
        first,
        "the same id is the same message"
    );
    let events = world.told("content.imported").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["resource"]["type"], "whats_app/message");
    assert_eq!(events[0].get("user_id"), None);
    let told = metadata(&events[0]);
    assert_eq!(told["id"], json!(first));
    assert_eq!(told["body"], json!(long));
    assert_eq!(told["source_id"], CHAT);
    assert_eq!(told["source_type"], "whats_app");
    assert_eq!(
        (&told["created_from"], &told["creator_id"]),
        (&json!("synchronizer"), &Value::Null)
    );
    assert_eq!(
        (&told["status"], &told["private"]),
        (&json!("new"), &json!(false))
    );
    assert_eq!(
        (&told["foreign_id"], &told["first_in_thread"]),
        (&json!("wamid.1"), &json!(true))
    );

    let content = world.get(&format!("/contents/{first}")).await;
    assert_eq!(content["body"], json!(long));
    assert_eq!(content["thread_id"], told["thread_id"]);
    let author = world
        .get(&format!("/identities/{}", super::text(&content["author_id"])))
        .await;
    assert_eq!(
        (&author["screenname"], &author["foreign_id"]),
        (&json!("Nadia"), &json!("c1"))
    );
    assert_eq!(
        (&author["user_ids"], &author["type"]),
        (&json!([]), &json!("whats_app"))
    );
    world.no_violations();
}

#[tokio::test]
async fn html_nothing_and_buttons_come_as_they_are() {
    let world = world(NativeKind::Email).await;
    let html = "<p>Hello &amp; <b>goodbye</b></p>";
    let first = world.written(NativeMessage::new("nadia@customer.example", html));
    let nothing = world.written(NativeMessage::without_body("nadia@customer.example"));
    let pressed = NativeMessage::new("nadia@customer.example", "Yes").pressing("yes-1", &first);
    let pressed = world.written(pressed);
    let events = world.told("content.imported").await;
    assert_eq!(metadata(&events[0])["body_input_format"], "html");
    assert_eq!(metadata(&events[0])["from"], "nadia@customer.example");
    assert_eq!(metadata(&events[1])["body"], Value::Null);
    assert_eq!(metadata(&events[2])["structured_reply_payload"], "yes-1");
    assert_eq!(metadata(&events[2])["in_reply_to_id"], json!(first));
    let content = world.get(&format!("/contents/{first}")).await;
    assert_eq!(content["body_formatted"]["text"], "Hello & goodbye");
    assert_eq!(content["body_formatted"]["html"], html);
    assert_eq!(
        world.get(&format!("/contents/{nothing}")).await["body"],
        Value::Null
    );
    let content = world.get(&format!("/contents/{pressed}")).await;
    assert_eq!(content["structured_reply_payload"], "yes-1");
}

#[tokio::test]
async fn edits_and_deletions_come_with_events_of_their_own() {
    let world = world(NativeKind::WhatsApp).await;
    let content = world.written(NativeMessage::new("c1", "Helo"));
    world.rce.edit_message(&content, "Hello").expect("edited");
    world.rce.delete_message(&content).expect("deleted");
    let events = world.told("content.imported").await;
    let bodies: Vec<&Value> = events.iter().map(|event| &metadata(event)["body"]).collect();
    assert_eq!(bodies, ["Helo", "Hello", "Hello"]);
    assert!(events.iter().all(|event| metadata(event)["id"] == json!(content)));
    assert_ne!(events[0]["id"], events[1]["id"]);
    assert_eq!(metadata(&events[1]).get("remotely_deleted"), None);
    assert_eq!(metadata(&events[2])["remotely_deleted"], true);
    assert_eq!(
        world.get(&format!("/contents/{content}")).await["remotely_deleted"],
        true
    );
}

#[tokio::test]
async fn what_is_no_customers_word_can_be_told_apart() {
    let world = world(NativeKind::WhatsApp).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let outside = world
        .rce
        .post_outside("native-c1", "From the phone")
        .expect("posted");
    let away = world
        .rce
        .automatic_message("native-c1", "We are closed", false)
        .expect("sent");
    let welcome = world
        .rce
        .automatic_message("native-c1", "Welcome", true)
        .expect("sent");
    world.rce.survey_invitation("native-c1").expect("asked");
    let spam = world.written(NativeMessage::new("c2", "Buy!").ignored());
    let events = world.told("content.imported").await;
    let told: Vec<(String, String, String)> = events
        .iter()
        .map(|event| {
            let member = |name: &str| super::text(&metadata(event)[name]);
            (member("id"), member("status"), member("created_from"))
        })
        .collect();
    let expected = [
        (&hello, "new", "synchronizer"),
        (&outside, "user_reply", "synchronizer"),
        (&away, "user_reply", "synchronizer"),
        (&welcome, "user_reply", "api"),
    ];
    for (told, (id, status, from)) in told.iter().zip(expected) {
        assert_eq!(told, &(id.clone(), status.to_owned(), from.to_owned()));
    }
    assert_eq!(
        told.last().expect("six"),
        &(spam, "ignored".to_owned(), "synchronizer".to_owned())
    );

    // The author of what was posted outside is one of the company's.
    let content = world.get(&format!("/contents/{outside}")).await;
    assert_eq!(
        (&content["creator_id"], &content["auto_submitted"]),
        (&Value::Null, &json!(false))
    );
    let author = world
        .get(&format!("/identities/{}", super::text(&content["author_id"])))
        .await;
    assert!(
        author["user_ids"]
            .as_array()
            .is_some_and(|users| users.len() == 3),
        "{author}"
    );
    assert_eq!(
        world.get(&format!("/contents/{away}")).await["auto_submitted"],
        true
    );

    let seen = world.rce.seen_by_customer("native-c1");
    let speakers: Vec<Speaker> = seen.iter().map(|it| it.speaker).collect();
    assert_eq!(
        speakers,
        [
            Speaker::Agent,
            Speaker::Company,
            Speaker::Company,
            Speaker::Company
        ]
    );
}

#[tokio::test]
async fn an_agent_writes_first_and_answers() {
    let world = whats_app(|_| {}).await;
    let agent = world.agent(0);
    world
        .rce
        .initiate(CHAT, &agent, "c1", "Your parcel is here")
        .expect("sent");
    let events = world.told("content.discussion_initiated").await;
    assert_eq!(metadata(&events[0])["status"], "user_initiated");
    assert_eq!(
        (&events[0]["user_id"], &metadata(&events[0])["creator_id"]),
        (&json!(agent), &json!(agent))
    );
    let content = world.written(NativeMessage::new("c1", "Thanks, where?"));
    let thread = world.rce.thread("native-c1").expect("one thread");
    assert_eq!(thread.content_ids.len(), 2);
    world.rce.move_to("native-c1", "agent").expect("moved");
    world.rce.take("native-c1", &agent).expect("taken");
    world.rce.reply("native-c1", &agent, "At the shop").expect("sent");
    let replied = world.told("content.replied").await;
    assert_eq!(metadata(&replied[0])["created_from"], "interface");
    assert_eq!(metadata(&replied[0])["in_reply_to_id"], json!(content));
    assert_eq!(
        world.read_by_customer("native-c1"),
        ["Your parcel is here", "At the shop"]
    );
}

#[tokio::test]
async fn a_thread_moves_to_another_person_and_into_another_thread() {
    let world = world(NativeKind::WhatsApp).await;
    let old = world.written(NativeMessage::new("c1", "One"));
    world
        .rce
        .move_to_identity("native-c1", "c9", "Nadia's new number")
        .expect("moved");
    let new = world.written(NativeMessage::new("c9", "Two"));
    let contents = world.rce.contents("native-c1");
    assert_eq!(contents.len(), 2);
    assert_ne!(contents[0].author_id, contents[1].author_id);

    let other = world.written(NativeMessage::new("c2", "Three"));
    let gone = world.id("native-c2");
    world.rce.merge_threads("native-c2", "native-c1").expect("merged");
    assert_eq!(
        world.rest("GET", &format!("/content_threads/{gone}"), "").await.0,
        404
    );
    let ids: Vec<String> = world
        .rce
        .contents("native-c1")
        .into_iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(ids, [old, new, other.clone()]);
    world.rce.repeat_import(&other).expect("told");
    let events = world.told("content.imported").await;
    assert_eq!(metadata(&events[2])["thread_id"], json!(gone));
    assert_eq!(metadata(&events[3])["thread_id"], json!(world.id("native-c1")));
    assert_eq!(metadata(&events[3])["id"], json!(other));
    world.written(NativeMessage::new("c2", "Four"));
    assert_eq!(
        world.rce.contents("native-c1").len(),
        4,
        "the old name leads to the new thread"
    );
}

#[tokio::test]
async fn the_desk_does_all_of_it_by_http() {
    let world = world(NativeKind::WhatsApp).await;
    let press = async |path: &str, body: Value| -> Value {
        let request = world.http.post(format!("{}/desk/{path}", world.rce.base_url()));
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    };
    let message =
        json!({"customer_id": "c1", "source_id": CHAT, "body": "Helo", "structured_reply_payload": "p"});
    let content = super::text(&press("messages", message).await["content_id"]);
    press(&format!("contents/{content}/edit"), json!({"body": "Hello"})).await;
    press(&format!("contents/{content}/delete"), json!({})).await;
    press("threads/native-c1/post_outside", json!({"body": "Hi"})).await;
    press(
        "threads/native-c1/automatic_message",
        json!({"body": "Closed", "created_from": "api"}),
    )
    .await;
    press("threads/native-c1/survey_invitation", json!({})).await;
    press("threads/native-c1/move_to_identity", json!({"customer_id": "c2"})).await;
    press("messages", json!({"customer_id": "c3", "body": "Hi"})).await;
    press("threads/native-c3/merge", json!({"into": "native-c1"})).await;
    assert_eq!(world.told("content.imported").await.len(), 7);
    assert_eq!(world.rce.contents("native-c1").len(), 5);
}
