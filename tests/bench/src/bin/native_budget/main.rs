//! What an account's REST budget carries on channels of RCE's own: calls for each turn of a conversation, and what
//! becomes of replies below, at and above the limit.
//!
//! The bridge is the one-machine stage with a file on disk and the real clock; RCE is the simulated one with its throttle
//! on; the bot answers at once. Exit code 1: a reply was lost, came twice or out of order, or RCE had to say 429.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is its purpose"
)]
#![expect(clippy::disallowed_methods, reason = "customers write by the real clock")]

mod calls;
mod load;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// What an account's REST budget carries on channels of RCE's own.
#[derive(Debug, Parser)]
struct Options {
    /// RCE's limit in requests a minute
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..=5_000))]
    rpm: u32,
    /// `requests_per_minute` of the connection [default: as RCE]
    #[arg(long)]
    limit: Option<u32>,
    /// How long customers write, for each load; the first minute of it is not counted
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(70..=1_800))]
    seconds: u64,
    /// Offered loads, in percent of what the limit should carry
    #[arg(long, value_delimiter = ',', default_values_t = [25, 50, 90, 110])]
    loads: Vec<u32>,
    /// One customer in so many asks for a human with their last words; 0: nobody
    #[arg(long, default_value_t = 10)]
    handovers: u64,
    /// Only the calls for each turn
    #[arg(long)]
    calls: bool,
    /// Not the calls for each turn
    #[arg(long, conflicts_with = "calls")]
    no_calls: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("not measured: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<bool> {
    if !options.no_calls {
        calls::count().await?;
    }
    if options.calls {
        return Ok(true);
    }
    let mut fine = true;
    println!("\n{}", load::HEAD);
    for percent in &options.loads {
        let plan = load::Plan {
            rpm: options.rpm,
            limit: options.limit.unwrap_or(options.rpm),
            percent: *percent,
            time: Duration::from_secs(options.seconds),
            handovers: options.handovers,
        };
        let outcome = load::carry(plan).await?;
        println!("{}", outcome.row());
        for wrong in &outcome.wrong {
            println!("  wrong: {wrong}");
        }
        fine &= outcome.wrong.is_empty();
    }
    Ok(fine)
}
