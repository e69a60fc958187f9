//! Agents on a channel of RCE's own: they come unasked, while the bot speaks, before the bridge knew the thread; there is
//! one voice at any time.

use std::time::Duration;

use handover_core::ids::ConversationId;
use handover_stories::bot::Answer;
use handover_stories::desk::{MIRA, SAM};
use handover_stories::setup::OPERATOR_KEY;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage, Reply};

use crate::native::finish;

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

pub(crate) fn native(setup: Setup, lines: &'static str) -> impl Future<Output = Bench> {
    setup.start_with(move |text| text.replace("settle_ms = 0", &format!("settle_ms = 0\n{lines}")))
}

pub(crate) async fn answered(bench: &Bench) -> String {
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    thread
}

pub(crate) fn supervisors(text: &str) -> Reply {
    Reply {
        as_supervisor: true,
        ..Reply::from(text)
    }
}

pub(crate) fn handovers(bench: &Bench) -> Vec<String> {
    let mut kinds = bench.bot.kinds();
    kinds.retain(|kind| kind.starts_with("handover."));
    kinds
}

/// Ways in which an agent takes a conversation that nobody gave away.
type Way = fn(&Bench, &str);

const WAYS: [(&str, Way); 3] = [
    ("writes", |bench, thread| {
        bench
            .rce
            .reply(thread, SAM, supervisors("Sam here"))
            .expect("RCE agrees");
    }),
    ("engages", |bench, thread| {
        bench.rce.engage(thread, SAM).expect("RCE agrees");
    }),
    ("moves and takes", |bench, thread| {
        bench.rce.move_to_agents(thread, SAM).expect("RCE agrees");
        bench.rce.take(thread, SAM).expect("RCE agrees");
    }),
];

#[tokio::test]
async fn an_agent_takes_it_unasked_in_whatever_way_and_the_bot_is_silent_until_the_end() {
    for (name, takes) in WAYS {
        let bench = chat().start().await;
        let thread = answered(&bench).await;
        takes(&bench, &thread);
        bench.until_quiet().await;
        assert_eq!(bench.status(&thread).await, "active", "{name}");
        let told = bench.answers(&thread, "Two voices").await;
        assert_eq!(told["handler"], "agent", "{name}");
        bench.nadia_writes("Hello Sam");
        bench.until_quiet().await;
        bench.pass(Duration::from_mins(1));
        bench.rce.reply(&thread, SAM, supervisors("Done")).unwrap();
        bench.rce.close(&thread).unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.handler(&thread).await, "bot", "{name}");
        assert_eq!(bench.categories(&thread), ["bot"], "{name}");
        bench.pass(Duration::from_secs(5));
        bench.nadia_writes("One more thing");
        bench.until_quiet().await;
        bench.answers(&thread, "Yes?").await;
        bench.until_quiet().await;
        assert_eq!(
            bench.heard_texts(),
            ["Where is my parcel?", "One more thing"],
            "{name}"
        );
        let said = bench.said(&thread);
        assert!(!said.contains(&"Two voices".to_owned()), "{name}: {said:?}");
        assert_eq!(said.last().map(String::as_str), Some("Yes?"), "{name}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_reply_that_was_accepted_is_not_said_beside_an_agent_who_came_meanwhile() {
    for (name, takes) in WAYS {
        let bench = chat().start().await;
        let thread = answered(&bench).await;
        bench.nadia_writes("And what does it cost?");
        bench.until_quiet().await;
        let said = bench.answers(&thread, "Nothing").await;
        assert_eq!(said["handler"], "bot");
        takes(&bench, &thread);
        bench.settle().await;
        bench.until_quiet().await;
        let texts = bench.said(&thread);
        assert!(!texts.contains(&"Nothing".to_owned()), "{name}: {texts:?}");
        let failed = bench.bot.only("message.failed");
        assert_eq!(failed.data()["message"]["id"], said["id"]);
        assert_eq!(failed.data()["reason"], "agents_have_it");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agent_who_comes_while_the_bots_address_hangs_is_alone_with_the_customer() {
    for (name, takes) in WAYS {
        let bench = chat().start().await;
        let thread = answered(&bench).await;
        // The bot has taken it, and is at it; nobody knows that.
        bench.bot.answers(vec![Answer::TakeAndDrop; 5]);
        bench.nadia_writes("And what does it cost?");
        bench.settle().await;
        bench.work().await;
        takes(&bench, &thread);
        bench.settle().await;
        bench.work().await;
        bench.answers(&thread, "Nothing").await;
        bench.work().await;
        bench.until_quiet().await;
        let texts = bench.said(&thread);
        assert!(!texts.contains(&"Nothing".to_owned()), "{name}: {texts:?}");
        assert_eq!(bench.status(&thread).await, "active", "{name}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn agents_may_not_take_over_where_that_is_switched_off() {
    let bench = chat().ringcx("agent_takeover = false").start().await;
    let thread = answered(&bench).await;
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.nadia_writes("Hello?");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts().len(), 2);
    bench.answers(&thread, "Still me").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["On its way", "Still me"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_bot_said_before_it_asked_for_an_agent_is_read_before() {
    let bench = chat().start().await;
    let thread = answered(&bench).await;
    bench
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    bench.answers(&thread, "I call somebody").await;
    bench.answers(&thread, "One moment").await;
    bench.asks_for_agent(&thread, json!({"reason": "help"})).await;
    bench.answers(&thread, "Not heard").await;
    let notice = json!({"id": "n1", "from": "bot", "text": "You are waiting", "notice": true});
    bench.message(&thread, notice).await;
    bench.until_quiet().await;
    assert_eq!(
        bench.said(&thread),
        ["On its way", "I call somebody", "One moment", "You are waiting"]
    );
    bench.rce.take(&thread, SAM).unwrap();
    let notice = json!({"id": "n2", "from": "bot", "text": "Still waiting", "notice": true});
    bench.message(&thread, notice).await;
    bench.until_quiet().await;
    let notice = json!({"id": "n3", "from": "bot", "text": "And now?", "notice": true});
    bench.message(&thread, notice).await;
    bench.until_quiet().await;
    let said = bench.said(&thread);
    assert_eq!(said.len(), 4, "{said:?}");
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.comments(&thread), ["From the bot\nReason: help"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_thread_that_agents_have_when_the_bridge_first_hears_of_it_stays_with_them() {
    for (name, takes) in WAYS {
        let bench = chat().by_hand().start().await;
        let (thread, _) = bench.customer(NativeMessage::new("nadia", "Hello?"));
        bench.pass(Duration::from_hours(1));
        takes(&bench, &thread);
        bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        bench.pass(Duration::from_hours(1));
        let (_, content) = bench.customer(NativeMessage::new("nadia", "Hello Sam"));
        bench.webhook(&[bench.imported(&content, &json!({}))]).await;
        bench.until_quiet_by_hand().await;
        assert!(bench.heard_texts().is_empty(), "{name}");
        assert_eq!(bench.handler(&thread).await, "agent", "{name}");
        bench.rce.close(&thread).unwrap();
        bench.pass(Duration::from_secs(5));
        let closed = bench.rce.event("intervention.closed", &thread, &json!({}));
        bench.webhook(&[closed]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.handler(&thread).await, "bot", "{name}");
        bench.pass(Duration::from_secs(5));
        let (_, content) = bench.customer(NativeMessage::new("nadia", "Hello bot"));
        bench.webhook(&[bench.imported(&content, &json!({}))]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.heard_texts(), ["Hello bot"], "{name}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_thread_in_the_agents_category_stays_with_them_although_nobody_has_taken_it() {
    let bench = chat().by_hand().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello?"));
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    bench.webhook(&[bench.imported(&content, &json!({}))]).await;
    bench.until_quiet_by_hand().await;
    assert!(bench.heard_texts().is_empty());
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.bot.only("handover.queued").data()["cause"], "agent");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_customer_writes_right_after_the_end_is_answered_although_it_is_reported_first() {
    for at_once in [true, false] {
        let bench = chat().by_hand().start().await;
        let (thread, content) = bench.customer(NativeMessage::new("nadia", "A human, please"));
        bench.webhook(&[bench.imported(&content, &json!({}))]).await;
        bench.until_quiet_by_hand().await;
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet_by_hand().await;
        bench.rce.take(&thread, SAM).unwrap();
        bench.rce.reply(&thread, SAM, "Sam here").unwrap();
        let taken = bench.rce.event("task.taken", &thread, &json!({"user_id": SAM}));
        bench.webhook(&[taken]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.status(&thread).await, "active");
        bench.pass(Duration::from_mins(1));
        bench.rce.close(&thread).unwrap();
        let closed = bench.rce.event("intervention.closed", &thread, &json!({}));
        bench.pass(Duration::from_secs(3));
        let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
        let wrote = bench.imported(&content, &json!({}));
        if at_once {
            bench.webhook(&[closed, wrote]).await;
        } else {
            bench.webhook(&[wrote]).await;
            bench.work().await;
            bench.pass(Duration::from_secs(1));
            bench.webhook(&[closed]).await;
        }
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.handler(&thread).await, "bot");
        assert_eq!(
            bench.heard_texts(),
            ["A human, please", "One more thing"],
            "at once: {at_once}"
        );
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agent_who_came_before_the_customers_words_answers_them_also_if_both_are_reported_together() {
    let bench = chat().by_hand().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello"));
    bench.webhook(&[bench.imported(&content, &json!({}))]).await;
    bench.until_quiet_by_hand().await;
    bench.answers(&thread, "Hello Nadia").await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(20));
    bench.rce.engage(&thread, SAM).unwrap();
    let opened = bench.rce.event("intervention.opened", &thread, &json!({}));
    bench.pass(Duration::from_secs(2));
    let (_, content) = bench.customer(NativeMessage::new("nadia", "Hello Sam"));
    let wrote = bench.imported(&content, &json!({}));
    bench.webhook(&[opened, wrote]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    assert_eq!(bench.status(&thread).await, "active");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn the_bots_own_interventions_begin_and_end_nothing() {
    let bench = native(chat(), "bot_intervention = \"always\"").await;
    let thread = answered(&bench).await;
    bench.nadia_writes("Thanks");
    bench.until_quiet().await;
    bench.answers(&thread, "You are welcome").await;
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert!(handovers(&bench).is_empty());
    bench
        .asks_for_agent(&thread, json!({"reason": "cannot help", "summary": "lost"}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.categories(&thread), ["agent"]);
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(
        bench.comments(&thread),
        ["From the bot\nReason: cannot help\nSummary: lost"]
    );
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    bench.answers(&thread, "Yes?").await;
    bench.until_quiet().await;
    assert_eq!(
        bench.said(&thread),
        ["On its way", "You are welcome", "Sam here", "Yes?"]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_takes_the_bots_own_intervention() {
    for by_transfer in [true, false] {
        let bench = native(chat(), "bot_intervention = \"always\"").await;
        let thread = answered(&bench).await;
        if by_transfer {
            bench.rce.engage(&thread, SAM).unwrap();
        } else {
            bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        }
        bench.until_quiet().await;
        assert_eq!(bench.status(&thread).await, "active", "{by_transfer}");
        let told = bench.answers(&thread, "Two voices").await;
        assert_eq!(told["handler"], "agent");
        bench.pass(Duration::from_mins(1));
        bench.rce.reply(&thread, SAM, supervisors("Bye")).unwrap();
        bench.rce.close(&thread).unwrap();
        bench.until_quiet().await;
        assert_eq!(bench.handler(&thread).await, "bot");
        assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn rces_own_virtual_agent_calls_carry_a_whole_handover() {
    let setup = chat().rce(|rce| {
        // The token's account is the one of RCE's own bot.
        rce.virtual_agent_id = Some("5f0c00000000000000a9ffff".to_owned());
    });
    let bench = native(setup, "virtual_agent = true").await;
    let thread = answered(&bench).await;
    bench
        .asks_for_agent(&thread, json!({"reason": "cannot help"}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "active");
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(bench.said(&thread), ["On its way", "Sam here"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_account_that_may_not_know_itself_works_all_the_same() {
    let bench = chat().start().await;
    let path = r#"{"error":"forbidden","message":"no","status":403}"#;
    bench.rce.fail_next(
        FaultTarget::RestIdentities,
        Fault::Status(403, path.to_owned()),
        3,
    );
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.said(&thread), ["On its way", "Sam here"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn the_bot_takes_it_back_before_and_after_an_agent_came() {
    for with_agent in [false, true] {
        let bench = chat().start().await;
        let thread = answered(&bench).await;
        bench.asks_for_agent(&thread, json!({"reason": "help"})).await;
        bench.until_quiet().await;
        if with_agent {
            bench.rce.take(&thread, SAM).unwrap();
            bench.rce.reply(&thread, SAM, "Sam here").unwrap();
            bench.until_quiet().await;
        }
        bench.pass(Duration::from_secs(30));
        bench.ends_handover(&thread, json!({"cause": "bot_ended"})).await;
        bench.until_quiet().await;
        assert_eq!(bench.handler(&thread).await, "bot");
        assert_eq!(bench.categories(&thread), ["bot"]);
        assert!(bench.rce.read(|state| state.open_intervention(&thread).is_none()));
        let comments = bench.comments(&thread);
        let note = comments
            .iter()
            .filter(|text| text.contains("took the conversation back"));
        assert_eq!(note.count(), usize::from(with_agent), "{comments:?}");
        bench.nadia_writes("Still there?");
        bench.until_quiet().await;
        bench.answers(&thread, "Yes").await;
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread).last().unwrap(), "Yes", "{with_agent}");
        assert_eq!(handovers(&bench).last().unwrap(), "handover.cancelled");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_queue_that_takes_too_long_gives_the_customer_back_to_the_bot() {
    let bench = chat().timers("queue = 90").start().await;
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.nadia_writes("Is anybody there?");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(100));
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(handovers(&bench).last().unwrap(), "handover.timed_out");
    bench.answers(&thread, "Nobody is there, sorry").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["On its way", "Nobody is there, sorry"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_operator_releases_and_erases_conversations_of_rces_own_channels_too() {
    let bench = chat().start().await;
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    let release = format!("/operator/conversations/{thread}/release");
    bench
        .call_as(OPERATOR_KEY, "POST", &release, &Value::Null)
        .await
        .expect(200);
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.categories(&thread), ["bot"]);
    bench.nadia_writes("Forget me");
    bench.until_quiet().await;
    let id = ConversationId::new(thread.as_str());
    handover_handlers::operator::erase::erase(&bench.app, &bench.connection, &id, false)
        .await
        .unwrap();
    bench.until_quiet().await;
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"from": "bot", "text": "Who are you?"});
    bench.call("POST", &path, &body).await.expect(404);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_who_reopens_has_it_again() {
    let bench = chat().start().await;
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(1));
    bench.rce.reopen(&thread, MIRA).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "active");
    let told = bench.answers(&thread, "Two voices").await;
    assert_eq!(told["handler"], "agent");
    bench.rce.reply(&thread, MIRA, "Mira here").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.said(&thread), ["On its way", "Sam here", "Mira here"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn the_bots_own_account_in_somebodys_hands_is_an_agent() {
    let bench = chat().by_hand().start().await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello"));
    bench.webhook(&[bench.imported(&content, &json!({}))]).await;
    bench.until_quiet_by_hand().await;
    bench.answers(&thread, "Hello Nadia").await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(20));
    let by_hand = json!({"metadata": {"created_from": "interface", "id": "5f0c0000000000000000beef",
        "creator_id": "5f0c00000000000000a9b0b0"}, "user_id": "5f0c00000000000000a9b0b0"});
    let mut replied = bench.rce.event("content.replied", &thread, &by_hand);
    replied["resource"]["id"] = json!("5f0c0000000000000000beef");
    bench.webhook(&[replied]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.status(&thread).await, "active");
    let told = bench.answers(&thread, "Two voices").await;
    assert_eq!(told["handler"], "agent");
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.said(&thread), ["Hello Nadia"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_drained_connection_says_so_and_the_bot_keeps_the_customer() {
    let bench = chat().start().await;
    let thread = answered(&bench).await;
    let drained = bench
        .call_as(OPERATOR_KEY, "POST", "/operator/drain", &Value::Null)
        .await;
    assert!(drained.status < 300, "{}", drained.text());
    let path = format!("/conversations/{thread}/handover");
    let answer = bench.call("POST", &path, &json!({})).await.expect(200);
    assert_eq!(answer["handover"]["reason"], "disabled");
    bench.answers(&thread, "Nobody is here").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["On its way", "Nobody is here"]);
    assert_eq!(bench.categories(&thread), ["bot"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn when_the_bot_takes_it_back_agents_do_not_read_that_the_customer_left() {
    let bench = chat().start().await;
    let thread = answered(&bench).await;
    bench.asks_for_agent(&thread, json!({"reason": "help"})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    let path = format!("/conversations/{thread}/handover");
    bench.call("DELETE", &path, &Value::Null).await.expect(202);
    bench.until_quiet().await;
    let comments = bench.comments(&thread).join("\n");
    assert!(
        comments.contains("The bot took the conversation back."),
        "{comments}"
    );
    assert!(!comments.contains("left"), "{comments}");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_bot_that_begins_a_conversation_is_told_that_only_customers_do() {
    let bench = chat().start().await;
    let message = json!({"id": "b1", "from": "bot", "text": "Hello?"});
    for (method, path, body) in [
        ("POST", "/conversations/nobody/messages", message),
        ("POST", "/conversations/nobody/handover", json!({"id": "h1"})),
        ("GET", "/conversations/nobody", Value::Null),
    ] {
        let problem = bench
            .call(method, path, &body)
            .await
            .problem(404, "unknown-conversation");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(
            detail.contains("only a customer's message begins"),
            "{path}: {detail}"
        );
    }
}
