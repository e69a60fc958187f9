//! Operating a bridge that runs, from a second process on the same data.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bridge::{Bridge, command};

struct Ran {
    code: Option<i32>,
    said: String,
    complaint: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            complaint: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|_| panic!("{} {}", self.said, self.complaint))
    }
}

async fn run(bridge: &Bridge, arguments: &[&str]) -> Ran {
    let (config, data) = (bridge.config(), bridge.data());
    let mut command = command();
    command.args(arguments);
    command.arg("--config").arg(config).arg("--data").arg(data);
    Ran::of(command.output().await.unwrap())
}

/// An agent has conversation `c`.
async fn with_agent() -> Bridge {
    let bridge = Bridge::start().await;
    bridge
        .insist("/conversations/c/messages", json!({"from": "user", "text": "hi"}))
        .await;
    let why = json!({"reason": "their own words"});
    bridge.insist("/conversations/c/handover", why).await;
    bridge.until_queued(1).await;
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take("c", &agent).unwrap();
    bridge.rce.reply("c", &agent, "hello").unwrap();
    bridge
        .until_told(|told| told.iter().any(|t| t.event["type"] == "message.created"))
        .await;
    bridge
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_given_back_by_hand() {
    let bridge = with_agent().await;
    bridge
        .insist("/conversations/d/messages", json!({"from": "user", "text": "hi"}))
        .await;
    let open = run(&bridge, &["conversations", "--open"]).await;
    assert!(
        open.said.contains("Sam Okafor") && open.said.contains("active"),
        "{}",
        open.said
    );
    assert!(
        open.said.contains(" ago") || open.said.contains("just now"),
        "{}",
        open.said
    );
    let listed = run(&bridge, &["conversations", "--json", "--handler", "agent"])
        .await
        .json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "not the bot's: {listed}");
    assert_eq!(
        (
            &listed[0]["connection"],
            &listed[0]["conversation"],
            &listed[0]["agent"]["name"]
        ),
        (&json!("default"), &json!("c"), &json!("Sam Okafor"))
    );

    let released = run(&bridge, &["release", "c", "--json"]).await;
    assert_eq!(released.code, Some(0), "{}", released.complaint);
    assert_eq!(released.json()["handler"], "bot");
    assert!(!released.said.contains("their own words"), "{}", released.said);
    // The process that serves finds the work.
    bridge
        .until_told(|told| told.iter().any(|t| t.event["data"]["cause"] == "operator"))
        .await;
    let ended = |state: &simulated_ringcx::State| state.open_intervention("c").is_none();
    assert!(
        bridge.rce.wait_until(ended, Duration::from_secs(30)).await,
        "{}",
        bridge.log()
    );

    let again = run(&bridge, &["release", "c"]).await;
    assert_eq!(again.code, Some(2));
    assert!(
        again.complaint.contains("no handover to end"),
        "{}",
        again.complaint
    );
    for (arguments, hint) in [
        (
            ["release", "nobody", "--json"],
            "see: engage-handover conversations",
        ),
        (["release", "c", "--connection=x"], "there are: default"),
        (["conversations", "--status=sad", "--json"], "status is one of"),
    ] {
        let wrong = run(&bridge, &arguments).await;
        assert_eq!(wrong.code, Some(2), "{arguments:?}");
        assert!(wrong.complaint.contains(hint), "{}", wrong.complaint);
    }
    let gone = run(&bridge, &["conversations", "--open"]).await;
    assert_eq!(gone.said.trim(), "There are no such conversations.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_runs_empty_and_a_restart_does_not_change_that() {
    let mut bridge = with_agent().await;
    let waited = run(&bridge, &["drain", "--timeout", "0"]).await;
    assert_eq!(waited.code, Some(1), "somebody talks: {}", waited.said);
    for words in ["1 handover is open", "Draining stays on", "drain --off --config"] {
        assert!(waited.complaint.contains(words), "{words}: {}", waited.complaint);
    }
    assert!(waited.said.contains("jobs waiting: to-bot"), "{}", waited.said);
    assert_eq!(bridge.terminate().await, Some(0));
    bridge.start_process().await;
    let is_refused = async || {
        let asked = bridge.api(reqwest::Method::POST, "/conversations/d/handover", json!({}));
        asked.await.unwrap().1["handover"]["status"] == "unavailable"
    };
    assert!(is_refused().await);
    let shown = run(&bridge, &["drain", "--show", "--json"]).await.json();
    assert_eq!(
        (
            &shown[0]["connection"],
            &shown[0]["draining"],
            &shown[0]["open_handovers"]
        ),
        (&json!("default"), &json!(true), &json!(1))
    );

    bridge.rce.close("c").unwrap();
    let done = run(&bridge, &["drain", "--timeout", "60"]).await;
    assert_eq!(done.code, Some(0), "{}", done.complaint);
    assert!(
        done.said.contains("Nothing is open and nothing waits."),
        "{}",
        done.said
    );
    assert!(is_refused().await, "until somebody says otherwise");
    let shown = run(&bridge, &["drain", "--show"]).await.said;
    assert!(
        shown.contains("default: drained, begun ") && shown.contains("no handover is open"),
        "{shown}"
    );

    let off = run(&bridge, &["drain", "--off"]).await;
    assert_eq!(
        (off.code, off.said.trim()),
        (Some(0), "Handovers may begin again.")
    );
    bridge.insist("/conversations/d/handover", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_where_nothing_happens_is_empty_at_once() {
    let bridge = Bridge::start().await;
    let done = run(&bridge, &["drain", "--timeout", "0", "--json"]).await;
    assert_eq!(done.code, Some(0), "{}", done.complaint);
    assert_eq!(done.json()["open_handovers"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_watching_and_says_that_draining_stays_on() {
    let bridge = with_agent().await;
    let mut watching = command();
    watching.args(["drain", "--config"]).arg(bridge.config());
    watching.arg("--data").arg(bridge.data());
    watching
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut process = watching.spawn().unwrap();
    let pid = process.id().unwrap().to_string();
    // It watches once it has said how it stands.
    let mut said = tokio::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut said, &mut line)
        .await
        .unwrap();
    assert!(line.starts_with("1 handover is open"), "{line}");
    let interrupted = std::process::Command::new("kill").args(["-INT", &pid]).status();
    assert!(interrupted.unwrap().success());
    let ended = Ran::of(process.wait_with_output().await.unwrap());
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.complaint.contains("Stopped watching") && ended.complaint.contains("Draining stays on"),
        "{}",
        ended.complaint
    );
    assert_eq!(
        run(&bridge, &["drain", "--show", "--json"]).await.json()[0]["draining"],
        true
    );
}

#[tokio::test]
async fn a_stage_on_aws_needs_a_build_that_knows_aws_and_no_data_directory() {
    let output = command()
        .args(["conversations", "--stage", "prod"])
        .env_clear()
        .output();
    let asked = Ran::of(output.await.unwrap());
    assert_eq!(asked.code, Some(2));
    let hint = if cfg!(feature = "aws") {
        "aws configure export-credentials --format env"
    } else {
        "cargo build --release -p engage-handover --no-default-features --features aws"
    };
    assert!(asked.complaint.contains(hint), "{}", asked.complaint);
    for arguments in [
        &["conversations"][..],
        &["conversations", "--config", "c.toml"],
        &[
            "conversations",
            "--stage",
            "prod",
            "--config",
            "c.toml",
            "--data",
            "d",
        ],
    ] {
        let output = command().args(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_and_begins_anew() {
    let mut bridge = with_agent().await;
    let said = "the-word-that-must-go";
    let user = json!({"id": "usr-7", "firstname": said});
    bridge.rce.clear_faults();
    bridge.bot_answers(Some(400));
    for id in ["c", "d"] {
        let message = json!({"id": "w", "from": "user", "text": said, "user": user});
        bridge
            .insist(&format!("/conversations/{id}/messages"), message)
            .await;
    }
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.reply("c", &agent, said).unwrap();
    until_dead_letter(&bridge).await;

    let refused = run(&bridge, &["erase", "c"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.complaint.contains("--yes"), "{}", refused.complaint);
    let refused = run(&bridge, &["erase", "c", "--yes"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.complaint.contains("release"), "{}", refused.complaint);
    assert_eq!(
        run(&bridge, &["timeline", "c"]).await.code,
        Some(0),
        "nothing is gone"
    );

    bridge.bot_answers(None);
    assert_eq!(run(&bridge, &["release", "c"]).await.code, Some(0));
    bridge
        .until_told(|told| told.iter().any(|t| t.event["type"] == "handover.cancelled"))
        .await;
    let erased = run(&bridge, &["erase", "--person", "usr-7", "--yes", "--json"]).await;
    assert_eq!(erased.code, Some(0), "{}", erased.complaint);
    let mut ids: Vec<Value> = erased.json()["erased"].as_array().unwrap().clone();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["c", "d"]);
    for id in ids {
        let line = format!("erased default/{}", id.as_str().unwrap());
        assert!(erased.complaint.contains(&line), "{}", erased.complaint);
    }
    let unclear = run(&bridge, &["erase", "--yes"]).await;
    assert_eq!(unclear.code, Some(2));
    assert!(unclear.complaint.contains("--person"), "{}", unclear.complaint);
    for id in ["c", "d"] {
        assert_eq!(run(&bridge, &["timeline", id]).await.code, Some(2));
    }
    let letters = run(&bridge, &["dead-letters", "list", "--json"]).await;
    assert_eq!(letters.json(), json!([]));
    let again = run(&bridge, &["erase", "c", "--yes"]).await;
    assert_eq!(again.code, Some(2), "{}", again.said);
    let nobody = run(&bridge, &["erase", "--person", "usr-7", "--yes"]).await;
    assert_eq!(nobody.code, Some(2));

    // Who comes back is new: the same ids are no repeats.
    bridge
        .insist(
            "/conversations/c/messages",
            json!({"id": "w", "from": "user", "text": "again"}),
        )
        .await;
    assert_eq!(bridge.terminate().await, Some(0));
}

async fn until_dead_letter(bridge: &Bridge) {
    let there = async {
        while !bridge.log().contains("job put aside as dead letter") {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), there).await;
    assert!(in_time.is_ok(), "{}", bridge.log());
}
