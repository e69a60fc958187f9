//! Platforms that say everything by calls of their own are not asked twice, whatever breaks: Cognigy's Webhook endpoint and
//! Chatlayer's webhook channel. Whom they were not asked about, the agents have.

use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::chatlayer::Chatlayer;
use handover_stories::cognigy::Cognigy;
use handover_stories::crash::Crash;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{NativeKind, NativeMessage};

/// A platform whose answers come by calls of their own.
enum Platform {
    Cognigy(Cognigy),
    Chatlayer(Chatlayer),
}

impl Platform {
    async fn start(name: &str) -> Self {
        match name {
            "chatlayer" => Self::Chatlayer(Chatlayer::start().await),
            _ => Self::Cognigy(Cognigy::start().await),
        }
    }

    fn setup(&self) -> Setup {
        let setup = match self {
            Self::Cognigy(cognigy) => Setup::default().bot_is(&cognigy.by_its_own_endpoint("webhook")),
            Self::Chatlayer(chatlayer) => chatlayer.on_native_channel(),
        };
        let timers = "queue = 0\nbot_silent = 1200\nreconcile_every = 0";
        setup.on(NativeKind::WhatsApp).timers(timers).by_hand()
    }

    fn heard(&self) -> Vec<String> {
        match self {
            Self::Cognigy(cognigy) => cognigy.input_texts(),
            Self::Chatlayer(chatlayer) => chatlayer.input_texts(),
        }
    }

    /// What its flow says to what it heard: once for each time that it did.
    async fn answers(&self, bench: &Bench, thread: &str) {
        for (number, text) in (1_u64..).zip(self.heard()) {
            let said = match self {
                Self::Cognigy(cognigy) => {
                    let output = json!({"text": format!("To {text}"), "data": {}});
                    let trace = format!("trace-{number}");
                    cognigy.outputs(bench, thread, &trace, &output).await
                }
                Self::Chatlayer(chatlayer) => {
                    let message = json!({"text": format!("To {text}")});
                    chatlayer.says(bench, thread, number, &message).await
                }
            };
            assert!(said.status < 300, "{}", said.text());
        }
    }
}

/// One customer's message, with a fault at a step of it; returns how many steps there were.
async fn survives(name: &str, number: usize, crash: Option<Crash>) -> usize {
    let platform = Platform::start(name).await;
    let bench = platform.setup().start().await;
    match crash {
        Some(crash) => bench.steps.break_at(number, crash),
        None => bench.steps.count(),
    }
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "one"));
    let event = bench.imported(&content, &json!({}));
    bench.insist_webhook(&[event]).await;
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
    let steps = bench.steps.taken();

    let what = format!("{name}, {crash:?} at step {number}");
    let heard = platform.heard();
    assert!(heard.len() <= 1, "{what}: asked {heard:?}");
    let is_harmless = matches!(crash, None | Some(Crash::Refused));
    assert!(!is_harmless || heard.len() == 1, "{what}: not asked");
    platform.answers(&bench, &thread).await;
    bench.until_quiet_by_hand().await;
    let read: Vec<String> = bench.seen(&thread).into_iter().filter_map(|it| it.text).collect();
    assert_eq!(read.len(), heard.len(), "{what}: {read:?}");
    // Whoever was not answered is not stranded.
    bench.pass(Duration::from_mins(21));
    bench.until_quiet_by_hand().await;
    let expected = if heard.is_empty() { "agent" } else { "bot" };
    assert_eq!(bench.categories(&thread), [expected], "{what}");
    bench.finish().await;
    steps
}

async fn survives_everywhere(name: &str) {
    let steps = survives(name, 0, None).await;
    assert!(steps > 5, "{steps} steps");
    for number in 1..=steps {
        for crash in Crash::at_step(number) {
            survives(name, number, Some(crash)).await;
        }
    }
}

#[tokio::test]
async fn cognigys_webhook_endpoint_is_not_asked_twice_whatever_breaks() {
    survives_everywhere("cognigy").await;
}

#[tokio::test]
async fn chatlayers_webhook_channel_is_not_asked_twice_whatever_breaks() {
    survives_everywhere("chatlayer").await;
}
