//! An operator's machine and the stage: the same commands as beside a data directory, and the same addresses.

use handover_aws_stage::{AwsStage, Stage as _, eventually};
use handover_stories::Answer;
use handover_stories::setup::OPERATOR_KEY;
use serde_json::{Value, json};

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complaint: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|_| panic!("{} {}", self.said, self.complaint))
    }
}

pub(crate) async fn run(stage: &AwsStage, arguments: &[&str]) -> Ran {
    let output = stage.command(arguments).await;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !complaint.contains("built without AWS"),
        "build it first: cargo build -p engage-handover --features aws"
    );
    Ran {
        code: output.status.code(),
        said: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_is_operated_by_its_name() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent_at_rce("c1").await;
    world.user_says("c2", "hi").await;
    let open = run(&stage, &["conversations", "--open", "--json"]).await.json();
    assert_eq!(
        (&open[0]["conversation"], &open[0]["status"], &open[1]),
        (&json!("c1"), &json!("active"), &Value::Null)
    );
    let listed = run(&stage, &["conversations"]).await.said;
    assert!(listed.contains("c1") && listed.contains("c2"), "{listed}");
    let timeline = run(&stage, &["timeline", "c1"]).await.said;
    assert!(
        timeline.contains("handover.requested") && !timeline.contains("Hello"),
        "{timeline}"
    );

    let watching = run(&stage, &["drain", "--timeout", "0"]).await;
    assert_eq!(watching.code, Some(1), "{}", watching.said);
    assert!(
        watching.complaint.contains("1 handover is open"),
        "{}",
        watching.complaint
    );
    let refused = async || {
        let asked = world.call("POST", "/conversations/c2/handover", &json!({})).await;
        asked.json()["handover"]["status"] == "unavailable"
    };
    assert!(refused().await);

    let released = run(&stage, &["release", "c1", "--json"]).await;
    assert_eq!(released.code, Some(0), "{}", released.complaint);
    assert_eq!(released.json()["handler"], "bot");
    let told = async || world.count("c1", "handover.cancelled") == 1;
    eventually("the bot is told", told).await;
    assert_eq!(world.told("c1").last().unwrap().data()["cause"], "operator");
    eventually("the thread is back", async || world.is_with_bot("c1")).await;
    assert_eq!(
        run(&stage, &["release", "c1"]).await.code,
        Some(2),
        "once is enough"
    );
    let done = run(&stage, &["drain", "--timeout", "60"]).await;
    assert_eq!(done.code, Some(0), "{}", done.complaint);
    assert!(refused().await);
    assert_eq!(run(&stage, &["drain", "--off"]).await.code, Some(0));
    world.asks_for_agent("c2").await;
    world.status_is("c2", "queued").await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_seen_sent_again_and_forgotten() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent("c1").await;
    world.bot.answers([Answer::Status(400), Answer::Status(400)]);
    world.agent_writes("c1", "first").await;
    world.agent_writes("c1", "second").await;
    let letters = async || run(&stage, &["dead-letters", "list", "--json"]).await.json();
    let both = async || letters().await.as_array().unwrap().len() == 2;
    eventually("both are given up", both).await;
    let letters = letters().await;
    let id = |n: usize| letters[n]["id"].as_str().unwrap();
    assert_eq!(letters[0]["conversation"], "c1");
    let shown = run(&stage, &["dead-letters", "show", id(0)]).await.said;
    assert!(
        shown.contains("the bot refused it (400)") && !shown.contains("first"),
        "{shown}"
    );
    assert_eq!(
        run(&stage, &["dead-letters", "replay", id(0)]).await.code,
        Some(0)
    );
    world.bot_hears("c1", &["Hello", "first"]).await;
    assert_eq!(
        run(&stage, &["dead-letters", "discard", id(1)]).await.code,
        Some(0)
    );
    assert_eq!(
        run(&stage, &["dead-letters", "discard", id(1)]).await.code,
        Some(2)
    );
    let none = run(&stage, &["dead-letters", "list"]).await.said;
    assert_eq!(none.trim(), "There are no dead letters.");
    world.bot.allow_replays();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_addresses_lead_to_a_function() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent_at_rce("c1").await;
    let authorization = format!("Bearer {OPERATOR_KEY}");
    let headers = [("authorization", authorization.as_str())];
    let ask = async |method: &str, path: &str, status: u16| {
        let path = format!("/acme/operator/{path}");
        let answer = world.request(method, &path, &headers, "").await;
        answer.expect("an answer").expect(status)
    };
    let status = ask("GET", "status", 200).await;
    assert_eq!(
        (&status["open_handovers"], &status["dead_letters"]),
        (&json!(1), &json!(0))
    );
    let held = ask("GET", "conversations?handler=agent", 200).await;
    assert_eq!(held["conversations"][0]["agent"]["name"], "Sam Okafor");
    assert_eq!(ask("GET", "dead-letters", 200).await["dead_letters"], json!([]));
    ask("POST", "dead-letters/1/replay", 404).await;
    ask("DELETE", "dead-letters/1", 404).await;
    assert_eq!(ask("POST", "drain", 200).await["draining"], true);
    assert_eq!(ask("DELETE", "drain", 200).await["draining"], false);
    assert_eq!(ask("GET", "drain", 200).await["open_handovers"], 1);
    ask("POST", "conversations/c1/release", 200).await;
    let told = async || world.count("c1", "handover.cancelled") == 1;
    eventually("the bot is told", told).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_with_mistakes_is_named_and_the_others_are_operated() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let broken = format!("{}/broken", stage.settings);
    let mistaken = "[connections.broken]\nbot_keys = \"tooshort\"\n";
    stage.aws.put_parameter(&broken, mistaken).await;
    stage.world().user_says("c1", "hi").await;
    let listed = run(&stage, &["conversations"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.complaint);
    assert!(listed.said.contains("c1"), "{}", listed.said);
    for words in [
        "this connection is left out",
        "/broken is not usable",
        "bot_keys is too short",
    ] {
        assert!(listed.complaint.contains(words), "{words}: {}", listed.complaint);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_of_a_conversation_is_erased() {
    let Some(stage) = AwsStage::start().await else {
        return;
    };
    let world = stage.world();
    world.with_agent_at_rce("c1").await;
    world.user_says("c2", "hi").await;
    let held = run(&stage, &["erase", "c1", "--yes"]).await;
    assert_eq!(held.code, Some(2), "{}", held.said);
    assert!(held.complaint.contains("agents have c1"), "{}", held.complaint);

    assert_eq!(run(&stage, &["release", "c1"]).await.code, Some(0));
    eventually("the thread is back", async || world.is_with_bot("c1")).await;
    stage.until_quiet().await;
    let of_c1 = async || {
        let items = stage.dynamodb.items(&stage.table).await;
        let names = [String::from("c1"), world.thread("c1")];
        let mentions = |item: &Value| {
            let item = item.to_string();
            names.iter().any(|name| item.contains(name))
        };
        items.into_iter().filter(|item| mentions(item)).count()
    };
    assert!(of_c1().await > 0);
    let erased = run(&stage, &["erase", "c1", "--yes", "--json"]).await;
    assert_eq!(erased.code, Some(0), "{}", erased.complaint);
    assert_eq!(erased.json(), json!({"erased": ["c1"], "with_agents": []}));
    assert_eq!(of_c1().await, 0, "nothing is left that names it");
    let left = run(&stage, &["conversations", "--json"]).await.json();
    assert_eq!((&left[0]["conversation"], &left[1]), (&json!("c2"), &Value::Null));
    stage.finish().await;
}
