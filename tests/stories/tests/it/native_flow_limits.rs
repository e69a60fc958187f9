//! What a Flow says too much of, and what of it is no button of RCE's.

use handover_stories::cognigy::{Cognigy, Flow};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::NativeKind;

use crate::native::finish;
use crate::native_withdrawn::entries;

async fn answered(kind: NativeKind, outputs: Vec<Value>) -> (Bench, String) {
    let cognigy = Cognigy::start().await;
    let setup = Setup::default().bot_is(&cognigy.by_its_own_endpoint("rest"));
    let bench = setup.on(kind).start().await;
    cognigy.flow([Flow::Says(outputs)]);
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    (bench, thread)
}

fn read(bench: &Bench, thread: &str) -> Vec<String> {
    bench.seen(thread).into_iter().filter_map(|it| it.text).collect()
}

#[tokio::test]
async fn outputs_beyond_the_fiftieth_are_left_out_and_the_timeline_says_so() {
    let outputs = (0..53).map(|n| json!({"text": format!("Output {n}"), "data": {}}));
    let (bench, thread) = answered(NativeKind::WhatsApp, outputs.collect()).await;
    assert_eq!(read(&bench, &thread).len(), 50);
    let left_out = entries(&bench, &thread, "bot.outputs_left_out").await;
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0]["count"], 3);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_endless_text_ends_at_twenty_thousand_characters_and_the_timeline_says_so() {
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let endless = json!({"text": numbers.join(" "), "data": {}});
    let (bench, thread) = answered(NativeKind::WhatsApp, vec![endless]).await;
    let read = read(&bench, &thread);
    let characters: usize = read.iter().map(|text| text.chars().count()).sum();
    assert!((19_900..=20_000).contains(&characters), "{characters}");
    assert!(read.last().unwrap().ends_with('…'));
    let sent = entries(&bench, &thread, "message.sent").await;
    let cut: Vec<bool> = sent.iter().map(|entry| entry["cut"] == true).collect();
    assert_eq!(cut.iter().filter(|cut| **cut).count(), 1);
    assert_eq!(cut.last(), Some(&true));
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_number_to_call_stands_below_the_choices() {
    let form =
        |name: &str, form: Value| json!({"text": "", "data": {"_cognigy": {"_default": {name: form}}}});
    let outputs = vec![
        form(
            "_buttons",
            json!({"text": "Press", "buttons": [
            {"title": "Call", "type": "phone_number", "payload": "+4912345"},
            {"title": "Yes", "type": "postback", "payload": "yes"}]}),
        ),
        form(
            "_list",
            json!({"items": [{"title": "One", "subtitle": "first"}, {"title": "Two"}],
            "button": {"title": "More", "url": "https://example.org"}}),
        ),
    ];
    let (bench, thread) = answered(NativeKind::Email, outputs).await;
    let expected = [
        "Press\n- Yes\n- Call (+4912345)",
        "- One – first\n- Two\n- More (https://example.org)",
    ];
    assert_eq!(read(&bench, &thread), expected);
    finish(bench, &thread).await;
}
