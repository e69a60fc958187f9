//! Both sides sit on the person's channel already: no message is relayed, only the bot's turn is.

use std::time::Duration;

use handover_stories::chatlayer::Chatlayer;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Channel, Fault, FaultTarget};

use crate::chatlayer::{DIALOGS, accepted};

/// RCE's id-less name of the thread of a session's person.
const THREAD: &str = "native-person-of-s1";

fn task_only(chatlayer: &Chatlayer) -> Setup {
    chatlayer
        .setup()
        .section(DIALOGS)
        .connection("relay_messages = false")
        .rce(|rce| rce.channel = Channel::Native)
}

/// A connection without categories and without anything that belongs to a source of ours.
async fn without_categories(setup: Setup) -> Bench {
    let left_out = ["_category_id", "realtime_"];
    let keeps = move |line: &&str| !left_out.iter().any(|word| line.contains(word));
    let source = format!(
        "source_id = \"{}\"",
        simulated_ringcx::SimulatedConfig::default().source_id
    );
    let setup = setup.ringcx(&source);
    setup
        .start_with(move |text| text.lines().filter(keeps).collect::<Vec<_>>().join("\n"))
        .await
}

/// The person writes on the channel that RCE and Chatlayer share.
async fn writes(chatlayer: &Chatlayer, bench: &Bench, session: &str, text: &str) {
    let person = format!("person-of-{session}");
    let message = json!({"customer_id": person, "customer_name": "Nadia", "body": text});
    bench.rce.native_message(&message).expect("RCE agrees");
    chatlayer.user_says(bench, session, text).await;
}

/// Nothing was written into RCE, by whatever way.
fn wrote_nothing(bench: &Bench) {
    let writes = ["messages.", "users.", "status.", "typing.", "POST", "DELETE"];
    for write in writes {
        assert_eq!(bench.asked_rce(write), 0, "{write}");
    }
    assert!(!bench.rce.requests().iter().any(|it| it.what.ends_with("/ignore")));
}

#[tokio::test]
async fn the_persons_thread_goes_to_agents_and_comes_back_and_nothing_is_relayed() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).start().await;
    for epoch in 1..=2 {
        writes(&chatlayer, &bench, "s1", "I need a human").await;
        assert_eq!(
            bench.stored("s1").await.is_some(),
            epoch == 2,
            "what nobody needs is not kept"
        );
        let answer = chatlayer
            .offloads(&bench, "s1", &json!({"reason": "x", "summary": "y"}))
            .await;
        assert_eq!(answer, accepted());
        bench.until_quiet().await;
        assert_eq!(bench.status("s1").await, "queued");
        let thread = bench.rce.thread(THREAD).unwrap();
        assert_eq!(
            thread.category_ids,
            [bench.rce.config().agent_category_id.clone()]
        );
        bench.rce.take(THREAD, SAM).unwrap();
        bench.rce.reply(THREAD, SAM, "Hello").unwrap();
        writes(&chatlayer, &bench, "s1", "Thank you").await;
        bench.until_quiet().await;
        assert_eq!(bench.status("s1").await, "active");
        assert!(chatlayer.session("s1").paused);
        bench.rce.close(THREAD).unwrap();
        bench.until_quiet().await;
        let thread = bench.rce.thread(THREAD).unwrap();
        assert_eq!(thread.category_ids, [bench.rce.config().bot_category_id.clone()]);
        assert_eq!(chatlayer.session("s1").resumes, epoch);
        assert!(!chatlayer.session("s1").paused);
        bench.pass(Duration::from_mins(5));
    }
    assert!(chatlayer.session("s1").shown.is_empty());
    assert_eq!(chatlayer.session("s1").dialogs.len(), 4);
    wrote_nothing(&bench);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn without_categories_threads_are_not_moved() {
    let chatlayer = Chatlayer::start().await;
    let bench = without_categories(task_only(&chatlayer)).await;
    writes(&chatlayer, &bench, "s1", "I need a human").await;
    // This account routes by itself.
    bench.rce.move_to(THREAD, "agent").unwrap();
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.until_quiet().await;
    assert_eq!(bench.asked_rce("GET /1.0/identities"), 1);
    assert_eq!(
        bench.asked_rce("GET /1.0/content_threads"),
        1,
        "and nothing is moved or looked at twice"
    );
    bench.rce.take(THREAD, SAM).unwrap();
    bench.rce.reply(THREAD, SAM, "Hello").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "active");
    bench.rce.close(THREAD).unwrap();
    bench.until_quiet().await;
    assert_eq!(chatlayer.session("s1").resumes, 1);
    assert_eq!(bench.asked_rce("PUT"), 0);
    // Who takes a known person's thread without being asked silences the bot too.
    bench.pass(Duration::from_mins(1));
    writes(&chatlayer, &bench, "s1", "Me again").await;
    bench.pass(Duration::from_secs(5));
    bench.rce.take(THREAD, SAM).unwrap();
    bench.until_quiet().await;
    assert!(chatlayer.session("s1").paused);
    assert_eq!(bench.looks_at("s1").await["handover"]["epoch"], 2);
    assert_eq!(bench.asked_rce("PUT"), 0);
    wrote_nothing(&bench);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn a_thread_that_the_flow_names_wins_and_so_does_a_person() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).start().await;
    for person in ["whatsapp-1", "whatsapp-2"] {
        let message = json!({"customer_id": person, "body": "Hi"});
        bench.rce.native_message(&message).unwrap();
    }
    let named = bench.rce.thread("native-whatsapp-1").unwrap().id;
    writes(&chatlayer, &bench, "s1", "Human!").await;
    writes(&chatlayer, &bench, "s2", "Human!").await;
    let wish = json!({"thread_id": named, "user_id": "whatsapp-2"});
    assert_eq!(chatlayer.offloads(&bench, "s1", &wish).await, accepted());
    let wish = json!({"user_id": "whatsapp-2"});
    assert_eq!(chatlayer.offloads(&bench, "s2", &wish).await, accepted());
    bench.until_quiet().await;
    let with_agents = |thread: &str| bench.rce.read(|state| state.is_with_agents(thread));
    assert!(with_agents("native-whatsapp-1") && with_agents("native-whatsapp-2"));
    assert!(!with_agents(THREAD) && !with_agents("native-person-of-s2"));
    bench.finish().await;
}

#[tokio::test]
async fn the_newest_thread_of_a_person_is_theirs() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).start().await;
    for thread in ["old", "new"] {
        let message = json!({"customer_id": "person-of-s1", "thread_id": thread, "body": "Hi"});
        bench.rce.native_message(&message).unwrap();
        bench.pass(Duration::from_secs(5));
    }
    chatlayer.user_says(&bench, "s1", "Human!").await;
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.until_quiet().await;
    assert!(bench.rce.read(|state| state.is_with_agents("new")));
    assert!(!bench.rce.read(|state| state.is_with_agents("old")));
    bench.finish().await;
}

#[tokio::test]
async fn a_person_whom_ringcx_never_gets_to_know_comes_back_to_the_bot() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).start().await;
    chatlayer.user_says(&bench, "s1", "Human!").await;
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    let began = bench.clock_now();
    bench.until_quiet().await;
    let waited = bench.clock_now().duration_since(began).as_secs();
    assert!((60..300).contains(&waited), "{waited}");
    let session = chatlayer.session("s1");
    assert_eq!((session.paused, session.resumes), (false, 1));
    assert_eq!(session.dialogs, ["hello-agent", "welcome-back"]);
    assert_eq!(bench.status("s1").await, "failed");
    assert_eq!(
        bench.looks_at("s1").await["handover"]["outcome"],
        "thread_not_found"
    );
    assert_eq!(bench.take_dead_letters().await.len(), 1);

    // Nobody says who it is: that is known at once.
    let event = chatlayer.offload_event(&bench, "s2", &json!({})).to_string();
    assert_eq!(chatlayer.posts(&bench, event).await.expect(200), accepted());
    bench.work().await;
    assert_eq!(
        bench.looks_at("s2").await["handover"]["outcome"],
        "person_unknown"
    );
    bench.until_quiet().await;
    let letters = bench.take_dead_letters().await;
    assert!(letters[0].reason.contains("user.id"), "{letters:?}");
    wrote_nothing(&bench);
    bench.finish().await;
}

#[tokio::test]
async fn what_ends_a_handover_before_its_thread_is_known_ends_it() {
    let chatlayer = Chatlayer::start().await;
    // Nobody asks RCE: what it reports has to do.
    let bench = task_only(&chatlayer).timers("reconcile_every = 0").start().await;
    writes(&chatlayer, &bench, "s1", "Human!").await;
    bench.rce.move_to(THREAD, "agent").unwrap();
    bench
        .rce
        .fail_next(FaultTarget::RestSearch, Fault::Status(503, String::new()), 10);
    assert_eq!(chatlayer.offloads(&bench, "s1", &json!({})).await, accepted());
    bench.work().await;
    bench.pass(Duration::from_secs(3));
    bench.rce.take(THREAD, SAM).unwrap();
    bench.rce.reply(THREAD, SAM, "Solved").unwrap();
    bench.rce.close(THREAD).unwrap();
    bench.settle().await;
    bench.work().await;
    assert_eq!(bench.stored("s1").await.unwrap().rce_thread, None);
    bench.rce.clear_faults();
    bench.until_quiet().await;
    assert_eq!(bench.status("s1").await, "completed");
    assert_eq!(chatlayer.session("s1").resumes, 1);
    assert!(!chatlayer.session("s1").paused);
    // What happens to people who are not ours is waited for, and forgotten.
    let stranger = json!({"customer_id": "stranger", "body": "Hi"});
    bench.rce.native_message(&stranger).unwrap();
    bench.rce.move_to("native-stranger", "agent").unwrap();
    bench.rce.take("native-stranger", SAM).unwrap();
    bench.rce.close("native-stranger").unwrap();
    bench.until_quiet().await;
    assert!(bench.has_no_jobs().await);
    bench.finish().await;
}

#[tokio::test]
async fn who_leaves_leaves_the_agents_work_as_it_is() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).timers("queue = 300").start().await;
    writes(&chatlayer, &bench, "s1", "Human!").await;
    chatlayer.offloads(&bench, "s1", &json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(THREAD, SAM).unwrap();
    bench.rce.reply(THREAD, SAM, "Hello").unwrap();
    bench.until_quiet().await;
    bench.ends_handover("s1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(chatlayer.session("s1").resumes, 1);
    assert!(bench.rce.read(|state| state.open_intervention(THREAD).is_some()));

    // And so does a timer.
    writes(&chatlayer, &bench, "s2", "Human!").await;
    chatlayer.offloads(&bench, "s2", &json!({})).await;
    bench.until_quiet().await;
    for _ in 0..4 {
        bench.pass(Duration::from_secs(100));
        bench.until_quiet().await;
    }
    assert_eq!(bench.status("s2").await, "timed_out");
    assert_eq!(chatlayer.session("s2").resumes, 1);
    let thread = bench.rce.thread("native-person-of-s2").unwrap();
    assert!(!thread.archived);
    assert_eq!(thread.category_ids, [bench.rce.config().bot_category_id.clone()]);
    wrote_nothing(&bench);
    chatlayer.check();
    bench.finish().await;
}

#[tokio::test]
async fn there_is_no_source_that_could_call_us() {
    let chatlayer = Chatlayer::start().await;
    let bench = task_only(&chatlayer).start().await;
    let call = bench.agent_message("s1", "c-1", "Hello");
    let body = call.to_string();
    let signed = handover_stories::desk::signature("simulated-source-token", body.as_bytes());
    let headers = [("x-smccsdk-signature", signed.as_str())];
    let reply = bench
        .request("POST", "/acme/handover/rce/source", &headers, body)
        .await;
    assert_eq!(reply.status, 401);
    // Neither typing nor read marks go anywhere.
    writes(&chatlayer, &bench, "s1", "Human!").await;
    chatlayer.offloads(&bench, "s1", &json!({})).await;
    bench.until_quiet().await;
    let at = "/conversations/s1";
    bench
        .call("POST", &format!("{at}/typing"), &json!({"state": "start"}))
        .await
        .expect(202);
    bench
        .call("POST", &format!("{at}/read"), &json!({"message_id": "rcx-1"}))
        .await
        .expect(202);
    bench.until_quiet().await;
    wrote_nothing(&bench);
    bench.finish().await;
}
