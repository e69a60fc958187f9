//! What the commands print and how they exit: 0 done, 1 our side, 2 wrong use.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bridge::{Bridge, command};

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command().args(arguments).output().await.unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[tokio::test]
async fn help_explains_every_command() {
    let (code, help, _) = run(&["--help"]).await;
    assert_eq!(code, Some(0));
    for command in [
        "demo",
        "serve",
        "check",
        "conversations",
        "timeline",
        "dead-letters",
        "release",
        "drain",
        "openapi",
    ] {
        assert!(help.contains(command), "{command} is missing in\n{help}");
        let (code, help, _) = run(&[command, "--help"]).await;
        assert!(code == Some(0) && help.contains("Usage"), "{command}");
    }
}

#[tokio::test]
async fn check_lists_every_error_at_once_and_shows_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    std::fs::write(
        &file,
        "[connections.default]\nbot_keys = \"tooshort\"\nbot_key = \"x\"\n[connections.default.ringcx]\nverification_token = \"cognigy123\"\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let (code, _, complaint) = run(&["check", "--config", file]).await;
    assert_eq!(code, Some(2));
    for expected in [
        "bot_keys is too short",
        "bot_key is not a known setting",
        "verification_token is a public default",
        "base_api_url is missing",
        "bot.url is missing",
    ] {
        assert!(
            complaint.contains(expected),
            "{expected} is missing in\n{complaint}"
        );
    }
    assert!(!complaint.contains("tooshort"), "{complaint}");

    let (code, output, _) = run(&["check", "--json", "--config", file]).await;
    assert_eq!(
        (
            code,
            serde_json::from_str::<Value>(&output).unwrap()["ok"].clone()
        ),
        (Some(2), json!(false))
    );
    let (code, _, complaint) = run(&["check", "--config", "/nowhere/c.toml"]).await;
    assert_eq!(code, Some(2), "{complaint}");
}

#[tokio::test]
async fn check_says_how_each_connection_works_and_on_which_sources() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    let chat = r#"
[connections.chat]
bot_keys = "bot-key-of-the-chat-bot"
[connections.chat.ringcx]
channel = "native"
base_api_url = "https://acme.api.engagement.dimelo.com"
api_access_token = "token"
source_ids = ["5001", "5002"]
webhook_secrets = "webhook-secret-of-the-chat"
verification_token = "verify-token-of-the-chat"
bot_category_id = "b"
agent_category_id = "a"
[connections.chat.bot]
url = "https://bot.example.org/events"
signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
"#;
    std::fs::write(&file, chat).unwrap();
    let file = file.to_str().unwrap();
    let (code, said, complaint) = run(&["check", "--config", file]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let line = "chat: enabled; the bot answers on RingCentral's own channels; sources 5001, 5002; REST";
    assert!(said.contains(line), "{said}");
}

#[tokio::test]
async fn openapi_prints_the_document() {
    let (code, document, _) = run(&["openapi"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(
        serde_json::from_str::<Value>(&document).unwrap()["openapi"]
            .as_str()
            .unwrap()[..3],
        *"3.1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_and_replays_while_the_bridge_runs() {
    let bridge = Bridge::start().await;
    let (config, data) = (bridge.config(), bridge.data());
    let at = [
        "--config",
        config.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ];
    let run_at = async |arguments: &[&str]| run(&[arguments, &at].concat()).await;

    let (code, nothing, _) = run_at(&["dead-letters", "list"]).await;
    assert_eq!((code, nothing.trim()), (Some(0), "There are no dead letters."));

    bridge
        .insist(
            "/conversations/c 1/messages".replace(' ', "%20").as_str(),
            json!({"from": "user", "text": "hello there"}),
        )
        .await;
    bridge.insist("/conversations/c%201/handover", json!({})).await;
    bridge.until_queued(1).await;
    let thread = bridge.rce.snapshot()["queue"][0]["foreign_id"]
        .as_str()
        .unwrap()
        .to_owned();
    bridge.bot_answers(Some(400));
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take(&thread, &agent).unwrap();
    bridge.rce.reply(&thread, &agent, "hi").unwrap();
    let told = |state: &simulated_ringcx::State| {
        state.contents(&thread).any(|c| {
            c.body
                .as_deref()
                .is_some_and(|b| b.contains("could not be delivered"))
        })
    };
    assert!(
        bridge
            .rce
            .wait_until(told, std::time::Duration::from_secs(30))
            .await,
        "the agent is told\n{}",
        bridge.log()
    );

    let (code, list, _) = run_at(&["dead-letters", "list"]).await;
    assert!(
        code == Some(0) && list.contains("the bot refused it (400)"),
        "{list}"
    );
    let (_, letters, _) = run_at(&["dead-letters", "list", "--json"]).await;
    let letters: Value = serde_json::from_str(&letters).unwrap();
    let message = letters
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["work"] == "deliver_agent_message")
        .unwrap();
    let id = message["id"].as_str().unwrap();
    let (code, shown, _) = run_at(&["dead-letters", "show", id]).await;
    assert!(
        code == Some(0) && !shown.contains("\"hi\""),
        "no message text: {shown}"
    );

    bridge.bot_answers(None);
    let (code, done, _) = run_at(&["dead-letters", "replay", id]).await;
    assert_eq!((code, done.trim()), (Some(0), "1 replayed."));
    bridge
        .until_told(|told| told.iter().any(|t| t.event["data"]["message"]["text"] == "hi"))
        .await;
    let (code, _, complaint) = run_at(&["dead-letters", "replay", id]).await;
    assert_eq!(code, Some(2), "it is gone: {complaint}");

    let (_, list, _) = run_at(&["conversations"]).await;
    assert!(list.contains("c 1") && list.contains("agent"), "{list}");
    let (code, timeline, _) = run_at(&["timeline", "c 1"]).await;
    assert!(
        code == Some(0) && timeline.contains("handover.started") && !timeline.contains("hello there"),
        "{timeline}"
    );
    let (_, timeline, _) = run_at(&["timeline", "c 1", "--text"]).await;
    assert!(timeline.contains("hello there"), "{timeline}");
    let (code, _, complaint) = run_at(&["timeline", "nobody"]).await;
    assert_eq!(code, Some(2), "{complaint}");
    let (status, _) = bridge
        .api(Method::GET, "/conversations/c%201", Value::Null)
        .await
        .unwrap();
    assert_eq!(status, 200, "it still runs");
}
