//! What Chatlayer's Offloading Webhook brings: who may call, what is taken, and what is not.

use std::time::Duration;

use handover_stories::Bench;
use handover_stories::bench::CONNECTION;
use handover_stories::chatlayer::{BOT, Chatlayer, VERIFY_TOKENS, merge};
use handover_stories::desk::SAM;
use handover_stories::logs::Logs;
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget};

use crate::chatlayer::{accepted, waiting, with_agent};

#[tokio::test]
async fn only_who_knows_a_verify_token_is_heard() {
    let chatlayer = Chatlayer::start().await;
    let logs = Logs::capture();
    let bench = chatlayer.setup().start().await;
    for token in VERIFY_TOKENS {
        for name in ["challenge.verifyToken", "challenge%2EverifyToken", "verifyToken"] {
            let reply = chatlayer.health(&bench, &format!("?x=1&{name}={token}")).await;
            assert_eq!(reply.expect(200), json!({"status": "ok"}));
        }
    }
    let event = chatlayer.event(&bench, "s1", "messages").to_string();
    for query in [
        "",
        "?challenge.verifyToken=",
        "?challenge.verifyToken=verify-token-012345678",
        "?token=verify-token-0123456789",
        "?hub.verify_token=verify-token-0123456789",
    ] {
        chatlayer.health(&bench, query).await.problem(403, "forbidden");
        // Nothing is parsed, however large, before it is known who calls.
        for body in [event.as_str(), "{", &" ".repeat(2_000_000)] {
            let reply = chatlayer.posts_with(&bench, query, body.to_owned()).await;
            reply.problem(403, "forbidden");
        }
    }
    assert_eq!(bench.stored("s1").await, None);
    assert!(!logs.text().contains("verify-token-0"), "no token is logged");
    bench.finish().await;
}

#[tokio::test]
async fn other_connections_and_methods_are_refused_clearly() {
    let chatlayer = Chatlayer::start().await;
    let bench = Bench::new().await;
    let answer = chatlayer.health(&bench, "?challenge.verifyToken=x").await;
    let problem = answer.problem(404, "wrong-kind");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("kind = \"chatlayer\"")
    );
    chatlayer.posts(&bench, "{}").await.problem(404, "wrong-kind");
    bench.finish().await;
    let bench = chatlayer.setup().start().await;
    let path = format!("/{CONNECTION}/handover/chatlayer");
    for method in ["PUT", "DELETE"] {
        let reply = bench.request(method, &path, &[], "").await;
        reply.problem(405, "method-not-allowed");
        assert_eq!(reply.header("allow"), "GET, POST");
    }
    bench.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_all_at_once_and_nothing_is_done() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    for body in ["", "{", "[]", "7", "{\"a\": \u{1}}"] {
        chatlayer.posts(&bench, body).await.problem(400, "malformed");
    }
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    chatlayer.posts(&bench, nested).await.problem(400, "malformed");
    let large = json!({"x": "y".repeat(1024 * 1024)}).to_string();
    chatlayer.posts(&bench, large).await.problem(413, "too-large");

    let wrong = json!({"event": "messages", "sessionId": "a\nb", "version": 7,
                       "messages": [1, {"message": {}}, {"actor": "user"}, {"actor": 7, "message": {}}]});
    let problem = chatlayer
        .posts(&bench, wrong.to_string())
        .await
        .problem(422, "invalid");
    let expected = [
        "botId is missing",
        "sessionId has 1 to 256 characters, none of them a control character",
        "version is not a string",
        "messages[0] is not an object",
        "messages[1].actor is not \"user\" or \"bot\"",
        "messages[2].message is not an object",
        "messages[3].actor is not \"user\" or \"bot\"",
    ];
    assert_eq!(problem["errors"], json!(expected));
    let base = json!({"botId": BOT, "sessionId": "s1", "event": "messages", "messages": []});
    let variants = [
        json!({"event": null}),
        json!({"sessionId": ""}),
        json!({"sessionId": "s".repeat(257)}),
        json!({"sessionId": ".."}),
        json!({"messages": null}),
        json!({"messages": {}}),
        json!({"messages": vec![json!({}); 1001]}),
        json!({"event": "offload", "transcript": "all"}),
    ];
    for change in variants {
        let mut body = base.clone();
        merge(&mut body, &change);
        chatlayer
            .posts(&bench, body.to_string())
            .await
            .problem(422, "invalid");
    }
    let mut other = base.clone();
    merge(&mut other, &json!({"botId": "somebody-else"}));
    let problem = chatlayer
        .posts(&bench, other.to_string())
        .await
        .problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("bot_id"));
    // What is new some day is no fault.
    let mut new = base;
    merge(&mut new, &json!({"event": "typing", "more": [1]}));
    assert_eq!(
        chatlayer.posts(&bench, new.to_string()).await.expect(200)["ignored"],
        true
    );
    assert_eq!(bench.stored("s1").await, None);
    bench.finish().await;
}

#[tokio::test]
async fn each_message_is_taken_once_and_in_order_however_often_it_comes() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let first = chatlayer.of_user(&bench, "s1", &json!({"text": "one"}));
    let twice = chatlayer.of_bot(&bench, &json!({"text": "equal"}));
    let odd = json!({"actor": "system", "message": {"text": "not for agents"}});
    let agent = json!({"actor": "agent", "message": {"text": "not for agents"}});
    let buttons = chatlayer.of_bot(
        &bench,
        &json!({"text": "Which?", "quick_replies": [{"title": "A"}, {"title": "B"}]}),
    );
    let chosen = json!({"messageType": "postback", "title": "A", "nextDialogstateId": "d1"});
    let chosen = chatlayer.of_user(&bench, "s1", &chosen);
    let file = json!({"messageType": "fileUploadInputResult", "urls": ["https://files.test/a.png"]});
    let file = chatlayer.of_user(&bench, "s1", &file);
    let all = [
        first.clone(),
        twice.clone(),
        twice.clone(),
        odd,
        agent,
        buttons,
        chosen,
        file,
    ];
    chatlayer.reports(&bench, "s1", &all).await;
    // Again, alone, and out of order.
    chatlayer.reports(&bench, "s1", &all).await;
    chatlayer.reports(&bench, "s1", &[twice, first.clone()]).await;
    // The same message, of a person whose name is known by now.
    let mut named = first;
    merge(&mut named, &json!({"message": {"sender": {"lastName": "Roux"}}}));
    chatlayer.reports(&bench, "s1", &[named]).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("s1"), ["one", "equal", "equal", "Which?", "A", ""]);
    let contents = bench.rce.contents("s1");
    assert_eq!(contents[5].attachments[0]["url"], "https://files.test/a.png");
    assert!(contents.iter().all(|content| content.repeats == 0));
    bench.finish().await;
}

#[tokio::test]
async fn a_transcript_and_late_reports_of_it_are_the_same_messages() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().forward_only().start().await;
    // Chatlayer asks for a human before it reports what was said.
    let said = [
        chatlayer.of_user(&bench, "s1", &json!({"text": "Human!"})),
        chatlayer.of_bot(&bench, &json!({"text": "Let me get a colleague."})),
    ];
    let mut event = chatlayer.offload_event(&bench, "s1", &json!({}));
    event["transcript"] = json!(said);
    assert_eq!(
        chatlayer.posts(&bench, event.to_string()).await.expect(200),
        accepted()
    );
    bench.until_quiet().await;
    chatlayer.reports(&bench, "s1", &said).await;
    chatlayer.user_says(&bench, "s1", "Quick!").await;
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce("s1"),
        ["Human!", "Let me get a colleague.", "Quick!"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn the_last_two_hundred_lines_of_a_long_transcript_are_shown() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().forward_only().start().await;
    let line = |n: i64| {
        json!({"actor": if n % 2 == 0 { "user" } else { "bot" }, "timestamp": 1_767_225_600_000_i64 + n,
               "message": {"text": format!("line {n}")}})
    };
    let mut event = chatlayer.offload_event(&bench, "s1", &json!({}));
    event["transcript"] = (0..1_500).map(line).collect();
    assert_eq!(
        chatlayer.posts(&bench, event.to_string()).await.expect(200),
        accepted()
    );
    bench.until_quiet().await;
    let expected: Vec<String> = (1_300..1_500).map(|n| format!("line {n}")).collect();
    assert_eq!(bench.in_rce("s1"), expected);
    bench.finish().await;
}

#[tokio::test]
async fn emulator_sessions_are_for_tests() {
    let chatlayer = Chatlayer::start().await;
    for accepts in [false, true] {
        let bench = chatlayer
            .setup_with(&format!("accept_emulator = {accepts}"))
            .start()
            .await;
        let emulated = json!({"text": "Testing", "sender": {"isEmulator": true}});
        for session in ["s1", "emulator-18878e66"] {
            let greeting = chatlayer.of_bot(&bench, &json!({"text": "Welcome"}));
            let by_name = session.starts_with("emulator-");
            let change = if by_name {
                json!({"text": "Testing"})
            } else {
                emulated.clone()
            };
            let message = chatlayer.of_user(&bench, session, &change);
            chatlayer.reports(&bench, session, &[greeting, message]).await;
            let answer = chatlayer.offloads(&bench, session, &json!({})).await;
            bench.until_quiet().await;
            if accepts {
                assert_eq!(answer, accepted());
                assert_eq!(bench.categories(session), ["agent"]);
            } else {
                let expected = json!({"offloadSuccess": false, "pauseBot": false, "reason": "emulator"});
                assert_eq!(answer, expected);
                assert_eq!(bench.stored(session).await, None);
                assert_eq!(bench.rce.requests().len(), 0);
            }
        }
        bench.finish().await;
    }
}

#[tokio::test]
async fn no_payload_keeps_a_person_from_an_agent() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let circular = json!({"self": {"$ref": "$", "self": "[Circular ~]"}, "toString": "[object Object]"});
    let names = json!({"reason": "cancel-contract", "categories": ["retention"]});
    let payloads = [
        (Value::Null, None),
        (json!("lost parcel"), Some("Reason: lost parcel")),
        (
            json!("{\"reason\": \"in a text\", \"x\": 1}"),
            Some("Reason: in a text"),
        ),
        (names, Some("Reason: cancel-contract")),
        (json!(7), None),
        (json!([1, {"a": 2}]), None),
        (json!({"reason": {"code": 7}}), Some("Reason: {\"code\":7}")),
        (
            json!({"reason": deep, "context": deep, "x": {"y": {"z": {"a": {"b": {"c": 1}}}}}}),
            None,
        ),
        (json!({"summary": "s".repeat(900_000)}), None),
        (circular, None),
    ];
    for (number, (payload, note)) in payloads.into_iter().enumerate() {
        let session = format!("s{number}");
        chatlayer.user_says(&bench, &session, "Help").await;
        assert_eq!(
            chatlayer.offloads(&bench, &session, &payload).await,
            accepted(),
            "{number}"
        );
        bench.until_quiet().await;
        assert_eq!(bench.categories(&session), ["agent"], "{number}");
        if let Some(note) = note {
            assert_eq!(bench.in_rce(&session)[1], note);
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn the_same_offload_again_is_the_same_offload() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    chatlayer.user_says(&bench, "s1", "I need a human").await;
    let event = chatlayer
        .offload_event(&bench, "s1", &json!({"reason": "x"}))
        .to_string();
    for _ in 0..3 {
        assert_eq!(
            chatlayer.posts(&bench, event.clone()).await.expect(200),
            accepted()
        );
        bench.until_quiet().await;
    }
    // Another one while agents have the conversation begins nothing either.
    bench.pass(Duration::from_secs(5));
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.until_quiet().await;
    assert_eq!(bench.looks_at("s1").await["handover"]["epoch"], 1);
    assert_eq!(bench.in_rce("s1"), ["I need a human", "Reason: x"]);

    bench.rce.take("s1", SAM).unwrap();
    bench.rce.reply("s1", SAM, "Hello").unwrap();
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    // A repeat that comes when all is over must not silence the bot: nobody would wake it.
    let late = chatlayer.posts(&bench, event).await.expect(200);
    assert_eq!(late, json!({"offloadSuccess": true, "pauseBot": false}));
    assert_eq!(bench.handler("s1").await, "bot");
    // The next wish is a new one.
    bench.pass(Duration::from_secs(5));
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.until_quiet().await;
    assert_eq!(bench.looks_at("s1").await["handover"]["epoch"], 2);
    bench.finish().await;
}

#[tokio::test]
async fn our_own_words_do_not_come_back_to_the_agent() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    with_agent(&chatlayer, &bench, "s1").await;
    let long = "word ".repeat(900);
    bench.rce.reply("s1", SAM, long.as_str()).unwrap();
    bench.until_quiet().await;
    let before = bench.in_rce("s1").len();
    let shown = chatlayer.session("s1").shown;
    assert_eq!(shown.len(), 4, "the long one is cut");
    let back: Vec<Value> = shown
        .iter()
        .map(|text| chatlayer.of_bot(&bench, &json!({"text": text})))
        .collect();
    chatlayer.reports(&bench, "s1", &back).await;
    // What the bot itself says, in a dialog for instance, is news to the agent.
    let own = chatlayer.of_bot(&bench, &json!({"text": "An agent joins you"}));
    chatlayer.reports(&bench, "s1", &[own]).await;
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    chatlayer.reports(&bench, "s1", &back[..1]).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("s1")[before..], ["An agent joins you"]);
    // Long after, the bot may say the same as an agent once did.
    bench.pass(Duration::from_mins(10));
    let same = chatlayer.of_bot(&bench, &json!({"text": "Hello, Sam here"}));
    chatlayer.reports(&bench, "s1", &[same]).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("s1").last().unwrap(), "Hello, Sam here");
    bench.finish().await;
}

#[tokio::test]
async fn a_message_in_the_moment_of_the_end_is_never_lost() {
    for forward_only in [false, true] {
        let chatlayer = Chatlayer::start().await;
        let setup = chatlayer.setup();
        let setup = if forward_only { setup.forward_only() } else { setup };
        let bench = setup.start().await;
        with_agent(&chatlayer, &bench, "s1").await;
        bench.rce.close("s1").unwrap();
        bench.settle().await;
        // RCE has reported the end, nobody has worked on it.
        chatlayer.user_says(&bench, "s1", "One more thing").await;
        bench.until_quiet().await;
        assert_eq!(bench.in_rce("s1").last().unwrap(), "One more thing");
        chatlayer.user_says(&bench, "s1", "Dear bot").await;
        bench.until_quiet().await;
        let reached_agents = bench.in_rce("s1").contains(&"Dear bot".to_owned());
        assert_eq!(reached_agents, !forward_only);
        bench.pass(Duration::from_secs(1));
        waiting(&chatlayer, &bench, "s1").await;
        bench.until_quiet().await;
        assert!(bench.in_rce("s1").contains(&"Dear bot".to_owned()));
        chatlayer.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn an_emulator_session_stays_one_when_it_asks_for_an_agent() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let mut said = chatlayer.of_user(&bench, "s1", &json!({"text": "a trial"}));
    said["message"]["sender"]["isEmulator"] = json!(true);
    chatlayer.reports(&bench, "s1", &[said]).await;
    let mut offload = chatlayer.offload_event(&bench, "s1", &Value::Null);
    offload["transcript"] = json!([]);
    let answer = chatlayer.posts(&bench, offload.to_string()).await.expect(200);
    assert_eq!(answer["offloadSuccess"], false, "{answer}");
    bench.until_quiet().await;
    assert!(bench.rce.thread("s1").is_none());
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_version_that_chatlayer_does_not_have_is_answered_as_live() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    chatlayer.uses("s1", "LIVE");
    let mut offload = chatlayer.offload_event(&bench, "s1", &Value::Null);
    offload["version"] = json!("beta-7");
    chatlayer.posts(&bench, offload.to_string()).await.expect(200);
    bench.until_quiet().await;
    bench.rce.take("s1", SAM).unwrap();
    bench.rce.reply("s1", SAM, "Hello").unwrap();
    bench.until_quiet().await;
    assert_eq!(chatlayer.session("s1").shown, ["Hello"]);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn only_who_waits_for_agents_reads_that_their_own_words_did_not_arrive() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let refused = || Fault::Status(422, "Invalid resource format".to_owned());
    chatlayer.user_says(&bench, "s1", "Hello").await;
    bench.until_quiet().await;
    bench.rce.fail_next(FaultTarget::SendApiMessages, refused(), 2);
    chatlayer.user_says(&bench, "s1", "to the bot").await;
    chatlayer.bot_says(&bench, "s1", "of the bot").await;
    bench.until_quiet().await;
    assert_eq!(bench.take_dead_letters().await.len(), 2);
    assert_eq!(chatlayer.session("s1").shown, [""; 0]);
    chatlayer.offloads(&bench, "s1", &Value::Null).await;
    bench.until_quiet().await;
    bench.rce.fail_next(FaultTarget::SendApiMessages, refused(), 1);
    chatlayer.user_says(&bench, "s1", "to the agent").await;
    bench.until_quiet().await;
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    assert_eq!(chatlayer.session("s1").shown.len(), 1);
    chatlayer.check();
    bench.finish().await;
}
