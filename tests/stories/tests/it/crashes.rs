//! Something breaks at every step of every path, and nothing is lost.
//!
//! Each path runs once to count its steps. Then it runs again and again, and at each step a port refuses, or
//! its answer gets lost, or the process dies before or after it. Whoever was not answered asks again, as RCE
//! and bots do, and the work is taken up again. In the end everything is as if nothing had happened; what was
//! sent twice was sent with the same id.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::bench::CONNECTION;
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use handover_stories::file_server::{FileServer, Given};
use handover_stories::setup::OPERATOR_KEY;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

use crate::files::{PNG, png};

type Path = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What a path may not lose.
#[derive(Debug, PartialEq)]
struct EndState {
    in_rce: Vec<String>,
    categories: Vec<String>,
    control: String,
    kinds: Vec<String>,
    texts: Vec<String>,
    wallboard: usize,
    files: Vec<Value>,
}

async fn end_state(bench: &Bench) -> EndState {
    let seen = bench.looks_at("c1").await;
    let mut boards: Vec<String> = bench
        .bot
        .heard_at("/board")
        .iter()
        .map(|heard| heard.body.to_string())
        .collect();
    boards.sort();
    boards.dedup();
    let contents = bench.rce.contents("c1");
    let sent = contents.iter().flat_map(|content| content.attachments.clone());
    let told = bench.bot.taken().into_iter().flat_map(|heard| {
        let told = heard.data()["message"]["attachments"].as_array();
        told.cloned().unwrap_or_default()
    });
    EndState {
        files: sent.chain(told).map(|file| file["filename"].clone()).collect(),
        in_rce: bench.in_rce("c1"),
        categories: bench.categories("c1"),
        control: format!("{}/{}", seen["handler"], seen["handover"]["status"]),
        kinds: bench.bot.kinds(),
        texts: bench.bot.texts(),
        wallboard: boards.len(),
    }
}

/// Whatever broke, time passes and everything is taken up again.
async fn recover(bench: &Bench) {
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
}

/// Runs the path with a fault at each of its steps.
async fn survives(setup: fn() -> Setup, prepare: Path, path: Path) {
    let bench = setup().by_hand().start().await;
    prepare(&bench).await;
    bench.steps.count();
    path(&bench).await;
    recover(&bench).await;
    let steps = bench.steps.taken();
    let expected = end_state(&bench).await;
    bench.finish().await;
    assert!(steps > 5, "{steps} steps");
    for number in 1..=steps {
        for crash in Crash::ALL {
            let bench = setup().by_hand().start().await;
            prepare(&bench).await;
            bench.steps.break_at(number, crash);
            path(&bench).await;
            recover(&bench).await;
            let what = format!("{crash:?} at step {number} of {steps}");
            assert!(bench.steps.broke(), "{what} was never reached");
            let found = end_state(&bench).await;
            assert_eq!(found, expected, "{what}");
            one_id_each(&bench, &what);
            bench.finish().await;
        }
    }
}

/// What arrived twice had the same id and the same words.
fn one_id_each(bench: &Bench, what: &str) {
    let mut ids: HashMap<String, String> = HashMap::new();
    for heard in bench.bot.heard() {
        let mut said = heard.body.clone();
        said["timestamp"] = Value::Null;
        // Where RCE keeps it may have been learnt between two attempts.
        said["data"]["rce"] = Value::Null;
        let known = ids.entry(heard.id.clone()).or_insert_with(|| said.to_string());
        assert_eq!(*known, said.to_string(), "{what}: one id, two events");
    }
    let mut ids: HashMap<String, Value> = HashMap::new();
    let sent = bench.rce.requests().into_iter();
    for request in sent.filter(|request| request.what == "messages.create") {
        let id = request.body["params"]["id"].to_string();
        let known = ids.entry(id).or_insert_with(|| request.body.clone());
        assert_eq!(*known, request.body, "{what}: one id, two messages");
    }
}

fn nothing(_: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {})
}

/// With the bot, and in RCE.
fn mirrored(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {
        bench.user_says("c1", "hi").await;
        bench.work().await;
    })
}

fn waiting(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(bench.waiting("c1"))
}

fn with_agent(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(bench.with_agent_by_hand("c1"))
}

#[tokio::test]
async fn a_persons_messages_survive() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            for (id, text) in [("m1", "one"), ("m2", "two")] {
                let body = json!({"id": id, "from": "user", "text": text});
                bench.insist("POST", "/conversations/c1/messages", &body).await;
            }
            bench.work().await;
        })
    }
    survives(Setup::default, nothing, path).await;
}

#[tokio::test]
async fn the_beginning_of_a_handover_survives() {
    fn kept(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.user_says("c1", "one").await;
            bench.bot_says("c1", "two").await;
        })
    }
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let wish = json!({"id": "h1", "reason": "help", "user": {"id": "usr-42", "firstname": "Nadia"}});
            bench.insist("POST", "/conversations/c1/handover", &wish).await;
            let body = json!({"id": "m9", "from": "user", "text": "still there?"});
            bench.insist("POST", "/conversations/c1/messages", &body).await;
            bench.work().await;
        })
    }
    survives(|| Setup::default().forward_only(), kept, path).await;
}

#[tokio::test]
async fn agents_messages_survive() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            for (content, text) in [("66aa", "one"), ("66ab", "two")] {
                let answer = bench
                    .insist_source_sdk(&bench.agent_message("c1", content, text))
                    .await;
                assert_eq!(answer["id"], format!("rcx-{content}"));
            }
            bench.work().await;
        })
    }
    survives(Setup::default, waiting, path).await;
}

#[tokio::test]
async fn a_takeover_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench
                .insist_source_sdk(&bench.agent_message("c1", "66aa", "mine"))
                .await;
            bench.work().await;
        })
    }
    survives(Setup::default, mirrored, path).await;
}

#[tokio::test]
async fn a_persons_files_survive() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            // It lives as long as the test: work is taken up again long after the path.
            let server = Box::leak(Box::new(FileServer::start().await));
            let page = Given::File("text/html", "<html><body>no</body></html>".into());
            let late = server.gives("/late.png", [Given::Status(503), png()]);
            let lie = server.gives("/page.png", [page]);
            let upload = "/conversations/c1/files?filename=notes.txt";
            let given = bench.insist("POST", upload, &json!("words")).await.json();
            let body = json!({"id": "m1", "from": "user", "text": "look", "attachments": [
                {"url": late}, {"url": lie}, given,
                {"content": "aGVsbG8=", "filename": "hello.txt"}]});
            bench.insist("POST", "/conversations/c1/messages", &body).await;
            bench.work().await;
        })
    }
    survives(|| Setup::default().files(&["127.0.0.1"]), nothing, path).await;
}

#[tokio::test]
async fn agents_files_survive() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let mut call = bench.agent_message("c1", "66aa", "look");
            call["params"]["attachments"] = json!([
                bench.rce.attach_later("late.png", "image", PNG, &[503]),
                bench
                    .rce
                    .attach("page.png", "image", "<html><body>no</body></html>"),
            ]);
            bench.insist_source_sdk(&call).await;
            bench.work().await;
        })
    }
    survives(|| Setup::default().files(&[]), waiting, path).await;
}

#[tokio::test]
async fn a_queue_update_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let call = json!({"action": "messaging.queuing_update", "params": {
                "position": 3, "estimated_wait_time": 30, "thread_id": "c1"}});
            bench.insist_source_sdk(&call).await;
            bench.work().await;
        })
    }
    survives(|| Setup::default().wallboard("/board"), waiting, path).await;
}

#[tokio::test]
async fn the_end_of_a_handover_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.rce.close("c1").unwrap();
            let closed = bench.event("intervention.closed", "c1", &json!({"id": "e1"}));
            let completed = json!({"id": "e2", "metadata": {"action": "closed"}});
            let completed = bench.event("task.completed", "c1", &completed);
            let call = bench.agent_message("c1", "66aa", "Goodbye");
            bench.insist_source_sdk(&call).await;
            bench.insist_webhook(&[closed, completed]).await;
            bench.work().await;
        })
    }
    survives(Setup::default, with_agent, path).await;
}

#[tokio::test]
async fn an_event_of_an_unknown_thread_survives() {
    fn taken(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.waiting("c1").await;
            bench.rce.take("c1", SAM).unwrap();
            bench.forgets_thread("c1").await;
        })
    }
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let taken = bench.event("task.taken", "c1", &json!({"id": "e1", "user_id": SAM}));
            bench.insist_webhook(&[taken]).await;
            bench.work().await;
        })
    }
    survives(Setup::default, taken, path).await;
}

#[tokio::test]
async fn what_is_said_after_the_end_survives() {
    fn ended(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.with_agent_by_hand("c1").await;
            bench.rce.close("c1").unwrap();
            let closed = bench.event("intervention.closed", "c1", &json!({}));
            assert_eq!(bench.webhook(&[closed]).await, 200);
            bench.work().await;
        })
    }
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            let last = || bench.rce.read(|state| state.events().last().cloned());
            bench.rce.summarise("c1", "Sent again", false).unwrap();
            let summary = last().expect("an event");
            bench.rce.survey("c1", 4, None).unwrap();
            let survey = last().expect("an event");
            bench.insist_webhook(&[summary, survey]).await;
            bench.work().await;
        })
    }
    survives(Setup::default, ended, path).await;
}

#[tokio::test]
async fn leaving_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench
                .insist(
                    "DELETE",
                    "/conversations/c1/handover",
                    &json!({"cause": "user_cancelled"}),
                )
                .await;
            bench.work().await;
        })
    }
    survives(Setup::default, with_agent, path).await;
}

#[tokio::test]
async fn finding_out_about_a_lost_end_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.rce.close("c1").unwrap();
            bench.pass(Duration::from_mins(1));
            bench.work().await;
        })
    }
    survives(Setup::default, with_agent, path).await;
}

#[tokio::test]
async fn a_takeover_by_category_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.rce.move_to_agents("c1", SAM).unwrap();
            let moved = bench.event("task.recategorized", "c1", &json!({"id": "e1"}));
            bench.insist_webhook(&[moved]).await;
            bench.work().await;
        })
    }
    survives(|| Setup::default().timers("queue = 0"), mirrored, path).await;
}

#[tokio::test]
async fn a_timer_that_runs_out_survives() {
    fn path(bench: &Bench) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async {
            bench.pass(Duration::from_mins(2));
            bench.work().await;
        })
    }
    survives(|| Setup::default().timers("queue = 90"), waiting, path).await;
}

#[tokio::test]
async fn a_release_by_hand_survives() {
    let with_agent: Path = |bench| Box::pin(bench.with_agent_by_hand("c1"));
    let release: Path = |bench| {
        Box::pin(async {
            let key = format!("Bearer {OPERATOR_KEY}");
            let path = format!("/{CONNECTION}/operator/conversations/c1/release");
            loop {
                let headers = [("authorization", key.as_str())];
                let reply = bench.try_request("POST", &path, &headers, "").await;
                // Whoever asks again although it was done learns that there is nothing left to do.
                if reply.is_some_and(|reply| reply.status == 200 || reply.status == 409) {
                    return;
                }
            }
        })
    };
    survives(Setup::default, with_agent, release).await;
}
