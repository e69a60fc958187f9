//! From a bare account to a handover, again without a change, and back.

use reqwest::Method;
use serde_json::{Value, json};

use super::Newcomer;

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_account_carries_a_handover_after_one_command_and_nothing_changes_the_second_time() {
    let mut newcomer = Newcomer::arrives().await;
    let before = newcomer.account().await;

    newcomer
        .run(&["--dry-run"])
        .await
        .expect(0)
        .says("create   category \"Bot\" under \"Bot handover\"")
        .says("nothing was changed");
    assert_eq!(newcomer.writes(), [""; 0], "a dry run writes nothing");
    assert!(!newcomer.bridge.config().exists());

    let done = newcomer.set_up(&[]).await.expect(3);
    let done = done.says("Base URI, paste:").says("Tick \"Controlled identity\"");
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());
    for secret in secrets(&newcomer) {
        assert!(
            !done.out.contains(&secret) && !done.err.contains(&secret),
            "a secret is shown"
        );
    }
    let reference = format!("api_access_token = \"file:{}\"", newcomer.token("rce").display());
    assert!(
        newcomer.config_text().contains(&reference),
        "the token stays where it was"
    );

    a_whole_handover(&mut newcomer).await;

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

    newcomer.bridge.terminate().await;
    let text = newcomer.config_text();
    let removed = newcomer
        .remove()
        .await
        .expect(0)
        .says("one conversation is in it");
    let mut expected = before;
    // What people said to each other is not deleted, and so its categories stay.
    expected["categories"] = json!(["Bot handover", "Bot"]);
    assert_eq!(newcomer.account().await, expected, "{}", removed.out);
    assert!(!newcomer.bridge.config().exists());
    let record = std::fs::read_to_string(newcomer.bridge.config().with_extension("setup.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let made = &record["connections"]["default"]["made"];
    assert!(
        made["bot_category"]["id"].is_string() && made["agent_category"].is_null(),
        "what is still there is remembered as ours: {made}"
    );
    let kept = std::fs::read_dir(newcomer.bridge.dir.path())
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok());
    assert!(
        kept.into_iter().any(|kept| kept == text),
        "the section is kept in a copy"
    );
}

/// The bot asks for a human; an agent of the account answers, and gives the conversation back.
async fn a_whole_handover(newcomer: &mut Newcomer) {
    let bridge = &mut newcomer.bridge;
    let config: toml_edit::DocumentMut = std::fs::read_to_string(bridge.config()).unwrap().parse().unwrap();
    config["connections"]["default"]["bot_keys"][0]
        .as_str()
        .unwrap()
        .clone_into(&mut bridge.key);
    let base_uri = format!("{}/default/handover/rce", bridge.origin());
    assert!(
        bridge.rce.set_base_uri(&base_uri).await,
        "the bridge answers the source"
    );

    let words = json!({"from": "user", "text": "Where is my order?", "user": {"id": "u-7"}});
    bridge.insist("/conversations/c-1/messages", words).await;
    bridge
        .insist(
            "/conversations/c-1/handover",
            json!({"summary": "An order is late."}),
        )
        .await;
    bridge.until_queued(1).await;
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take("c-1", &agent).unwrap();
    bridge.rce.reply("c-1", &agent, "It is on its way.").unwrap();
    let has = |told: &[crate::bridge::Told], kind: &str| told.iter().any(|told| told.event["type"] == kind);
    bridge.until_told(|told| has(told, "message.created")).await;
    bridge.rce.close("c-1").unwrap();
    bridge.until_told(|told| has(told, "handover.completed")).await;
    let (status, conversation) = bridge
        .api(Method::GET, "/conversations/c-1", Value::Null)
        .await
        .unwrap();
    assert_eq!((status, &conversation["handler"]), (200, &json!("bot")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_used_is_gone_after_a_removal_and_what_others_gave_stays() {
    let mut newcomer = Newcomer::arrives().await;
    let sam = newcomer.bridge.rce.config().agents[0].id.clone();
    let source = newcomer.bridge.rce.config().source_id.clone();
    newcomer
        .bridge
        .rce
        .permit(&sam, &source, &["read", "initiate_discussion"])
        .unwrap();
    let before = newcomer.account().await;
    newcomer.set_up(&[]).await.expect(3);
    let set_up = newcomer.account().await;
    assert_eq!(
        set_up["agents"][0]["permissions"],
        json!(["read", "initiate_discussion", "reply"]),
        "nothing that an agent has is taken"
    );
    let dry = newcomer
        .bare_command()
        .args(["--remove", "--dry-run"])
        .output()
        .await
        .unwrap();
    super::Finished::from(dry)
        .expect(0)
        .says("delete   category \"Bot handover\"");
    assert_eq!(newcomer.account().await, set_up);
    newcomer.remove().await.expect(0);
    assert_eq!(newcomer.account().await, before);

    // There is nothing left to undo.
    newcomer.remove().await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_there_before_is_as_it_was_after_a_removal() {
    let mut newcomer = Newcomer::arrives().await;
    let token = newcomer.bridge.rce.config().api_token.clone();
    let url = format!("{}/default/handover/rce/webhook", newcomer.bridge.origin());
    let form = format!(
        "access_token={token}&url={url}&active=false&verify_token=of-before&registered_events[]=intervention.closed&registered_events[]=identity.merged"
    );
    newcomer.rest(Method::POST, "webhooks", &form).await;
    let before = newcomer.list("webhooks").await;
    newcomer.set_up(&[]).await.expect(3);
    assert_eq!(newcomer.account().await["webhooks"][0]["status"], "enabled");
    newcomer.bridge.terminate().await;
    removed(&newcomer)
        .await
        .expect(0)
        .says("Yours to do: the webhook to")
        .says("secret");
    let validations = |rce: &simulated_ringcx::SimulatedRingcx| {
        let all = rce.deliveries().into_iter();
        all.filter(|sent| sent.kind == simulated_ringcx::DeliveryKind::Handshake)
            .count()
    };
    assert_eq!(
        validations(&newcomer.bridge.rce),
        1,
        "saving one that is on asks its address"
    );
    assert_eq!(newcomer.list("webhooks").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_goes_on_past_what_it_may_not_and_the_same_command_ends_it() {
    let mut newcomer = Newcomer::arrives().await;
    let before = newcomer.account().await;
    newcomer.set_up(&[]).await.expect(3);
    newcomer.bridge.rce.take_right("manage_folders").unwrap();
    removed(&newcomer)
        .await
        .expect(1)
        .says("delete the folder \"Handed over by the bot\" (Admin > Folders)")
        .says("run the same command again");
    let after = newcomer.account().await;
    assert_eq!(after["categories"], before["categories"]);
    assert_eq!(after["agents"], before["agents"]);
    assert!(newcomer.bridge.config().exists(), "its token is needed again");
    newcomer.bridge.rce.give_right("manage_folders").unwrap();
    removed(&newcomer).await.expect(0);
    assert_eq!(newcomer.account().await, before);
    removed(&newcomer).await.expect(2).says("nothing to undo");
}

async fn removed(newcomer: &Newcomer) -> super::Finished {
    let mut command = newcomer.bare_command();
    super::Finished::from(command.args(["--remove", "--yes"]).output().await.unwrap())
}

fn secrets(newcomer: &Newcomer) -> Vec<String> {
    let text = newcomer.config_text();
    let long = text
        .split('"')
        .filter(|part| part.len() >= 40 && !part.contains(':'));
    let found: Vec<String> = long.map(str::to_owned).collect();
    assert!(found.len() >= 4, "{text}");
    found
}
