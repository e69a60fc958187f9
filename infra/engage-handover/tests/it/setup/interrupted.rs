//! Whatever comes between, the same command again ends where one run would have ended.

use simulated_ringcx::{Fault, FaultTarget};

use super::Newcomer;

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_write_it_ends_as_if_nothing_had_happened() {
    let mut newcomer = Newcomer::arrives().await;
    let before = newcomer.account().await;
    let mut runs = 0;
    loop {
        // A step that is repeated until it is known to be done would be killed for ever; later runs get a little further.
        let writes = newcomer.writes().len() + runs / 10;
        let mut child = newcomer.command().arg("--yes").spawn().unwrap();
        let killed = loop {
            if newcomer.writes().len() > writes {
                break true;
            }
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            // A person who does what it asks for, as soon as it can be done.
            for identity in ["bot", "agent"] {
                let _ = newcomer.bridge.rce.tick_controlled_identity(identity);
            }
            if newcomer.bridge.config().exists() && !newcomer.bridge.is_running() {
                newcomer.bridge.start_process().await;
            }
            tokio::task::yield_now().await;
        };
        if killed {
            child.kill().await.unwrap();
        } else {
            let code = child.wait().await.unwrap().code();
            // Left is the Base URI, unless an earlier run said it.
            assert!(matches!(code, Some(0 | 3)), "{code:?}");
            break;
        }
        runs += 1;
        assert!(runs < 60, "it gets on");
    }
    assert!(runs >= 8, "it was killed {runs} times only");
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());

    newcomer.remove().await.expect(0);
    assert_eq!(
        newcomer.account().await,
        before,
        "all of it was remembered as ours"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_get_lost_make_no_second_object() {
    let mut newcomer = Newcomer::arrives().await;
    for resource in ["categories", "content_sources", "folders", "users", "webhooks"] {
        newcomer
            .bridge
            .rce
            .fail_next(FaultTarget::RestChange(resource), Fault::LoseAnswer, 1);
    }
    newcomer.set_up(&[]).await.expect(3).says("try again");
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_what_was_done_and_the_same_command_goes_on() {
    let mut newcomer = Newcomer::arrives().await;
    let child = newcomer.command().arg("--yes").spawn().unwrap();
    // It waits for the bridge by now, or soon.
    while !newcomer.bridge.config().exists()
        || newcomer.account().await["folders"] != newcomer.as_it_should_be()["folders"]
    {
        tokio::task::yield_now().await;
    }
    let pid = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert!(sent.success());
    let stopped = super::Finished::from(child.wait_with_output().await.unwrap());
    stopped
        .expect(130)
        .says("Done so far:")
        .says("category \"Bot handover\"")
        .says("Run the same command again");
    let secrets = newcomer.config_text();
    let record = newcomer.bridge.config().with_extension("setup.json");
    let untold = || {
        std::fs::read_to_string(&record)
            .unwrap()
            .contains("\"webhook_untold\": true")
    };
    assert!(untold(), "it remembers that RCE was not told the new secrets");

    newcomer.set_up(&[]).await.expect(3);
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());
    assert_eq!(
        newcomer.config_text(),
        secrets,
        "it goes on with the same secrets"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_ringcentral_switched_off_is_validated_again() {
    let mut newcomer = Newcomer::arrives().await;
    newcomer.set_up(&[]).await.expect(3);
    let id = newcomer.list("webhooks").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    newcomer.bridge.rce.switch_off_webhook(&id).unwrap();
    newcomer.run(&["--yes"]).await.expect(0).says("switched off");
    assert_eq!(newcomer.account().await, newcomer.as_it_should_be());
}
