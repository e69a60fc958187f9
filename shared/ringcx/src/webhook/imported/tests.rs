//! Events as RCE sends them, in `examples.json`: members by the vendor's pages and samples, ids and words our own.

use handover_core::imported::Authorship::{self, Company, Customer, Ignored};
use handover_core::message::BODY_MAX_CHARS;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_support::{at, verified};
use crate::webhook::{Batch, parse_batch};

const NOW: &str = "2026-03-01T12:00:00Z";

fn example(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("examples.json")).unwrap();
    all.get(name)
        .unwrap_or_else(|| panic!("no example {name}"))
        .clone()
}

fn parse(events: &[Value]) -> Batch {
    let envelope = json!({"id": "rq-1", "domain_id": "d-1", "events": events});
    parse_batch(&verified(&envelope), at(NOW)).unwrap()
}

#[track_caller]
fn read_one(event: &Value) -> Imported {
    let mut batch = parse(std::slice::from_ref(event));
    assert_eq!(batch.contents.len(), 1, "{event}");
    batch.contents.remove(0)
}

fn imported(name: &str) -> Imported {
    read_one(&example(name))
}

/// The example with other members.
fn with(name: &str, members: &Value) -> Imported {
    let mut event = example(name);
    for (key, value) in members.as_object().unwrap() {
        event["resource"]["metadata"][key] = value.clone();
    }
    read_one(&event)
}

#[test]
fn a_customers_words_are_read_whole() {
    let expected = Imported {
        event: EventId::new("65d0e7000000000000000001"),
        content: ContentId::new("65d0c0000000000000000001"),
        thread: ThreadId::new("65d074000000000000000001"),
        source: SourceId::new("65d0500000000000000050c1"),
        source_type: Some("whats_app".to_owned()),
        author: Some(IdentityId::new("65d0de000000000000000001")),
        authorship: Customer,
        text: Some("Where is my parcel?".to_owned()),
        truncated: false,
        payload: None,
        in_reply_to: None,
        has_files: false,
        private: true,
        language: Some("en".to_owned()),
        capabilities: vec!["select".to_owned(), "rich_link".to_owned()],
        issued_at: at("2026-02-03T10:21:05.120Z"),
        categories: Vec::new(),
        intervention: None,
        attended: false,
        deleted: false,
    };
    assert_eq!(imported("customer_text"), expected);
}

#[test]
fn whose_words_they_are_is_told_by_how_they_came() {
    let cases: [(&str, Authorship); 13] = [
        ("customer_text", Customer),
        ("customer_html", Customer),
        ("structured_reply", Customer),
        ("under_an_intervention", Customer),
        ("unknown_created_from", Customer),
        ("own_reply", Company),
        ("agents_reply", Company),
        ("post_outside", Company),
        ("discussion_initiated", Company),
        ("discussion_outside", Company),
        ("automatic", Company),
        ("survey_invitation", Company),
        ("ignored", Ignored),
    ];
    for (name, authorship) in cases {
        assert_eq!(imported(name).authorship, authorship, "{name}");
    }
}

#[test]
fn one_sign_of_the_companys_voice_is_enough() {
    for sign in [
        json!({"creator_id": "65d0a9000000000000000001"}),
        json!({"creator_id": 17}),
        json!({"created_from": "interface"}),
        json!({"created_from": "api"}),
        json!({"status": "user_reply"}),
        json!({"status": "user_initiated"}),
        json!({"auto_submitted": true}),
        json!({"auto_submitted": true, "status": "ignored"}),
    ] {
        assert_eq!(with("customer_text", &sign).authorship, Company, "{sign}");
    }
    for no_sign in [
        json!({"creator_id": ""}),
        json!({"created_from": null, "status": null, "auto_submitted": null}),
        json!({"status": "replied", "auto_submitted": false}),
        json!({"status": ["user_reply"]}),
    ] {
        assert_eq!(with("customer_text", &no_sign).authorship, Customer, "{no_sign}");
    }
}

#[test]
fn an_email_that_no_person_wrote_is_told_by_its_headers() {
    for automatic in [
        json!({"Auto-Submitted": ["auto-replied"]}),
        json!({"auto-submitted": ["Auto-Generated; owner=x"]}),
        json!({"AUTO-SUBMITTED": "auto-replied (vacation)"}),
        json!({"Precedence": ["bulk"]}),
        json!({"precedence": ["Junk"]}),
        json!({"Precedence": ["list"]}),
        json!({"X-Auto-Response-Suppress": ["OOF, AutoReply"]}),
        json!({"Subject": ["Hi"], "Auto-Submitted": ["no", "auto-notified"]}),
    ] {
        let read = with("customer_html", &json!({"headers": automatic}));
        assert_eq!(read.authorship, Company, "{automatic}");
    }
    for written in [
        json!(null),
        json!([]),
        json!({}),
        json!({"Auto-Submitted": ["no"], "Precedence": ["normal"], "X-Auto-Response-Suppress": ["None"]}),
        json!({"Auto-Submitted": ["No (a person)"], "Subject": ["auto-replied"]}),
        json!({"Auto-Submitted": [], "Precedence": [7], "X-Auto-Response-Suppress": null}),
    ] {
        let read = with("customer_html", &json!({"headers": written}));
        assert_eq!(read.authorship, Customer, "{written}");
    }
}

#[test]
fn what_was_cut_is_marked() {
    let body = |length: usize| json!({"body": "x".repeat(length), "body_input_format": "text"});
    let whole = with("customer_text", &body(20_000));
    assert!(!whole.truncated);
    assert_eq!(whole.text.unwrap().chars().count(), 20_000);
    let cut = with("customer_text", &body(20_001));
    assert!(cut.truncated);
    let text = cut.text.unwrap();
    assert_eq!(text.chars().count(), 20_000);
    assert!(text.ends_with("x…"));
}

#[test]
fn an_email_is_read_as_text_with_what_it_quotes() {
    let text = imported("customer_html").text.unwrap();
    assert!(
        text.starts_with("Hello,") && text.contains("the box is empty."),
        "{text}"
    );
    assert!(text.contains("It is on its way."), "{text}");
    assert!(!text.contains('<'), "{text}");
    let plain = json!({"body": "1 < 2 & 3 > 2", "body_input_format": "text"});
    assert_eq!(
        with("customer_text", &plain).text.as_deref(),
        Some("1 < 2 & 3 > 2")
    );
    let upper = json!({"body": "<p>Hi</p>", "body_input_format": "HTML"});
    assert_eq!(with("customer_text", &upper).text.as_deref(), Some("Hi"));
    for empty in [json!("<p> </p>"), json!(""), json!(null), json!(7)] {
        let members = json!({"body": empty, "body_input_format": "html"});
        assert_eq!(with("customer_text", &members).text, None);
    }
}

#[test]
fn long_words_pass_and_endless_ones_end() {
    let longest = "é".repeat(BODY_MAX_CHARS);
    let read = with("customer_text", &json!({"body": longest}));
    assert_eq!(read.text.as_deref(), Some(longest.as_str()));
    let read = with("customer_text", &json!({"body": format!("{longest}é")}));
    let text = read.text.unwrap();
    assert_eq!(text.chars().count(), BODY_MAX_CHARS);
    assert!(text.ends_with("é…"));
}

#[test]
fn files_are_known_of_though_not_shown() {
    let read = imported("null_body_with_attachment");
    assert_eq!((read.text, read.has_files), (None, true));
    assert!(with("customer_text", &json!({"attachments": [{"id": "a"}]})).has_files);
    assert!(with("customer_text", &json!({"attachments_count": 40})).has_files);
    assert!(!with("customer_text", &json!({"attachments_count": 0})).has_files);
}

#[test]
fn a_click_is_what_the_bot_wrote() {
    let read = imported("structured_reply_payload");
    assert_eq!(read.payload.as_deref(), Some("refund"));
    assert_eq!(read.in_reply_to, Some(ContentId::new("65d0c0000000000000000009")));
    assert_eq!(
        imported("structured_reply").payload.as_deref(),
        Some("größe-m"),
        "RCE knows payloads in ASCII only"
    );
    let form = imported("form_response");
    assert_eq!(
        (form.payload, form.text.as_deref()),
        (None, Some("Report a fault"))
    );
    for odd in [
        json!("text"),
        json!([1]),
        json!({"payload": {"a": 1}}),
        json!(null),
    ] {
        assert_eq!(
            with("customer_text", &json!({"structured_reply": odd})).payload,
            None
        );
    }
}

#[test]
fn what_may_answer_is_listed_or_what_is_shown_everywhere() {
    let capabilities = |name: &str| imported(name).capabilities;
    assert_eq!(capabilities("supported_without_list"), ["select", "rich_link"]);
    assert!(capabilities("unsupported_without_list").is_empty());
    assert!(capabilities("null_lists").is_empty());
    let none = json!({"structured_content_supported": true, "capabilities_supported": []});
    assert!(
        with("customer_text", &none).capabilities.is_empty(),
        "the list counts"
    );
    let odd = json!({"capabilities_supported": ["carousel", null, 7, ""]});
    assert_eq!(with("customer_text", &odd).capabilities, ["carousel"]);
}

#[test]
fn what_was_taken_back_says_nothing_any_more() {
    let read = imported("deleted");
    assert_eq!((read.deleted, &read.text), (true, &None));
    assert_ne!(read.digest(), imported("customer_text").digest());
}

#[test]
fn old_events_name_their_channel_by_the_resource() {
    let read = imported("before_2023");
    assert_eq!(read.source_type.as_deref(), Some("whats_app"));
    assert_eq!(read.content.as_str(), "65d0c0000000000000000001");
    let mut bare = example("before_2023");
    bare["resource"]["type"] = json!("message");
    assert_eq!(read_one(&bare).source_type, None);
}

#[test]
fn a_content_of_nowhere_is_no_content_and_no_fault() {
    for member in ["thread_id", "source_id"] {
        for odd in [json!(null), json!(""), json!({})] {
            let mut event = example("customer_text");
            event["resource"]["metadata"][member] = odd;
            let batch = parse(&[event, example("ignored")]);
            assert_eq!((batch.contents.len(), batch.signals.len()), (1, 2), "{member}");
        }
    }
    let mut without_id = example("customer_text");
    without_id["id"] = json!(null);
    let mut replied = example("agents_reply");
    replied["type"] = json!("content.replied");
    assert!(parse(&[without_id, replied]).contents.is_empty());
}

#[test]
fn contents_are_in_the_order_of_what_was_said() {
    let mut first = example("customer_text");
    first["issued_at"] = json!("2026-02-03T10:21:05.119Z");
    first["resource"]["metadata"]["body"] = json!("One");
    let read = parse(&[example("customer_text"), first]).contents;
    let texts: Vec<_> = read.iter().filter_map(|it| it.text.as_deref()).collect();
    assert_eq!(texts, ["One", "Where is my parcel?"]);
}

proptest! {
    #[test]
    fn no_member_makes_the_reader_panic(odd in "\\PC{0,30}", at in 0..32_usize) {
        for odd in [json!(odd), json!({"payload": odd}), json!([odd]), json!(null), json!(-1.5)] {
            let mut event = example("structured_reply");
            let members = event["resource"]["metadata"].as_object().unwrap();
            let name = members.keys().nth(at % members.len()).unwrap().clone();
            event["resource"]["metadata"][name] = odd;
            prop_assert_eq!(parse(&[event]).signals.len(), 1);
        }
    }
}
