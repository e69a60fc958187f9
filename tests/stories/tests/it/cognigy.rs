//! Cognigy.AI: the whole story with the vendor's settings, and what its limits ask for.

use std::time::Duration;

use handover_stories::cognigy::{Cognigy, URL_TOKEN};
use handover_stories::desk::{MIRA, SAM};
use handover_stories::setup::{BOT_KEY, BOT_SECRET};
use handover_stories::{Bench, Reply, Setup};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

pub(crate) const SESSION: &str = "s-4c1";
/// What marks a transcript as such.
pub(crate) const HISTORY: &str = "Above: the conversation with the bot, before the handover.";
pub(crate) const BILLING: &str = "5f0c0000000000000000ca01";

pub(crate) async fn by_endpoint(setup: Setup) -> (Bench, Cognigy) {
    let cognigy = Cognigy::start().await;
    let bench = setup.bot_is(&cognigy.by_endpoint()).start().await;
    (bench, cognigy)
}

/// A call of the kit about the usual session, signed.
pub(crate) fn call(kind: &str, data: &Value) -> Value {
    let mut data = data.clone();
    data["conversation"] =
        json!({"user_id": "u-81", "session_id": SESSION, "channel": "webchat3", "url_token": URL_TOKEN});
    json!({"type": kind, "timestamp": "2026-11-20T09:15:00.412Z", "data": data})
}

pub(crate) async fn send(bench: &Bench, call: &Value) -> Reply {
    let id = format!("kit-{}", bench.next());
    send_as(bench, &id, call).await
}

pub(crate) async fn send_as(bench: &Bench, id: &str, call: &Value) -> Reply {
    let body = call.to_string();
    let seconds = bench.clock_now().as_second();
    let signed = signed(BOT_SECRET, id, seconds, &body);
    let time = seconds.to_string();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signed.as_str()),
    ];
    bench
        .request("POST", "/acme/handover/cognigy", &headers, body)
        .await
}

pub(crate) fn signed(secret: &str, id: &str, seconds: i64, body: &str) -> String {
    let key = Webhook::new(secret).expect("a key");
    key.sign(id, seconds, body.as_bytes()).expect("a body in UTF-8")
}

pub(crate) async fn user_says(bench: &Bench, text: &str) -> Value {
    let message = json!({"message": {"id": format!("u-{}", bench.next()), "text": text}});
    send(bench, &call("message.user", &message)).await.expect(202)
}

pub(crate) async fn bot_says(bench: &Bench, text: &str) -> Value {
    let message = json!({"message": {"id": format!("b-{}", bench.next()), "text": text}});
    send(bench, &call("message.bot", &message)).await.expect(202)
}

pub(crate) async fn asks(bench: &Bench, data: &Value) -> Value {
    send(bench, &call("handover.requested", data)).await.expect(202)
}

#[tokio::test]
async fn with_everything_mirrored_a_handover_only_changes_the_category() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    assert_eq!(user_says(&bench, "My invoice is wrong").await["handler"], "bot");
    assert_eq!(bot_says(&bench, "Which one?").await["handler"], "bot");
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION), ["My invoice is wrong", "Which one?"]);
    assert_eq!(bench.categories(SESSION), ["bot"]);

    let profile = json!({"firstname": "Ada", "email": "ada@example.org", "accepted_gdpr": true, "gender": "female",
        "memories": ["likes cake"], "address": {"city": "Paris"}});
    let wish = json!({"profile": profile, "categories": BILLING, "reason": "billing"});
    assert_eq!(asks(&bench, &wish).await["handover"]["status"], "requested");
    bench.until_quiet().await;
    assert_eq!(bench.categories(SESSION), ["agent", BILLING]);
    assert_eq!(bench.in_rce(SESSION)[2..], ["Reason: billing"]);
    let ada = bench
        .rce
        .read(|state| state.identity("u-81").cloned())
        .expect("announced");
    assert_eq!(
        (&ada.profile["firstname"], &ada.profile["gender"]),
        (&json!("Ada"), &json!("woman"))
    );
    let context = json!({"accepted-gdpr": "true", "address": "{\"city\":\"Paris\"}"});
    assert_eq!(ada.profile["context_data"], context);

    bench.queue_position(SESSION, 3, &json!(95)).await;
    bench.work().await;
    bench.rce.take(SESSION, SAM).unwrap();
    bench
        .rce
        .reply(SESSION, SAM, "Hello Ada, I have it open")
        .unwrap();
    bench.until_quiet().await;
    assert_eq!(user_says(&bench, "Invoice 2210").await["handler"], "agent");
    bench.rce.transfer(SESSION, MIRA).unwrap();
    bench.until_quiet().await;
    bench.rce.reply(SESSION, MIRA, "Sent again").unwrap();
    bench.until_quiet().await;
    bench.rce.close(SESSION).unwrap();
    bench.until_quiet().await;

    assert_eq!(cognigy.states(SESSION), ["queue", "active", "completed"]);
    let queue = &cognigy.told(SESSION)[0];
    assert_eq!(
        (&queue["position"], &queue["estimatedWaitTime"]),
        (&json!(3), &json!(95_000))
    );
    assert_eq!(queue["data"], json!({"position": 3, "estimatedWaitTime": 95_000}));
    let inject = cognigy
        .taken()
        .into_iter()
        .find(|call| call.does == "inject")
        .unwrap();
    assert_eq!(
        inject.body["data"]["request"],
        json!({"position": 3, "estimatedWaitTime": 95_000})
    );
    assert_eq!(
        cognigy.shown(SESSION),
        ["Hello Ada, I have it open", "Sent again"]
    );
    let notify = cognigy
        .taken()
        .into_iter()
        .find(|call| call.does == "notify")
        .unwrap();
    assert_eq!(notify.body["data"]["bridge"]["from"], "agent");
    assert_eq!(notify.body["data"]["bridge"]["agentName"], "Sam Okafor");
    assert_eq!(bench.categories(SESSION), [BILLING, "bot"]);
    assert_eq!(user_says(&bench, "Thanks").await["handler"], "bot");
    bench.until_quiet().await;
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn with_forward_only_nothing_reaches_rce_before_the_handover_and_then_the_story_comes_first() {
    let (bench, cognigy) = by_endpoint(Setup::default().forward_only()).await;
    user_says(&bench, "kept by the bridge").await;
    bench.until_quiet().await;
    assert!(bench.rce.thread(SESSION).is_none());
    // The Flow's own transcript wins over what the bridge kept.
    let transcript = json!([
        {"role": "user", "type": "input", "source": "user", "payload": {"text": "My invoice is wrong"}, "id": "t1",
         "timestamp": "2026-11-20T09:14:01Z"},
        {"role": "assistant", "type": "output", "source": "assistant", "payload": {"text": "Which one?"}, "id": "t2",
         "timestamp": "2026-11-20T09:14:03Z"},
    ]);
    asks(
        &bench,
        &json!({"transcript": transcript, "profile": {"firstname": "Ada"}}),
    )
    .await;
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce(SESSION),
        ["My invoice is wrong", "Which one?", HISTORY]
    );
    let contents = bench.rce.contents(SESSION);
    assert_eq!(contents[1].author_kind, simulated_ringcx::AuthorKind::Bot);
    assert_eq!(bench.categories(SESSION), ["agent"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn the_story_that_the_bridge_kept_is_told_where_the_flow_tells_none() {
    let (bench, cognigy) = by_endpoint(Setup::default().forward_only()).await;
    user_says(&bench, "My invoice is wrong").await;
    bot_says(&bench, "Which one?").await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce(SESSION),
        ["My invoice is wrong", "Which one?", HISTORY]
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn the_api_service_is_called_where_it_has_a_key() {
    let cognigy = Cognigy::start().await;
    let bench = Setup::default().bot_is(&cognigy.by_api()).start().await;
    let path = "/acme/handover/cognigy";
    let authorization = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", authorization.as_str())];
    let ask = call("handover.requested", &json!({})).to_string();
    bench.request("POST", path, &headers, ask).await.expect(202);
    bench.until_quiet().await;
    bench.rce.take(SESSION, SAM).unwrap();
    bench.rce.reply(SESSION, SAM, "Hello").unwrap();
    bench.until_quiet().await;
    assert_eq!(cognigy.shown(SESSION), ["Hello"]);
    assert_eq!(cognigy.states(SESSION), ["active"]);
    assert!(cognigy.taken().iter().all(|call| call.token == URL_TOKEN));
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_text_beyond_ten_thousand_characters_is_shown_in_parts_each_once() {
    let (bench, cognigy) = by_endpoint(Setup::default().by_hand()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet_by_hand().await;
    let long = "A word of many. ".repeat(1_500);
    // The second part is refused once: the first must not be shown again.
    cognigy.answers([200, 200, 503]);
    bench.agent_writes(SESSION, "66aa", long.trim()).await;
    bench.until_quiet_by_hand().await;
    let shown = cognigy.shown(SESSION);
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|text| text.chars().count() <= 10_000));
    assert_eq!(shown.join(" "), long.trim());
    let parts: Vec<Value> = cognigy
        .taken()
        .iter()
        .filter(|call| call.does == "notify")
        .map(|call| call.body["data"]["bridge"]["part"].clone())
        .collect();
    assert_eq!(parts, [Value::Null, json!(2), json!(3)]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_full_minute_waits_and_what_cognigy_says_of_its_limit_counts() {
    let cognigy = Cognigy::start().await;
    let few = format!("{}\ncalls_per_minute = 5", cognigy.by_endpoint());
    let bench = Setup::default().bot_is(&few).by_hand().start().await;
    asks(&bench, &json!({})).await;
    bench.until_quiet_by_hand().await;
    for n in 0..9 {
        bench
            .agent_writes(SESSION, &format!("66a{n}"), &format!("line {n}"))
            .await;
    }
    bench.work().await;
    assert_eq!(cognigy.calls(), 5, "the state and four lines");
    bench.until_quiet_by_hand().await;
    let expected: Vec<String> = (0..9).map(|n| format!("line {n}")).collect();
    assert_eq!(cognigy.shown(SESSION), expected);
    bench.pass(Duration::from_mins(2));
    cognigy.answers_with(429, &[("retry-after", "30")]);
    let before = bench.clock_now();
    bench.agent_writes(SESSION, "66b0", "after a 429").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(cognigy.shown(SESSION).last().unwrap(), "after a 429");
    assert_eq!(bench.clock_now().duration_since(before).as_secs(), 30);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn who_is_refused_an_agent_is_told_by_the_answer_and_in_the_flow() {
    let (bench, cognigy) = by_endpoint(Setup::default().connection("enabled = false")).await;
    let refused = send(&bench, &call("handover.requested", &json!({})))
        .await
        .expect(200);
    assert_eq!(
        refused["handover"],
        json!({"status": "unavailable", "reason": "disabled"})
    );
    bench.until_quiet().await;
    assert_eq!(
        cognigy.told(SESSION),
        [json!({"status": "error", "reason": "error", "message": "disabled"})]
    );
    assert!(bench.rce.thread(SESSION).is_none());
    assert_eq!(user_says(&bench, "Then not").await["handler"], "bot");
    bench.until_quiet().await;
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn who_cancels_is_with_the_bot_at_once_and_the_flow_is_told() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    let ended = send(&bench, &call("handover.cancelled", &json!({})))
        .await
        .expect(202);
    assert_eq!(ended["handler"], "bot");
    bench.until_quiet().await;
    assert_eq!(cognigy.states(SESSION), ["cancelled"]);
    assert_eq!(bench.categories(SESSION), ["bot"]);
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn agents_read_that_the_person_went_and_came_back_but_not_of_a_reload() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    let presence = |state: &str| call("presence.user", &json!({"state": state}));
    let before = bench.in_rce(SESSION).len();
    // A reload: gone and back within a second, several times.
    for _ in 0..3 {
        send(&bench, &presence("disconnected")).await.expect(202);
        bench.work().await;
        bench.pass(Duration::from_secs(1));
        send(&bench, &presence("connected")).await.expect(202);
        bench.work().await;
    }
    bench.until_quiet().await;
    assert_eq!(bench.in_rce(SESSION).len(), before);
    send(&bench, &presence("disconnected")).await.expect(202);
    bench.until_quiet().await;
    send(&bench, &presence("connected")).await.expect(202);
    bench.until_quiet().await;
    assert_eq!(
        bench.in_rce(SESSION)[before..],
        ["The customer has disconnected.", "The customer is connected."]
    );
    cognigy.check();
    bench.finish().await;
    let cognigy = Cognigy::start().await;
    let silent = format!(
        "{}\nuser_connected_message = false\nuser_disconnected_message = false",
        cognigy.by_endpoint()
    );
    let bench = Setup::default().bot_is(&silent).start().await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    for state in ["disconnected", "connected"] {
        send(&bench, &presence(state)).await.expect(202);
        bench.until_quiet().await;
    }
    assert_eq!(bench.in_rce(SESSION).len(), before);
    bench.finish().await;
}

#[tokio::test]
async fn a_profile_that_comes_later_reaches_the_agents() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet().await;
    let profile = json!({"profile": {"lastname": "Lovelace", "iban_last_digits": 2210}});
    send(&bench, &call("profile.updated", &profile)).await.expect(202);
    bench.until_quiet().await;
    let ada = bench
        .rce
        .read(|state| state.identity("u-81").cloned())
        .expect("announced");
    assert_eq!(ada.profile["lastname"], "Lovelace");
    assert_eq!(ada.profile["context_data"], json!({"iban-last-digits": "2210"}));
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_takes_over_unasked_is_heard_and_the_flow_told() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    user_says(&bench, "Hello bot").await;
    bench.until_quiet().await;
    bench
        .agent_writes(SESSION, "66aa", "I saw that you need help")
        .await;
    bench.until_quiet().await;
    assert_eq!(cognigy.states(SESSION), ["active"]);
    assert_eq!(cognigy.told(SESSION)[0]["cause"], "agent");
    assert_eq!(cognigy.shown(SESSION), ["I saw that you need help"]);
    assert_eq!(user_says(&bench, "Thanks").await["handler"], "agent");
    bench.until_quiet().await;
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_call_that_cognigy_refuses_for_good_is_put_aside_and_the_next_goes_on() {
    let (bench, cognigy) = by_endpoint(Setup::default().by_hand()).await;
    asks(&bench, &json!({})).await;
    bench.until_quiet_by_hand().await;
    bench.agent_writes(SESSION, "66aa", "Hello").await;
    bench.until_quiet_by_hand().await;
    cognigy.answers([404]);
    bench.agent_writes(SESSION, "66ab", "Lost").await;
    bench.agent_writes(SESSION, "66ac", "Still there").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(cognigy.shown(SESSION), ["Hello", "Still there"]);
    let letters = bench.take_dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("404"), "{}", letters[0].reason);
    assert!(
        bench
            .in_rce(SESSION)
            .last()
            .unwrap()
            .contains("could not be delivered")
    );
    cognigy.check();
    bench.finish().await;
}

#[tokio::test]
async fn rce_knows_both_faces_of_the_company_once_somebody_asks_for_an_agent() {
    let (bench, cognigy) = by_endpoint(Setup::default()).await;
    for session in ["s-1", "s-2"] {
        let mut wish = call("handover.requested", &json!({}));
        wish["data"]["conversation"]["session_id"] = json!(session);
        send(&bench, &wish).await.expect(202);
        bench.until_quiet().await;
    }
    for face in ["bot", "agent"] {
        let known = bench.rce.read(|state| state.identity(face).cloned());
        assert!(known.is_some_and(|known| known.puppetizable), "{face}");
    }
    assert_eq!(bench.asked_rce("users.create"), 2, "once each");
    cognigy.check();
    bench.finish().await;
}
