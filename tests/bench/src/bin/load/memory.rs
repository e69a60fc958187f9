//! Memory with many open conversations, and whether they make anything slower.

use std::process::ExitCode;
use std::time::Instant;

use crate::bridge::{Bridge, Setup};
use crate::conversations;
use crate::figures::{mib, ms, per_second, verdict};
use crate::outside::Outside;
use crate::traffic::{self, Plan};
use crate::{exit_code, names};

const CONNECTIONS: usize = 64;
/// Resident memory with 100,000 open conversations, in KiB.
const BUDGET: u64 = 200 * 1_024;

/// Latency, then `open` conversations with a kept message each, then latency again.
pub(crate) async fn run(setup: &Setup, agents: &[String], plan: Plan, open: u32) -> anyhow::Result<ExitCode> {
    let (outside, address) = Outside::start().await?;
    let bridge = Bridge::start(setup, address).await?;
    println!("just started: resident {}", mib(bridge.memory()?.resident));
    conversations::hand_over(bridge.address, &outside, agents).await?;
    let mut before = traffic::run(&bridge, &outside, agents, plan).await?;
    println!("\nwith {} conversations\n{before}", agents.len());

    let cpu = bridge.cpu()?;
    let started = Instant::now();
    let opened = names("open", open);
    conversations::open(bridge.address, &opened, CONNECTIONS).await?;
    let took = started.elapsed();
    let cpu = bridge.cpu()?.saturating_sub(cpu);
    let memory = bridge.memory()?;
    println!(
        "\n{open} conversations opened: {:.0} a second over {CONNECTIONS} connections, {:.0} µs of CPU each; {} on disk",
        per_second(opened.len(), took),
        cpu.as_secs_f64() * 1e6 / f64::from(open),
        mib(bridge.stored() / 1_024)
    );
    println!(
        "resident {}, at most {}; budget of {} for 100,000: {}",
        mib(memory.resident),
        mib(memory.peak),
        mib(BUDGET),
        verdict(memory.peak <= BUDGET)
    );

    let mut after = traffic::run(
        &bridge,
        &outside,
        agents,
        Plan {
            run: plan.run + 1,
            ..plan
        },
    )
    .await?;
    println!("\nwith {} conversations\n{after}", agents.len() + opened.len());
    let ((p50, p99), (p50_then, p99_then)) = (before.p50_p99(), after.p50_p99());
    println!(
        "\nlatency to the bot, before and after: p50 {} and {}, p99 {} and {}; budgets after: {}",
        ms(p50),
        ms(p50_then),
        ms(p99),
        ms(p99_then),
        verdict(after.meets_budget())
    );
    Ok(exit_code(before.is_right() && after.is_right()))
}
