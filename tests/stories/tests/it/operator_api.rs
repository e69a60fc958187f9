//! What operators ask by HTTP: their own connection, and nothing that people wrote.

use handover_stories::bench::CONNECTION;
use handover_stories::desk::SAM;
use handover_stories::setup::{BOT_KEY, OPERATOR_KEY};
use handover_stories::{Answer, Bench, Setup};
use serde_json::{Value, json};

const CALLS: [(&str, &str); 9] = [
    ("GET", "/operator/status"),
    ("GET", "/operator/conversations"),
    ("POST", "/operator/conversations/c1/release"),
    ("GET", "/operator/dead-letters"),
    ("POST", "/operator/dead-letters/1/replay"),
    ("DELETE", "/operator/dead-letters/1"),
    ("GET", "/operator/drain"),
    ("POST", "/operator/drain"),
    ("DELETE", "/operator/drain"),
];

const OTHER_KEY: &str = "other-operator-key-0123456789";

/// A second connection, `other`, with the same neighbours.
fn with_another(text: &str) -> String {
    let other = text
        .replace("connections.acme", "connections.other")
        .replace(OPERATOR_KEY, OTHER_KEY)
        .replace(BOT_KEY, "other-bot-key-0123456789");
    format!("{text}\n{other}")
}

async fn get(bench: &Bench, path: &str) -> Value {
    bench
        .call_as(OPERATOR_KEY, "GET", &format!("/operator{path}"), &Value::Null)
        .await
        .expect(200)
}

#[tokio::test]
async fn without_an_operators_key_of_this_connection_nothing_is_told_and_nothing_changes() {
    let bench = Setup::default().start_with(with_another).await;
    bench.waiting("c1").await;
    for (method, path) in CALLS {
        bench.steps.count();
        for key in ["", "wrong-key-0123456789abcdef", OTHER_KEY] {
            let reply = bench.call_as(key, method, path, &Value::Null).await;
            reply.problem(401, "unauthorized");
        }
        let reply = bench
            .request(method, &format!("/{CONNECTION}{path}"), &[], "")
            .await;
        reply.problem(401, "unauthorized");
        let reply = bench.call_as(BOT_KEY, method, path, &Value::Null).await;
        let detail = reply.problem(403, "forbidden")["detail"].clone();
        assert!(detail.as_str().unwrap().contains("operator_keys"), "{detail}");
        assert_eq!(bench.steps.taken(), 0, "{method} {path}: nothing was looked up");
    }
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(get(&bench, "/drain").await["draining"], false);
    bench.finish().await;
}

#[tokio::test]
async fn a_connection_without_operators_says_what_to_do() {
    let setup = Setup::default().settings(|connection| connection.operator_keys.clear());
    let bench = setup.start().await;
    for (method, path) in CALLS {
        let reply = bench.call_as(OPERATOR_KEY, method, path, &Value::Null).await;
        let detail = reply.problem(403, "forbidden")["detail"].clone();
        assert!(
            detail.as_str().unwrap().contains("set some in its configuration"),
            "{detail}"
        );
    }
    bench.finish().await;
}

#[tokio::test]
async fn they_see_who_has_which_conversation_and_how_long() {
    let bench = Bench::new().await;
    bench.user_says("with-bot", "hi").await;
    bench.until_quiet().await;
    bench.waiting("waits").await;
    bench.pass(std::time::Duration::from_secs(90));
    bench.with_agent("talks").await;
    bench.queue_position("waits", 2, &json!(60)).await;
    bench.until_quiet().await;

    let all = get(&bench, "/conversations").await;
    assert_eq!(all["conversations"].as_array().unwrap().len(), 3);
    let held = get(&bench, "/conversations?handler=agent").await;
    let held = held["conversations"].as_array().unwrap();
    let ids: Vec<_> = held
        .iter()
        .map(|it| it["conversation"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["talks", "waits"], "those that an agent has first");
    let held = [&held[1], &held[0]];
    assert_eq!(
        held[0]["queue"],
        json!({"position": 2, "estimated_wait_ms": 60_000})
    );
    assert_eq!(
        (&held[0]["status"], &held[0]["requested_at"], &held[0]["agent"]),
        (&json!("queued"), &json!("2026-01-01T00:00:00.000Z"), &Value::Null)
    );
    assert_eq!(
        (&held[1]["status"], &held[1]["agent"]["name"]),
        (&json!("active"), &json!("Sam Okafor"))
    );
    assert!(held[1]["accepted_at"].is_string());

    let one = get(&bench, "/conversations?status=active&limit=1").await;
    assert_eq!(one["conversations"][0]["conversation"], "talks");
    let bot = get(&bench, "/conversations?handler=bot").await;
    assert_eq!(bot["conversations"][0]["conversation"], "with-bot");
    assert_eq!(
        get(&bench, "/conversations?status=failed").await["conversations"],
        json!([])
    );
    for wrong in ["limit=0", "limit=501", "limit=x", "handler=nobody", "status=sad"] {
        let path = format!("/operator/conversations?{wrong}");
        let reply = bench.call_as(OPERATOR_KEY, "GET", &path, &Value::Null).await;
        reply.problem(422, "invalid");
    }
    let status = get(&bench, "/status").await;
    assert_eq!(
        (
            &status["open_handovers"],
            &status["enabled"],
            &status["draining"],
            &status["dead_letters"]
        ),
        (&json!(2), &json!(true), &json!(false), &json!(0))
    );
    bench.finish().await;
}

#[tokio::test]
async fn they_send_again_or_forget_their_own_dead_letters_only() {
    let bench = Setup::default().by_hand().start_with(with_another).await;
    bench.with_agent_by_hand("c1").await;
    bench.bot.answers([Answer::Status(400), Answer::Status(400)]);
    bench.agent_writes("c1", "1", "a secret matter").await;
    bench.work().await;
    bench.agent_writes("c1", "2", "another one").await;
    bench.work().await;
    let letters = get(&bench, "/dead-letters").await;
    assert!(!letters.to_string().contains("secret matter"), "{letters}");
    let letters = letters["dead_letters"].as_array().unwrap().clone();
    let message = |letter: &&Value| letter["work"] == "deliver_agent_message";
    let [first, second] = letters.iter().filter(message).collect::<Vec<_>>()[..] else {
        panic!("not two: {letters:?}")
    };
    assert_eq!(
        (&first["conversation"], &first["queue"], &first["attempts"]),
        (&json!("c1"), &json!("to-bot"), &json!(1))
    );
    let path = |letter: &Value, what: &str| {
        format!("/operator/dead-letters/{}{what}", letter["id"].as_str().unwrap())
    };

    // The other connection's operator has another list, and cannot touch this one.
    let authorization = format!("Bearer {OTHER_KEY}");
    let headers = [("authorization", authorization.as_str())];
    let others = bench
        .request("GET", "/other/operator/dead-letters", &headers, "")
        .await;
    assert_eq!(others.expect(200)["dead_letters"], json!([]));
    for (method, what) in [("POST", "/replay"), ("DELETE", "")] {
        let path = format!("/other{}", path(first, what));
        let reply = bench.request(method, &path, &headers, "").await;
        reply.problem(404, "unknown-dead-letter");
    }

    bench
        .call_as(OPERATOR_KEY, "POST", &path(first, "/replay"), &Value::Null)
        .await
        .expect(200);
    bench
        .call_as(OPERATOR_KEY, "DELETE", &path(second, ""), &Value::Null)
        .await
        .expect(200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.texts(), ["a secret matter"]);
    for (method, letter, what) in [("POST", first, "/replay"), ("DELETE", second, "")] {
        let reply = bench
            .call_as(OPERATOR_KEY, method, &path(letter, what), &Value::Null)
            .await;
        reply.problem(404, "unknown-dead-letter");
    }
    bench.take_dead_letters().await;
    bench.bot.allow_replays();
    bench.finish().await;
}

#[tokio::test]
async fn an_operator_may_look_at_a_timeline_without_what_people_wrote() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.rce.reply("c1", SAM, "a secret matter").unwrap();
    bench.until_quiet().await;
    let look = async |query: &str| {
        let path = format!("/conversations/c1/timeline{query}");
        let seen = bench.call_as(OPERATOR_KEY, "GET", &path, &Value::Null).await;
        seen.expect(200).to_string()
    };
    assert!(look("").await.contains("a secret matter"));
    assert!(look("?text=true").await.contains("a secret matter"));
    assert!(!look("?text=false").await.contains("a secret matter"));
    bench.finish().await;
}
