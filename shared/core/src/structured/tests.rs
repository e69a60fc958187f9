use super::*;
use serde_json::json;

#[track_caller]
fn check(body: Option<&str>, structured: &Value, expected: Option<&str>) {
    assert_eq!(fallback_text(body, structured).as_deref(), expected);
}

#[test]
fn br_018_a_select_is_its_body_and_a_list() {
    let select = json!({"type": "select", "items": [{"title": "Red", "payload": "r"}, {"title": "Blue"}]});
    check(Some("Which one?"), &select, Some("Which one?\n- Red\n- Blue"));
    check(None, &select, Some("- Red\n- Blue"));
}

#[test]
fn br_018_a_rich_link_keeps_its_target() {
    let link = json!({"type": "rich_link", "url": "https://x.test/a", "title": "Manual",
        "subtitle": "All pages", "url_text": "Manual", "attachment_url": "https://x.test/logo.png"});
    check(
        None,
        &link,
        Some("Manual\nAll pages\nhttps://x.test/a\nhttps://x.test/logo.png"),
    );
    check(
        Some("Look:"),
        &link,
        Some("Look:\nManual\nAll pages\nhttps://x.test/a\nhttps://x.test/logo.png"),
    );
    let named = json!({"type": "rich_link", "url": "https://x.test/a", "url_text": "Open"});
    check(None, &named, Some("Open: https://x.test/a"));
}

#[test]
fn br_018_a_template_lists_its_buttons() {
    let template = json!({"type": "template", "title": "Parcel", "subtitle": "On its way", "items": [
        {"type": "url", "title": "Follow", "url": "https://x.test/t"},
        {"type": "reply", "title": "It is lost", "payload": "lost"},
    ]});
    check(
        None,
        &template,
        Some("Parcel\nOn its way\n- Follow (https://x.test/t)\n- It is lost"),
    );
}

#[test]
fn br_018_a_carousel_lists_templates_and_their_buttons() {
    let carousel = json!({"type": "carousel", "items": [
        {"title": "S", "subtitle": "5 €", "items": [{"type": "reply", "title": "Take S"}]},
        {"title": "L", "items": [{"type": "url", "title": "More", "url": "https://x.test/l"}]},
    ]});
    check(
        None,
        &carousel,
        Some("- S – 5 €\n  - Take S\n- L\n  - More (https://x.test/l)"),
    );
}

#[test]
fn br_018_an_unknown_type_degrades_to_what_can_be_read() {
    check(
        None,
        &json!({"type": "hologram", "text": "Hi", "items": ["a", {"name": "b"}, 3]}),
        Some("Hi\n- a\n- b\n- 3"),
    );
    check(None, &json!({"type": "hologram"}), None);
    check(Some("  "), &json!(null), None);
    check(Some("Just this"), &json!([1, 2]), Some("Just this"));
}

#[test]
fn nothing_that_can_be_read_is_left_out() {
    let many: Vec<Value> = (1..=120).map(|n| json!({"title": format!("Item {n}")})).collect();
    let text = fallback_text(None, &json!({"type": "select", "items": many})).unwrap();
    assert_eq!(text.lines().count(), 120);
    assert!(text.ends_with("- Item 120"));
    let cards = json!({"type": "carousel", "items": [{
        "title": "S", "subtitle": "5 €", "url": "https://x.test/s", "url_text": "More",
        "attachment_url": "https://x.test/s.png", "items": [{"type": "reply", "title": "Take S", "payload": "s"}],
    }]});
    check(
        None,
        &cards,
        Some("- S – 5 € (More: https://x.test/s)\n  https://x.test/s.png\n  - Take S"),
    );
    let call = json!({"type": "template", "title": "Help", "items": [{"type": "url", "title": "Call", "url": "tel:+4912"}]});
    check(None, &call, Some("Help\n- Call (+4912)"));
}

#[test]
fn types_that_this_channel_does_not_have_are_readable() {
    let times = json!({"type": "time_select", "title": "When?", "attachment_id": "5f",
        "items": [{"start_time": "2026-11-26T09:00Z", "duration": 1800}], "location": {"title": "Shop", "latitude": 51}});
    check(
        None,
        &times,
        Some(
            "When?\n- duration: 1800, start_time: 2026-11-26T09:00Z\nlocation:\n  latitude: 51\n  title: Shop",
        ),
    );
    let list = json!({"type": "list", "title": "Menu", "sections": [
        {"title": "Hot", "items": ["Tea", {"title": "Coffee", "subtitle": "black", "payload": "p2"}]},
        {"title": "Cold", "multiple_selection": true, "items": [{"title": "Water", "payload": "p3"}]}]});
    check(
        Some("What would you like?"),
        &list,
        Some("What would you like?\nMenu\nHot\n- Tea\n- Coffee – black\nCold\n- Water"),
    );
}

#[test]
fn any_json_is_readable_and_bounded() {
    let form = json!({"_id": "x", "$schema": "y", "email": "a@x.test", "wants": ["tea", "milk"], "sure": true, "none": null,
        "where": {"city": "Gent"}});
    assert_eq!(
        readable(&form).unwrap(),
        "email: a@x.test\nsure: yes\nwants: tea, milk\nwhere:\n  city: Gent"
    );
    for nothing in [json!(null), json!({}), json!([[], {}]), json!({"_a": 1})] {
        assert_eq!(readable(&nothing), None, "{nothing}");
    }
    let mut deep = json!("bottom");
    for _ in 0..60 {
        deep = json!({"in": deep});
    }
    assert!(readable(&deep).unwrap().ends_with('…'));
    let long: Value = (0..9_000).map(|n| format!("word {n}")).collect();
    let long = readable(&json!([{"a": [long]}])).unwrap();
    assert!(long.chars().count() <= crate::message::BODY_MAX_CHARS + 2 && long.ends_with('…'));
}

#[test]
fn what_is_read_is_written_back() {
    let all = [
        json!({"type": "select", "items": [{"title": "Red", "payload": "r"}, {"title": "Blue"}]}),
        json!({"type": "rich_link", "url": "https://x.test/a", "title": "Manual", "subtitle": "All pages",
            "url_text": "Open", "attachment_url": "https://x.test/logo.png"}),
        json!({"type": "template", "title": "Parcel", "items": [
            {"type": "url", "title": "Follow", "url": "https://x.test/t"},
            {"type": "reply", "title": "It is lost", "payload": "lost"}]}),
        json!({"type": "carousel", "items": [{"title": "S", "attachment_url": "https://x.test/s.png"},
            {"title": "L", "items": [{"type": "reply", "title": "Take L"}]}]}),
    ];
    for content in all {
        assert_eq!(Structured::from_json(&content).unwrap().to_json(), content);
    }
}

#[test]
fn reading_is_lenient_but_never_half() {
    let read = |value: Value| Structured::from_json(&value).map(|content| content.to_json());
    assert_eq!(
        read(
            json!({"type": "Select", "title": "Which?", "items": ["Red", 2, {"title": "Blue", "payload": {"a": 1}}]})
        ),
        Some(
            json!({"type": "select", "items": [{"title": "Red"}, {"title": "2"},
            {"title": "Blue", "payload": "{\"a\":1}"}]})
        )
    );
    assert_eq!(
        read(
            json!({"type": "template", "title": "T", "items": [{"title": "Go", "url": "https://x.test"}, {"title": "Say"}]})
        ),
        Some(json!({"type": "template", "title": "T", "items": [
            {"type": "url", "title": "Go", "url": "https://x.test"}, {"type": "reply", "title": "Say"}]}))
    );
    for odd in [
        json!({"type": "select", "items": [{"title": "Red"}, []]}),
        json!({"type": "select", "items": "Red"}),
        json!({"type": "template", "title": "T", "items": [{"type": "webview", "title": "Go", "url": "https://x.test"}]}),
        json!({"type": "carousel", "items": ["card"]}),
        json!({"type": "form"}),
        json!({"type": 3}),
        json!([]),
    ] {
        assert_eq!(read(odd.clone()), None, "{odd}");
    }
}

/// Content that is exactly at a limit, what makes it exceed, and the words for that.
#[test]
fn each_limit_is_known_to_the_character() {
    use super::limits::*;
    let excess = |body: Option<&str>, value: &Value| {
        let content = Structured::from_json(value).expect("it can be read");
        content
            .excess(body)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let text = |length: usize| "é".repeat(length);
    let url = |length: usize| format!("https://x.test/{}", "a".repeat(length - 15));
    let select = |items: usize, title: usize, payload: usize| {
        let item = json!({"title": text(title), "payload": "p".repeat(payload)});
        json!({"type": "select", "items": vec![item; items]})
    };
    let link = |address: usize, title: usize, subtitle: usize, name: usize| {
        json!({"type": "rich_link", "url": url(address), "title": text(title), "subtitle": text(subtitle),
            "url_text": text(name), "attachment_url": url(address)})
    };
    let card = |buttons: usize| json!({"title": "T", "items": vec![json!({"title": text(ITEM_TITLE_MAX)}); buttons]});
    let template = |buttons: usize| {
        let mut card = card(buttons);
        card["type"] = json!("template");
        card
    };
    let carousel =
        |cards: usize, buttons: usize| json!({"type": "carousel", "items": vec![card(buttons); cards]});
    let fit = [
        select(SELECT_ITEMS_MAX, ITEM_TITLE_MAX, PAYLOAD_MAX),
        link(URL_MAX, TITLE_MAX, SUBTITLE_MAX, URL_TEXT_MAX),
        template(BUTTONS_MAX),
        carousel(CAROUSEL_ITEMS_MAX, BUTTONS_MAX),
    ];
    for content in fit {
        assert_eq!(excess(Some("Q"), &content), [""; 0], "{}", content["type"]);
    }
    let exceed = [
        (select(14, 1, 1), vec!["items: 14, at most 13"]),
        (
            select(1, 81, 1),
            vec!["items[0].title: 81 characters, at most 80"],
        ),
        (
            select(1, 1, 1001),
            vec!["items[0].payload: 1001 characters, at most 1000"],
        ),
        (select(0, 1, 1), vec!["items: missing"]),
        (
            link(2049, 351, 1001, 81),
            vec![
                "url: 2049 characters, at most 2048",
                "title: 351 characters, at most 350",
                "subtitle: 1001 characters, at most 1000",
                "url_text: 81 characters, at most 80",
                "attachment_url: 2049 characters, at most 2048",
            ],
        ),
        (template(5), vec!["items: 5, at most 4"]),
        (carousel(11, 1), vec!["items: 11, at most 10"]),
        (carousel(1, 5), vec!["items[0].items: 5, at most 4"]),
        (
            json!({"type": "carousel", "items": [{"title": "A", "attachment_url": "https://x.test/a.png"}, {"title": "B"}]}),
            vec!["items: either all have a picture or none"],
        ),
        (
            json!({"type": "select", "items": [{"title": "ö", "payload": "ö"}]}),
            vec!["items[0].payload: not ASCII"],
        ),
        (
            json!({"type": "rich_link", "url": "github://x", "title": " "}),
            vec!["url: not an http or https URL", "title: missing"],
        ),
    ];
    for (content, expected) in exceed {
        assert_eq!(excess(Some("Q"), &content), expected);
    }
    assert_eq!(excess(None, &select(1, 1, 1)), ["body: missing"]);
}

#[test]
fn what_belongs_below_stands_below_the_choices() {
    let select =
        json!({"type": "select", "items": [{"title": "Yes"}, {"title": "No"}], "_below": "- Call (+4912)"});
    let expected = Some("Press\n- Yes\n- No\n- Call (+4912)");
    check(Some("Press\n- Call (+4912)"), &select, expected);
    check(Some("Press"), &select, expected);
    check(
        Some("- Call (+4912)"),
        &select,
        Some("- Yes\n- No\n- Call (+4912)"),
    );
}
