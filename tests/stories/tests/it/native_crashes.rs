//! Something breaks at every step of what happens on a channel of RCE's own. The customer reads everything once, and the
//! bot hears everything once.
//!
//! RCE recognises no repeats of a reply, so these paths are judged by what the customer saw.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use handover_stories::file_server::FileServer;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage};

use crate::files::png;
use crate::native::sentences;
use crate::native_agents::supervisors;

type Path = for<'a> fn(&'a Bench, &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What a path may not lose, and not double.
#[derive(Debug, PartialEq)]
struct EndState {
    said: Vec<(String, Option<String>, Vec<Value>)>,
    categories: Vec<String>,
    control: String,
    kinds: Vec<String>,
    texts: Vec<String>,
    comments: Vec<String>,
    open: bool,
}

/// Whatever broke, time passes and everything is taken up again.
pub(crate) async fn taken_up(bench: &Bench) {
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
}

async fn end_state(bench: &Bench, thread: &str) -> EndState {
    let seen = bench.looks_at(thread).await;
    // What is taken up first after a crash may be told first: news of agents and the person's words have queues of their own.
    let mut kinds = bench.bot.kinds();
    kinds.sort();
    let said = bench.seen(thread).into_iter().map(|it| {
        let kind = it.structured_type().map(str::to_owned);
        let files = it.attachments.iter().map(|file| file["filename"].clone());
        (it.text.unwrap_or_default(), kind, files.collect())
    });
    EndState {
        said: said.collect(),
        categories: bench.categories(thread),
        control: format!("{}/{}", seen["handler"], seen["handover"]["status"]),
        kinds,
        texts: bench.bot.texts(),
        comments: bench.comments(thread),
        open: bench.rce.read(|state| state.open_intervention(thread).is_some()),
    }
}

async fn recover(bench: &Bench) {
    taken_up(bench).await;
    bench.pass(Duration::from_mins(2));
    bench.until_quiet_by_hand().await;
}

/// Runs the path with a fault at each of its steps.
async fn survives(setup: fn() -> Setup, prepare: Path, path: Path) {
    let (mut steps, mut expected) = (usize::MAX, None);
    let mut number = 0;
    while number <= steps {
        for crash in Crash::at_step(number) {
            let bench = setup().by_hand().start().await;
            let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello").named("Nadia"));
            let first = bench.imported(&content, &json!({}));
            assert_eq!(bench.webhook(&[first]).await, 200);
            bench.until_quiet_by_hand().await;
            prepare(&bench, &thread).await;
            bench.until_quiet_by_hand().await;
            if number == 0 {
                bench.steps.count();
            } else {
                bench.steps.break_at(number, crash);
            }
            path(&bench, &thread).await;
            recover(&bench).await;
            let what = format!("{crash:?} at step {number} of {steps}");
            if number == 0 {
                steps = bench.steps.taken();
                expected = Some(end_state(&bench, &thread).await);
            }
            assert!(number == 0 || bench.steps.broke(), "{what} was never reached");
            let found = end_state(&bench, &thread).await;
            assert_eq!(Some(&found), expected.as_ref(), "{what}");
            let twice = bench.rce.read(|state| state.nothing_twice(&thread));
            assert_eq!(twice, Ok(()), "{what}");
            let violations = bench.rce.violations();
            assert!(violations.is_empty(), "{what}: {violations:#?}");
            bench.finish().await;
            if number == 0 {
                break;
            }
        }
        number += 1;
    }
    assert!(steps > 5, "{steps} steps");
}

fn nothing<'a>(_: &'a Bench, _: &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {})
}

fn chat() -> Setup {
    Setup::default()
        .on(NativeKind::WhatsApp)
        .timers("queue = 0\nbot_silent = 0\nreconcile_every = 0")
}

async fn says(bench: &Bench, thread: &str, body: Value) {
    let path = format!("/conversations/{thread}/messages");
    bench.insist("POST", &path, &body).await;
    bench.work().await;
}

async fn reports(bench: &Bench, thread: &str, kind: &str, changes: &Value) {
    let event = bench.rce.event(kind, thread, changes);
    bench.insist_webhook(&[event]).await;
    bench.work().await;
}

fn waiting<'a>(bench: &'a Bench, thread: &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        bench.asks_for_agent(thread, json!({"reason": "help"})).await;
        bench.until_quiet_by_hand().await;
    })
}

fn with_agent<'a>(bench: &'a Bench, thread: &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        waiting(bench, thread).await;
        bench.rce.take(thread, SAM).expect("RCE agrees");
        bench.rce.reply(thread, SAM, "Sam here").expect("RCE agrees");
        reports(bench, thread, "task.taken", &json!({"user_id": SAM})).await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(30));
    })
}

#[tokio::test]
async fn customers_messages_survive() {
    let path: Path = |bench, _| {
        Box::pin(async move {
            for text in ["one", "two"] {
                let (_, content) = bench.customer(NativeMessage::new("nadia", text));
                let event = bench.imported(&content, &json!({}));
                bench.insist_webhook(&[event]).await;
                bench.pass(Duration::from_secs(1));
            }
            bench.work().await;
        })
    };
    survives(chat, nothing, path).await;
}

#[tokio::test]
async fn changes_and_deletions_survive() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            let content = bench.rce.contents(thread)[0].id.clone();
            bench.rce.edit_message(&content, "Hallo").unwrap();
            let event = bench.imported(&content, &json!({}));
            bench.insist_webhook(&[event]).await;
            bench.work().await;
            bench.rce.delete_message(&content).unwrap();
            let event = bench.imported(&content, &json!({}));
            bench.insist_webhook(&[event]).await;
            bench.work().await;
        })
    };
    survives(chat, nothing, path).await;
}

#[tokio::test]
async fn replies_survive() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            for (id, text) in [("b1", "one"), ("b2", "two")] {
                says(bench, thread, json!({"id": id, "from": "bot", "text": text})).await;
            }
        })
    };
    survives(chat, nothing, path).await;
}

#[tokio::test]
async fn a_long_reply_in_several_parts_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            let text = sentences(300);
            says(bench, thread, json!({"id": "b1", "from": "bot", "text": text})).await;
        })
    };
    survives(chat, nothing, path).await;
}

#[tokio::test]
async fn a_reply_with_buttons_and_files_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            let server = Box::leak(Box::new(FileServer::start().await));
            let picture = server.gives("/card.png", vec![png(); 400]);
            let file = server.gives("/file.png", vec![png(); 400]);
            let items = json!([{"title": "Ticket", "subtitle": "For today", "image_url": picture.clone(),
                "attachment_url": picture, "url": "https://example.org", "items": [
                    {"type": "reply", "title": "Yes", "payload": "y"}]}]);
            let body = json!({"id": "b1", "from": "bot", "text": "Choose",
                "attachments": [{"url": file}],
                "structured": {"type": "carousel", "items": items}});
            says(bench, thread, body).await;
        })
    };
    survives(|| chat().files(&["127.0.0.1"]), nothing, path).await;
}

#[tokio::test]
async fn the_beginning_of_a_handover_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            says(
                bench,
                thread,
                json!({"id": "b1", "from": "bot", "text": "I call somebody"}),
            )
            .await;
            let wish = json!({"id": "h1", "reason": "help", "summary": "lost"});
            let path = format!("/conversations/{thread}/handover");
            bench.insist("POST", &path, &wish).await;
            bench.work().await;
        })
    };
    survives(chat, nothing, path).await;
}

fn own_interventions() -> Setup {
    chat().settings(|connection| {
        connection.ringcx.native.bot_intervention = handover_core::settings::BotIntervention::Always;
    })
}

#[tokio::test]
async fn the_bots_own_intervention_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            says(
                bench,
                thread,
                json!({"id": "b1", "from": "bot", "text": "I call somebody"}),
            )
            .await;
            let wish = json!({"id": "h1", "reason": "help"});
            let path = format!("/conversations/{thread}/handover");
            bench.insist("POST", &path, &wish).await;
            bench.work().await;
        })
    };
    survives(own_interventions, nothing, path).await;
}

#[tokio::test]
async fn the_end_of_an_intervention_in_which_nobody_speaks_survives() {
    let prepare: Path = |bench, thread| {
        Box::pin(says(
            bench,
            thread,
            json!({"id": "b1", "from": "bot", "text": "Hello"}),
        ))
    };
    let path: Path = |bench, _| {
        Box::pin(async move {
            bench.pass(Duration::from_mins(31));
            taken_up(bench).await;
            // Where RCE did not answer, nobody waits: it is done after another half an hour.
            bench.pass(Duration::from_mins(31));
            taken_up(bench).await;
        })
    };
    for setup in [own_interventions, virtual_agent] {
        survives(setup, prepare, path).await;
    }
}

fn virtual_agent() -> Setup {
    let setup = own_interventions().rce(|rce| {
        rce.virtual_agent_id = Some("5f0c00000000000000a9b0b1".to_owned());
    });
    setup.settings(|connection| {
        let native = &mut connection.ringcx.native;
        native.virtual_agent = true;
        native.bot_intervention = handover_core::settings::BotIntervention::Always;
    })
}

#[tokio::test]
async fn the_virtual_agents_calls_survive() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            says(
                bench,
                thread,
                json!({"id": "b1", "from": "bot", "text": "I call somebody"}),
            )
            .await;
            let wish = json!({"id": "h1", "reason": "help"});
            let path = format!("/conversations/{thread}/handover");
            bench.insist("POST", &path, &wish).await;
            bench.work().await;
        })
    };
    survives(virtual_agent, nothing, path).await;
}

#[tokio::test]
async fn a_takeover_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            let reply = supervisors("Sam here");
            bench.rce.reply(thread, SAM, reply).unwrap();
            reports(bench, thread, "intervention.opened", &json!({"id": "e1"})).await;
        })
    };
    survives(chat, nothing, path).await;
}

#[tokio::test]
async fn the_end_of_a_handover_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            bench.rce.close(thread).unwrap();
            reports(bench, thread, "intervention.closed", &json!({"id": "e1"})).await;
            taken_up(bench).await;
            let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
            let event = bench.imported(&content, &json!({}));
            bench.insist_webhook(&[event]).await;
            bench.work().await;
        })
    };
    survives(chat, with_agent, path).await;
}

#[tokio::test]
async fn an_end_that_is_reported_after_the_customers_next_words_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            bench.rce.close(thread).unwrap();
            let closed = bench
                .rce
                .event("intervention.closed", thread, &json!({"id": "e1"}));
            bench.pass(Duration::from_secs(2));
            let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
            let event = bench.imported(&content, &json!({}));
            bench.insist_webhook(&[event]).await;
            bench.work().await;
            bench.insist_webhook(&[closed]).await;
            bench.work().await;
        })
    };
    survives(chat, with_agent, path).await;
}

#[tokio::test]
async fn taking_it_back_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            let path = format!("/conversations/{thread}/handover");
            bench
                .insist("DELETE", &path, &json!({"cause": "bot_ended"}))
                .await;
            let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
            let event = bench.imported(&content, &json!({}));
            bench.insist_webhook(&[event]).await;
            bench.work().await;
            reports(bench, thread, "intervention.closed", &json!({"id": "e1"})).await;
        })
    };
    survives(chat, with_agent, path).await;
}

/// RCE did not answer our move to the agents; Sam came and went before it was tried again.
fn ended_on_the_way<'a>(bench: &'a Bench, thread: &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        bench.rce.fail_next(FaultTarget::RestCategorize, Fault::Drop, 1);
        bench.asks_for_agent(thread, json!({})).await;
        bench.work().await;
        bench.rce.engage(thread, SAM).expect("a thread");
        let sam = supervisors("Sam here");
        bench.rce.reply(thread, SAM, sam).expect("an open case");
        reports(bench, thread, "intervention.opened", &json!({"id": "e1"})).await;
        bench.rce.close(thread).expect("an open case");
        reports(bench, thread, "intervention.closed", &json!({"id": "e2"})).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.categories(thread), ["bot"]);
    })
}

#[tokio::test]
async fn undoing_a_move_of_ours_that_lands_late_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            bench.rce.move_to(thread, "agent").expect("a thread");
            bench.pass(Duration::from_secs(31));
            bench.work().await;
        })
    };
    survives(chat, ended_on_the_way, path).await;
}

fn spoken<'a>(bench: &'a Bench, _: &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        let (_, content) = bench.customer(NativeMessage::new("nadia", "Hello?"));
        let event = bench.imported(&content, &json!({}));
        bench.webhook(&[event]).await;
    })
}

#[tokio::test]
async fn a_silent_bots_loss_of_the_conversation_survives() {
    let path: Path = |bench, thread| {
        Box::pin(async move {
            bench.pass(Duration::from_secs(61));
            bench.work().await;
            taken_up(bench).await;
            // Whoever looks may be hit; the next one looks again.
            bench.pass(Duration::from_secs(61));
            taken_up(bench).await;
            bench.rce.take(thread, SAM).unwrap();
            bench.rce.reply(thread, SAM, "Sam here").unwrap();
            reports(bench, thread, "intervention.opened", &json!({"id": "e1"})).await;
        })
    };
    let setup: fn() -> Setup = || {
        Setup::default()
            .on(NativeKind::WhatsApp)
            .timers("queue = 0\nbot_silent = 60\nreconcile_every = 0")
    };
    survives(setup, spoken, path).await;
}

#[tokio::test]
async fn a_sweep_survives() {
    let path: Path = |bench, _| {
        Box::pin(async move {
            bench.customer(NativeMessage::new("nadia", "Nobody reported this"));
            for _ in 0..4 {
                bench.pass(Duration::from_secs(61));
                bench.work().await;
            }
        })
    };
    survives(chat, nothing, path).await;
}
