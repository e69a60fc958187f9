//! Cognigy's Flows answer people on channels of RCE's own.

use std::time::Duration;

use handover_stories::cognigy::{Cognigy, Flow};
use handover_stories::desk::SAM;
use handover_stories::setup::BOT_KEY;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage};

use crate::native::finish;

async fn bench(cognigy: &Cognigy, endpoint: &str) -> Bench {
    let setup = Setup::default().bot_is(&cognigy.by_its_own_endpoint(endpoint));
    setup.on(NativeKind::WhatsApp).start().await
}

fn says(text: &str) -> Value {
    json!({"text": text, "data": {}})
}

fn start(text: &str) -> Value {
    json!({"text": text, "data": {"handover": {"command": "start", "reason": "refund", "summary": "wants money"}}})
}

/// What the customer read, whoever said it.
fn read(bench: &Bench, thread: &str) -> Vec<String> {
    bench
        .read_by_customer(thread)
        .into_iter()
        .map(|it| it.1)
        .collect()
}

#[tokio::test]
async fn a_rest_endpoints_answer_reaches_the_person_in_order_and_hands_over() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "rest").await;
    let choice = json!({"text": "", "data": {"_cognigy": {"_default": {"_quickReplies": {"type": "quick_replies",
        "text": "What is it about?", "quickReplies": [
            {"id": 1, "contentType": "postback", "title": "A refund", "payload": "refund"}]}}}}});
    cognigy.flow([
        Flow::Says(vec![says("Hello"), says("I am a bot."), choice]),
        Flow::Says(vec![says("I see."), start("I get somebody.")]),
    ]);
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    assert_eq!(
        read(&bench, &thread),
        ["Hello", "I am a bot.", "What is it about?"]
    );
    let input = cognigy.inputs().remove(0);
    assert_eq!(input["sessionId"], thread.as_str());
    assert_eq!(input["data"]["bridge"]["user"]["screenname"], "Nadia");

    let question = bench.seen(&thread).pop().expect("a question");
    let click = NativeMessage::new("nadia", "A refund").pressing("refund", question.content_id);
    bench.customer(click);
    bench.until_quiet().await;
    assert_eq!(cognigy.input_texts(), ["Hi", "refund"]);
    assert_eq!(read(&bench, &thread)[3..], ["I see.", "I get somebody."]);
    assert_eq!(bench.categories(&thread), ["agent"]);

    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    bench.nadia_writes("Hello Sam");
    bench.until_quiet().await;
    assert_eq!(
        cognigy.input_texts().len(),
        2,
        "the Flow is not asked while Sam talks"
    );
    bench.pass(Duration::from_mins(1));
    cognigy.flow([Flow::Says(vec![says("It is me again.")])]);
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(cognigy.input_states(), ["active", "completed"]);
    assert_eq!(read(&bench, &thread)[5..], ["Sam here", "It is me again."]);
    cognigy.flow([Flow::Says(vec![says("You are welcome")])]);
    bench.nadia_writes("Thanks");
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread)[7..], ["You are welcome"]);
    cognigy.check();
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_lost_answer_of_a_rest_endpoint_is_asked_for_again_and_read_once() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "rest").await;
    cognigy.flow([
        Flow::Lost(vec![says("Never read")]),
        Flow::Status(503),
        Flow::Says(vec![says("Hello")]),
    ]);
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["Hello"]);
    let inputs = cognigy.inputs();
    assert_eq!(inputs.len(), 2);
    assert_eq!(inputs[0], inputs[1], "the same input, with the same eventId");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_flow_that_says_nothing_strands_nobody_unless_it_says_so() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "rest").await;
    cognigy.flow([Flow::Says(vec![
        json!({"data": {"handover": {"command": "none"}}}),
    ])]);
    let thread = bench.nadia_writes("Thanks, bye");
    bench.until_quiet().await;
    bench.pass(Duration::from_mins(10));
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["bot"]);
    cognigy.flow([Flow::Says(vec![])]);
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(121));
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(read(&bench, &thread), Vec::<String>::new());
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_webhook_endpoints_outputs_are_read_in_order_and_once() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "webhook").await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    for text in ["Hello", "I am a bot.", "Hello", "What is it?"] {
        cognigy
            .outputs(&bench, &thread, "trace-1", &says(text))
            .await
            .expect(202);
    }
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["Hello", "I am a bot.", "What is it?"]);
    bench.nadia_writes("What?");
    bench.until_quiet().await;
    cognigy
        .outputs(&bench, &thread, "trace-2", &says("Hello"))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(
        read(&bench, &thread).len(),
        4,
        "another execution may say the same"
    );

    let wants = start("I get somebody.");
    for _ in 0..2 {
        let begun = cognigy
            .outputs(&bench, &thread, "trace-3", &wants)
            .await
            .expect(202);
        assert_eq!(begun["handover"]["status"], "requested");
    }
    // What is said to somebody who waits is read, until somebody is there.
    cognigy
        .outputs(&bench, &thread, "trace-4", &says("Just a moment"))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(read(&bench, &thread)[4..], ["I get somebody.", "Just a moment"]);
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.until_quiet().await;
    cognigy
        .outputs(&bench, &thread, "trace-5", &says("A second voice"))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread)[6..], ["Sam here"]);
    let end = json!({"text": "", "data": {"handover": {"command": "end"}}});
    cognigy
        .outputs(&bench, &thread, "trace-6", &end)
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(cognigy.input_states().first().map(String::as_str), Some("active"));
    cognigy.check();
    // It was said twice on purpose.
    bench.finish().await;
}

#[tokio::test]
async fn what_may_have_reached_a_webhook_endpoint_is_not_asked_again() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "webhook").await;
    cognigy.flow([Flow::Lost(vec![]), Flow::Status(504), Flow::Status(503)]);
    for (text, inputs) in [("one", 1), ("two", 1), ("three", 2)] {
        bench.nadia_writes(text);
        bench.until_quiet().await;
        assert_eq!(cognigy.inputs().len(), inputs, "{text}");
    }
    assert_eq!(cognigy.input_texts(), ["one", "three"]);
    let thread = bench.nadia_writes("four");
    bench.until_quiet().await;
    cognigy
        .outputs(&bench, &thread, "t", &says("All four"))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["All four"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_output_is_taken_from_whoever_knows_a_key_and_for_conversations_that_exist() {
    let cognigy = Cognigy::start().await;
    let bench = bench(&cognigy, "webhook").await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    let body = |session: &str| json!({"sessionId": session, "AIOutput": {"text": "Hello"}}).to_string();
    for wrong in [
        "",
        "Basic",
        "Basic !!!",
        "Basic Y29nbmlneQ==",
        "Basic Y29nbmlneTo=",
        "Basic Y29nbmlneTp3cm9uZw==",
        "Bearer wrong",
    ] {
        let refused = cognigy
            .posts(&bench, &[("authorization", wrong)], body(&thread))
            .await;
        let problem = refused.problem(401, "unauthorized");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(
            detail.contains("Basic") && detail.contains("bot_keys"),
            "{detail}"
        );
    }
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str())];
    let posts = |body: String| cognigy.posts(&bench, &headers, body);
    posts(body("nobody")).await.problem(404, "unknown-conversation");
    posts("{".to_owned()).await.problem(400, "malformed");
    posts("[]".to_owned()).await.problem(400, "malformed");
    let wrong = posts(json!({"sessionId": 7, "AIOutput": "x"}).to_string()).await;
    assert_eq!(
        wrong.problem(422, "invalid")["errors"].as_array().map(Vec::len),
        Some(3),
        "{}",
        wrong.text()
    );
    posts(format!("{{\"x\": \"{}\"}}", "y".repeat(1_100_000)))
        .await
        .problem(413, "too-large");
    let machine = json!({"sessionId": thread, "AIOutput": {"data": {"order": 12}}});
    assert_eq!(posts(machine.to_string()).await.expect(200)["ignored"], true);
    posts(body(&thread)).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(read(&bench, &thread), ["Hello"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn outputs_are_for_webhook_endpoints_on_rces_own_channels_only() {
    let cognigy = Cognigy::start().await;
    let rest = bench(&cognigy, "rest").await;
    let thread = rest.nadia_writes("Hi");
    rest.until_quiet().await;
    let refused = cognigy.outputs(&rest, &thread, "t", &says("Hello")).await;
    refused.problem(403, "forbidden");
    let mirrored = Setup::default().bot_is(&cognigy.by_endpoint()).start().await;
    let refused = cognigy.outputs(&mirrored, "c-1", "t", &says("Hello")).await;
    refused.problem(403, "forbidden");
    let generic = Bench::new().await;
    let refused = cognigy.outputs(&generic, "c-1", "t", &says("Hello")).await;
    refused.problem(404, "wrong-kind");
}

#[tokio::test]
async fn a_flow_that_asks_for_an_agent_after_hours_is_told_so_and_keeps_the_person() {
    let cognigy = Cognigy::start().await;
    let bench = Setup::default()
        .bot_is(&cognigy.by_its_own_endpoint("rest"))
        .connection("enabled = false")
        .on(NativeKind::WhatsApp)
        .start()
        .await;
    cognigy.flow([
        Flow::Says(vec![start("I get somebody.")]),
        Flow::Says(vec![says("Nobody is there, but I am.")]),
    ]);
    let thread = bench.nadia_writes("A human, please");
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "none");
    assert_eq!(bench.categories(&thread), ["bot"]);
    assert_eq!(
        read(&bench, &thread),
        ["I get somebody.", "Nobody is there, but I am."]
    );
    finish(bench, &thread).await;
}
