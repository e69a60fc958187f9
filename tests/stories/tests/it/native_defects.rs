//! What users of Cognigy's own provider ran into, by the version whose release notes tell of it. None of it here.

use std::time::Duration;

use handover_stories::cognigy::Cognigy;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{AuthorKind, Content, Fault, FaultTarget, IndexLag, SimulatedConfig};

use crate::cognigy::{BILLING, SESSION, asks, bot_says, by_endpoint, call, send, user_says};

fn words_of(contents: &[Content], author: AuthorKind) -> Vec<&str> {
    let said = contents.iter().filter(|content| content.author_kind == author);
    said.filter_map(|content| content.body.as_deref()).collect()
}

async fn with_agent(bench: &Bench) {
    asks(bench, &json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(SESSION, SAM).expect("a waiting thread");
    let hello = bench.rce.reply(SESSION, SAM, "Hello, Sam here");
    hello.expect("Sam has it");
    bench.until_quiet().await;
}

#[tokio::test]
async fn v4_0_1_each_session_is_answered_at_its_own_endpoint_as_its_own_user() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    for (user, session, token) in [("u-1", "s-1", "tok-web"), ("u-2", "s-2", "tok/whats app?")] {
        let mut wish = call("handover.requested", &json!({}));
        wish["data"]["conversation"] = json!({"user_id": user, "session_id": session, "url_token": token});
        send(&bench, &wish).await.expect(202);
        bench.until_quiet().await;
        bench.rce.take(session, SAM).unwrap();
        bench
            .rce
            .reply(session, SAM, format!("Hello {user}").as_str())
            .unwrap();
        bench.until_quiet().await;
    }
    let notified: Vec<_> = cognigy
        .taken()
        .into_iter()
        .filter(|call| call.does == "notify")
        .collect();
    let addresses: Vec<_> = notified
        .iter()
        .map(|call| {
            (
                call.token.as_str(),
                call.body["userId"].as_str().unwrap(),
                call.session(),
                call.body["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        addresses,
        [
            ("tok-web", "u-1", "s-1", "Hello u-1"),
            ("tok%2Fwhats%20app%3F", "u-2", "s-2", "Hello u-2")
        ]
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_19_notify_and_inject_do_something_in_both_their_forms() {
    for by_api in [false, true] {
        let cognigy = Cognigy::start().await;
        let settings = if by_api {
            cognigy.by_api()
        } else {
            cognigy.by_endpoint()
        };
        let bench = Setup::default()
            .bot_is(&format!("{settings}\n"))
            .connection("")
            .start()
            .await;
        let authorization = format!("Bearer {}", handover_stories::setup::BOT_KEY);
        let headers = [("authorization", authorization.as_str())];
        let wish = call("handover.requested", &json!({})).to_string();
        bench
            .request("POST", "/acme/handover/cognigy", &headers, wish)
            .await
            .expect(202);
        bench.until_quiet().await;
        bench.rce.take(SESSION, SAM).unwrap();
        bench.rce.reply(SESSION, SAM, "Hello").unwrap();
        bench.until_quiet().await;
        assert_eq!(cognigy.shown(SESSION), ["Hello"]);
        assert_eq!(cognigy.states(SESSION), ["active"]);
        cognigy.check();
        bench.finish().await;
    }
}

#[tokio::test]
async fn v4_28_the_thread_is_found_among_many_and_is_the_right_one() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    // More threads than a page has, with ids that begin like ours.
    for n in 0..40 {
        let mut said = call("message.user", &json!({"message": {"text": "Hello"}}));
        said["data"]["conversation"] =
            json!({"user_id": format!("u{n}"), "session_id": format!("{SESSION}-{n}")});
        send(&bench, &said).await.expect(202);
    }
    user_says(&bench, "Me too").await;
    bench.until_quiet().await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(SESSION), ["agent"]);
    for n in 0..40 {
        assert_eq!(bench.categories(&format!("{SESSION}-{n}")), ["bot"]);
    }
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_29_the_profile_is_forwarded() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    let profile = json!({"firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org", "mobile_phone": "+4912345",
        "privacy_policy": "v2", "birthday": "1815-12-10"});
    asks(&bench, &json!({"profile": profile})).await;
    bench.until_quiet().await;
    let ada = bench
        .rce
        .read(|state| state.identity("u-81").cloned())
        .unwrap()
        .profile;
    assert_eq!(
        (&ada["firstname"], &ada["mobile_phone"]),
        (&json!("Ada"), &json!("+4912345"))
    );
    assert_eq!(
        ada["context_data"],
        json!({"birthday": "1815-12-10", "privacy-policy": "v2"})
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_35_the_first_handover_starts_while_the_mirror_is_still_being_filled() {
    let (bench, cognigy) =
        by_endpoint(Setup::default().rce(|rce| rce.index_lag = IndexLag::Searches(3))).await;
    user_says(&bench, "I want a human").await;
    bot_says(&bench, "Wait").await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["I want a human", "Wait"]);
    assert_eq!(bench.categories(SESSION), ["agent"]);
    assert_eq!(bench.status(SESSION).await, "queued");
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_41_agents_are_told_that_the_person_left() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    with_agent(&bench).await;
    send(&bench, &call("presence.user", &json!({"state": "disconnected"})))
        .await
        .expect(202);
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce(SESSION).last().unwrap(),
        "The customer has disconnected."
    );
    assert_eq!(
        bench.status(SESSION).await,
        "active",
        "leaving the page is no end"
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_43_in_mirror_mode_the_profile_is_readable_too() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    user_says(&bench, "Hello").await;
    bench.until_quiet().await;
    asks(&bench, &json!({"profile": {"firstname": "Ada"}})).await;
    bench.until_quiet().await;
    let ada = bench.rce.read(|state| state.identity("u-81").cloned()).unwrap();
    assert_eq!(ada.profile["firstname"], "Ada");
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_45_the_persons_words_stay_the_persons() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    user_says(&bench, "one").await;
    bot_says(&bench, "two").await;
    with_agent(&bench).await;
    user_says(&bench, "three").await;
    bench.rce.close(SESSION).unwrap();
    bench.until_quiet().await;
    user_says(&bench, "four").await;
    bench.until_quiet().await;
    let contents = bench.rce.contents(SESSION);
    assert_eq!(
        words_of(&contents, AuthorKind::Customer),
        ["one", "three", "four"]
    );
    assert_eq!(words_of(&contents, AuthorKind::Bot), ["two"]);
    assert_eq!(words_of(&contents, AuthorKind::Agent), ["Hello, Sam here"]);
    // Somebody whose id is that of the company's face is still a customer.
    let mut said = call("message.user", &json!({"message": {"text": "I am not the bot"}}));
    said["data"]["conversation"] = json!({"user_id": "bot", "session_id": "s-2"});
    send(&bench, &said).await.expect(202);
    bench.until_quiet().await;
    let contents = bench.rce.contents("s-2");
    assert_eq!(words_of(&contents, AuthorKind::Customer), ["I am not the bot"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_51_no_message_is_doubled() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    with_agent(&bench).await;
    let said = call("message.user", &json!({"message": {"id": "m-1", "text": "Once"}}));
    for _ in 0..3 {
        // Each run of a transformer signs anew: the message's own id tells that it is the same.
        send(&bench, &said).await.expect(202);
    }
    bench.rce.fail_next(FaultTarget::SendApi, Fault::LoseAnswer, 1);
    user_says(&bench, "Twice at most on the way").await;
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce(SESSION)[1..],
        ["Hello, Sam here", "Once", "Twice at most on the way"]
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_58_the_flow_hears_where_in_the_queue_the_person_is() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    for (position, seconds) in [(3, json!(95)), (2, json!(40)), (1, json!(null))] {
        bench.queue_position(SESSION, position, &seconds).await;
        bench.work().await;
        bench.pass(Duration::from_secs(5));
    }
    let told: Vec<_> = cognigy
        .told(SESSION)
        .iter()
        .map(|state| (state["position"].clone(), state["estimatedWaitTime"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!(3), json!(95_000)),
            (json!(2), json!(40_000)),
            (json!(1), json!(null))
        ]
    );
    cognigy.check();
    bench.finish().await;
    let (bench, cognigy) = by_endpoint(Setup::default().without_queue_updates()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    bench.queue_position(SESSION, 3, &json!(95)).await;
    bench.until_quiet().await;
    assert!(cognigy.told(SESSION).is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn v4_71_nothing_is_missing_of_a_long_talk() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    with_agent(&bench).await;
    for n in 0..25 {
        user_says(&bench, &format!("question {n}")).await;
        if n % 7 == 3 {
            bench
                .rce
                .fail_next(FaultTarget::SendApi, Fault::Status(503, String::new()), 1);
            cognigy.answers([503]);
        }
        bench
            .rce
            .reply(SESSION, SAM, format!("answer {n}").as_str())
            .unwrap();
        bench.until_quiet().await;
    }
    let contents = bench.rce.contents(SESSION);
    let asked: Vec<String> = (0..25).map(|n| format!("question {n}")).collect();
    let answered: Vec<String> = (0..25).map(|n| format!("answer {n}")).collect();
    assert_eq!(words_of(&contents, AuthorKind::Customer)[1..], asked);
    assert_eq!(cognigy.shown(SESSION)[1..], answered);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_76_the_transcript_has_the_right_words_in_order() {
    let (bench, cognigy) = by_endpoint(Setup::default().forward_only()).await;
    let said = [
        ("user", "Größe <b>XL</b> & 10 €"),
        ("bot", "Zeile 1\nZeile 2"),
        ("user", "👨‍👩‍👧"),
        ("bot", "last"),
    ];
    let transcript: Vec<_> = said
        .iter()
        .enumerate()
        .map(|(n, (from, text))| json!({"id": format!("t{n}"), "from": from, "text": text, "at": format!("2026-11-20T09:0{n}:00Z")}))
        .collect();
    asks(&bench, &json!({"transcript": transcript})).await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION)[..4], said.map(|(_, text)| text));
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_87_each_of_the_two_notes_can_be_switched_off() {
    for (setting, expected) in [
        ("user_connected_message = false", "The customer has disconnected."),
        ("user_disconnected_message = false", "The customer is connected."),
    ] {
        let cognigy = Cognigy::start().await;
        let bench = Setup::default()
            .bot_is(&format!("{}\n{setting}", cognigy.by_endpoint()))
            .start()
            .await;
        asks(&bench, &json!({})).await;
        bench.until_quiet().await;
        let before = bench.in_rce(SESSION).len();
        for state in ["disconnected", "connected"] {
            send(&bench, &call("presence.user", &json!({"state": state})))
                .await
                .expect(202);
            bench.until_quiet().await;
            bench.pass(Duration::from_secs(10));
        }
        assert_eq!(bench.in_rce(SESSION)[before..], [expected]);
        bench.finish().await;
    }
}

#[tokio::test]
async fn v4_97_a_handover_that_cannot_start_says_so_and_errors_are_not_all_500() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    bench.rce.fail_next(
        FaultTarget::RestCategorize,
        Fault::Status(403, "{\"error\":\"forbidden\"}".to_owned()),
        50,
    );
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.handler(SESSION).await, "bot");
    let told = cognigy.told(SESSION);
    assert_eq!(
        (&told[0]["status"], &told[0]["reason"]),
        (&json!("error"), &json!("error"))
    );
    bench.take_dead_letters().await;
    for (path, status) in [("/nobody/handover/cognigy", 404), ("/acme/handover/cognigi", 404)] {
        assert_eq!(bench.request("POST", path, &[], "{}").await.status, status);
    }
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v4_100_closing_the_intervention_completes_the_handover() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    with_agent(&bench).await;
    bench.rce.close(SESSION).unwrap();
    bench.until_quiet().await;
    assert_eq!(cognigy.states(SESSION), ["active", "completed"]);
    assert_eq!(user_says(&bench, "Is anybody there?").await["handler"], "bot");
    bench.until_quiet().await;
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v2025_17_the_profile_is_there_before_the_first_word_and_is_sent_once() {
    let (bench, cognigy) = by_endpoint(Setup::default().forward_only()).await;
    let transcript = json!([{"from": "user", "text": "Hello"}]);
    asks(
        &bench,
        &json!({"profile": {"firstname": "Ada"}, "transcript": transcript}),
    )
    .await;
    bench.until_quiet().await;
    let requests = bench.rce.requests();
    let of = |what: &str, id: &str| -> Vec<usize> {
        let about =
            |n: &usize| requests[*n].what.contains(what) && requests[*n].body.to_string().contains(id);
        (0..requests.len()).filter(about).collect()
    };
    let (announced, words) = (of("users.create", "u-81"), of("messages.create", "u-81"));
    assert_eq!(announced.len(), 1);
    assert!(announced[0] < words[0]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn v2025_18_additional_category_ids_are_applied_in_whatever_form_they_come() {
    let other = "5f0c0000000000000000ca02";
    for categories in [
        json!([BILLING, other]),
        json!(format!("{BILLING}, {other}")),
        json!(format!("{BILLING} {other}")),
    ] {
        let two = |rce: &mut SimulatedConfig| {
            rce.other_categories
                .push((other.to_owned(), "Returns".to_owned()));
        };
        let (bench, cognigy) = by_endpoint(Setup::default().rce(two)).await;
        asks(&bench, &json!({"categories": categories})).await;
        bench.until_quiet().await;
        assert_eq!(
            bench.categories(SESSION),
            ["agent", BILLING, other],
            "{categories}"
        );
        cognigy.check();
        bench.finish().await;
    }
}
