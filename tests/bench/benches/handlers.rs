//! What one request costs, without the network.
//!
//! `cargo bench -p handover-bench [-- PART-OF-A-NAME]`

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use handover_bench::fixtures::{self, bot_call, source_call, webhook_call};
use handover_bench::measure::{Cost, measure};
use handover_bench::stubs;
use handover_core::conversation::SignalPolicy;
use handover_core::ids::{ConnectionId, EventId, ForeignThreadId, HandoverId, JobId, ThreadId};
use handover_core::job::{Job, QueueName, Work};
use handover_core::ports::{Clock as _, Measured, Metrics as _, Receipt, Received, Side};
use handover_core::signal::{Signal, SignalKind};
use handover_figures::{Figures, Telemetry, TelemetryOptions};
use handover_handlers::{App, routes, work};
use handover_machine::SystemClock;
use handover_ringcx::html::html_to_text;
use handover_ringcx::signature::{sign, verify};
use handover_ringcx::source_sdk::{Action, parse_action};
use http::{Request, StatusCode};
use tokio::runtime::Runtime;

/// Our own CPU for one event, storage and network not counted.
const BUDGET: Duration = Duration::from_micros(50);
/// Requests at the same time in the durable benchmarks, each of another conversation.
const TOGETHER: u32 = 64;

/// Whether a benchmark's CPU is held against the budget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of an event.
    Part,
    /// All that our own code does for one event.
    Event,
    /// With storage, which the budget leaves out.
    Stored,
}

struct Bench {
    filter: Option<String>,
    runtime: Runtime,
}

fn main() -> anyhow::Result<()> {
    // Cargo passes `--bench`.
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let bench = Bench { filter, runtime };
    println!(
        "{:<52} {:>11} {:>11} {:>11}  budget {} µs",
        "one operation",
        "median",
        "best",
        "CPU",
        BUDGET.as_micros()
    );
    bench.parsing();
    bench.pure();
    bench.recording();
    bench.requests();
    bench.jobs();
    bench.durable()
}

impl Bench {
    /// What it costs to count one delivery, without and with a collector (which is not there).
    fn recording(&self) {
        let acme = ConnectionId::new("acme");
        let measured = Measured::Delivered {
            to: Side::Bot,
            latency: Duration::from_millis(12),
        };
        let figures = Figures::new(std::slice::from_ref(&acme), None);
        self.run("record a delivery", Kind::Part, 1, || {
            figures.record(&acme, measured);
        });
        let _inside = self.runtime.enter();
        let nobody = TelemetryOptions {
            endpoint: "http://127.0.0.1:9".to_owned(),
            headers: Vec::new(),
            service_name: "bench".to_owned(),
            version: "0",
        };
        let telemetry = Telemetry::start(nobody, handover_ringcx::http::client()).expect("valid options");
        let figures = Figures::new(std::slice::from_ref(&acme), Some(&telemetry));
        self.run("record a delivery, exported as well", Kind::Part, 1, || {
            figures.record(&acme, measured);
        });
    }

    fn wants(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter.as_str()))
    }

    fn run(&self, name: &str, kind: Kind, operations: u32, run: impl FnMut()) {
        if self.wants(name) {
            report(name, kind, measure(operations, run));
        }
    }

    /// Signature, then JSON, by size of the body.
    fn parsing(&self) {
        let tokens = [fixtures::source_token()];
        let now = SystemClock.now();
        for (bytes, size) in [
            (288, "288 B"),
            (1_024, "1 KiB"),
            (4_096, "4 KiB"),
            (20_480, "20 KiB"),
        ] {
            let body = Bytes::from(fixtures::agent_message("conv-0", 1, bytes));
            assert_eq!(body.len(), bytes, "the fixture has another size");
            let signature = sign(&tokens[0], &body);
            self.run(
                &format!("verify and parse an agent message of {size}"),
                Kind::Part,
                1,
                || {
                    let verified = verify(&tokens, Some(signature.as_bytes()), None, body.clone());
                    let action = parse_action(&verified.expect("it is signed"), now).expect("it is readable");
                    assert!(matches!(black_box(action), Action::CreateMessage(_)));
                },
            );
        }
    }

    fn pure(&self) {
        let now = SystemClock.now();
        let before = stubs::conversation("conv-0");
        let joined = signal(SignalKind::AgentJoined);
        let policy = SignalPolicy {
            agent_takeover: true,
            customer_reopens: false,
        };
        self.run("Conversation::signal, an agent joins", Kind::Part, 1, || {
            let mut conversation = before.clone();
            black_box(conversation.signal(&joined, policy, HandoverId::new("ho_2"), now));
        });
        let html = "<p>We have found your parcel in <b>Lyon</b> &amp; send it on.</p>\
                    <ul><li>today</li><li><a href=\"https://example.org/track\">track it</a></li></ul>";
        let page = html.repeat(1_024 / html.len());
        self.run("html_to_text of 1 KiB", Kind::Part, 1, || {
            black_box(html_to_text(black_box(&page)));
        });
    }

    /// Whole requests, storage stubbed.
    fn requests(&self) {
        let app = stubs::stubbed();
        let message = fixtures::agent_message("conv-0", 1, 1_024);
        let long = fixtures::agent_message("conv-0", 1, 20_480);
        let cases = [
            (
                "source-sdk implementation.info",
                source_call(fixtures::implementation_info()),
            ),
            (
                "source-sdk messages.create of 1 KiB",
                source_call(message.clone()),
            ),
            ("source-sdk messages.create of 20 KiB", source_call(long)),
            ("webhook of 1 event", webhook_call(fixtures::webhook(1, 1))),
            ("webhook of 10 events", webhook_call(fixtures::webhook(1, 10))),
            (
                "bot API POST messages",
                bot_call("conv-0/messages", fixtures::customer_message("m-1")),
            ),
        ];
        for (name, request) in cases {
            self.run(name, Kind::Event, 1, || self.answer(&app, request.clone()));
        }
        // What the log costs: each line is rendered, and thrown away.
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(std::io::sink)
            .finish();
        let request = source_call(message);
        tracing::subscriber::with_default(subscriber, || {
            self.run(
                "source-sdk messages.create of 1 KiB, logged",
                Kind::Event,
                1,
                || {
                    self.answer(&app, request.clone());
                },
            );
        });
    }

    fn answer(&self, app: &App, request: Request<Bytes>) {
        let answer = self.runtime.block_on(routes::handle(app, request));
        assert!(matches!(answer.status(), StatusCode::OK | StatusCode::ACCEPTED));
    }

    /// What workers do with a job, storage and bot stubbed.
    fn jobs(&self) {
        let app = stubs::stubbed();
        let tokens = [fixtures::source_token()];
        let body = Bytes::from(fixtures::agent_message("conv-0", 1, 1_024));
        let signature = sign(&tokens[0], &body);
        let verified = verify(&tokens, Some(signature.as_bytes()), None, body).expect("it is signed");
        let Ok(Action::CreateMessage(incoming)) = parse_action(&verified, app.now()) else {
            unreachable!("the fixture is an agent's message");
        };
        let message = incoming.message;
        let jobs = [
            (
                "job: agent message of 1 KiB to the bot",
                Work::DeliverAgentMessage { message },
            ),
            (
                "job: webhook event, an agent joins",
                Work::ApplySignal {
                    signal: signal(SignalKind::AgentJoined),
                },
            ),
        ];
        for (name, work) in jobs {
            let received = received(&app, work);
            self.run(name, Kind::Event, 1, || {
                let outcome = self.runtime.block_on(work::run(&app, &received));
                assert_eq!(outcome, work::Outcome::Done);
            });
        }
    }

    /// With the embedded store on this machine's disk; every answer waits for the disk.
    fn durable(&self) -> anyhow::Result<()> {
        let alone = "messages.create of 1 KiB, durable, one at a time";
        let together = "messages.create of 1 KiB, durable, 64 at a time";
        if !self.wants(alone) && !self.wants(together) {
            return Ok(());
        }
        let dir = tempfile::tempdir()?;
        let app = Arc::new(
            self.runtime
                .block_on(stubs::durable(dir.path(), TOGETHER as usize))?,
        );
        let mut number = 0;
        let mut next = || {
            number += 1;
            let conversation = format!("conv-{}", number % u64::from(TOGETHER));
            source_call(fixtures::agent_message(&conversation, number, 1_024))
        };
        self.run(alone, Kind::Stored, 1, || self.answer(&app, next()));
        self.run(together, Kind::Stored, TOGETHER, || {
            self.runtime.block_on(async {
                let mut all = tokio::task::JoinSet::new();
                for _ in 0..TOGETHER {
                    let (app, request) = (Arc::clone(&app), next());
                    all.spawn(async move { routes::handle(&app, request).await.status() });
                }
                for status in all.join_all().await {
                    assert_eq!(status, StatusCode::OK);
                }
            });
        });
        Ok(())
    }
}

fn signal(kind: SignalKind) -> Signal {
    Signal {
        event: EventId::new("65d0a1e00000000000000001"),
        name: "task.taken".to_owned(),
        kind,
        source: None,
        thread: Some(ThreadId::new("65d0a1000000000000740001")),
        intervention: None,
        // With an agent's id the job would ask RCE for the name.
        agent: None,
        issued_at: SystemClock.now(),
        epoch: None,
        tags: Vec::new(),
    }
}

fn received(app: &App, work: Work) -> Received {
    Received {
        job: Job {
            id: JobId::new(app.ids.next()),
            connection: ConnectionId::from(fixtures::CONNECTION),
            thread: ForeignThreadId::new("conv-0"),
            accepted_at: app.now(),
            work,
        },
        receipt: Receipt {
            queue: QueueName::ToBot,
            token: String::new(),
        },
        attempt: 1,
        superseded: false,
    }
}

fn report(name: &str, kind: Kind, cost: Cost) {
    let micros = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6);
    let verdict = match kind {
        Kind::Part => "",
        Kind::Stored => "storage not counted there",
        Kind::Event if cost.cpu <= BUDGET => "met",
        Kind::Event => "missed",
    };
    println!(
        "{name:<52} {:>11} {:>11} {:>11}  {verdict}",
        micros(cost.median),
        micros(cost.best),
        micros(cost.cpu)
    );
}
