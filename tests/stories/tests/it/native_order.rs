//! What customers write reaches the bot in order and once, however RCE reports it.

use std::time::Duration;

use handover_stories::bot::Answer;
use handover_stories::native::{CHAT, MAIL};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, NativeSource};

use crate::native::finish;

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

/// Texts a second apart; the thread, and for each its event.
fn written(bench: &Bench, texts: &[&str]) -> (String, Vec<Value>) {
    let mut thread = String::new();
    let mut events = Vec::new();
    for text in texts {
        let (found, content) = bench.customer(NativeMessage::new("nadia", *text).named("Nadia"));
        thread = found;
        events.push(bench.imported(&content, &json!({})));
        bench.pass(Duration::from_secs(1));
    }
    (thread, events)
}

#[tokio::test]
async fn reports_in_any_order_before_the_bot_is_told_are_put_in_order() {
    for order in [[2, 0, 1], [2, 1, 0], [1, 0, 2], [0, 2, 1]] {
        let bench = chat().by_hand().start().await;
        let (thread, events) = written(&bench, &["one", "two", "three"]);
        for place in order {
            assert_eq!(bench.webhook(&[events[place].clone()]).await, 200);
        }
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.heard_texts(), ["one", "two", "three"], "{order:?}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn events_of_one_delivery_are_put_in_order() {
    let bench = chat().by_hand().start().await;
    let (thread, mut events) = written(&bench, &["one", "two", "three", "four"]);
    events.reverse();
    assert_eq!(bench.webhook(&events).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["one", "two", "three", "four"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn repeats_are_told_once_whatever_their_events_are_called() {
    let bench = chat().by_hand().start().await;
    let (thread, events) = written(&bench, &["one", "two"]);
    for _ in 0..2 {
        bench.webhook(&events).await;
        bench.webhook(&[events[1].clone(), events[1].clone()]).await;
        bench.until_quiet_by_hand().await;
    }
    let mut again = events[0].clone();
    again["id"] = json!("5f0c0000000000000000eeee");
    bench.webhook(&[again]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["one", "two"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_message_that_overtook_another_waits_a_moment_for_it() {
    let bench = chat()
        .by_hand()
        .start_with(|text| text.replace("settle_ms = 0", "settle_ms = 400"))
        .await;
    let (thread, events) = written(&bench, &["one", "two"]);
    bench.webhook(&[events[1].clone()]).await;
    bench.work().await;
    assert!(bench.heard_texts().is_empty(), "it settles");
    bench.pass(Duration::from_millis(300));
    bench.webhook(&[events[0].clone()]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["one", "two"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_reported_late_is_told_late_with_its_own_time() {
    let bench = chat().by_hand().start().await;
    let (thread, events) = written(&bench, &["one", "two"]);
    bench.webhook(&[events[1].clone()]).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_mins(4));
    bench.webhook(&[events[0].clone()]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["two", "one"]);
    let times: Vec<Value> = bench
        .heard_customers()
        .iter()
        .map(|heard| heard.data()["message"]["sent_at"].clone())
        .collect();
    assert!(times[0].as_str() > times[1].as_str(), "{times:?}");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn several_messages_wait_for_a_slow_bot_in_order() {
    let bench = chat().start().await;
    bench
        .bot
        .answers([Answer::Status(503), Answer::Drop, Answer::TakeAndDrop]);
    let mut thread = String::new();
    for text in ["one", "two", "three"] {
        thread = bench.nadia_writes(text);
        bench.settle().await;
        bench.work().await;
    }
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["one", "two", "three"]);
    bench.answers(&thread, "All of it").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["All of it"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_taken_back_before_the_bot_knows_it_is_never_told() {
    let bench = chat().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Nonsense"));
    bench.settle().await;
    bench.rce.delete_message(&content).unwrap();
    bench.settle().await;
    bench.until_quiet().await;
    assert!(bench.bot.kinds().is_empty(), "{:?}", bench.bot.kinds());
    bench.pass(Duration::from_mins(10));
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot", "nobody waits for the bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_taken_back_before_it_was_reported_is_never_told() {
    let bench = chat().by_hand().start().await;
    let (thread, events) = written(&bench, &["Hello", "Nonsense"]);
    let content = events[1]["resource"]["id"].as_str().unwrap().to_owned();
    bench.rce.delete_message(&content).unwrap();
    let deleted = bench.imported(&content, &json!({}));
    // RCE repeats both, in whatever order.
    for event in [&deleted, &events[0], &events[1], &deleted, &events[1]] {
        assert_eq!(bench.webhook(std::slice::from_ref(event)).await, 200);
        bench.until_quiet_by_hand().await;
    }
    assert_eq!(bench.heard_texts(), ["Hello"]);
    assert_eq!(bench.bot.kinds(), ["message.created"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_changed_or_taken_back_later_is_told_once() {
    let bench = chat().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Where is my parsel?"));
    bench.until_quiet().await;
    bench.rce.edit_message(&content, "Where is my parcel?").unwrap();
    bench.until_quiet().await;
    bench.rce.repeat_import(&content).unwrap();
    bench.until_quiet().await;
    bench.rce.delete_message(&content).unwrap();
    bench.until_quiet().await;
    bench.rce.repeat_import(&content).unwrap();
    bench.until_quiet().await;
    assert_eq!(
        bench.bot.kinds(),
        ["message.created", "message.updated", "message.deleted"]
    );
    assert_eq!(bench.bot.only("message.updated").text(), "Where is my parcel?");
    let id = bench.bot.only("message.created").data()["message"]["id"].clone();
    assert_eq!(bench.bot.only("message.deleted").data()["message"]["id"], id);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_changed_before_the_bot_knows_it_ends_with_the_last_words() {
    // The message steps aside for one that was written before, so that its change is looked at first.
    let bench = chat().by_hand().start().await;
    let (thread, events) = written(&bench, &["one", "tow"]);
    let content = events[1]["resource"]["id"].as_str().unwrap().to_owned();
    bench.webhook(&[events[1].clone()]).await;
    bench.rce.edit_message(&content, "two").unwrap();
    let changed = bench.imported(&content, &json!({}));
    bench.webhook(&[changed]).await;
    bench.webhook(&[events[0].clone()]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts()[0], "one");
    let taken = bench.bot.taken();
    let last = taken.iter().rfind(|heard| heard.kind().starts_with("message."));
    assert_eq!(last.unwrap().text(), "two", "{:?}", bench.bot.kinds());
    finish(bench, &thread).await;
}

#[tokio::test]
async fn several_channels_of_one_bot_are_several_conversations_and_others_are_none_of_its_business() {
    let sources = || {
        vec![
            NativeSource::new(CHAT, "Chat", NativeKind::WhatsApp),
            NativeSource::new(MAIL, "Mail", NativeKind::Email),
            NativeSource::new("5f0c00000000000000005003", "Others", NativeKind::Messenger),
        ]
    };
    let bench = Setup::default()
        .native(sources())
        .start_with(|text| text.replace(", \"5f0c00000000000000005003\"", ""))
        .await;
    let mut threads = Vec::new();
    for source in sources() {
        let message = NativeMessage::new("nadia", format!("Hello {}", source.name)).on(&source.id);
        threads.push(bench.customer(message).0);
        bench.until_quiet().await;
    }
    assert_eq!(bench.heard_texts(), ["Hello Chat", "Hello Mail"]);
    for thread in &threads[..2] {
        bench.answers(thread, "Hello Nadia").await;
    }
    bench.until_quiet().await;
    assert_eq!(bench.said(&threads[0]), ["Hello Nadia"]);
    assert_eq!(bench.said(&threads[1]), ["Hello Nadia"]);
    assert!(bench.said(&threads[2]).is_empty());
    let path = format!("/conversations/{}/messages", threads[2]);
    let body = json!({"from": "bot", "text": "Not mine"});
    bench.call("POST", &path, &body).await.expect(404);
    finish(bench, &threads[0]).await;
}

#[tokio::test]
async fn another_person_in_the_same_thread_is_not_called_by_the_name_of_the_first() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("It is me, Nadia");
    bench.until_quiet().await;
    bench.rce.move_to_identity(&thread, "omar", "Omar").unwrap();
    let (same, _) = bench.customer(NativeMessage::new("omar", "It is me, Omar").named("Omar"));
    assert_eq!(same, thread);
    bench.until_quiet().await;
    let names: Vec<Value> = bench
        .heard_customers()
        .iter()
        .map(|heard| heard.data()["user"]["screenname"].clone())
        .collect();
    assert_eq!(names, ["Nadia", "Omar"]);
    let users: Vec<Value> = bench
        .heard_customers()
        .iter()
        .map(|heard| heard.data()["user"]["id"].clone())
        .collect();
    assert_ne!(users[0], users[1]);
    bench.answers(&thread, "Hello Omar").await;
    bench.until_quiet().await;
    let seen = bench.seen(&thread);
    let answered = seen[0].in_reply_to_id.clone().unwrap();
    let answered = bench.rce.read(|state| state.content(&answered).cloned()).unwrap();
    assert_eq!(answered.body.as_deref(), Some("It is me, Omar"));
    finish(bench, &thread).await;
}

#[tokio::test]
async fn merged_threads_go_on_as_one_and_the_bot_answers_where_the_customer_reads() {
    let bench = chat().start().await;
    let first = bench.nadia_writes("From my telephone");
    let (second, _) = bench.customer(NativeMessage::new("nadia-2", "From my tablet"));
    bench.until_quiet().await;
    bench.rce.merge_threads(&second, &first).unwrap();
    let (same, _) = bench.customer(NativeMessage::new("nadia-2", "Is anybody there?"));
    assert_eq!(same, first);
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts().len(), 3);
    bench.answers(&first, "Here I am").await;
    bench.until_quiet().await;
    // What the bot says to the thread that is gone is read in the other.
    bench.answers(&second, "Late, but here").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&first), ["Here I am", "Late, but here"]);
    finish(bench, &first).await;
}

#[tokio::test]
async fn a_thread_that_is_merged_away_while_it_waits_ends_its_handover_without_a_trace() {
    let bench = chat().start().await;
    let first = bench.nadia_writes("From my telephone");
    let (second, _) = bench.customer(NativeMessage::new("nadia-2", "From my tablet"));
    bench.until_quiet().await;
    bench.answers(&first, "Hello").await;
    bench.asks_for_agent(&second, json!({})).await;
    bench.until_quiet().await;
    bench.rce.merge_threads(&second, &first).unwrap();
    bench.ends_handover(&second, json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.handler(&second).await, "bot");
    finish(bench, &first).await;
}
