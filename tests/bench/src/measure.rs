//! Time and CPU of one operation.

use std::time::{Duration, Instant};

use crate::process;

/// How long an operation is run before it is measured, and how long each of its samples takes at least.
const WARM_UP: Duration = Duration::from_millis(300);
const SAMPLE: Duration = Duration::from_millis(10);
/// How long it is measured in all.
const MEASURE: Duration = Duration::from_secs(2);

/// What one operation costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub median: Duration,
    /// The fastest sample: what it costs when nothing else runs on the machine.
    pub best: Duration,
    /// CPU of all threads, by the kernel's count. Suffers far less from a busy machine.
    pub cpu: Duration,
}

/// Repeats `run`, which does `operations` operations each time.
pub fn measure(operations: u32, mut run: impl FnMut()) -> Cost {
    let once = {
        let started = Instant::now();
        let mut runs = 0_u32;
        while started.elapsed() < WARM_UP {
            run();
            runs += 1;
        }
        started.elapsed() / runs
    };
    let runs = u32::try_from(SAMPLE.as_nanos() / once.as_nanos().max(1))
        .unwrap_or(u32::MAX)
        .max(1);
    let mut samples = Vec::new();
    let cpu_before = own_cpu();
    let started = Instant::now();
    while started.elapsed() < MEASURE {
        let sample = Instant::now();
        for _ in 0..runs {
            run();
        }
        samples.push(sample.elapsed() / runs / operations);
    }
    let total = u32::try_from(samples.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(runs)
        .saturating_mul(operations);
    let cpu = own_cpu().saturating_sub(cpu_before) / total.max(1);
    samples.sort();
    Cost {
        median: samples[samples.len() / 2],
        best: samples[0],
        cpu,
    }
}

fn own_cpu() -> Duration {
    process::cpu(std::process::id()).unwrap_or_default()
}
