//! Requests a second on one core, beside a bare server in the same run.
//!
//! Server and clients have a core each where the machine allows it. What a request costs the server in CPU
//! is counted too: unlike the rate, it hardly depends on what else the machine does.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use handover_bench::fixtures::{self, source_call};
use handover_bench::process;
use tokio::task::JoinSet;

use crate::bare::{self, Kind};
use crate::bridge::{Bridge, Setup, can_pin};
use crate::client::{Client, on_the_wire};
use crate::figures::{Durations, ms, per_second, verdict};
use crate::outside::Outside;
use crate::{conversations, names};

const SERVER_CORE: usize = 0;
const CONNECTIONS: [usize; 2] = [16, 64];
const CONVERSATIONS: u32 = 256;
const BYTES: usize = 1_024;
/// A JavaScript server of the same protocol, which stores nothing, answers 3,180 messages a second where a
/// bare server as ours here answers 71,148: budgets of 10 and 5 times as much are these parts of the floor.
const STUBBED_BUDGET: f64 = 10.0 * 3_180.0 / 71_148.0;
const DURABLE_BUDGET: f64 = 5.0 * 3_180.0 / 71_148.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    /// `implementation.info`
    Info,
    /// `messages.create`, each in the next conversation
    Message,
}

/// What one kind of request came to over some connections.
struct Measured {
    rate: f64,
    cpu: Duration,
    answers: Durations,
}

/// A server under test.
struct Target {
    name: Server,
    address: SocketAddr,
    pid: u32,
    time: Duration,
}

/// What is measured against what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Bare(Kind),
    /// The real one, with conversations that agents have. A slow bot keeps deliveries from using the core:
    /// then what is measured is accepting alone.
    Bridge {
        slow_bot: bool,
    },
}

const FLOOR: Server = Server::Bare(Kind::Floor);
const STUBBED: Server = Server::Bare(Kind::Handlers);
const ACCEPTING: Server = Server::Bridge { slow_bot: true };
const DELIVERING: Server = Server::Bridge { slow_bot: false };
const CALLS: [(Server, Call); 7] = [
    (FLOOR, Call::Info),
    (FLOOR, Call::Message),
    (STUBBED, Call::Info),
    (STUBBED, Call::Message),
    (DELIVERING, Call::Info),
    (ACCEPTING, Call::Message),
    (DELIVERING, Call::Message),
];

/// `only` servers whose name contains it; the floor is measured in any case.
pub(crate) async fn run(setup: Setup, time: Duration, only: Option<&str>) -> anyhow::Result<ExitCode> {
    let pinned = if can_pin() {
        "one core for the server"
    } else {
        "cores shared: rates are not those of one core"
    };
    println!("{time:?} for each line; {pinned}; agents' messages of {BYTES} bytes\n");
    println!(
        "{:<44} {:>4}  {:>9}  {:>8}  {:>9}  {:>9}",
        "server and call", "conn", "a second", "CPU each", "p50", "p99"
    );
    let setup = Setup {
        core: Some(SERVER_CORE),
        ..setup
    };
    let mut best = Vec::new();
    for (server, call) in CALLS {
        if server == FLOOR || only.is_none_or(|only| server.name().contains(only)) {
            best.push((server, call, server.measure(call, &setup, time).await?));
        }
    }
    println!("\nas a part of the floor's, by rate and by CPU:");
    for (server, call, measured) in &best {
        let floor = best.iter().find(|(server, of, _)| *server == FLOOR && of == call);
        let Some((_, _, floor)) = floor.filter(|_| *server != FLOOR) else {
            continue;
        };
        let part = measured.rate / floor.rate;
        let budget = match (*server, *call) {
            (STUBBED, Call::Message) => Some(STUBBED_BUDGET),
            (ACCEPTING, Call::Message) => Some(DURABLE_BUDGET),
            _ => None,
        };
        let budget = budget.map(|budget| format!("  budget {budget:.2}: {}", verdict(part >= budget)));
        println!(
            "{:<44} {part:.2}  {:.2}{}",
            call.of(*server),
            floor.cpu.as_secs_f64() / measured.cpu.as_secs_f64(),
            budget.unwrap_or_default()
        );
    }
    Ok(ExitCode::SUCCESS)
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            FLOOR => "floor",
            STUBBED => "storage stubbed",
            ACCEPTING => "durable, bot slow",
            DELIVERING => "durable, bot instant",
        }
    }

    /// Measures on a server of its own.
    async fn measure(self, call: Call, setup: &Setup, time: Duration) -> anyhow::Result<Best> {
        match self {
            Self::Bare(kind) => {
                let (child, address) = bare::start(kind, SERVER_CORE).await?;
                let pid = child.id().context("the server is gone")?;
                Target {
                    name: self,
                    address,
                    pid,
                    time,
                }
                .measure(call)
                .await
            }
            Self::Bridge { slow_bot } => {
                let (outside, address) = Outside::start().await?;
                let bridge = Bridge::start(setup, address).await?;
                conversations::hand_over(bridge.address, &outside, &names("agent", CONVERSATIONS)).await?;
                outside.hold(slow_bot);
                outside.forget();
                let started = Instant::now();
                let target = Target {
                    name: self,
                    address: bridge.address,
                    pid: bridge.pid(),
                    time,
                };
                let best = target.measure(call).await?;
                if self == DELIVERING && call == Call::Message {
                    let rate = per_second(outside.count_at_bot(), started.elapsed());
                    println!("{:<44} {:>4}  {rate:>9.0}", "… of which at the bot meanwhile", "");
                }
                Ok(best)
            }
        }
    }
}

/// The best over all numbers of connections.
#[derive(Clone, Copy)]
struct Best {
    rate: f64,
    cpu: Duration,
}

impl Target {
    /// Prints a line for each number of connections; returns the best.
    async fn measure(&self, call: Call) -> anyhow::Result<Best> {
        let mut best = Best {
            rate: 0.0,
            cpu: Duration::MAX,
        };
        for connections in CONNECTIONS {
            let mut measured = self.repeat(call, connections).await?;
            println!(
                "{:<44} {connections:>4}  {:>9.0}  {:>5.1} µs  {:>9}  {:>9}",
                call.of(self.name),
                measured.rate,
                measured.cpu.as_secs_f64() * 1e6,
                ms(measured.answers.at(50)),
                ms(measured.answers.at(99))
            );
            best.rate = best.rate.max(measured.rate);
            best.cpu = best.cpu.min(measured.cpu);
        }
        Ok(best)
    }

    async fn repeat(&self, call: Call, connections: usize) -> anyhow::Result<Measured> {
        let number = Arc::new(AtomicU64::new(u64::try_from(connections)? << 32));
        let cpu = process::cpu(self.pid)?;
        let started = Instant::now();
        let until = started + self.time;
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let (mut client, number) = (Client::connect(self.address).await?, Arc::clone(&number));
            let prepared = prepared(call, self.name, &number);
            clients.spawn(async move {
                let mut durations = Vec::new();
                while Instant::now() < until {
                    let request = prepared
                        .as_ref()
                        .map_or_else(|| Cow::Owned(message(&number)), Cow::Borrowed);
                    let asked = Instant::now();
                    let status = client.call_raw(&request).await?.status;
                    if status != 200 {
                        bail!("answered {status}");
                    }
                    durations.push(asked.elapsed());
                }
                Ok(durations)
            });
        }
        let mut answers = Durations::default();
        let mut count = 0;
        for durations in clients.join_all().await {
            let durations = durations?;
            count += durations.len();
            for duration in durations {
                answers.add(duration);
            }
        }
        let took = started.elapsed();
        let cpu = process::cpu(self.pid)?.saturating_sub(cpu) / u32::try_from(count)?.max(1);
        Ok(Measured {
            rate: per_second(count, took),
            cpu,
            answers,
        })
    }
}

impl Call {
    fn of(self, server: Server) -> String {
        let call = if self == Self::Info {
            "implementation.info"
        } else {
            "messages.create"
        };
        format!("{}: {call}", server.name())
    }
}

/// The one request that is sent again and again, if it may be: a server that stores messages must get new ones.
fn prepared(call: Call, server: Server, number: &AtomicU64) -> Option<Vec<u8>> {
    match (call, server) {
        (Call::Info, _) => Some(on_the_wire(&source_call(fixtures::implementation_info()))),
        (Call::Message, Server::Bare(_)) => Some(message(number)),
        (Call::Message, Server::Bridge { .. }) => None,
    }
}

fn message(number: &AtomicU64) -> Vec<u8> {
    let number = number.fetch_add(1, Ordering::Relaxed);
    let conversation = format!("agent-{}", number % u64::from(CONVERSATIONS));
    on_the_wire(&source_call(fixtures::agent_message(
        &conversation,
        number,
        BYTES,
    )))
}
