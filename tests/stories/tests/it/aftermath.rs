//! What RingCX knows besides who has the conversation: what it was about, what the customer thought of it, and that
//! an agent put it aside.

use std::time::Duration;

use handover_stories::chat::at;
use handover_stories::desk::{MIRA, SAM};
use handover_stories::logs::Logs;
use handover_stories::setup::BOT_KEY;
use handover_stories::{Answer, Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{FURTHER_EVENTS, Fault, FaultTarget, SimulatedConfig, State};

/// A category that says what a conversation is about.
const BILLING: &str = "5f0c0000000000000000ca01";

fn everything(rce: &mut SimulatedConfig) {
    rce.registered_events.extend(FURTHER_EVENTS.map(str::to_owned));
}

async fn all_events() -> Bench {
    Setup::default().rce(everything).start().await
}

/// What RingCX would report of the last thing that happened there.
fn last_event(bench: &Bench) -> Value {
    let last = bench.rce.read(|state: &State| state.events().last().cloned());
    last.expect("something happened")
}

/// How often RCE was asked for one intervention.
fn asked_for_one(bench: &Bench) -> usize {
    let requests = bench.rce.requests();
    let one = |what: &str| what.starts_with("GET /1.0/interventions/");
    requests.iter().filter(|request| one(&request.what)).count()
}

#[tokio::test]
async fn the_end_tells_what_is_known_by_then() {
    let bench = all_events().await;
    bench.user_says("c1", "My invoice is wrong").await;
    let wish = json!({"category_ids": [BILLING]});
    bench.asks_for_agent("c1", wish).await;
    bench.until_quiet().await;
    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "Let me see").unwrap();
    bench
        .rce
        .summarise("c1", "Invoice 2210 is wrong.", false)
        .unwrap();
    bench
        .rce
        .summarise("c1", "Invoice 2210 was corrected.", true)
        .unwrap();
    bench.until_quiet().await;
    bench.rce.survey("c1", 4, None).unwrap();
    bench.until_quiet().await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let end = bench.bot.only("handover.completed");
    assert_eq!(end.data()["summary"], "Invoice 2210 was corrected.");
    assert_eq!(end.data()["tags"], json!([BILLING]));
    assert_eq!(end.data()["rating"], 4);
    let mut kinds = bench.bot.kinds();
    kinds.retain(|kind| kind != "handover.queued");
    assert_eq!(
        kinds,
        [
            "handover.active",
            "message.created",
            "survey.imported",
            "handover.completed"
        ]
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_end_of_which_nothing_is_known_says_nothing() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let end = bench.bot.only("handover.completed");
    for member in ["summary", "tags", "rating"] {
        assert_eq!(end.data().get(member), None, "{member}");
    }
    bench.finish().await;
}

#[tokio::test]
async fn what_comes_after_the_end_names_its_handover() {
    let bench = all_events().await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let first = bench.rce.summarise("c1", "A parcel was lost.", false);
    first.unwrap();
    let summarised = last_event(&bench);
    bench.rce.survey("c1", 2, Some("Too slow")).unwrap();
    let surveyed = last_event(&bench);
    bench.until_quiet().await;
    // The next handover is under way; what is said of the first is still of the first.
    bench.with_agent("c1").await;
    assert_eq!(bench.webhook(&[summarised.clone(), surveyed.clone()]).await, 200);
    let mut submitted = summarised.clone();
    submitted["type"] = json!("intervention_segment.summary_submitted");
    submitted["id"] = json!("e-submitted");
    assert_eq!(bench.webhook(&[submitted.clone()]).await, 200);
    bench.until_quiet().await;
    let told = bench.bot.only("handover.summarised");
    assert_eq!(
        (told.epoch(), &told.data()["summary"]),
        (1, &json!("A parcel was lost."))
    );
    submitted["id"] = json!("e-corrected");
    submitted["resource"]["metadata"]["summary"] = json!("A parcel was found.");
    assert_eq!(bench.webhook(&[submitted]).await, 200);
    bench.until_quiet().await;
    let mut told = bench.bot.taken();
    told.retain(|heard| heard.kind() == "handover.summarised");
    assert_eq!(told.len(), 2, "{:?}", bench.bot.kinds());
    assert_eq!(told[1].data()["summary"], "A parcel was found.");
    let survey = bench.bot.only("survey.imported");
    assert_eq!(survey.epoch(), 1);
    let survey = &survey.data()["survey"];
    assert_eq!(json!([survey["rating"], survey["score"]]), json!([2, 0.25]));
    assert_eq!(
        survey["answers"][1],
        json!({"question": "Anything else?", "answer": "Too slow"})
    );
    assert_eq!(survey["id"], surveyed["resource"]["id"]);
    assert_eq!(bench.handler("c1").await, "agent", "nothing ended");
    bench.finish().await;
}

#[tokio::test]
async fn a_survey_names_no_thread_so_ringcx_is_asked_once() {
    let bench = all_events().await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(asked_for_one(&bench), 0);
    bench.rce.survey("c1", 5, None).unwrap();
    let event = last_event(&bench);
    assert_eq!(event["resource"]["metadata"].get("thread_id"), None);
    bench.until_quiet().await;
    assert_eq!(bench.webhook(&[event]).await, 200);
    bench.until_quiet().await;
    assert_eq!(bench.bot.only("survey.imported").epoch(), 1);
    assert_eq!(asked_for_one(&bench), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_survey_waits_for_a_ringcx_in_trouble() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.rce.survey("c1", 3, None).unwrap();
    let event = last_event(&bench);
    bench
        .rce
        .fail_next(FaultTarget::RestAny, Fault::Status(503, "no".to_owned()), 2);
    assert_eq!(bench.webhook(&[event]).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.only("survey.imported").data()["survey"]["rating"], 3);
    bench.finish().await;
}

#[tokio::test]
async fn surveys_are_asked_about_with_what_nobody_else_needs() {
    let setup = Setup::default().by_hand().ringcx("requests_per_minute = 20");
    let bench = setup.timers("reconcile_every = 0").start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(Duration::from_secs(61));
    for _ in 0..2 {
        bench.rce.survey("c1", 3, None).unwrap();
        assert_eq!(bench.webhook(&[last_event(&bench)]).await, 200);
        bench.work().await;
    }
    let told = || {
        let kinds = bench.bot.kinds();
        kinds.iter().filter(|kind| *kind == "survey.imported").count()
    };
    assert_eq!(told(), 1, "one idle call a minute");
    bench.until_quiet_by_hand().await;
    assert_eq!(told(), 2, "a wait is no failure");
    bench.finish().await;
}

#[tokio::test]
async fn what_is_not_ours_is_not_told() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.user_says("bystander", "hi").await;
    bench.work().await;
    bench.rce.summarise("c1", "Secret", true).unwrap();
    let summary = last_event(&bench);
    bench.rce.survey("c1", 1, None).unwrap();
    let survey = last_event(&bench);
    let thread = bench.rce.thread("bystander").expect("a thread").id;
    let changed = |event: &Value, id: &str, member: &str, value: &str| {
        let mut event = event.clone();
        event["id"] = json!(id);
        event["resource"]["metadata"][member] = json!(value);
        event
    };
    let nobody = "5f0c00000000000000000bad";
    let events = [
        changed(&summary, "e-1", "content_source_id", nobody),
        changed(&summary, "e-2", "content_thread_id", nobody),
        changed(&summary, "e-3", "intervention_id", nobody),
        changed(&summary, "e-4", "content_thread_id", &thread),
        changed(&summary, "e-5", "summary", "  "),
        changed(&survey, "e-6", "source_id", nobody),
        changed(&survey, "e-7", "intervention_id", nobody),
        changed(&survey, "e-8", "intervention_id", ""),
    ];
    assert_eq!(bench.webhook(&events).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.kinds(), ["handover.active"]);
    bench.rce.close("c1").unwrap();
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    assert_eq!(bench.webhook(&[closed]).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.only("handover.completed").data().get("summary"), None);
    bench.finish().await;
}

#[tokio::test]
async fn the_last_agents_part_is_what_the_end_tells() {
    let bench = all_events().await;
    bench.with_agent("c1").await;
    bench.rce.summarise("c1", "Sam's part", true).unwrap();
    bench.until_quiet().await;
    bench.rce.transfer("c1", MIRA).unwrap();
    bench.rce.reply("c1", MIRA, "Mira here").unwrap();
    bench.until_quiet().await;
    bench.rce.summarise("c1", "Mira's part", false).unwrap();
    bench.until_quiet().await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(
        bench.bot.only("handover.completed").data()["summary"],
        "Mira's part"
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_agent_who_puts_it_aside_is_no_end() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    for times in 1..=2 {
        bench.rce.defer("c1").unwrap();
        bench.until_quiet().await;
        let mut told = bench.bot.taken();
        told.retain(|heard| heard.kind() == "handover.deferred");
        assert_eq!(told.len(), times, "{:?}", bench.bot.kinds());
        assert_eq!(told[0].data()["agent"]["id"], SAM);
        assert_eq!(told[0].epoch(), 1);
        assert_eq!(bench.status("c1").await, "active");
        bench.rce.reactivate("c1").unwrap();
        bench.until_quiet().await;
    }
    assert_eq!(bench.handler("c1").await, "agent");
    bench.finish().await;
}

#[tokio::test]
async fn nothing_of_it_is_logged_and_only_operators_read_it() {
    let logs = Logs::capture();
    let bench = all_events().await;
    let said = "the-secret-word";
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    bench
        .bot
        .answers([Answer::Status(500), Answer::Drop, Answer::Status(400)]);
    bench.rce.summarise("c1", said, true).unwrap();
    bench.until_quiet().await;
    bench.bot.answers([Answer::Status(400)]);
    bench.rce.survey("c1", 1, Some(said)).unwrap();
    bench.until_quiet().await;
    let letters = bench.take_dead_letters().await;
    assert_eq!(letters.len(), 2, "the bot refused both");
    assert!(letters.iter().all(|letter| !letter.reason.contains(said)));
    let logged = logs.text();
    let ours = logged.lines().filter(|line| line.contains(" handover_"));
    let line = ours.clone().find(|line| line.contains(said));
    let lines = ours.count();
    assert!(lines > 5, "{lines} lines");
    assert_eq!(line, None);
    let path = at("c1") + "/timeline";
    let seen = bench
        .call_as(BOT_KEY, "GET", &path, &Value::Null)
        .await
        .expect(200);
    assert!(!seen.to_string().contains(said), "{seen}");
    let operators = bench.timeline("c1").await;
    let read = operators.iter().find(|entry| entry["text"] == said);
    assert_eq!(read.expect("an operator reads it")["what"], "ringcx.event");
    bench.finish().await;
}
