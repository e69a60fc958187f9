//! The console against a local server that answers what a test tells it to.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Account, Console, WebhookChange};
use crate::client::tests::server::Server;
use crate::http;
use crate::limiter::ProcessBudget;
use crate::test_support::{TestClock, connection};

async fn console() -> (Server, Console) {
    let server = Server::start().await;
    let account = Account::of(&connection(&server.origin).ringcx);
    let budget = Arc::new(ProcessBudget::new());
    let console = Console::new(http::client(), budget, TestClock::new(), account);
    (server, console)
}

fn page(count: usize, offset: usize, ids: std::ops::Range<usize>) -> Value {
    let records: Vec<Value> = ids
        .map(|n| json!({"id": format!("c{n}"), "name": format!("Category {n}"), "parent_id": null}))
        .collect();
    json!({"count": count, "offset": offset, "limit": 150, "records": records})
}

#[tokio::test]
async fn three_thousand_categories_are_twenty_pages() {
    let (server, console) = console().await;
    for n in 0..20 {
        server.answers_json(&page(3000, n * 150, n * 150..(n + 1) * 150));
    }
    let categories = console.categories(None).await.unwrap();
    assert_eq!(categories.len(), 3000);
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets.len(), 20);
    assert_eq!(targets[19], "/1.0/categories?offset=2850&limit=150");
}

#[tokio::test]
async fn a_record_that_moves_to_the_next_page_counts_once_and_a_smaller_page_is_followed() {
    let (server, console) = console().await;
    server
        .answers_json(&page(4, 0, 0..2))
        .answers_json(&page(4, 2, 1..3))
        .answers_json(&page(4, 4, 4..4));
    let names: Vec<String> = console
        .categories(None)
        .await
        .unwrap()
        .into_iter()
        .map(|category| category.id)
        .collect();
    assert_eq!(names, ["c0", "c1", "c2"]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error() {
    let (server, console) = console().await;
    for _ in 0..super::PAGES_MAX {
        server.answers_json(&page(1_000_000, 0, 0..1));
    }
    let error = console.categories(None).await.unwrap_err();
    assert!(error.to_string().contains("does not end"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_was_to_be_done_and_what_ringcentral_says() {
    let (server, console) = console().await;
    server.answers(
        422,
        r#"{"error": "validation_error", "message": "Name has already been taken", "status": 422}"#,
    );
    let error = console.create_category("Bot", Some("p1")).await.unwrap_err();
    assert!(error.is_refusal());
    let text = error.to_string();
    assert!(text.contains("cannot create a category"), "{text}");
    assert!(text.contains("Name has already been taken"), "{text}");
    assert_eq!(server.only().text(), "name=Bot&parent_id=p1");
}

#[tokio::test]
async fn the_token_is_in_no_address_unless_ringcentral_insists() {
    let (server, console) = console().await;
    server.answers_json(&json!({"count": 0, "offset": 0, "limit": 150, "records": []}));
    assert_eq!(console.webhooks().await.unwrap(), []);
    assert_eq!(server.only().target, "/1.0/webhooks?offset=0&limit=150");

    server
        .answers(400, r#"{"error": "missing_parameter", "message": "", "status": 400}"#)
        .answers_json(&json!({"count": 1, "offset": 0, "limit": 150, "records": [
            {"id": "w1", "url": "https://bridge.example/default/handover/rce", "active": true,
             "webhook_status": "suspended", "registered_events": ["intervention.closed"], "verify_token": null}
        ]}));
    let found = console.webhooks().await.unwrap();
    assert!(!found[0].delivers(), "a suspended webhook delivers nothing");
    assert!(
        server
            .seen()
            .last()
            .unwrap()
            .target
            .starts_with("/1.0/webhooks?access_token=")
    );
    let asked = server.seen().len();
    server.answers_json(&json!({"count": 0, "offset": 0, "limit": 150, "records": []}));
    console.webhooks().await.unwrap();
    assert_eq!(server.seen().len(), asked + 1, "it is refused once only");
}

#[tokio::test]
async fn a_webhook_is_saved_by_a_form_that_names_only_what_changes() {
    let (server, console) = console().await;
    server.answers_json(&json!({"id": "w1", "url": "https://x", "active": true, "registered_events": []}));
    let change = WebhookChange {
        active: Some(true),
        registered_events: Some(&["intervention.closed", "intervention.canceled"]),
        ..WebhookChange::default()
    };
    console.update_webhook("w1", &change).await.unwrap();
    let sent = server.only();
    assert_eq!(
        (sent.method.as_str(), sent.target.as_str()),
        ("PUT", "/1.0/webhooks/w1")
    );
    assert!(
        sent.text().ends_with(
            "&active=true&registered_events%5B%5D=intervention.closed&registered_events%5B%5D=intervention.canceled"
        ),
        "{}",
        sent.text()
    );
}

#[tokio::test]
async fn permissions_are_words_with_commas_between_them() {
    let (server, console) = console().await;
    server.answers_json(&json!({"s1": ["read", "reply"], "s2": ["read"]}));
    let now = console
        .set_permissions("u1", "s1", &["read", "reply"])
        .await
        .unwrap();
    assert_eq!(now, ["read", "reply"]);
    let sent = server.only();
    assert_eq!(sent.target, "/1.0/users/u1/sources_permissions");
    assert_eq!(sent.text(), "s1=read%2Creply");
}

#[tokio::test]
async fn ringcentrals_clock_is_remembered() {
    let (server, console) = console().await;
    server.answers_with(
        200,
        &[("Date", "Tue, 03 Feb 2026 10:11:12 GMT")],
        r#"{"id": "u1"}"#,
    );
    console.me().await.unwrap();
    let dates = console.dates().unwrap();
    assert_eq!(dates.theirs.to_string(), "2026-02-03T10:11:12Z");
}

#[tokio::test]
async fn who_is_impatient_waits_for_one_call_without_an_answer_only() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let account = Account::of(&connection(&nobody).ringcx);
    let budget = Arc::new(ProcessBudget::new());
    let console = Console::new(http::client(), budget, TestClock::new(), account).impatient();
    assert!(!console.had_no_answer());
    console.me().await.unwrap_err();
    let again = console.channels().await.unwrap_err();
    assert!(console.had_no_answer());
    assert!(handover_core::ports::causes(&again).contains("not tried"));
    assert_eq!(console.calls().0, 1, "the second was not made");
}
