use handover_core::message::Attachment;
use proptest::prelude::*;

use super::*;
use crate::test_support::{at, verified, verified_bytes};

const NOW: &str = "2026-03-01T12:00:00Z";

fn parse(request: &Value) -> Action {
    parse_action(&verified(request), at(NOW)).unwrap()
}

fn message_of(params: &Value) -> AgentMessage {
    match parse(&json!({"action": "messages.create", "params": params})) {
        Action::CreateMessage(incoming) => incoming.message,
        other => panic!("{other:?}"),
    }
}

fn text_of(params: &Value) -> Option<String> {
    message_of(params).text
}

#[test]
fn br_011_the_channel_declares_what_it_can_do() {
    let info = implementation_info(true);
    assert_eq!(
        info,
        json!({
            "objects": {"messages": ["create", "show", "list"], "status": ["mark_as_read"]},
            "options": ["view.messaging", "messages.text", "messages.no_title", "messages.attachments",
                "messaging.typing_indicator", "messaging.queuing_update"],
        })
    );
    let without = implementation_info(false);
    let options = without["options"].as_array().unwrap();
    assert!(!options.contains(&json!("messaging.queuing_update")));
    assert!(options.contains(&json!("view.messaging")), "typing depends on it");
}

#[test]
fn br_012_lists_and_shows_need_no_parameters() {
    assert_eq!(
        parse(&json!({"action": "implementation.info"})),
        Action::ImplementationInfo
    );
    for object in ["messages", "private_messages", "threads"] {
        assert_eq!(parse(&json!({"action": format!("{object}.list")})), Action::List);
        let since = json!({"action": format!("{object}.list"), "params": {"since_id": "m"}, "time": null});
        assert_eq!(parse(&since), Action::List);
        let show = json!({"action": format!("{object}.show"), "params": {"id": "m"}});
        assert_eq!(parse(&show), Action::Show);
    }
}

#[test]
fn br_021_what_was_never_declared_is_told_apart() {
    for action in [
        "messages.levitate",
        "messages.delete",
        "messages.publish",
        "messages.spam",
        "users.create",
        "nonsense",
        "",
        "messages.create.now",
    ] {
        assert_eq!(parse(&json!({"action": action})), Action::Unsupported, "{action}");
    }
    assert_eq!(
        parse(&json!({"action": "threads.create", "params": {"body": "Hi"}})),
        Action::CreateThread
    );
}

#[test]
fn br_021_typing_of_an_agent_is_read() {
    let typing = |action: &str, params: Value| parse(&json!({"action": action, "params": params}));
    let thread = Some(ForeignThreadId::new("conv-1"));
    assert_eq!(
        typing("typing.start", json!({"thread_id": "conv-1"})),
        Action::Typing {
            thread,
            started: true
        }
    );
    assert_eq!(
        typing("typing.stop", json!(null)),
        Action::Typing {
            thread: None,
            started: false
        }
    );
}

#[test]
fn a_request_without_a_readable_action_is_refused() {
    for action in [json!(null), json!(5), json!(["messages.list"])] {
        let refused = parse_action(&verified(&json!({"action": action})), at(NOW));
        assert_eq!(refused, Err(ParseError::Member("action")));
    }
    let no_params = json!({"action": "messages.create"});
    assert_eq!(
        parse_action(&verified(&no_params), at(NOW)),
        Err(ParseError::Member("params"))
    );
    let deep = format!(
        "{{\"action\":\"messages.create\",\"params\":{}1{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    for body in [
        deep.as_str(),
        "{\"action\":\"messages.list\",\"params\":1e999}",
        "",
        "null x",
    ] {
        let refused = parse_action(&verified_bytes(body.to_owned()), at(NOW));
        assert!(matches!(refused, Err(ParseError::Json { .. })), "{refused:?}");
    }
}

#[test]
fn br_023_a_message_names_its_agent_by_the_senders_name() {
    let params = json!({
        "author_id": "agent", "body": "Hello & <welcome>", "content_id": "c7-1", "format": "text",
        "created_at": "2026-02-03T10:12:38Z", "in_reply_to_id": "m-1", "retry": true,
        "sender_name": " Sam ", "thread_id": "conv-1", "title": null, "a_new_member": [1],
    });
    let request = json!({"action": "messages.create", "params": params, "time": "2026-02-03T10:12:40Z"});
    let Action::CreateMessage(incoming) = parse(&request) else {
        panic!("not a message")
    };
    assert_eq!(incoming.thread, Some(ForeignThreadId::new("conv-1")));
    let message = incoming.message;
    assert_eq!(message.id.as_str(), "rcx-c7-1");
    assert_eq!(message.content.unwrap().as_str(), "c7-1");
    assert_eq!(message.text.as_deref(), Some("Hello & <welcome>"));
    assert_eq!(message.agent_name.as_deref(), Some("Sam"));
    assert_eq!(message.written_at, Some(at("2026-02-03T10:12:38Z")));
    assert!(message.retry);
    assert_eq!(message_of(&json!({"sender_name": "  "})).agent_name, None);
}

#[test]
fn br_022_members_of_tomorrow_are_ignored() {
    let known = json!({"body": "Hi", "format": "text", "content_id": "c"});
    let mut more = known.clone();
    more["mood"] = json!({"of": ["the", "agent"]});
    more["id"] = json!("not ours");
    assert_eq!(message_of(&more), message_of(&known));
    let request = json!({"action": "messages.list", "params": 5, "time": [], "tenant": "t"});
    assert_eq!(parse(&request), Action::List);
}

#[test]
fn br_015_the_answered_id_is_new_stable_and_safe() {
    let id = |params: Value| message_of(&params).id.to_string();
    assert_eq!(id(json!({"content_id": "65d0"})), "rcx-65d0");
    assert_eq!(id(json!({"content_id": 65})), "rcx-65");
    assert_eq!(
        id(json!({"content_id": "65d0", "retry": true, "body": "x"})),
        "rcx-65d0"
    );
    let odd = id(json!({"content_id": "a/b:c|d"}));
    assert_eq!(odd.len(), "rcx-h-".len() + 32);
    assert_ne!(odd, id(json!({"content_id": "a/b:c|e"})));
}

#[test]
fn br_014_older_tenants_send_no_content_id() {
    let params = json!({
        "author_id": "support", "thread_id": "conv-1", "in_reply_to_id": "m-1",
        "created_at": "2026-01-02T03:04:05Z", "body": "Größe \"M\" & <b>",
        "attachments": [{"url": "https://x.test/a.png", "type": "image"}], "sender_name": "not part of it",
    });
    let message = message_of(&params);
    // SHA-256 of ["support","conv-1","m-1","2026-01-02T03:04:05Z","Größe \"M\" & <b>",["https://x.test/a.png"]]
    assert_eq!(message.id.as_str(), "rcx-f-be2994aaa27dc6982d679f6551bb9dc7");
    assert_eq!((message.content, message.retry), (None, false));
    let empty = message_of(&json!({"author_id": "support", "content_id": ""}));
    assert_eq!(empty.id.as_str(), "rcx-f-7cf6daaec2b46ad6d035230a6e57a7dc");
}

#[test]
fn br_016_html_and_missing_formats_become_text() {
    let html = "<p>Dear&nbsp;Zoë,<br>see <a href=\"https://x.test\">this</a></p>";
    let expected = Some("Dear Zoë,\nsee this (https://x.test)");
    assert_eq!(
        text_of(&json!({"body": html, "format": "html"})).as_deref(),
        expected
    );
    assert_eq!(text_of(&json!({"body": html})).as_deref(), expected);
    assert_eq!(
        text_of(&json!({"body": html, "format": "markdown"})).as_deref(),
        expected
    );
    assert_eq!(
        text_of(&json!({"body": html, "format": "text"})).as_deref(),
        Some(html)
    );
    assert_eq!(
        text_of(&json!({"body": "one\ntwo &amp; three"})).as_deref(),
        Some("one\ntwo & three")
    );
}

#[test]
fn br_017_a_message_may_have_no_body() {
    let params = json!({
        "body": null,
        "attachments": [{"url": "https://x.test/l.png", "type": "image", "filename": "l.png"}, {"type": "image"}, null],
    });
    let message = message_of(&params);
    assert_eq!(message.text, None);
    let expected = Attachment {
        url: "https://x.test/l.png".to_owned(),
        filename: Some("l.png".to_owned()),
        content_type: Some("image/png".to_owned()),
    };
    assert_eq!(message.attachments, [expected]);
    for nothing in [
        json!({}),
        json!({"body": ""}),
        json!({"body": "<p> </p>", "format": "html"}),
    ] {
        assert_eq!(text_of(&nothing), None);
    }
}

#[test]
fn br_018_structured_content_alone_is_given_as_text_too() {
    let structured = json!({"type": "select", "items": [{"title": "Red"}, {"title": "Blue"}]});
    let message = message_of(&json!({"body": null, "structured_content": structured}));
    assert_eq!(message.text.as_deref(), Some("- Red\n- Blue"));
    assert_eq!(message.structured, Some(structured.clone()));
    let with_body =
        message_of(&json!({"body": "Which?", "format": "text", "structured_content": structured}));
    assert_eq!(with_body.text.as_deref(), Some("Which?"));
    let with_file =
        json!({"structured_content": structured, "attachments": [{"url": "https://x.test/l.png"}]});
    assert_eq!(text_of(&with_file), None);
    assert_eq!(message_of(&json!({"structured_content": "odd"})).structured, None);
}

#[test]
fn a_private_message_belongs_to_no_thread() {
    let request = json!({"action": "private_messages.create",
        "params": {"content_id": "c", "recipient_id": "u", "body": "Hi", "format": "text", "thread_id": "x"}});
    let Action::CreateMessage(incoming) = parse(&request) else {
        panic!("not a message")
    };
    assert_eq!(incoming.thread, None);
    assert_eq!(incoming.message.text.as_deref(), Some("Hi"));
}

#[test]
fn br_020_waits_come_in_seconds_and_unknown_is_not_zero() {
    let update = |params: Value| {
        let request = json!({"action": "messaging.queuing_update", "params": params});
        let Action::QueueUpdate { update, .. } = parse(&request) else {
            panic!("not a queue update")
        };
        assert_eq!(update.at, at(NOW));
        (update.position, update.estimated_wait_ms)
    };
    let wait = |seconds: Value| update(json!({"estimated_wait_time": seconds})).1;
    assert_eq!(
        update(json!({"estimated_wait_time": 45, "position": 2})),
        (Some(2), Some(45_000))
    );
    assert_eq!(wait(json!(0)), Some(0));
    assert_eq!(wait(json!(12.3456)), Some(12_346));
    for unknown in [json!(null), json!(-1), json!("30"), json!([]), json!(1e300)] {
        assert_eq!(wait(unknown.clone()), None, "{unknown}");
    }
    assert_eq!(update(json!({"position": 4})), (Some(4), None));
    assert_eq!(update(json!({"position": -1})).0, None);
    assert_eq!(update(json!({"position": 1.5})).0, None);
    assert_eq!(update(json!(null)), (None, None));
    let thread = parse(&json!({"action": "messaging.queuing_update", "params": {"thread_id": "conv-1"}}));
    assert!(matches!(thread, Action::QueueUpdate { thread: Some(id), .. } if id.as_str() == "conv-1"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_action(&verified_bytes(bytes), at(NOW));
    }

    #[test]
    fn no_message_makes_the_parser_panic(body in "\\PC{0,60}", id in "\\PC{0,40}", wait in any::<f64>()) {
        let message = message_of(&json!({"body": body, "content_id": id, "sender_name": body}));
        let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        prop_assert!(message.id.as_str().bytes().all(safe));
        parse(&json!({"action": "messaging.queuing_update", "params": {"estimated_wait_time": wait}}));
    }
}
