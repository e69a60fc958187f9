//! Load on the real binary: latency, throughput and memory of `engage-handover serve`.
//!
//! Everything runs on loopback, is bounded in time and count, and ends with the bridge killed. Exit code 1:
//! something was lost, came twice or out of order; 2: it could not be measured.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "its output is its purpose"
)]

mod bare;
mod bridge;
mod client;
mod conversations;
mod disk;
mod figures;
mod follow;
mod listener;
mod memory;
mod outside;
mod throughput;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use bridge::{Bridge, Setup};
use outside::Outside;
use traffic::Plan;

/// Load on the real binary: latency, throughput and memory of `engage-handover serve`.
#[derive(Debug, Parser)]
struct Options {
    /// Requests a second, beside a bare server in the same run
    #[arg(long, conflicts_with = "memory")]
    throughput: bool,
    /// Memory with many open conversations, and latency before and after
    #[arg(long)]
    memory: bool,
    /// With --throughput, only servers whose name contains this, beside the floor
    #[arg(long, value_name = "NAME", requires = "throughput")]
    only: Option<String>,
    /// Conversations that agents have
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=250))]
    conversations: u32,
    /// Messages of agents a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(..=20_000))]
    agent_rate: u32,
    /// Messages of people a second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=20_000))]
    user_rate: u32,
    /// How long messages are sent, or each kind of request is repeated [default: 20, or 4]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// Conversations to open with --memory
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    open: u32,
    /// The engage-handover binary [default: a fresh release build without the demo]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the bridge's data goes; a temporary directory is made in it
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    data: PathBuf,
    /// What the bridge logs, as `RUST_LOG` says it
    #[arg(long, default_value = "info")]
    log: String,
    /// Be one of the servers that the bridge is compared with
    #[arg(long, hide = true)]
    bare: Option<bare::Kind>,
}

fn main() -> ExitCode {
    run(&Options::parse()).unwrap_or_else(|error| {
        eprintln!("not measured: {error:#}");
        ExitCode::from(2)
    })
}

fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if let Some(kind) = options.bare {
        return runtime(1)?.block_on(bare::serve(kind));
    }
    let setup = Setup {
        binary: bridge::binary(options.binary.clone())?,
        data: options.data.clone(),
        log: options.log.clone(),
        forward_only: options.memory,
        core: None,
    };
    let seconds = |default| Duration::from_secs(options.seconds.unwrap_or(default));
    if options.throughput {
        // Servers on the first core, clients on the second.
        bridge::stay_on_core(1);
        return runtime(1)?.block_on(throughput::run(setup, seconds(4), options.only.as_deref()));
    }
    let plan = Plan {
        agent_rate: options.agent_rate,
        user_rate: options.user_rate,
        time: seconds(20),
        run: 0,
    };
    let names = names("agent", options.conversations);
    if options.memory {
        return runtime(2)?.block_on(memory::run(&setup, &names, plan, options.open));
    }
    runtime(2)?.block_on(latency(&setup, &names, plan))
}

async fn latency(setup: &Setup, names: &[String], plan: Plan) -> anyhow::Result<ExitCode> {
    println!(
        "{} conversations with agents; {} agent and {} user messages a second for {:?}",
        names.len(),
        plan.agent_rate,
        plan.user_rate,
        plan.time
    );
    let (outside, address) = Outside::start().await?;
    let bridge = Bridge::start(setup, address).await?;
    conversations::hand_over(bridge.address, &outside, names).await?;
    let report = traffic::run(&bridge, &outside, names, plan).await?;
    println!("{report}");
    Ok(exit_code(report.is_right()))
}

fn exit_code(right: bool) -> ExitCode {
    if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn names(prefix: &str, count: u32) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the load tool waits for the bridge; nothing of it is kept"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
