//! Chatlayer's bots answer people on channels of RCE's own, by the webhook channel.

use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::Bench;
use handover_stories::chatlayer::{Chatlayer, Trouble, VERIFY_TOKENS};
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, WebhookBehaviour};

use crate::chatlayer::{DIALOGS, accepted};
use crate::native::finish;

async fn bench(chatlayer: &Chatlayer) -> Bench {
    let setup = chatlayer.on_native_channel().section(DIALOGS);
    setup.on(NativeKind::WhatsApp).start().await
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

fn read(bench: &Bench, thread: &str) -> Vec<String> {
    bench
        .read_by_customer(thread)
        .into_iter()
        .map(|it| it.1)
        .collect()
}

/// Chatlayer's session of a person of the webhook channel, with the person as its sender.
fn session(thread: &str) -> String {
    format!("wh_b-77_{thread}")
}

/// The flow asks for a human; Chatlayer names the person as we did.
async fn offloads(chatlayer: &Chatlayer, bench: &Bench, session: &str, payload: &Value) -> Value {
    chatlayer.uses(session, "LIVE");
    chatlayer.offloads(bench, session, payload).await
}

#[tokio::test]
async fn the_bot_answers_by_its_channel_hands_over_and_gets_the_person_back() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    let input = chatlayer.inputs().remove(0);
    assert_eq!(input["user"]["id"], thread.as_str());
    chatlayer
        .says(&bench, &thread, 1, &text("Hello"))
        .await
        .expect(200);
    let choice = json!({"text": "What is it about?", "quick_replies": [
        {"content_type": "text", "title": "A refund", "payload": "437a034c"}]});
    chatlayer.says(&bench, &thread, 2, &choice).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["Hello", "What is it about?"]);

    let session = session(&thread);
    let answer = offloads(&chatlayer, &bench, &session, &json!({"reason": "refund"})).await;
    assert_eq!(answer, accepted());
    // What its dialog says to somebody who waits.
    chatlayer
        .says(&bench, &thread, 3, &text("A colleague comes"))
        .await
        .expect(200);
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(chatlayer.session(&session).dialogs, ["hello-agent"]);
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    bench.nadia_writes("Hello Sam");
    bench.until_quiet().await;
    assert_eq!(chatlayer.input_texts(), ["Hi"]);
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    let told = chatlayer.session(&session);
    assert_eq!((told.paused, told.resumes), (false, 1));
    assert_eq!(told.dialogs, ["hello-agent", "welcome-back"]);
    assert!(told.shown.is_empty(), "RCE shows agents' words itself");
    chatlayer
        .says(&bench, &thread, 4, &text("Me again"))
        .await
        .expect(200);
    bench.nadia_writes("Thanks");
    bench.until_quiet().await;
    assert_eq!(chatlayer.input_texts(), ["Hi", "Thanks"]);
    chatlayer.says(&bench, &thread, 5, &text("Bye")).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(
        read(&bench, &thread),
        [
            "Hello",
            "What is it about?",
            "A colleague comes",
            "Sam here",
            "Me again",
            "Bye"
        ]
    );
    chatlayer.check();
    finish(bench, &thread).await;
}

#[tokio::test]
async fn messages_are_read_in_the_order_of_their_counter_once_and_none_is_lost() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    let typing = json!({"type": "event", "event": "typing"});
    for (counter, message) in [
        (2, text("two")),
        (1, text("one")),
        (4, text("four")),
        (2, text("two")),
        (3, typing),
        (5, text("five")),
    ] {
        chatlayer
            .says(&bench, &thread, counter, &message)
            .await
            .expect(200);
    }
    bench.work().await;
    bench.settle().await;
    assert_eq!(read(&bench, &thread), ["one", "two", "four", "five"]);

    // Six is missing for good, or so it seems.
    chatlayer
        .says(&bench, &thread, 7, &text("seven"))
        .await
        .expect(200);
    bench.work().await;
    bench.pass(Duration::from_millis(2_900));
    bench.work().await;
    assert_eq!(read(&bench, &thread).len(), 4);
    bench.pass(Duration::from_millis(100));
    bench.work().await;
    bench.settle().await;
    assert_eq!(read(&bench, &thread)[4..], ["seven"]);
    chatlayer.says(&bench, &thread, 6, &text("six")).await.expect(200);
    chatlayer
        .says(&bench, &thread, 8, &text("eight"))
        .await
        .expect(200);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread)[5..], ["six", "eight"]);

    // Another answer, another count, the same words.
    bench.nadia_writes("Again");
    bench.until_quiet().await;
    chatlayer.says(&bench, &thread, 1, &text("one")).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread)[7..], ["one"]);
    // It was said twice on purpose.
    bench.finish().await;
}

#[tokio::test]
async fn a_message_is_taken_from_whoever_knows_the_token_before_anything_else_of_it_counts() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    for token in [
        json!(null),
        json!(""),
        json!(7),
        json!("wrong"),
        json!([VERIFY_TOKENS[0]]),
    ] {
        let body = json!({"senderId": {"odd": 1}, "message": 7, "verifyToken": token});
        let refused = chatlayer.posts_message(&bench, body.to_string()).await;
        refused.problem(403, "forbidden");
    }
    let posts = |body: Value| {
        let mut body = body;
        body["verifyToken"] = json!(VERIFY_TOKENS[0]);
        chatlayer.posts_message(&bench, body.to_string())
    };
    let wrong = posts(json!({"senderId": "", "message": 7})).await;
    let errors = wrong.problem(422, "invalid");
    assert_eq!(errors["errors"].as_array().map(Vec::len), Some(2), "{errors}");
    posts(json!({"senderId": "nobody", "message": text("x")}))
        .await
        .problem(404, "unknown-conversation");
    chatlayer
        .posts_message(&bench, "{")
        .await
        .problem(400, "malformed");
    posts(json!({"senderId": thread, "message": text(&"x".repeat(140_000))}))
        .await
        .problem(413, "too-large");
    // Odd counters are none; an older page's name of the person, and a message that is a text.
    for counter in [json!("x"), json!(-1), json!(1.5), json!({})] {
        let message = counter.to_string();
        posts(json!({"recipient": {"id": thread}, "message": message, "messageCounter": counter}))
            .await
            .expect(200);
    }
    posts(json!({"senderId": thread, "message": text("counted"), "messageCounter": "1"}))
        .await
        .expect(200);
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    posts(json!({"senderId": thread, "message": {"attachment": deep}, "messageCounter": 2}))
        .await
        .expect(200);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["\"x\"", "-1", "1.5", "{}", "counted"]);
    finish(bench, &thread).await;

    let mirrored = chatlayer.setup().start().await;
    let refused = chatlayer.says(&mirrored, "s-1", 1, &text("x")).await;
    refused.problem(403, "forbidden");
    let generic = Bench::new().await;
    chatlayer
        .says(&generic, "s-1", 1, &text("x"))
        .await
        .problem(404, "wrong-kind");
}

/// Two messages of the bot in the wrong order, with a fault at one step or none. Returns how many steps that took.
async fn two_messages(fault: Option<(usize, Crash)>) -> usize {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    // What RCE reports of the bot's words would have steps of its own.
    bench.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    bench.steps.count();
    if let Some((number, crash)) = fault {
        bench.steps.break_at(number, crash);
    }
    for (counter, said) in [(2, "two"), (1, "one")] {
        let body = json!({"senderId": thread, "message": text(said), "messageCounter": counter,
                          "verifyToken": VERIFY_TOKENS[0]});
        // Chatlayer tries three times.
        let mut taken = false;
        for _ in 0..3 {
            let path = "/acme/handover/chatlayer/messages";
            let reply = bench.try_request("POST", path, &[], body.to_string()).await;
            taken |= reply.is_some_and(|reply| reply.status == 200);
            if taken {
                break;
            }
        }
        assert!(taken, "{fault:?}");
    }
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet().await;
    assert!(
        fault.is_none() || bench.steps.broke(),
        "{fault:?} was never reached"
    );
    assert_eq!(read(&bench, &thread), ["one", "two"], "{fault:?}");
    let steps = bench.steps.taken();
    finish(bench, &thread).await;
    steps
}

#[tokio::test]
async fn wherever_it_breaks_each_message_is_read_once_and_in_its_place() {
    let steps = two_messages(None).await;
    assert!(steps > 10, "{steps} steps");
    for number in 1..=steps {
        for crash in Crash::ALL {
            two_messages(Some((number, crash))).await;
        }
    }
}

#[tokio::test]
async fn an_offload_finds_its_conversation_wherever_chatlayer_names_it() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    let refused = offloads(&chatlayer, &bench, "of-somebody-else", &Value::Null).await;
    assert_eq!(
        refused,
        json!({"offloadSuccess": false, "pauseBot": false, "reason": "no_conversation"})
    );
    for (session, payload) in [
        (thread.clone(), json!(null)),
        (session(&thread), json!({"user_id": "odd"})),
        ("anything".to_owned(), json!({"thread_id": thread})),
    ] {
        bench.pass(Duration::from_mins(1));
        let answer = offloads(&chatlayer, &bench, &session, &payload).await;
        assert_eq!(answer, accepted(), "{session} {payload}");
        bench.until_quiet().await;
        assert_eq!(bench.categories(&thread), ["agent"]);
        bench.rce.take(&thread, SAM).unwrap();
        bench.rce.reply(&thread, SAM, "Sam here").unwrap();
        bench.until_quiet().await;
        bench.pass(Duration::from_mins(1));
        bench.rce.close(&thread).unwrap();
        bench.until_quiet().await;
        assert!(!chatlayer.session(&session).paused, "{session}");
        assert_eq!(bench.categories(&thread), ["bot"]);
    }
    // By the sender: a session of another name, and the person as we called them.
    let by_sender = json!({"id": "um-1", "messageType": "text", "text": "Help", "sender": {"id": thread, "firstname": "Mallory"}});
    let event = chatlayer.of_user(&bench, "another", &by_sender);
    let mut offload = chatlayer.offload_event(&bench, "another", &Value::Null);
    offload["transcript"] = json!([event]);
    let answer = chatlayer.posts(&bench, offload.to_string()).await.expect(200);
    assert_eq!(answer, accepted());
    bench.until_quiet().await;
    let stored = bench.stored(&thread).await.expect("stored");
    assert_eq!(stored.user.screenname.as_deref(), Some("Nadia"));
    assert_eq!(stored.user.firstname, None, "RCE knows the person better");
    assert_eq!(
        stored.platform.and_then(|it| it.session_id).as_deref(),
        Some("another")
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_who_takes_over_unasked_pauses_the_bot_once_its_session_is_known() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    let session = session(&thread);
    // Chatlayer reports what everybody says: nothing of it is for us but the session's name.
    chatlayer.user_says(&bench, &session, "Hi").await;
    chatlayer.bot_says(&bench, &session, "Hello").await;
    bench.until_quiet().await;
    assert!(read(&bench, &thread).is_empty());
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    assert!(chatlayer.session(&session).paused);
    chatlayer
        .says(&bench, &thread, 1, &text("A second voice"))
        .await
        .expect(200);
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(chatlayer.session(&session).resumes, 1);
    assert_eq!(read(&bench, &thread), ["Sam here"]);
    chatlayer.check();
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_may_have_reached_the_channel_is_not_sent_again() {
    let chatlayer = Chatlayer::start().await;
    let bench = bench(&chatlayer).await;
    chatlayer.answers([
        Trouble::Lost,
        Trouble::Status(504),
        Trouble::Status(503),
        Trouble::Status(429),
    ]);
    let mut thread = String::new();
    for text in ["one", "two", "three"] {
        thread = bench.nadia_writes(text);
        bench.until_quiet().await;
    }
    assert_eq!(chatlayer.input_texts(), ["one", "three"]);
    assert_eq!(chatlayer.calls(), 5);
    chatlayer
        .says(&bench, &thread, 1, &text("Hello"))
        .await
        .expect(200);
    bench.until_quiet().await;
    finish(bench, &thread).await;
}
