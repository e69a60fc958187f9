//! Channels of RingCentral's own: several sources, one bot, and nothing of a Source SDK channel.

use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage, NativeSource, SimulatedConfig};
use tokio::process::Command;

use super::{Finished, Newcomer, PATIENCE};
use crate::bridge::{Told, command};

const CHAT: &str = "5f0c00000000000000005001";
const MAIL: &str = "5f0c00000000000000005002";
const SMS: &str = "5f0c00000000000000005003";
const BOTH: [&str; 4] = ["--source", CHAT, "--source", "support MAIL"];

/// A bare account with three channels of its own.
async fn arrives() -> Newcomer {
    let sources = vec![
        NativeSource::new(CHAT, "Chat", NativeKind::WhatsApp),
        NativeSource::new(MAIL, "Support mail", NativeKind::Email),
        NativeSource::new(SMS, "Texts", NativeKind::Sms),
    ];
    Newcomer::with(SimulatedConfig {
        set_up: false,
        ..SimulatedConfig::native(sources)
    })
    .await
}

/// With all that there is to say but the sources.
fn native_command(newcomer: &Newcomer) -> Command {
    let mut command = newcomer.bare_command();
    command
        .args(["--channel", "native"])
        .args(["--base-api-url", &newcomer.bridge.rce.base_url()])
        .args([
            "--api-access-token",
            &format!("file:{}", newcomer.token("rce").display()),
        ])
        .args(["--public-url", &newcomer.bridge.origin()])
        .args(["--bot-url", &newcomer.bridge.bot_url])
        .args(["--agents", "all"]);
    command
}

/// Runs it to its end, without anybody who does anything meanwhile.
async fn run(newcomer: &Newcomer, more: &[&str]) -> Finished {
    let mut command = native_command(newcomer);
    Finished::from(command.args(["--wait", "60"]).args(more).output().await.unwrap())
}

/// Runs it with somebody who starts the bridge.
async fn set_up(newcomer: &mut Newcomer, more: &[&str]) -> Finished {
    let child = native_command(newcomer).arg("--yes").args(more).spawn().unwrap();
    let mut ended = Box::pin(child.wait_with_output());
    let config = newcomer.bridge.config();
    let starts = async {
        while !config.exists() {
            tokio::task::yield_now().await;
        }
    };
    let output = tokio::select! {
        output = &mut ended => output,
        () = starts => {
            if !newcomer.bridge.is_running() {
                newcomer.bridge.start_process().await;
            }
            tokio::time::timeout(PATIENCE, ended).await.expect("it ends")
        }
    };
    Finished::from(output.unwrap())
}

/// The account as far as a set-up changes it, without ids that RCE invents.
async fn account(newcomer: &Newcomer) -> Value {
    let categories = newcomer.list("categories").await;
    let called = |ids: &Value| -> Vec<Value> {
        let ids = ids.as_array().unwrap().iter();
        ids.map(|id| {
            let found = categories.iter().find(|category| category["id"] == *id);
            found.map_or(Value::Null, |found| found["name"].clone())
        })
        .collect()
    };
    // The agents, and then the token's account.
    let users = newcomer.list("users").await;
    let mut people = Vec::new();
    for user in &users {
        let path = format!("users/{}/sources_permissions", user["id"].as_str().unwrap());
        let permissions = newcomer.rest(Method::GET, &path, "").await;
        people.push(json!({
            "categories": called(&user["category_ids"]),
            "permissions": [permissions[CHAT], permissions[MAIL], permissions[SMS]],
        }));
    }
    let sources = newcomer.list("content_sources").await;
    let defaults =
        |member: &str| -> Vec<Vec<Value>> { sources.iter().map(|source| called(&source[member])).collect() };
    let webhooks = newcomer.list("webhooks").await;
    json!({
        "categories": categories.iter().map(|it| it["name"].clone()).collect::<Vec<_>>(),
        "folders": newcomer.list("folders").await.iter().map(|it| it["label"].clone()).collect::<Vec<_>>(),
        "webhooks": webhooks.iter().map(|it| json!([it["url"], it["webhook_status"], it["registered_events"].as_array().unwrap().len()])).collect::<Vec<_>>(),
        "defaults": defaults("default_category_ids"),
        "company_defaults": defaults("user_thread_default_category_ids"),
        "people": people,
    })
}

/// What it is after a set-up of the first two channels.
fn as_it_should_be(newcomer: &Newcomer) -> Value {
    let usual = ["read", "reply", "initiate_discussion"];
    let agent = json!({"categories": ["Agent"], "permissions": [["read", "reply"], ["read", "reply"], []]});
    let url = format!("{}/default/handover/rce", newcomer.bridge.origin());
    json!({
        "categories": ["Bot handover", "Bot", "Agent"],
        "folders": ["Handed over by the bot"],
        "webhooks": [[url, "enabled", 28]],
        "defaults": [["Bot"], ["Bot"], []],
        "company_defaults": [["Bot"], ["Bot"], []],
        "people": [agent, agent, {"categories": [], "permissions": [usual, usual, usual]}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn people_on_two_native_channels_are_answered_after_one_command_and_all_of_it_is_taken_back() {
    let mut newcomer = arrives().await;
    let before = account(&newcomer).await;

    run(&newcomer, &[&BOTH[..], &["--dry-run"]].concat())
        .await
        .expect(0)
        .says("default category of the source \"Support mail\"")
        .says("nothing was changed");
    assert_eq!(newcomer.writes(), [""; 0], "a dry run writes nothing");

    // Nothing of it is left to a person: neither an address nor a tick.
    let done = set_up(&mut newcomer, &BOTH).await.expect(0);
    for word in ["Base URI", "Controlled", "ealtime"] {
        assert!(!done.out.contains(word), "{word} in {}", done.out);
    }
    assert_eq!(account(&newcomer).await, as_it_should_be(&newcomer));
    let config = newcomer.config_text();
    assert!(config.contains("channel = \"native\""), "{config}");
    assert!(
        config.contains(&format!("source_ids = [\"{CHAT}\", \"{MAIL}\"]")),
        "{config}"
    );
    for unused in ["realtime", "_identity", "get_queue_updates"] {
        assert!(!config.contains(unused), "{unused} in {config}");
    }

    a_whole_conversation(&mut newcomer).await;

    let writes = newcomer.writes().len();
    let again = newcomer
        .bare_command()
        .args(["--json", "--yes"])
        .output()
        .await
        .unwrap();
    let document: Value = serde_json::from_slice(&again.stdout).expect("one JSON document");
    assert_eq!(document["result"], "nothing_to_change", "{document:#}");
    assert_eq!(newcomer.writes().len(), writes, "a second run writes nothing");

    // Doctor finds nothing that is wrong either.
    let doctor = command()
        .args(["doctor", "--json", "--config"])
        .arg(newcomer.bridge.config())
        .arg("--data")
        .arg(newcomer.bridge.data())
        .output()
        .await
        .unwrap();
    let report: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let checks = report["connections"][0]["checks"].as_array().unwrap();
    let errors: Vec<&Value> = checks
        .iter()
        // The bot of this test does not verify signatures.
        .filter(|check| check["status"] == "error" && check["id"] != "bot-verifies")
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");

    newcomer.bridge.terminate().await;
    newcomer
        .remove()
        .await
        .expect(0)
        .says("one conversation is in it");
    let mut expected = before;
    // What people said to each other is not deleted, and so its categories stay.
    expected["categories"] = json!(["Bot handover", "Bot"]);
    assert_eq!(account(&newcomer).await, expected);
    assert!(!newcomer.bridge.config().exists());
}

/// A customer writes to RingCentral, the bot answers, an agent takes over and gives the conversation back.
async fn a_whole_conversation(newcomer: &mut Newcomer) {
    let bridge = &mut newcomer.bridge;
    let config: toml_edit::DocumentMut = std::fs::read_to_string(bridge.config()).unwrap().parse().unwrap();
    config["connections"]["default"]["bot_keys"][0]
        .as_str()
        .unwrap()
        .clone_into(&mut bridge.key);
    let message = NativeMessage::new("nadia", "Where is my order?").named("Nadia");
    let content = bridge.rce.customer_writes(message).unwrap();
    let thread = bridge
        .rce
        .read(|state| state.content(&content).map(|it| it.thread_id.clone()))
        .unwrap();
    let has = |told: &[Told], kind: &str| told.iter().any(|told| told.event["type"] == kind);
    bridge.until_told(|told| has(told, "message.created")).await;
    let path = format!("/conversations/{thread}");
    let answer = json!({"id": "b-1", "from": "bot", "text": "Let me see."});
    bridge.insist(&format!("{path}/messages"), answer).await;
    let saw = |words: &str| {
        let (thread, words) = (thread.clone(), words.to_owned());
        move |state: &simulated_ringcx::State| {
            let seen = state.seen_by_customer(&thread);
            seen.iter().any(|it| it.text.as_deref() == Some(&words))
        }
    };
    assert!(bridge.rce.wait_until(saw("Let me see."), PATIENCE).await);
    bridge
        .insist(
            &format!("{path}/handover"),
            json!({"summary": "An order is late."}),
        )
        .await;
    bridge.until_queued(1).await;
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take(&thread, &agent).unwrap();
    bridge.rce.reply(&thread, &agent, "It is on its way.").unwrap();
    assert!(bridge.rce.wait_until(saw("It is on its way."), PATIENCE).await);
    bridge.rce.close(&thread).unwrap();
    bridge.until_told(|told| has(told, "handover.completed")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_write_a_native_set_up_ends_as_if_nothing_had_happened() {
    let mut newcomer = arrives().await;
    let before = account(&newcomer).await;
    let mut runs = 0;
    loop {
        let writes = newcomer.writes().len() + runs / 10;
        let mut child = native_command(&newcomer).arg("--yes").args(BOTH).spawn().unwrap();
        let killed = loop {
            if newcomer.writes().len() > writes {
                break true;
            }
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            if newcomer.bridge.config().exists() && !newcomer.bridge.is_running() {
                newcomer.bridge.start_process().await;
            }
            tokio::task::yield_now().await;
        };
        if killed {
            child.kill().await.unwrap();
        } else {
            assert_eq!(child.wait().await.unwrap().code(), Some(0));
            break;
        }
        runs += 1;
        assert!(runs < 60, "it gets on");
    }
    assert!(runs >= 8, "it was killed {runs} times only");
    assert_eq!(account(&newcomer).await, as_it_should_be(&newcomer));
    newcomer.remove().await.expect(0);
    assert_eq!(
        account(&newcomer).await,
        before,
        "all of it was remembered as ours"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_make_no_second_object_and_a_channel_is_added_later() {
    let mut newcomer = arrives().await;
    for resource in ["categories", "content_sources", "folders", "users", "webhooks"] {
        let rce = &newcomer.bridge.rce;
        rce.fail_next(FaultTarget::RestChange(resource), Fault::LoseAnswer, 1);
    }
    set_up(&mut newcomer, &BOTH).await.expect(0).says("try again");
    assert_eq!(account(&newcomer).await, as_it_should_be(&newcomer));

    // The one that is named comes to those that are there, and is the bot's only when the bridge that runs knows it.
    let early = ["--yes", "--source", SMS, "--wait", "1"];
    Finished::from(native_command(&newcomer).args(early).output().await.unwrap())
        .expect(1)
        .says("adds source \"Texts\" to Chat, Support mail")
        .says("does not answer the source \"Texts\" yet: restart it");
    let now = account(&newcomer).await;
    assert_eq!(
        now["defaults"],
        json!([["Bot"], ["Bot"], []]),
        "agents have them as before"
    );
    newcomer.bridge.hang_up().await;
    set_up(&mut newcomer, &["--source", SMS])
        .await
        .expect(0)
        .says("\"Texts\"");
    let now = account(&newcomer).await;
    assert_eq!(now["defaults"], json!([["Bot"], ["Bot"], ["Bot"]]));
    assert_eq!(now["people"][0]["permissions"][2], json!(["read", "reply"]));
    let config = newcomer.config_text();
    assert!(
        config.contains(&format!("source_ids = [\"{CHAT}\", \"{MAIL}\", \"{SMS}\"]")),
        "{config}"
    );
    newcomer.remove().await.expect(0);
    assert_eq!(account(&newcomer).await["defaults"], json!([[], [], []]));
    let undone = newcomer.writes();
    let first = |what: &str| undone.iter().rposition(|write| write.starts_with(what)).unwrap();
    assert!(
        first("PUT /1.0/content_sources") < first("DELETE /1.0/webhooks"),
        "as long as they are the bot's it is told of them: {undone:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_bridge_answers_customers_stay_with_the_agents() {
    let mut newcomer = arrives().await;
    let early = [&BOTH[..], &["--yes", "--wait", "1"]].concat();
    Finished::from(native_command(&newcomer).args(early).output().await.unwrap())
        .expect(1)
        .says("When it runs, run the same command again");
    assert_eq!(account(&newcomer).await["defaults"], json!([[], [], []]));
    set_up(&mut newcomer, &BOTH).await.expect(0);
    assert_eq!(account(&newcomer).await, as_it_should_be(&newcomer));
    let writes = newcomer.writes();
    assert!(
        writes.last().unwrap().starts_with("PUT /1.0/content_sources"),
        "{writes:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_taken_out_by_hand_goes_back_to_the_agents() {
    let mut newcomer = arrives().await;
    set_up(&mut newcomer, &BOTH).await.expect(0);
    newcomer
        .bridge
        .reload(|text| text.replace(&format!(", \"{MAIL}\""), ""))
        .await;
    set_up(&mut newcomer, &[])
        .await
        .expect(0)
        .says("does not name it any more");
    assert_eq!(account(&newcomer).await["defaults"], json!([["Bot"], [], []]));
    let writes = newcomer.writes().len();
    set_up(&mut newcomer, &[])
        .await
        .expect(0)
        .says("Nothing to change");
    assert_eq!(newcomer.writes().len(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_runs_with_other_settings_is_to_be_restarted_and_doctor_says_so() {
    let mut newcomer = arrives().await;
    let done = set_up(&mut newcomer, &BOTH).await.expect(0);
    assert!(!done.out.contains("SIGHUP"), "it has read it: {}", done.out);
    // The bot moves.
    let elsewhere = format!("{}/elsewhere", newcomer.bridge.bot_url);
    let moves = newcomer
        .bare_command()
        .args(["--yes", "--bot-url", &elsewhere])
        .output();
    Finished::from(moves.await.unwrap())
        .expect(0)
        .says("By hand: the running bridge reads the configuration")
        .says("send it SIGHUP");
    assert_eq!(running(&newcomer).await["status"], "warning");
    newcomer.bridge.hang_up().await;
    assert_eq!(running(&newcomer).await["status"], "ok");
    // One more source, by hand.
    let text = newcomer.config_text();
    let with_texts = text.replace(&format!("\"{MAIL}\""), &format!("\"{MAIL}\", \"{SMS}\""));
    std::fs::write(newcomer.bridge.config(), with_texts).unwrap();
    let check = running(&newcomer).await;
    assert_eq!(check["status"], "error", "{check:#}");
    let what = check["what"].as_str().unwrap();
    assert!(
        what.contains(&format!("does not answer source {SMS} yet")),
        "{what}"
    );
    newcomer.bridge.hang_up().await;
    assert_eq!(running(&newcomer).await["status"], "ok");
}

/// What doctor says of the settings that the running bridge has.
async fn running(newcomer: &Newcomer) -> Value {
    let output = command()
        .args(["doctor", "--json", "--config"])
        .arg(newcomer.bridge.config())
        .arg("--data")
        .arg(newcomer.bridge.data())
        .args(["--public-url", &newcomer.bridge.origin()])
        .output()
        .await
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["connections"][0]["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["id"] == "running-settings")
        .unwrap()
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_identity_of_the_token_s_account_nobody_is_given_to_the_bot() {
    let mut newcomer = arrives().await;
    let me = newcomer.rest(Method::GET, "users/me", "").await;
    let id = me["id"].as_str().unwrap();
    newcomer.bridge.rce.set_account_identities(id, &[]).unwrap();
    let early = [&BOTH[..], &["--wait", "2"]].concat();
    set_up(&mut newcomer, &early)
        .await
        .expect(3)
        .says("Identities: add the page, number or address of \"Support mail\"")
        .says("by hand: about 6")
        .says("Not done before that is");
    assert_eq!(account(&newcomer).await["defaults"], json!([[], [], []]));
    let faces: Vec<String> = serde_json::from_value(me["identity_ids"].clone()).unwrap();
    newcomer.bridge.rce.set_account_identities(id, &faces).unwrap();
    set_up(&mut newcomer, &BOTH).await.expect(0);
    assert_eq!(account(&newcomer).await, as_it_should_be(&newcomer));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_s_account_is_given_what_it_needs_to_answer_and_loses_nothing_of_its_own() {
    let mut newcomer = arrives().await;
    let me = newcomer.rest(Method::GET, "users/me", "").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    newcomer.bridge.rce.permit(&me, MAIL, &["read"]).unwrap();
    let before = account(&newcomer).await;
    set_up(&mut newcomer, &BOTH)
        .await
        .expect(0)
        .says("may answer on \"Chat\", \"Support mail\"");
    let own = account(&newcomer).await["people"][2]["permissions"][1].clone();
    assert_eq!(own, json!(["read", "reply"]));
    newcomer.remove().await.expect(0);
    assert_eq!(account(&newcomer).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_a_native_set_up_is_refused_before_anything_is_changed() {
    let newcomer = arrives().await;
    let refused = async |more: &[&str], words: &str| {
        run(&newcomer, more).await.expect(2).says(words);
    };
    refused(&["--yes"], "--source SOURCE").await;
    refused(
        &["--yes", "--source", "nowhere"],
        "Chat (whats_app, 5f0c00000000000000005001), Support mail (emails, ",
    )
    .await;
    let url = newcomer.bridge.rce.realtime_url();
    refused(
        &["--yes", "--source", CHAT, "--realtime-endpoint-url", &url],
        "are of a Source SDK channel",
    )
    .await;
    // Another bot has it.
    let other =
        format!("[connections.other.ringcx]\nchannel = \"native\"\nsource_ids = [\"{SMS}\", \"{MAIL}\"]\n");
    std::fs::write(newcomer.bridge.config(), other).unwrap();
    refused(&[&BOTH[..], &["--yes"]].concat(), "a source has one bot").await;
    // It is a connection of the other kind.
    std::fs::write(
        newcomer.bridge.config(),
        "[connections.default.ringcx]\nsource_id = \"s1\"\n",
    )
    .unwrap();
    refused(&["--yes", "--source", CHAT], "set up with --channel source-sdk").await;
    assert_eq!(newcomer.writes(), [""; 0]);

    // In an account that has both kinds, each is refused in the other's place.
    let both = Newcomer::with(SimulatedConfig {
        native_sources: vec![NativeSource::new(CHAT, "Chat", NativeKind::WhatsApp)],
        ..SimulatedConfig::bare()
    })
    .await;
    let sdk = both.bridge.rce.config().source_id.clone();
    run(&both, &["--yes", "--source", &sdk])
        .await
        .expect(2)
        .says("set it up without --channel native")
        .says("Chat (whats_app");
    let mut command = both.bare_command();
    let (base, token) = (
        both.bridge.rce.base_url(),
        format!("file:{}", both.token("rce").display()),
    );
    command
        .args([
            "--base-api-url",
            &base,
            "--api-access-token",
            &token,
            "--source",
            CHAT,
        ])
        .args([
            "--realtime-access-token",
            &format!("file:{}", both.token("source").display()),
        ])
        .args([
            "--public-url",
            &both.bridge.origin(),
            "--bot-url",
            &both.bridge.bot_url,
        ])
        .args(["--agents", "all", "--yes"]);
    Finished::from(command.output().await.unwrap())
        .expect(2)
        .says("--channel native");
    assert_eq!(both.writes(), [""; 0]);
}

/// With everything but what is about the bot, and nobody who starts a bridge.
async fn with_bot(newcomer: &Newcomer, more: &[&str]) -> Finished {
    let mut command = newcomer.bare_command();
    command
        .args([
            "--channel",
            "native",
            "--base-api-url",
            &newcomer.bridge.rce.base_url(),
        ])
        .args([
            "--api-access-token",
            &format!("file:{}", newcomer.token("rce").display()),
        ])
        .args(["--public-url", &newcomer.bridge.origin()])
        .args(["--agents", "all", "--source", CHAT, "--yes", "--wait", "1"])
        .args(more);
    Finished::from(command.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn platforms_are_asked_for_what_they_need_to_hear_customers() {
    let newcomer = arrives().await;
    let cognigy = [
        "--bot-kind",
        "cognigy",
        "--bot-url",
        "https://endpoint.cognigy.example",
    ];
    with_bot(&newcomer, &cognigy)
        .await
        .expect(2)
        .says("--bot-url-token");
    let chatlayer = [
        "--bot-kind",
        "chatlayer",
        "--bot-access-token",
        "token-of-chatlayer",
        "--bot-id",
        "b1",
    ];
    with_bot(&newcomer, &chatlayer)
        .await
        .expect(2)
        .says("--bot-channel-url")
        .says("--bot-channel-token");
    with_bot(&newcomer, &["--bot-url", "bot.example.org"])
        .await
        .expect(2)
        .says("bot URL: begin with https://");
    assert_eq!(newcomer.writes(), [""; 0]);

    // The whole address of Cognigy's endpoint may be pasted.
    let pasted = "https://endpoint.cognigy.example/0123456789abcdef";
    let cognigy = [
        "--bot-kind",
        "cognigy",
        "--bot-url",
        pasted,
        "--bot-endpoint",
        "webhook",
    ];
    with_bot(&newcomer, &cognigy)
        .await
        .expect(1)
        .says("It is started like this");
    let config = newcomer.config_text();
    for line in [
        "endpoint_base_url = \"https://endpoint.cognigy.example\"",
        "url_token = \"0123456789abcdef\"",
        "endpoint = \"webhook\"",
    ] {
        assert!(config.contains(line), "{line} in {config}");
    }
    let chatlayer = [
        &chatlayer[..],
        &[
            "--bot-channel-url",
            "https://chatlayer.example/channel/1",
            "--bot-channel-token",
            "token-of-the-channel",
        ],
        &["--connection", "second", "--source", SMS],
    ]
    .concat();
    std::fs::remove_file(newcomer.bridge.config()).unwrap();
    with_bot(&newcomer, &chatlayer)
        .await
        .expect(1)
        .says("It is started like this");
    let config = newcomer.config_text();
    for line in [
        "webhook_channel_url = \"https://chatlayer.example/channel/1\"",
        "webhook_channel_token = \"token-of-the-channel\"",
    ] {
        assert!(config.contains(line), "{line} in {config}");
    }
    // A channel of the bot's own is another connection.
    let mirrored = [
        "--connection",
        "second",
        "--realtime-access-token",
        "token-of-a-source",
    ];
    Finished::from(newcomer.bare_command().args(mirrored).output().await.unwrap())
        .expect(2)
        .says("name another one with --connection");
}
