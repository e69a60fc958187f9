//! Signs of an agent that come late, or instead of the usual ones, on a channel of RCE's own.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, Reply};

use crate::native::finish;

/// RCE's reports are sent one by one.
async fn by_hand() -> Bench {
    Setup::default().on(NativeKind::WhatsApp).by_hand().start().await
}

/// A customer's word, and RCE's report of it as of now.
fn writes(bench: &Bench, text: &str) -> (String, Value) {
    let (thread, content) = bench.customer(NativeMessage::new("nadia", text));
    (thread, bench.imported(&content, &json!({})))
}

async fn reported(bench: &Bench, event: Value) {
    bench.webhook(&[event]).await;
    bench.until_quiet_by_hand().await;
}

fn sam(text: &str) -> Reply {
    Reply {
        as_supervisor: true,
        ..Reply::from(text)
    }
}

/// What an agent does, and what RCE reports of it at once.
type Way = fn(&Bench, &str) -> Value;

const FIRST: [(&str, Way); 3] = [
    ("engages", |bench, thread| {
        bench.rce.engage(thread, SAM).expect("RCE agrees");
        bench.rce.event("intervention.opened", thread, &json!({}))
    }),
    ("only takes it", |bench, thread| {
        bench.rce.move_to_agents(thread, SAM).expect("RCE agrees");
        bench.rce.take(thread, SAM).expect("RCE agrees");
        bench.rce.event("task.taken", thread, &json!({"user_id": SAM}))
    }),
    ("writes", |bench, thread| {
        bench.rce.reply(thread, SAM, sam("Sam here")).expect("RCE agrees");
        bench.rce.event("content.replied", thread, &by_sam("replied-1"))
    }),
];

fn by_sam(content: &str) -> Value {
    json!({"user_id": SAM, "metadata": {"created_from": "interface", "creator_id": SAM, "id": content}})
}

#[tokio::test]
async fn an_agent_who_is_reported_before_the_first_word_of_a_thread_is_alone_with_the_customer() {
    for (name, comes) in FIRST {
        let bench = by_hand().await;
        let (thread, wrote) = writes(&bench, "Hello?");
        bench.pass(Duration::from_secs(1));
        let came = comes(&bench, &thread);
        reported(&bench, came.clone()).await;
        let path = format!("/conversations/{thread}");
        bench.call("GET", &path, &Value::Null).await.expect(404);
        reported(&bench, came).await;
        bench.pass(Duration::from_secs(3));
        reported(&bench, wrote).await;
        assert!(bench.heard_texts().is_empty(), "{name}");
        assert_eq!(bench.status(&thread).await, "active", "{name}");
        let active = bench.bot.only("handover.active");
        assert_eq!(active.data()["cause"], "agent", "{name}");
        bench.rce.reply(&thread, SAM, sam("How can I help?")).unwrap();
        bench.pass(Duration::from_mins(1));
        bench.rce.close(&thread).unwrap();
        reported(
            &bench,
            bench.rce.event("intervention.closed", &thread, &json!({})),
        )
        .await;
        assert_eq!(bench.handler(&thread).await, "bot", "{name}");
        bench.pass(Duration::from_secs(5));
        let (_, wrote) = writes(&bench, "Hello bot");
        reported(&bench, wrote).await;
        assert_eq!(bench.heard_texts(), ["Hello bot"], "{name}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agent_who_came_and_went_before_the_first_word_is_reported_takes_nothing_from_the_bot() {
    let bench = by_hand().await;
    let (thread, wrote) = writes(&bench, "Hello?");
    bench.rce.reply(&thread, SAM, sam("Sam here")).unwrap();
    reported(
        &bench,
        bench.rce.event("intervention.opened", &thread, &json!({})),
    )
    .await;
    bench.rce.close(&thread).unwrap();
    bench.pass(Duration::from_secs(3));
    reported(&bench, wrote).await;
    assert_eq!(bench.heard_texts(), ["Hello?"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}
