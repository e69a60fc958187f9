//! What people and bots say on channels of RCE's own, in each platform's words.

use handover_core::ids::{MessageId, SourceId};
use handover_core::message::{Attachment, ChannelFacts, CustomerWords};
use handover_core::profile::UserProfile;
use handover_platforms::chatlayer::customer_to_chatlayer;
use handover_platforms::cognigy::{
    Command, TEXT_MAX, customer_to_cognigy, output_from_cognigy, outputs_of_answer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn words(text: Option<&str>) -> CustomerWords {
    CustomerWords {
        id: MessageId::new("rcx-1"),
        text: text.map(str::to_owned),
        truncated: false,
        attachments: Vec::new(),
        payload: None,
        in_reply_to: None,
        language: None,
        sent_at: "2026-11-20T10:00:00Z".parse().expect("a time"),
        user: UserProfile::default(),
        channel: ChannelFacts {
            source: SourceId::new("50c1"),
            kind: None,
            capabilities: Vec::new(),
        },
    }
}

fn file(name: Option<&str>) -> Attachment {
    Attachment {
        url: "https://x.test/a.png".to_owned(),
        filename: name.map(str::to_owned),
        content_type: Some("image/png".to_owned()),
    }
}

#[test]
fn a_long_text_is_cut_for_cognigy_and_whole_beside_it() {
    for text in ["word ".repeat(3_000), "👍".repeat(6_000), "é".repeat(20_000)] {
        let text = text.trim_end().to_owned();
        let input = customer_to_cognigy(&words(Some(&text)));
        let short = input.text.expect("a text");
        assert!(short.encode_utf16().count() <= TEXT_MAX && !short.is_empty());
        assert!(text.starts_with(&short));
        assert_eq!(input.data["bridge"]["text"], text);
    }
    let input = customer_to_cognigy(&words(Some(&"x".repeat(TEXT_MAX))));
    assert_eq!(input.data["bridge"]["text"], Value::Null, "it fits");
}

#[test]
fn a_click_is_its_payload_as_on_the_platforms_own_channels() {
    let mut click = words(Some("Refund"));
    click.payload = Some("order-refund".to_owned());
    let input = customer_to_cognigy(&click);
    assert_eq!(input.text.as_deref(), Some("order-refund"));
    assert_eq!(input.data["payload"], "order-refund");
    assert_eq!(input.data["bridge"]["label"], "Refund");
    assert_eq!(customer_to_chatlayer(&click).as_deref(), Some("order-refund"));
}

#[test]
fn files_alone_are_data_for_cognigy_and_links_for_chatlayer() {
    let mut files = words(None);
    files.attachments = vec![file(Some("a.png")), file(None)];
    let input = customer_to_cognigy(&files);
    assert_eq!(input.text, None);
    let expected = json!([
        {"name": "a.png", "url": "https://x.test/a.png", "type": "image/png"},
        {"name": null, "url": "https://x.test/a.png", "type": "image/png"},
    ]);
    assert_eq!(input.data["attachments"], expected);
    let links = "a.png: https://x.test/a.png\nhttps://x.test/a.png";
    assert_eq!(customer_to_chatlayer(&files).as_deref(), Some(links));
    assert_eq!(customer_to_chatlayer(&words(Some(" "))), None);
    // Nothing at all is an input with data, which Cognigy takes.
    let input = customer_to_cognigy(&words(Some(" ")));
    assert_eq!(
        (input.text, &input.data["bridge"]["messageId"]),
        (None, &json!("rcx-1"))
    );
}

#[test]
fn a_giant_profile_does_not_fill_the_input() {
    let mut said = words(Some("Hi"));
    said.user.firstname = Some("Ada".to_owned());
    said.user.extra = [
        ("a".to_owned(), json!("x".repeat(60_000))),
        ("b".to_owned(), json!("y")),
    ]
    .into();
    let user = customer_to_cognigy(&said).data["bridge"]["user"].clone();
    assert_eq!(user["firstname"], "Ada");
    assert!(user.to_string().len() < 1_000, "{user}");
    assert!(user.to_string().contains("\"y\""));
}

#[test]
fn a_flow_asks_for_a_human_in_either_way_and_says_what_it_knows() {
    let engage = json!({"data": {"_cognigy": {"_ringCentralEngage": {"json": {"command": "handover",
        "reason": 12, "additionalCategoryIds": ["c1"], "summary": {"odd": true}}}}}});
    let Some(Command::Handover(wish)) = output_from_cognigy(&engage).command else {
        panic!("a wish");
    };
    assert_eq!(
        (&wish["reason"], &wish["category_ids"]),
        (&json!("12"), &json!(["c1"]))
    );
    assert_eq!(wish["summary"], "{\"odd\":true}");
    let output =
        output_from_cognigy(&json!({"text": "A moment", "data": {"handover": {"command": "start"}}}));
    assert_eq!(output.content.text.as_deref(), Some("A moment"));
    assert!(matches!(output.command, Some(Command::Handover(_))));
    for (command, expected) in [
        (json!("end"), Some(Command::End)),
        (json!("none"), Some(Command::Nothing)),
        (json!("close"), None),
        (json!(["start"]), None),
    ] {
        let output = output_from_cognigy(&json!({"data": {"handover": {"command": command}}}));
        assert_eq!(output.command, expected);
        assert!(output.content.is_empty());
    }
}

#[test]
fn what_is_for_machines_is_never_shown_to_people() {
    for data in [
        json!({"order": {"number": 12}}),
        json!({"_plugin": {"type": "date-picker"}}),
        json!({"_cognigy": {"_default": {"_unknown": {"text": "secret"}}}}),
        json!({"_cognigy": {"_webchat": {"message": {"attachment": {"type": "odd", "payload": {"x": 1}}}}}}),
        json!({"_cognigy": {"_ringCentralEngage": {"json": {"command": "close", "x": 1}}}}),
        json!({"_cognigy": {"_default": {"_quickReplies": {"text": "", "quickReplies": [{"weird": 1}]}}}}),
        json!("text"),
        json!(null),
    ] {
        let output = output_from_cognigy(&json!({"text": "", "data": data}));
        assert!(output.content.is_empty(), "{data}: {output:?}");
    }
}

#[test]
fn an_answer_has_at_most_fifty_outputs() {
    let stack: Vec<Value> = (0..1_000).map(|n| json!({"text": n.to_string()})).collect();
    let (outputs, left_out) = outputs_of_answer(&json!({"outputStack": stack}));
    assert_eq!((outputs.len(), left_out), (50, 950));
    let (outputs, left_out) = outputs_of_answer(&json!({"outputStack": stack[..50]}));
    assert_eq!((outputs.len(), left_out), (50, 0));
}

proptest! {
    /// Whatever a person writes is in what the bot gets.
    #[test]
    fn nothing_that_a_person_writes_is_lost(text in "[a-zA-Z é👍\n]{0,200}", times in 1_usize..200) {
        let text = text.repeat(times);
        let input = customer_to_cognigy(&words(Some(&text)));
        let whole = input.data["bridge"]["text"].as_str().map(str::to_owned).or(input.text);
        prop_assert_eq!(whole.unwrap_or_default(), if text.trim().is_empty() { "" } else { &text });
    }
}
