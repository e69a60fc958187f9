//! Chatlayer's bot hands over and gets the conversation back.

use std::time::Duration;

use handover_stories::chatlayer::Chatlayer;
use handover_stories::desk::{MIRA, SAM};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget};

pub(crate) const DIALOGS: &str =
    "[connections.acme.dialogs]\nopened = \"hello-agent\"\nclosed = \"welcome-back\"";

pub(crate) fn accepted() -> Value {
    json!({"offloadSuccess": true, "pauseBot": true})
}

/// A conversation that waits for agents.
pub(crate) async fn waiting(chatlayer: &Chatlayer, bench: &Bench, session: &str) {
    chatlayer.user_says(bench, session, "I need a human").await;
    assert_eq!(chatlayer.offloads(bench, session, &Value::Null).await, accepted());
}

/// A conversation with Sam.
pub(crate) async fn with_agent(chatlayer: &Chatlayer, bench: &Bench, session: &str) {
    waiting(chatlayer, bench, session).await;
    bench.until_quiet().await;
    bench.rce.take(session, SAM).expect("RCE agrees");
    bench
        .rce
        .reply(session, SAM, "Hello, Sam here")
        .expect("RCE agrees");
    bench.until_quiet().await;
}

#[tokio::test]
async fn a_person_talks_to_the_bot_then_to_agents_then_to_the_bot_again() {
    for forward_only in [false, true] {
        let chatlayer = Chatlayer::start().await;
        let setup = chatlayer.setup().section(DIALOGS);
        let setup = if forward_only { setup.forward_only() } else { setup };
        let bench = setup.start().await;
        chatlayer.user_says(&bench, "s1", "Where is my parcel?").await;
        bench.pass(Duration::from_secs(1));
        chatlayer.bot_says(&bench, "s1", "I do not know.").await;
        bench.until_quiet().await;
        assert_eq!(bench.rce.thread("s1").is_none(), forward_only);

        bench.pass(Duration::from_secs(1));
        let payload = json!({"reason": "parcel", "summary": "lost", "order": {"id": 17}});
        assert_eq!(chatlayer.offloads(&bench, "s1", &payload).await, accepted());
        bench.until_quiet().await;
        assert_eq!(
            bench.in_rce("s1"),
            [
                "Where is my parcel?",
                "I do not know.",
                "Reason: parcel\nSummary: lost"
            ]
        );
        assert_eq!(bench.categories("s1"), ["agent"]);
        let thread = bench.rce.thread("s1").unwrap();
        assert_eq!(json!(thread.context_data), json!({"order-id": "17"}));
        let times: Vec<String> = bench.rce.contents("s1")[..2]
            .iter()
            .map(|content| content.created_at.to_string())
            .collect();
        assert_eq!(
            times,
            ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"],
            "when they were said"
        );
        let nadia = bench.rce.read(|state| state.identity("person-of-s1").cloned());
        let nadia = nadia.expect("announced");
        assert_eq!(nadia.screenname, "Nadia");
        assert_eq!(nadia.profile["context_data"], json!({"language": "nl"}));
        assert_eq!(chatlayer.session("s1").dialogs, ["hello-agent"]);
        assert_eq!(chatlayer.session("s1").pauses, 0, "the answer paused it");

        bench.rce.take("s1", SAM).unwrap();
        bench.rce.reply("s1", SAM, "Let me look").unwrap();
        bench.until_quiet().await;
        chatlayer.user_says(&bench, "s1", "Thank you").await;
        bench.until_quiet().await;
        assert_eq!(bench.in_rce("s1").last().unwrap(), "Thank you");
        bench.rce.transfer("s1", MIRA).unwrap();
        bench.rce.reply("s1", MIRA, "It comes tomorrow").unwrap();
        bench.until_quiet().await;
        assert!(chatlayer.session("s1").paused);
        bench.rce.close("s1").unwrap();
        bench.until_quiet().await;

        let session = chatlayer.session("s1");
        assert_eq!(session.shown, ["Let me look", "It comes tomorrow"]);
        assert_eq!((session.paused, session.resumes), (false, 1));
        assert_eq!(session.dialogs, ["hello-agent", "welcome-back"]);
        assert_eq!(bench.categories("s1"), ["bot"]);
        chatlayer.bot_says(&bench, "s1", "Here I am again").await;
        bench.until_quiet().await;
        let repeated = bench.rce.contents("s1").iter().any(|content| content.repeats > 0);
        assert!(!repeated, "nothing is sent a second time");
        chatlayer.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn drafts_and_live_bots_are_told_apart() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    chatlayer.uses("draft", "DRAFT");
    for session in ["draft", "live"] {
        with_agent(&chatlayer, &bench, session).await;
        bench.rce.close(session).unwrap();
        bench.until_quiet().await;
        assert_eq!(chatlayer.session(session).shown, ["Hello, Sam here"]);
        assert_eq!(chatlayer.session(session).resumes, 1);
    }
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_session_may_be_called_anything() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    let longest = "s".repeat(256);
    for session in ["fb/1:2?x=y#z", "ünï ✓", "../..", "%2e%2e", &longest] {
        waiting(&chatlayer, &bench, session).await;
        bench.until_quiet().await;
        assert_eq!(bench.categories(session), ["agent"]);
        bench
            .agent_writes(session, &format!("c-{}", session.len()), "Hello")
            .await;
        bench.until_quiet().await;
        assert_eq!(chatlayer.session(session).shown, ["Hello"], "{session}");
    }
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn without_dialogs_none_is_launched() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    with_agent(&chatlayer, &bench, "s1").await;
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    assert!(chatlayer.session("s1").dialogs.is_empty());
    assert_eq!(chatlayer.calls(), 2, "a message, and the resume");
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn actions_are_called_as_the_settings_say() {
    let chatlayer = Chatlayer::start().await;
    let actions = "[connections.acme.bot.actions]\n\
                   pause = '{\"setConversation\": {\"state\": \"halted\"}}'\n\
                   resume = { setConversation = { state = \"going\" } }\n\
                   dialog = '{\"launch\": {\"flow\": [\"{{dialog}}\"]}}'";
    let bench = chatlayer.setup().section(DIALOGS).section(actions).start().await;
    chatlayer.user_says(&bench, "s1", "Hello?").await;
    bench.until_quiet().await;
    bench.rce.move_to_agents("s1", SAM).unwrap();
    bench.rce.take("s1", SAM).unwrap();
    bench.until_quiet().await;
    assert!(chatlayer.session("s1").paused);
    bench.rce.reply("s1", SAM, "Hello").unwrap();
    bench.rce.close("s1").unwrap();
    bench.until_quiet().await;
    assert!(!chatlayer.session("s1").paused);
    assert_eq!(chatlayer.session("s1").dialogs, ["hello-agent", "welcome-back"]);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_takes_the_conversation_over_silences_the_bot() {
    // By writing, and by moving the thread first.
    for waits_first in [false, true] {
        let chatlayer = Chatlayer::start().await;
        let bench = chatlayer.setup().section(DIALOGS).start().await;
        chatlayer.user_says(&bench, "s1", "Hello?").await;
        bench.until_quiet().await;
        if waits_first {
            bench.rce.move_to_agents("s1", SAM).unwrap();
            bench.until_quiet().await;
            assert!(chatlayer.session("s1").paused);
            bench.rce.take("s1", SAM).unwrap();
            bench.until_quiet().await;
        } else {
            let said = bench.agent_message("s1", "c-1", "I take this");
            bench.source_sdk(&said).await.expect(200);
            bench.until_quiet().await;
            assert_eq!(chatlayer.session("s1").shown, ["I take this"]);
        }
        assert!(chatlayer.session("s1").paused);
        assert_eq!(chatlayer.session("s1").dialogs, ["hello-agent"], "once");
        chatlayer.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_refusal_is_answered_and_launches_the_closed_dialog() {
    let cases: [(&str, &str); 3] = [("disabled", "enabled = false"), ("no_agents", ""), ("closed", "")];
    for (reason, line) in cases {
        let chatlayer = Chatlayer::start().await;
        let mut setup: Setup = chatlayer.setup().section(DIALOGS).connection(line);
        if reason == "closed" {
            setup = setup.rce(|rce| {
                let sheet = simulated_ringcx::TimeSheet::daily("sheet-1", rce.source_id.clone(), "");
                rce.time_sheets = vec![sheet];
            });
        }
        let bench = setup.start().await;
        bench.knows_opening_hours().await;
        if reason == "no_agents" {
            for agent in [SAM, MIRA] {
                bench
                    .rce
                    .set_availability(agent, simulated_ringcx::AgentStatus::Away)
                    .unwrap();
            }
        }
        chatlayer.user_says(&bench, "s1", "I need a human").await;
        let payload = json!({"require_agent": reason == "no_agents"});
        let event = chatlayer.offload_event(&bench, "s1", &payload).to_string();
        let expected = json!({"offloadSuccess": false, "pauseBot": false, "reason": reason});
        for _ in 0..2 {
            assert_eq!(chatlayer.posts(&bench, event.clone()).await.expect(200), expected);
            bench.until_quiet().await;
        }
        assert_eq!(chatlayer.session("s1").dialogs, ["welcome-back"], "once");
        assert_eq!(bench.handler("s1").await, "bot");
        assert_eq!(bench.categories("s1"), ["bot"]);
        chatlayer.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_bot_that_helps_the_agent_is_not_paused() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().start().await;
    chatlayer.user_says(&bench, "s1", "Help us both").await;
    let answer = chatlayer
        .offloads(&bench, "s1", &json!({"pauseBot": false}))
        .await;
    assert_eq!(answer, json!({"offloadSuccess": true, "pauseBot": false}));
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "queued");
    assert_eq!(chatlayer.session("s1").pauses, 0);
    bench.finish().await;
}

#[tokio::test]
async fn what_ringcx_refuses_gives_the_conversation_back() {
    let chatlayer = Chatlayer::start().await;
    let bench = chatlayer.setup().section(DIALOGS).start().await;
    chatlayer.user_says(&bench, "s1", "I need a human").await;
    bench.until_quiet().await;
    let refused = Fault::Status(403, r#"{"error": "forbidden", "status": 403}"#.to_owned());
    bench.rce.fail_next(FaultTarget::RestCategorize, refused, 1);
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.until_quiet().await;
    let session = chatlayer.session("s1");
    assert_eq!((session.paused, session.resumes), (false, 1));
    assert_eq!(session.dialogs, ["hello-agent", "welcome-back"]);
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    chatlayer.check();
    bench.finish().await;
}
