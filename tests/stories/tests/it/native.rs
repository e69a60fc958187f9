//! Channels that RCE owns: people write to RCE, the bot answers first, an agent takes over.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{NativeKind, Speaker};

/// Everything that must be true at the end of a story on such a channel.
pub(crate) async fn finish(bench: Bench, thread: &str) {
    let twice = bench.rce.read(|state| state.nothing_twice(thread));
    assert_eq!(twice, Ok(()));
    bench.finish().await;
}

/// A long text, of about 22 characters for each sentence.
pub(crate) fn sentences(count: usize) -> String {
    let all: Vec<String> = (0..count).map(|n| format!("Sentence number {n}. ")).collect();
    all.concat()
}

#[tokio::test]
async fn a_person_writes_to_rce_the_bot_answers_an_agent_takes_over_and_the_bot_resumes() {
    let bench = Setup::default().on(NativeKind::WhatsApp).start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    let heard = bench.bot.only("message.created");
    assert_eq!(heard.conversation(), thread);
    assert_eq!(heard.text(), "Where is my parcel?");
    assert_eq!(heard.data()["message"]["from"], "user");
    assert_eq!(heard.data()["user"]["screenname"], "Nadia");
    assert_eq!(heard.data()["channel"]["type"], "whats_app");

    let answer = bench.answers(&thread, "On its way.").await;
    assert_eq!(answer["handler"], "bot");
    bench.until_quiet().await;
    assert_eq!(
        bench.read_by_customer(&thread),
        [(Speaker::Bot, "On its way.".to_owned())]
    );

    bench.nadia_writes("I want a human");
    bench.until_quiet().await;
    bench
        .asks_for_agent(
            &thread,
            json!({"reason": "parcel", "summary": "lost since Monday"}),
        )
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(bench.status(&thread).await, "queued");
    let told = bench.answers(&thread, "Two voices").await;
    assert_eq!(told["handler"], "agent");
    bench.rce.take(&thread, SAM).unwrap();
    bench.until_quiet().await;
    bench.rce.reply(&thread, SAM, "Hello, I am Sam").unwrap();
    bench.nadia_writes("Hello Sam");
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "active");
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.nadia_writes("Thank you, bot");
    bench.until_quiet().await;
    bench.answers(&thread, "You are welcome").await;
    bench.until_quiet().await;
    assert_eq!(
        bench.heard_texts(),
        ["Where is my parcel?", "I want a human", "Thank you, bot"]
    );
    let said: Vec<String> = bench
        .read_by_customer(&thread)
        .into_iter()
        .map(|it| it.1)
        .collect();
    assert_eq!(said, ["On its way.", "Hello, I am Sam", "You are welcome"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_nobody_answered_in_the_queue_is_the_bots_when_it_has_the_conversation_again() {
    let bench = Setup::default()
        .on(NativeKind::WhatsApp)
        .timers("queue = 60\nwarn_before = 0")
        .start()
        .await;
    let thread = bench.nadia_writes("I want a human");
    bench.work().await;
    bench.settle().await;
    bench.work().await;
    bench.asks_for_agent(&thread, json!({"reason": "parcel"})).await;
    bench.until_quiet().await;
    bench.nadia_writes("Hello?");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["I want a human"], "agents may answer it");
    bench.pass(Duration::from_mins(1));
    bench.until_quiet().await;
    assert_eq!(
        bench.bot.kinds().last().map(String::as_str),
        Some("message.created")
    );
    assert_eq!(bench.heard_texts(), ["I want a human", "Hello?"]);
    bench.answers(&thread, "Nobody is there, but I am").await;
    bench.until_quiet().await;
    assert_eq!(
        bench.read_by_customer(&thread),
        [(Speaker::Bot, "Nobody is there, but I am".to_owned())]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_an_agent_answered_is_not_told_again() {
    let bench = Setup::default().on(NativeKind::WhatsApp).start().await;
    let thread = bench.nadia_writes("I want a human");
    bench.until_quiet().await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.nadia_writes("Hello?");
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Here I am").unwrap();
    bench.until_quiet().await;
    bench
        .ends_handover(&thread, json!({"cause": "user_cancelled"}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["I want a human"]);
    finish(bench, &thread).await;
}
