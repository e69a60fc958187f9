//! Bad input: refused before anything is changed, or done as far as it can be, with what to do.

use reqwest::Method;
use simulated_ringcx::SimulatedConfig;

use super::{Finished, Newcomer};

/// Nothing was written, neither there nor here.
#[track_caller]
fn untouched(newcomer: &Newcomer) {
    assert_eq!(newcomer.writes(), [""; 0]);
    assert!(!newcomer.bridge.config().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_missing_is_said_at_once() {
    let newcomer = Newcomer::arrives().await;
    let output = newcomer.bare_command().output().await.unwrap();
    let finished = Finished::from(output).expect(2);
    let mut finished = finished
        .says("--base-api-url")
        .says("--api-access-token")
        .says("--public-url");
    for option in [
        "--realtime-endpoint-url",
        "--realtime-access-token",
        "--bot-url",
        "--agents",
    ] {
        finished = finished.says(option);
    }
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_accepted_changes_nothing() {
    let newcomer = Newcomer::arrives().await;
    newcomer.bridge.rce.disable_token();
    newcomer
        .run(&["--yes"])
        .await
        .expect(2)
        .says("does not accept the API access token");
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realtime_token_that_is_not_accepted_is_found_out_before_anything_is_made() {
    let newcomer = Newcomer::arrives().await;
    std::fs::write(newcomer.token("source"), "the-token-of-another-source").unwrap();
    newcomer
        .run(&["--yes"])
        .await
        .expect(2)
        .says("does not accept the realtime access token");
    assert!(newcomer.list("categories").await.is_empty());
    assert!(!newcomer.bridge.config().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_the_wrong_type_is_refused_with_those_that_would_do() {
    let newcomer = Newcomer::arrives().await;
    let mail = newcomer.bridge.rce.add_source("Mail", "email");
    newcomer
        .run(&["--yes", "--source", &mail])
        .await
        .expect(2)
        .says("\"Mail\" is of type email")
        .says("Simulated channel (5f0c000000000000000050c1)");
    newcomer
        .run(&["--yes", "--source", "nothing"])
        .await
        .expect(2)
        .says("there is no source nothing");
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_exist_is_refused_with_who_does() {
    let newcomer = Newcomer::arrives().await;
    newcomer
        .run(&["--yes", "--agents", "ophelia@acme.example"])
        .await
        .expect(2)
        .says("ophelia@acme.example")
        .says("5f0c00000000000000a90001@simulated.example");
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_categories_are_read_and_those_of_ours_are_found_among_them() {
    let mut newcomer = Newcomer::arrives().await;
    newcomer.bridge.rce.add_categories(3000);
    newcomer.set_up(&[]).await.expect(3);
    let writes = newcomer.writes().len();
    newcomer.run(&["--yes"]).await.expect(0).says("Nothing to change");
    assert_eq!(newcomer.writes().len(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_webhooks_that_lead_here_become_one_and_its_other_events_stay() {
    let mut newcomer = Newcomer::arrives().await;
    let origin = newcomer.bridge.origin();
    let token = newcomer.bridge.rce.config().api_token.clone();
    for (path, event) in [
        ("default/handover/rce/webhook", "intervention.closed"),
        ("default/handover/rce", "identity.merged"),
        ("another/handover/rce", "intervention.closed"),
    ] {
        let form =
            format!("access_token={token}&url={origin}/{path}&active=false&registered_events[]={event}");
        newcomer.rest(Method::POST, "webhooks", &form).await;
    }
    newcomer
        .set_up(&[])
        .await
        .expect(3)
        .says("every event would come twice");
    assert_eq!(
        newcomer.list("webhooks").await.len(),
        3,
        "nobody said that it may be deleted"
    );

    newcomer
        .run(&["--yes", "--delete-other-webhooks"])
        .await
        .expect(0);
    let left = newcomer.list("webhooks").await;
    let ours = left
        .iter()
        .find(|webhook| webhook["url"] == format!("{origin}/default/handover/rce"))
        .unwrap();
    assert_eq!(ours["webhook_status"], "enabled");
    let events = ours["registered_events"].as_array().unwrap();
    assert!(
        events.contains(&"identity.merged".into()) && events.len() == 27,
        "{events:?}"
    );
    assert!(
        left.iter()
            .any(|webhook| webhook["url"] == format!("{origin}/another/handover/rce"))
    );
    assert_eq!(left.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_known_to_be_missing_is_named_with_the_role_to_tick_it_in() {
    let newcomer = Newcomer::with(SimulatedConfig {
        lacking_rights: vec!["manage_folders".to_owned(), "monitor_tasks".to_owned()],
        ..SimulatedConfig::bare()
    })
    .await;
    newcomer
        .run(&["--dry-run"])
        .await
        .expect(0)
        .says("by hand  folder")
        .says("Tick \"manage_folders\"")
        .says("Admin > Roles > Simulated administrator")
        .says("monitor_tasks");
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_token_may_not_do_a_person_does_and_it_goes_on_when_it_sees_it() {
    let mut newcomer = Newcomer::with(SimulatedConfig {
        // Which rights the account has cannot be seen either: each call tells.
        lacking_rights: vec!["manage_folders".to_owned(), "manage_roles".to_owned()],
        ..SimulatedConfig::bare()
    })
    .await;
    let child = newcomer.command().arg("--yes").spawn().unwrap();
    let refused = |request: &simulated_ringcx::LoggedRequest| {
        request.what == "POST /1.0/folders" && request.status == 403
    };
    while !newcomer.bridge.rce.requests().iter().any(refused) {
        tokio::task::yield_now().await;
    }
    let agent = newcomer.list("categories").await[2]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    newcomer.bridge.rce.give_right("manage_folders").unwrap();
    let form = format!("label=By%20a%20person&query=categorized_in%3A%22{agent}%22");
    newcomer.rest(Method::POST, "folders", &form).await;
    newcomer
        .attend(child)
        .await
        .expect(3)
        .says("Query, paste:")
        .says("seen: the agents' folder");

    // What a person made is not ours to delete.
    newcomer.remove().await.expect(0);
    assert_eq!(newcomer.list("folders").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_would_be_given_the_bots_conversations_is_named_and_relieved() {
    let mut newcomer = Newcomer::arrives().await;
    newcomer.set_up(&[]).await.expect(3);
    let ids: Vec<String> = newcomer
        .list("categories")
        .await
        .iter()
        .map(|c| c["id"].as_str().unwrap().to_owned())
        .collect();
    let sam = newcomer.bridge.rce.config().agents[0].id.clone();
    newcomer
        .bridge
        .rce
        .set_categories_of(&sam, &[&ids[1], &ids[2]])
        .unwrap();
    newcomer
        .run(&["--yes"])
        .await
        .expect(0)
        .says("category \"Bot\" of Sam Okafor: held → taken away");
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_rights_leaves_clicks_and_says_how_to_go_on() {
    let lacking = [
        "manage_categories",
        "update_content_source",
        "manage_folders",
        "read_user",
        "update_user",
        "manage_roles",
    ];
    let newcomer = Newcomer::with(SimulatedConfig {
        lacking_rights: lacking.map(str::to_owned).to_vec(),
        ..SimulatedConfig::bare()
    })
    .await;
    newcomer
        .run(&["--yes", "--wait", "0"])
        .await
        .expect(1)
        .says("Admin > Categories > Add")
        .says("still to be done by hand: the category \"Bot handover\"")
        .says("Run the same command again");
    assert!(!newcomer.bridge.config().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_which_nobody_answers_is_said_at_once() {
    let newcomer = Newcomer::arrives().await;
    let mut command = newcomer.bare_command();
    command
        .args([
            "--base-api-url",
            "http://127.0.0.1:1",
            "--api-access-token",
            "any-token",
        ])
        .args([
            "--source",
            "s",
            "--realtime-access-token",
            "any",
            "--public-url",
            "https://b.example",
        ])
        .args(["--bot-url", "https://bot.example", "--agents", "all"]);
    let finished = Finished::from(command.output().await.unwrap());
    finished.expect(2).says("127.0.0.1 cannot be reached");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_belongs_to_one_connection_and_its_url_names_it() {
    let mut newcomer = Newcomer::arrives().await;
    newcomer.set_up(&[]).await.expect(3);
    let writes = newcomer.writes().len();
    newcomer
        .run(&["--yes", "--connection", "two"])
        .await
        .expect(2)
        .says("used by the connection \"default\" already");
    let second = newcomer.bridge.rce.add_source("Second chat", "sdk");
    newcomer
        .run(&["--yes", "--source", "Second chat"])
        .await
        .expect(2)
        .says(&format!("another source than {second}"));
    assert_eq!(newcomer.writes().len(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_writes_into_is_looked_at_first_and_is_its_own_meanwhile() {
    let newcomer = Newcomer::arrives().await;
    let directory = newcomer.bridge.dir.path().to_owned();
    let leftover = directory.join(".engage-handover-abc123");
    std::fs::write(&leftover, "of a set-up that was killed").unwrap();

    let other = std::fs::File::open(&directory).unwrap();
    other.lock().unwrap();
    newcomer
        .run(&["--yes"])
        .await
        .expect(2)
        .says("another engage-handover setup is at work");
    assert!(leftover.exists(), "it may be the other one's");
    drop(other);
    newcomer.run(&["--yes", "--agents", "nobody@x"]).await.expect(2);
    assert!(!leftover.exists());

    let mut command = crate::bridge::command();
    command
        .args(["setup", "--remove", "--config"])
        .arg(directory.join("no/such/connections.toml"));
    Finished::from(command.output().await.unwrap())
        .expect(2)
        .says("there is no directory");
    untouched(&newcomer);
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_that_it_may_not_see_are_left_to_a_person() {
    let mut newcomer = Newcomer::with(SimulatedConfig {
        lacking_rights: vec!["read_identity".to_owned()],
        ..SimulatedConfig::bare()
    })
    .await;
    newcomer
        .run(&["--dry-run"])
        .await
        .expect(0)
        .says("Tick \"read_identity\"");
    newcomer
        .set_up(&[])
        .await
        .expect(3)
        .says("Tick \"Controlled identity\"")
        .says("Identities: add \"Agent\"")
        .says("- agents speak as \"Agent\"");
    newcomer.run(&["--yes"]).await.expect(0).says("Nothing to change");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for_was_said_before() {
    let mut newcomer = Newcomer::with(SimulatedConfig {
        lacking_rights: vec!["read_user".to_owned(), "update_user".to_owned()],
        ..SimulatedConfig::bare()
    })
    .await;
    let mut child = newcomer.command().arg("--yes").spawn().unwrap();
    newcomer.by_hand().await;
    child.kill().await.unwrap();
    // The bridge runs, both ticks are there, and no agent has the identity.
    let waiting = newcomer.run(&["--yes", "--wait", "0"]).await.expect(1);
    waiting
        .says("Identities: add \"Agent\"")
        .says("still to be done by hand");
    let agent = newcomer.bridge.rce.config().agents[0].id.clone();
    newcomer.bridge.rce.assign_identity("agent", &[&agent]).unwrap();
    newcomer.run(&["--yes", "--wait", "0"]).await.expect(0);
}
