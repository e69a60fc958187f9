//! A Chatlayer that is slow, busy, or does not let us in.

use std::time::Duration;

use handover_stories::chatlayer::{Chatlayer, Trouble};
use handover_stories::desk::SAM;
use serde_json::json;

use crate::chatlayer::{DIALOGS, waiting, with_agent};

#[tokio::test]
async fn a_lost_answer_to_the_resume_repeats_the_resume_and_not_the_dialog() {
    for trouble in [
        Trouble::Lost,
        Trouble::Broken,
        Trouble::Status(503),
        Trouble::Status(425),
    ] {
        let chatlayer = Chatlayer::start().await;
        let bench = chatlayer.setup().section(DIALOGS).start().await;
        with_agent(&chatlayer, &bench, "s1").await;
        chatlayer.answers([trouble]);
        bench.rce.close("s1").unwrap();
        bench.until_quiet().await;
        let session = chatlayer.session("s1");
        assert!(!session.paused);
        // Waking a bot that is awake is harmless.
        let resumes = if matches!(trouble, Trouble::Lost) { 2 } else { 1 };
        assert_eq!(session.resumes, resumes, "{trouble:?}");
        assert_eq!(session.dialogs, ["hello-agent", "welcome-back"], "{trouble:?}");
        chatlayer.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_dialog_that_fails_does_not_resume_the_bot_again() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().section(DIALOGS).start().await;
    with_agent(&chatlayer, &bench, "s1").await;
    chatlayer.answers([Trouble::Status(200), Trouble::Status(500), Trouble::Broken]);
    // The first of them is not done at all, whatever it says: here only the order of calls counts.
    let calls = chatlayer.calls();
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    assert_eq!(chatlayer.calls() - calls, 4, "one resume, three times the dialog");
    assert_eq!(chatlayer.session("s1").resumes, 0);
    assert_eq!(chatlayer.session("s1").dialogs, ["hello-agent", "welcome-back"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_tried_for_minutes_and_then_a_visible_dead_letter() {
    use handover_core::ports::JobQueue as _;
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    with_agent(&chatlayer, &bench, "s1").await;
    // For a moment: nothing is lost, and nothing is overtaken.
    chatlayer.answers([Trouble::Status(401); 20]);
    bench.rce.reply("s1", SAM, "later").unwrap();
    bench.rce.reply("s1", SAM, "after it").unwrap();
    bench.until_quiet().await;
    assert_eq!(
        chatlayer.session("s1").shown,
        ["Hello, Sam here", "later", "after it"]
    );
    // For good.
    chatlayer.answers([Trouble::Status(401); 500]);
    bench.rce.reply("s1", SAM, "not shown yet").unwrap();
    bench.until_quiet().await;
    chatlayer.forget_script();
    let letters = bench.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("401"), "{}", letters[0].reason);
    let told = "Your last message could not be delivered to the customer.";
    assert!(bench.in_rce("s1").contains(&told.to_owned()), "the agent is told");
    let happened = bench.what_happened("s1").await;
    assert!(happened.contains(&"agent_message.not_delivered".to_owned()));
    assert!(bench.embedded.replay(&letters[0].id).await.unwrap());
    bench.until_quiet().await;
    assert_eq!(
        chatlayer.session("s1").shown.last().map(String::as_str),
        Some("not shown yet")
    );
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_resume_that_was_refused_can_be_sent_again() {
    use handover_core::ports::JobQueue as _;
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().section(DIALOGS).start().await;
    with_agent(&chatlayer, &bench, "s1").await;
    chatlayer.answers([Trouble::Status(404)]);
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    assert!(chatlayer.session("s1").paused);
    let letters = bench.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(bench.embedded.replay(&letters[0].id).await.unwrap());
    bench.until_quiet().await;
    let session = chatlayer.session("s1");
    assert_eq!((session.paused, session.resumes), (false, 1));
    assert_eq!(session.dialogs, ["hello-agent", "welcome-back"]);
    bench.finish().await;
}

#[tokio::test]
async fn rate_limits_are_honoured() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    waiting(&chatlayer, &bench, "s1").await;
    bench.until_quiet().await;
    bench.rce.take("s1", SAM).unwrap();

    // Busy for a while.
    chatlayer.answers([Trouble::RetryAfter(429, "40")]);
    let began = bench.clock_now();
    bench.rce.reply("s1", SAM, "one").unwrap();
    bench.until_quiet().await;
    let waited = |began| bench.clock_now().duration_since(began).as_secs();
    assert!((40..60).contains(&waited(began)), "{}", waited(began));

    // Nothing is left: the next call waits, whatever the unit of the reset is.
    let in_seconds = bench.clock_now().as_second() + 30;
    for reset in [30, in_seconds + 30, (in_seconds + 60) * 1000] {
        chatlayer.answers([Trouble::Exhausted(200, reset)]);
        bench.rce.reply("s1", SAM, "the last one").unwrap();
        bench.until_quiet().await;
        let (began, calls) = (bench.clock_now(), chatlayer.calls());
        bench.rce.reply("s1", SAM, "has to wait").unwrap();
        bench.settle().await;
        bench.work().await;
        assert_eq!(chatlayer.calls(), calls, "no call before its time");
        bench.until_quiet().await;
        assert!((30..35).contains(&waited(began)), "{reset}: {}", waited(began));
    }
    // A limit that is hit is no fault of the message's, however often.
    chatlayer.answers([Trouble::Exhausted(429, 20); 5]);
    bench.rce.reply("s1", SAM, "at last").unwrap();
    bench.until_quiet().await;
    assert_eq!(chatlayer.session("s1").shown.last().unwrap(), "at last");
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn our_own_limit_keeps_calls_below_theirs() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup_with("calls_per_minute = 3").start().await;
    waiting(&chatlayer, &bench, "s1").await;
    bench.until_quiet().await;
    bench.rce.take("s1", SAM).unwrap();
    let began = bench.clock_now();
    for n in 0..7 {
        bench.rce.reply("s1", SAM, n.to_string().as_str()).unwrap();
    }
    bench.until_quiet().await;
    assert_eq!(chatlayer.session("s1").shown, ["0", "1", "2", "3", "4", "5", "6"]);
    assert!(bench.clock_now().duration_since(began).as_secs() >= 120);
    bench.finish().await;
}

#[tokio::test]
async fn the_person_reads_that_a_message_did_not_arrive() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer
        .setup_with("message_failed_text = \"Please say that again.\"")
        .start()
        .await;
    with_agent(&chatlayer, &bench, "s1").await;
    bench.rce.fail_next(
        simulated_ringcx::FaultTarget::SendApiMessages,
        simulated_ringcx::Fault::Status(422, "Invalid resource format".into()),
        1,
    );
    chatlayer.user_says(&bench, "s1", "refused").await;
    bench.until_quiet().await;
    assert_eq!(
        chatlayer.session("s1").shown,
        ["Hello, Sam here", "Please say that again."]
    );
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_no_success() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let mut event = chatlayer.event(&bench, "s1", "messages");
    event["messages"] = json!([chatlayer.of_user(&bench, "s1", &json!({"text": "kept"}))]);
    bench.steps.set_down(true);
    for body in [
        event.to_string(),
        chatlayer.offload_event(&bench, "s1", &json!({})).to_string(),
    ] {
        chatlayer.posts(&bench, body).await.problem(503, "unavailable");
    }
    bench.steps.set_down(false);
    bench.pass(Duration::from_secs(1));
    chatlayer.posts(&bench, event.to_string()).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("s1"), ["kept"]);
    bench.finish().await;
}

#[tokio::test]
async fn no_session_makes_us_call_another_address() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    // Whoever uses the bot API beside Chatlayer may name anything.
    let platform = json!({"session_id": ".."});
    bench.asks_for_agent("s1", json!({"platform": platform})).await;
    bench.until_quiet().await;
    bench.agent_writes("s1", "c-1", "Hello").await;
    bench.until_quiet().await;
    assert_eq!(chatlayer.calls(), 0);
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    bench.finish().await;
}
