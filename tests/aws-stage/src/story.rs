//! The stories that both stages must tell: one text, two backends.

use bytes::Bytes;
use futures_util::future::{join, join_all};
use handover_stories::chat::at;
use handover_stories::desk::{MIRA, SAM};
use handover_stories::setup::BOT_KEY;
use serde_json::{Value, json};
use simulated_ringcx::{Fault as RceFault, FaultTarget};

use crate::proxy::Fault;
use crate::world::{CONNECTION, PUBLIC_URL, Stage, World, eventually};

/// There and back: the bot cannot help, the agent can, the bot goes on. Every process ends in the middle of it.
pub async fn there_and_back(mut stage: impl Stage) {
    let world = stage.world();
    world.user_says("c1", "Where is my parcel?").await;
    world.bot_says("c1", "I do not know.").await;
    let handover = world.asks_for_agent("c1").await;
    assert_eq!(
        (&handover["status"], &handover["epoch"]),
        (&json!("requested"), &json!(1))
    );
    assert_eq!(
        world.looks_at("c1").await["handler"],
        "agent",
        "from the moment it is accepted"
    );
    world.status_is("c1", "queued").await;
    assert_eq!(
        world.in_rce("c1"),
        ["Where is my parcel?", "I do not know.", "Reason: help"]
    );
    world.queue_position("c1", 2, 60).await;
    let placed = async || world.kinds("c1") == ["handover.queued"];
    eventually("the bot knows the place in the queue", placed).await;
    assert_eq!(world.told("c1")[0].data()["position"], 2);

    stage.restart().await;

    let world = stage.world();
    let thread = world.thread("c1");
    world.rce.take(&thread, SAM).expect("a waiting thread");
    world.rce.reply(&thread, SAM, "Let me look").expect("a reply");
    world.bot_hears("c1", &["Let me look"]).await;
    assert_eq!(world.user_says("c1", "Thank you").await["handler"], "agent");
    world.rce_has("c1", "Thank you").await;
    world.rce.transfer(&thread, MIRA).expect("a transfer");
    world
        .rce
        .reply(&thread, MIRA, "It comes tomorrow")
        .expect("a reply");
    world.bot_hears("c1", &["Let me look", "It comes tomorrow"]).await;
    world.rce.close(&thread).expect("an open case");
    let completed = async || {
        world
            .kinds("c1")
            .last()
            .is_some_and(|kind| kind == "handover.completed")
    };
    eventually("the bot is told that it is over", completed).await;

    let mut kinds = world.kinds("c1");
    // Who the new agent is may be told before their words or with them.
    kinds.retain(|kind| kind != "agent.changed");
    let expected = [
        "handover.queued",
        "handover.active",
        "message.created",
        "message.created",
        "handover.completed",
    ];
    assert_eq!(kinds, expected);
    let seen = world.looks_at("c1").await;
    assert_eq!(
        (&seen["handler"], &seen["handover"]["outcome"]),
        (&json!("bot"), &json!("agent_closed"))
    );
    let categories = world.rce.thread(&thread).expect("a thread").category_ids;
    assert_eq!(categories, [world.rce.config().bot_category_id.clone()]);
    assert_eq!(world.user_says("c1", "Thank you, bot").await["handler"], "bot");
    world.rce_has("c1", "Thank you, bot").await;
    stage.finish().await;
}

/// The person or the bot ends it, and tries again.
pub async fn ended_by_the_bot(stage: impl Stage) {
    let world = stage.world();
    world.with_agent("c1").await;
    let path = format!("{}/handover", at("c1"));
    world
        .insist("DELETE", &path, &json!({"cause": "bot_ended"}))
        .await;
    assert_eq!(world.looks_at("c1").await["handler"], "bot", "at once");
    let over = async || {
        world
            .kinds("c1")
            .last()
            .is_some_and(|kind| kind == "handover.cancelled")
    };
    eventually("the bot is told that it is over", over).await;
    let again = world.asks_for_agent("c1").await;
    assert_eq!(again["epoch"], 2);
    world.status_is("c1", "queued").await;
    stage.finish().await;
}

/// A file inside a message is hosted, and whoever has its address can open it.
pub async fn files(stage: impl Stage) {
    let world = stage.world();
    let file = json!({"content": "aGVsbG8=", "filename": "hello.txt"});
    let message = json!({"id": "m1", "from": "user", "attachments": [file]});
    let path = format!("{}/messages", at("c1"));
    world.insist("POST", &path, &message).await;
    world.rce_has("c1", "").await;
    let content = world.rce.contents(&world.thread("c1")).pop().expect("a message");
    let link = content.attachments[0]["url"].as_str().expect("a link").to_owned();
    let path = link
        .strip_prefix(PUBLIC_URL)
        .unwrap_or_else(|| panic!("{link} is not ours"));
    let http = handover_ringcx::http::client();
    let mut opened = http
        .get(format!("{}{path}", world.url()))
        .send()
        .await
        .expect("an answer");
    if opened.status() == 302 {
        let elsewhere = opened.headers()["location"].to_str().expect("a link").to_owned();
        opened = http.get(elsewhere).send().await.expect("an answer");
    }
    assert_eq!(opened.status(), 200);
    assert_eq!(opened.headers()["content-type"], "text/plain");
    assert_eq!(opened.text().await.expect("a body"), "hello");
    let unknown = path.replace("/acme/files/", "/acme/files/0");
    let unknown = http.get(format!("{}{unknown}", world.url())).send().await;
    assert_eq!(unknown.expect("an answer").status(), 404);
    stage.finish().await;
}

/// What comes twice has one effect.
pub async fn repeats(stage: impl Stage) {
    let world = stage.world();
    let path = format!("{}/messages", at("c1"));
    let message = json!({"id": "m1", "from": "user", "text": "hi"});
    let (first, second) = join(
        world.insist("POST", &path, &message),
        world.insist("POST", &path, &message),
    )
    .await;
    assert_eq!(first, second);
    let path = format!("{}/handover", at("c1"));
    let wish = json!({"id": "h1", "reason": "help"});
    let (first, second) = join(
        world.insist("POST", &path, &wish),
        world.insist("POST", &path, &wish),
    )
    .await;
    assert_eq!(first, second);
    world.status_is("c1", "queued").await;
    assert_eq!(world.insist("POST", &path, &wish).await, first, "as it was then");
    let other = json!({"id": "h1", "reason": "another"});
    let refused = world.call("POST", &path, &other).await;
    refused.problem(422, "idempotency-mismatch");

    world
        .rce
        .take(&world.thread("c1"), SAM)
        .expect("a waiting thread");
    let once = world
        .agent_writes_as("c1", "5f0c000000000000000000a1", "Hello")
        .await;
    let twice = world
        .agent_writes_as("c1", "5f0c000000000000000000a1", "Hello")
        .await;
    assert_eq!(once, twice);
    world.bot_hears("c1", &["Hello"]).await;
    assert_eq!(
        world
            .agent_writes_as("c1", "5f0c000000000000000000a1", "Hello")
            .await,
        once
    );

    let thread = world.thread("c1");
    world.rce.reply(&thread, SAM, "Goodbye").expect("a reply");
    world.bot_hears("c1", &["Hello", "Goodbye"]).await;
    world.rce.close(&thread).expect("an open case");
    let over = async || world.kinds("c1").iter().any(|kind| kind == "handover.completed");
    eventually("the bot is told that it is over", over).await;
    let reported = async || world.reported("intervention.closed").len() == 1;
    eventually("RCE reported it", reported).await;
    let closed = world.reported("intervention.closed").remove(0);
    for _ in 0..3 {
        let status = world.rce.send_webhook_raw(json!([closed, closed])).await;
        assert_eq!(status.expect("an answer"), 200);
    }
    // What follows the repeats in their group tells that they were worked off.
    world.asks_for_agent("c1").await;
    world.status_is("c1", "queued").await;
    let position = world.queue_position("c1", 1, 10);
    position.await;
    let placed = async || {
        world
            .kinds("c1")
            .last()
            .is_some_and(|kind| kind == "handover.queued")
    };
    eventually("the bot knows the place in the queue", placed).await;
    let count = |kind: &str| world.kinds("c1").iter().filter(|found| *found == kind).count();
    assert_eq!((count("message.created"), count("handover.completed")), (2, 1));
    assert_eq!(world.in_rce("c1").iter().filter(|text| *text == "hi").count(), 1);
    stage.finish().await;
}

/// RCE is asked every second whether its word got lost.
pub const ASKED_OFTEN: &str = "reconcile_every = 1";

/// RCE's word that an agent closed the case is lost: somebody asks, and the bot is told all the same, once.
pub async fn a_lost_end(stage: impl Stage) {
    let world = stage.world();
    world.with_agent_at_rce("c1").await;
    world.closes_unheard("c1");
    let told = || world.count("c1", "handover.completed") > 0;
    ticks_until(&stage, "the bot is told that it is over", told).await;
    ticks(&stage).await;

    let seen = world.looks_at("c1").await;
    assert_eq!(
        (&seen["handler"], &seen["handover"]["outcome"]),
        (&json!("bot"), &json!("agent_closed"))
    );
    assert!(world.is_with_bot("c1"));
    assert!(
        world.reported("intervention.closed").is_empty(),
        "RCE never said so"
    );
    placed_in_the_queue(world, "c1").await;
    let expected = [
        "handover.active",
        "message.created",
        "handover.completed",
        "handover.queued",
    ];
    assert_eq!(world.kinds("c1"), expected);
    stage.finish().await;
}

/// Nobody is waited for longer than this, and nobody is warned. A busy machine needs some of it to get into the queue.
pub const SHORT_QUEUE: &str = "queue = 15\nwarn_before = 0";

/// Nobody takes it: the bot is told so, once, and has the conversation again.
pub async fn nobody_comes(stage: impl Stage) {
    let world = stage.world();
    world.user_says("c1", "I need a human").await;
    world.asks_for_agent("c1").await;
    world.status_is("c1", "queued").await;
    assert!(!world.is_with_bot("c1"));
    let told = || world.count("c1", "handover.timed_out") > 0;
    ticks_until(&stage, "the bot is told that nobody came", told).await;
    ticks(&stage).await;

    assert_eq!(world.told("c1")[0].data()["cause"], "queue");
    let seen = world.looks_at("c1").await;
    assert_eq!(
        (
            &seen["handler"],
            &seen["handover"]["status"],
            &seen["handover"]["outcome"]
        ),
        (&json!("bot"), &json!("timed_out"), &json!("queue"))
    );
    assert!(world.is_with_bot("c1"));
    placed_in_the_queue(world, "c1").await;
    assert_eq!(world.kinds("c1"), ["handover.timed_out", "handover.queued"]);
    stage.finish().await;
}

/// The next handover has a place in the queue. Whatever came before in the conversation's order is worked off then.
async fn placed_in_the_queue(world: &World, conversation: &str) {
    let before = world.count(conversation, "handover.queued");
    world.asks_for_agent(conversation).await;
    world.status_is(conversation, "queued").await;
    world.queue_position(conversation, 1, 10).await;
    let placed = async || world.count(conversation, "handover.queued") > before;
    eventually("the bot knows the place in the queue", placed).await;
}

/// Time passes, until it is so.
async fn ticks_until(stage: &impl Stage, what: &str, is_so: impl Fn() -> bool) {
    eventually(what, async || {
        ticks(stage).await;
        is_so()
    })
    .await;
}

/// A tick that comes twice, both at the same time.
async fn ticks(stage: &impl Stage) {
    join(stage.tick(), stage.tick()).await;
}

/// The person waits for the bot no longer than this.
pub const IMPATIENT: &str = "bot_silent = 15";

/// On a channel of RCE's own: the person writes to RCE, the bot answers, an agent takes over, the bot goes on. Every process
/// ends in the middle of it.
pub async fn native_there_and_back(mut stage: impl Stage) {
    let world = stage.world();
    let thread = world.customer_writes("Where is my parcel?");
    world.bot_hears(&thread, &["Where is my parcel?"]).await;
    world.bot_says(&thread, "I do not know.").await;
    world.customer_sees(&thread, &["I do not know."]).await;
    world.asks_for_agent(&thread).await;
    world.status_is(&thread, "queued").await;

    stage.restart().await;

    let world = stage.world();
    assert_eq!(
        world.bot_says(&thread, "A second voice").await["handler"],
        "agent"
    );
    world.rce.take(&thread, SAM).expect("a waiting thread");
    world.status_is(&thread, "active").await;
    world.rce.reply(&thread, SAM, "Let me look").expect("a reply");
    world.customer_writes("Thank you");
    world.rce.close(&thread).expect("an open case");
    let over = async || world.count(&thread, "handover.completed") == 1;
    eventually("the bot is told that it is over", over).await;
    assert!(world.is_with_bot(&thread));
    world.customer_writes("Thank you, bot");
    world
        .bot_hears(&thread, &["Where is my parcel?", "Thank you, bot"])
        .await;
    // Two that are alike are two.
    world.bot_says(&thread, "Goodbye").await;
    world.bot_says(&thread, "Goodbye").await;
    let expected = ["I do not know.", "Let me look", "Goodbye", "Goodbye"];
    world.customer_sees(&thread, &expected).await;
    stage.finish().await;
}

/// RCE takes what the bot says, and its answer is lost: the person reads it once.
pub async fn native_lost_answer(stage: impl Stage) {
    let world = stage.world();
    let thread = world.customer_writes("Where is my parcel?");
    world.bot_hears(&thread, &["Where is my parcel?"]).await;
    world
        .rce
        .fail_next(FaultTarget::RestCreateContent, RceFault::LoseAnswer, 1);
    world.bot_says(&thread, "On its way").await;
    world.bot_says(&thread, "It comes tomorrow").await;
    world
        .customer_sees(&thread, &["On its way", "It comes tomorrow"])
        .await;
    stage.finish().await;
}

/// The bot takes what the person said and does not answer: the agents have the conversation, once.
pub async fn native_silence(stage: impl Stage) {
    let world = stage.world();
    let thread = world.customer_writes("Is anybody there?");
    world.bot_hears(&thread, &["Is anybody there?"]).await;
    let handed = || !world.is_with_bot(&thread);
    ticks_until(&stage, "the agents have it", handed).await;
    ticks(&stage).await;
    world.status_is(&thread, "queued").await;
    let told = async || world.count(&thread, "handover.queued") == 1;
    eventually("the bot is told", told).await;
    let seen = world.looks_at(&thread).await;
    assert_eq!(
        (
            &seen["handler"],
            &seen["handover"]["cause"],
            &seen["handover"]["epoch"]
        ),
        (&json!("agent"), &json!("bot_silent"), &json!(1))
    );
    stage.finish().await;
}

/// Thirty messages each way stay in order, and another conversation does not wait for a bot that is in trouble with
/// this one.
pub async fn order(stage: impl Stage) {
    let world = stage.world();
    join(world.with_agent("c1"), world.with_agent("c2")).await;
    world.bot_door.fail(Fault::Status500, 2, |call| {
        call.mentions(r#""conversation":"c1""#)
    });
    let lines = |from: &str| (0..30).map(|n| format!("{from} {n}")).collect::<Vec<_>>();
    let (from_user, from_agent) = (lines("user"), lines("agent"));
    let user = async {
        for line in &from_user {
            world.user_says("c1", line).await;
        }
    };
    let agent = async {
        for line in &from_agent {
            world.agent_writes("c1", line).await;
        }
    };
    let others = async {
        let served = |n: usize| async move {
            let conversation = format!("other{n}");
            world.with_agent(&conversation).await;
        };
        world.agent_writes("c2", "for c2").await;
        world.bot_hears("c2", &["Hello", "for c2"]).await;
        join_all((0..5).map(served)).await;
    };
    join(join(user, agent), others).await;
    let expected: Vec<&str> = std::iter::once("Hello")
        .chain(from_agent.iter().map(String::as_str))
        .collect();
    world.bot_hears("c1", &expected).await;
    let arrived = async || {
        world
            .in_rce("c1")
            .iter()
            .filter(|text| text.starts_with("user"))
            .count()
            == 30
    };
    eventually("all of the person's messages are in RCE", arrived).await;
    let mut found = world.in_rce("c1");
    found.retain(|text| text.starts_with("user"));
    assert_eq!(found, from_user);
    assert_eq!(world.bot_door.hit(), 2, "the bot refused, and was asked again");
    stage.finish().await;
}

/// The platforms' addresses lead to their adapters, which know that this connection's bot is of another kind.
pub async fn platforms_doors(stage: impl Stage) {
    let world = stage.world();
    let bearer = format!("Bearer {BOT_KEY}");
    let headers = [("authorization", bearer.as_str())];
    for (method, path) in [
        ("POST", "cognigy"),
        ("GET", "chatlayer?challenge.verifyToken=x"),
        ("POST", "chatlayer?challenge.verifyToken=x"),
    ] {
        let path = format!("/{CONNECTION}/handover/{path}");
        let reply = world
            .request(method, &path, &headers, Bytes::from_static(b"{}"))
            .await;
        let body = reply.expect("an answer").expect(404);
        assert_eq!(
            body["type"], "urn:engage-handover:problem:wrong-kind",
            "{method} {path}: {body}"
        );
    }
}

/// What must not get in does not.
pub async fn bad_input(stage: impl Stage) {
    let world = stage.world();
    let bearer = format!("Bearer {BOT_KEY}");
    let post = async |path: &str, headers: &[(&str, &str)], body: Bytes| -> u16 {
        world
            .request("POST", path, headers, body)
            .await
            .expect("an answer")
            .status
    };
    let json = ("content-type", "application/json");
    let source = format!("/{CONNECTION}/handover/rce/source");
    let webhook = format!("/{CONNECTION}/handover/rce/webhook");
    let messages = format!("/{CONNECTION}/conversations/c1/messages");
    let message = Bytes::from(json!({"from": "user", "text": "hi"}).to_string());
    let call = Bytes::from(json!({"action": "implementation.info"}).to_string());

    let unsigned = world
        .request("POST", &source, &[json], call.clone())
        .await
        .expect("an answer");
    assert_eq!(unsigned.status, 401);
    assert!(
        !unsigned.header("x-smccsdk-signature").is_empty(),
        "errors are signed too"
    );
    let forged = [json, ("x-smccsdk-signature", &"0".repeat(128))];
    assert_eq!(post(&source, &forged, call.clone()).await, 401);
    let wrong = [json, ("x-dimelo-secret", "wrong-secret-0123456789")];
    assert_eq!(post(&webhook, &wrong, call.clone()).await, 401);
    assert_eq!(post(&messages, &[json], message.clone()).await, 401);
    let wrong = [json, ("authorization", "Bearer wrong-key-0123456789abcdef")];
    assert_eq!(post(&messages, &wrong, message.clone()).await, 401);

    let allowed = [json, ("authorization", bearer.as_str())];
    assert_eq!(
        post("/nobody/conversations/c1/messages", &allowed, message.clone()).await,
        404
    );
    assert_eq!(post("/nobody/handover/rce/source", &[json], call).await, 404);
    assert_eq!(
        post(&format!("/{CONNECTION}/nowhere"), &allowed, message).await,
        404
    );
    let unknown = world.call("GET", &at("nobody"), &Value::Null).await;
    unknown.problem(404, "unknown-conversation");
    assert_eq!(post(&messages, &allowed, Bytes::from_static(b"{")).await, 400);

    let large = |bytes: usize| Bytes::from(json!({"from": "user", "text": "a".repeat(bytes)}).to_string());
    assert_eq!(post(&messages, &allowed, large(1024 * 1024)).await, 413);
    assert_eq!(post(&source, &[json], large(5 * 1024 * 1024)).await, 413);
    let mut reached = world.rce.requests();
    // A stage may read the opening hours when it starts.
    reached.retain(|request| request.what != "GET /1.0/time_sheets");
    assert!(reached.is_empty(), "nothing of it reaches RCE: {reached:#?}");
    stage.finish().await;
}

/// Ids that must be encoded in an address.
pub async fn odd_ids(stage: impl Stage) {
    ids(stage, &["Zoë 7", "50%", "a+b", "#1", "+49 40 123", "a@b.test"]).await;
}

/// Ids that mean something else once an address is decoded.
pub async fn ids_like_addresses(stage: impl Stage) {
    ids(stage, &["who?", "a/b", "%2F", "a%20b"]).await;
}

async fn ids(stage: impl Stage, ids: &[&str]) {
    let world = stage.world();
    for id in ids {
        assert_eq!(sent(world, id).await, 202, "{id}");
        world.rce_has(id, "hi").await;
        let seen = world.call("GET", &at(id), &Value::Null).await;
        assert_eq!(seen.status, 200, "{id}");
    }
    stage.finish().await;
}

async fn sent(world: &World, conversation: &str) -> u16 {
    let path = format!("{}/messages", at(conversation));
    let message = json!({"id": "m1", "from": "user", "text": "hi"});
    world.call("POST", &path, &message).await.status
}
