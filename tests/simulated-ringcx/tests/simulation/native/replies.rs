//! `POST /contents`: what is taken, what is refused, and what the customer reads.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::{
    FailExports, IndexLag, NativeKind, NativeMessage, NativeSource, Speaker, SyncStatus, Which,
};

use super::{CHAT, text, whats_app, with, world};
use crate::SOON;

fn refusal(answer: &(u16, Value)) -> (u16, String, String) {
    let (status, body) = answer;
    (*status, text(&body["error"]), text(&body["message"]))
}

#[tokio::test]
async fn a_reply_is_created_first_and_delivered_then() {
    let world = whats_app(|config| config.export_delay = Duration::from_mins(10)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (status, reply) = world
        .post_content(json!({"in_reply_to_id": hello, "body": "Hi there"}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(reply["synchronization_status"], "export_pending");
    assert_eq!(
        (&reply["created_from"], &reply["status"]),
        (&json!("api"), &json!("user_reply"))
    );
    assert_eq!(reply["creator_id"], world.rce.token_user());
    assert_eq!(reply["in_reply_to_id"], json!(hello));
    let me = world.get("/users/me").await;
    assert_eq!(
        reply["author_id"], me["identity_ids"][0],
        "the first identity on the source"
    );
    assert_eq!(
        world.get(&format!("/contents/{hello}")).await["status"],
        "replied"
    );
    assert!(world.read_by_customer("native-c1").is_empty());

    let refused = world
        .post_content(json!({"in_reply_to_id": reply["id"], "body": "And"}))
        .await;
    assert_eq!(refusal(&refused).2, "In reply to is not synchronized");
}

#[tokio::test]
async fn delivery_takes_its_time_and_keeps_the_order() {
    let world = whats_app(|config| config.export_delay = Duration::from_millis(5)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    for number in 0..5 {
        world.answers(&hello, &format!("{number}")).await;
    }
    world.settle().await;
    assert_eq!(world.read_by_customer("native-c1"), ["0", "1", "2", "3", "4"]);
    let exported = world.told("content.exported").await;
    assert_eq!(exported.len(), 5);
    assert_eq!(exported[0]["user_id"], world.rce.token_user());
    let status = &exported[0]["resource"]["metadata"]["synchronization_status"];
    assert_eq!(status, "success");
    world.no_violations();
}

#[tokio::test]
async fn deliveries_fail_as_they_are_told_to() {
    let failing = FailExports::new(Which::Next(1)).aborted();
    let world = whats_app(|config| config.fail_exports = Some(failing)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let aborted = world.answers(&hello, "One").await;
    let content = world.get(&format!("/contents/{aborted}")).await;
    assert_eq!(content["synchronization_status"], "export_aborted");
    assert_eq!(
        content["synchronization_error"],
        "The channel refused the message"
    );
    assert_eq!(content["foreign_id"], Value::Null);
    world.answers(&hello, "Two").await;
    world
        .rce
        .set_fail_exports(Some(FailExports::new(Which::Every(2))));
    for body in ["Three", "Four", "Five"] {
        world.answers(&hello, body).await;
    }
    world.rce.set_fail_exports(Some(FailExports::new(Which::All)));
    let failed = world.answers(&hello, "Six").await;
    assert_eq!(world.read_by_customer("native-c1"), ["Two", "Three", "Five"]);
    let exported = world.told("content.exported").await;
    let last = &exported.last().expect("six")["resource"]["metadata"];
    assert_eq!(
        (&last["id"], &last["synchronization_status"]),
        (&json!(failed), &json!("export_failure"))
    );
    assert_eq!(exported.len(), 6);
    world.rce.set_fail_exports(None);
    world.rce.retry_export(&failed).expect("tried again");
    assert_eq!(
        world.rce.contents("native-c1")[6].synchronization_status,
        SyncStatus::Success
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_its_reason() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let customer = world.rce.contents("native-c1")[0].author_id.clone();
    let long = "x".repeat(4097);
    for (change, message) in [
        (json!({"in_reply_to_id": null}), "In reply to can't be blank"),
        (json!({"in_reply_to_id": "none"}), "In reply to is invalid"),
        (json!({"body": null}), "Body can't be blank"),
        (json!({"body": "  "}), "Body can't be blank"),
        (json!({"body": long}), "Body is too long"),
        (json!({"author_id": "none"}), "Author is invalid"),
        (json!({"author_id": customer}), "Author is invalid"),
        (json!({"attachment_ids": ["none"]}), "Attachment is invalid"),
        (
            json!({"private": true}),
            "Private is not supported on this source",
        ),
        (
            json!({"structured_content": {"type": "form"}}),
            "Source doesn't support this type of structured content",
        ),
        (
            json!({"structured_content": {"type": "select", "items": []}}),
            "structured_content: \"items\" must not be empty",
        ),
    ] {
        let mut reply = json!({"in_reply_to_id": hello, "body": "Hi"});
        for (key, value) in change.as_object().expect("members") {
            reply[key] = value.clone();
        }
        let answer = world.post_content(reply).await;
        let expected = (422, "validation_error".to_owned(), message.to_owned());
        assert_eq!(refusal(&answer), expected, "{change}");
    }
    let me = world.rce.token_user();
    world.rce.permit(me, CHAT, &["read"]).expect("read only");
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert_eq!(world.post_content(reply.clone()).await.0, 403);
    world.rce.permit(me, CHAT, &["read", "reply"]).expect("both");
    world.rce.close_thread("native-c1").expect("closed");
    let answer = world.post_content(reply).await;
    let expected = (
        403,
        "cant_reply_to_closed_thread".to_owned(),
        "Can't reply to closed thread".to_owned(),
    );
    assert_eq!(refusal(&answer), expected);
    assert!(world.read_by_customer("native-c1").is_empty());
    world.no_violations();
}

#[tokio::test]
async fn structured_content_is_trimmed_to_what_the_channel_shows() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let items: Vec<Value> = (0..12)
        .map(|n| json!({"title": format!("Answer number {n}, which is long")}))
        .collect();
    let select = json!({"type": "select", "items": items});
    let reply = json!({"in_reply_to_id": hello, "body": "Which?", "structured_content": select});
    let (status, answer) = world.post_content(reply).await;
    assert_eq!((status, &answer["structured_content"]), (200, &select));
    let seen = world.rce.seen_by_customer("native-c1");
    assert_eq!(
        (seen[0].structured_type(), seen[0].speaker),
        (Some("select"), Speaker::Bot)
    );
    let shown = seen[0].structured.as_ref().expect("buttons");
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(shown["items"][0]["title"], "Answer number 0, which …");
    world.no_violations();
    let too_many = json!({"type": "select", "items": vec![json!({"title": "x"}); 14]});
    let reply = json!({"in_reply_to_id": hello, "body": "Which?", "structured_content": too_many});
    assert_eq!(world.post_content(reply).await.0, 200);
    assert_eq!(world.rules(), ["structured-limit"]);
}

#[tokio::test]
async fn a_private_message_is_answered_privately() {
    let world = world(NativeKind::PrivateMessages).await;
    let hello = world.written(NativeMessage::new("c1", "My password is 1234"));
    let told = world.told("content.imported").await;
    assert_eq!(told[0]["resource"]["type"], "answers/private_message");
    assert_eq!(told[0]["resource"]["metadata"]["private"], true);
    let (status, answer) = world
        .post_content(json!({"in_reply_to_id": hello, "body": "Thanks", "private": true}))
        .await;
    assert_eq!((status, &answer["private_message"]), (200, &json!(true)));
    world.no_violations();
    world.answers(&hello, "So your password is 1234").await;
    assert_eq!(world.rules(), ["public-reply"]);
    let seen = world.rce.seen_by_customer("native-c1");
    assert_eq!(
        seen.iter().map(|it| it.private).collect::<Vec<_>>(),
        [true, false]
    );
}

#[tokio::test]
async fn the_first_words_need_a_channel_that_takes_them() {
    let number = "5f0c00000000000000005002";
    let sources = vec![
        NativeSource::new(CHAT, "Messenger", NativeKind::Messenger),
        NativeSource::new(number, "SMS", NativeKind::Sms),
    ];
    let world = with(sources, |_| {}).await;
    let refused = world.post_content(json!({"source_id": CHAT, "body": "Hi"})).await;
    assert_eq!(refusal(&refused).1, "compose_disabled_on_source");
    let refused = world
        .post_content(json!({"source_id": number, "body": "Hi", "to": "123"}))
        .await;
    assert_eq!(refusal(&refused).2, "to is invalid");
    let form = format!("source_id={number}&body=Hi&to=%2B49301");
    let (status, answer) = world.rest("POST", "/contents", &form).await;
    assert_eq!((status, &answer["status"]), (200, &json!("user_initiated")));
    assert_eq!(world.told("content.discussion_initiated").await.len(), 1);
    let thread = text(&answer["thread_id"]);
    assert_eq!(world.read_by_customer(&thread), ["Hi"]);
}

#[tokio::test]
async fn contents_are_searched_by_their_keywords_and_late() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let other = world.written(NativeMessage::new("c2", "Good morning"));
    let reply = world.answers(&hello, "Hi there").await;
    let thread = world.id("native-c1");
    let ids = |found: Vec<Value>| -> Vec<String> { found.iter().map(|it| text(&it["id"])).collect() };
    let newest_first = format!("thread:\"{thread}\" order:created_at.desc");
    assert_eq!(
        ids(world.find(&newest_first).await),
        [reply.clone(), hello.clone()]
    );
    let oldest_first = format!("thread:\"{thread}\" order:created_at.asc");
    assert_eq!(
        ids(world.find(&oldest_first).await),
        [hello.clone(), reply.clone()]
    );
    assert_eq!(
        ids(world.find("status_in:new").await),
        std::slice::from_ref(&other)
    );
    let both = format!("status_in:new status_in:replied source:{CHAT} source:other");
    assert_eq!(ids(world.find(&both).await), [other, hello.clone()]);
    assert_eq!(
        ids(world.find("text:\"hi there\"").await),
        std::slice::from_ref(&reply)
    );
    assert!(world.find("identity_group:x").await.is_empty());
    assert!(
        world.find("foreign_id:x").await.is_empty(),
        "an unknown keyword finds nothing"
    );
    let page = world.get("/contents?limit=1&offset=1").await;
    assert_eq!((&page["count"], &page["limit"]), (&json!(3), &json!(1)));

    world.rce.set_content_index_lag(IndexLag::Searches(2));
    let late = world.answers(&hello, "And another").await;
    for _ in 0..2 {
        assert_eq!(ids(world.find(&newest_first).await)[0], reply);
    }
    assert_eq!(ids(world.find(&newest_first).await)[0], late);
    assert_eq!(
        world.get(&format!("/contents/{late}")).await["body"],
        "And another"
    );
    assert!(world.rce.wait_until(simulated_ringcx::State::is_idle, SOON).await);
}
