//! Where the log goes and how it looks; and that its spans become traces, where somebody wants those.

use std::io::IsTerminal as _;

use local_stage::Telemetry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::cli::LogFormat;

/// Logs to standard error; `RUST_LOG` changes what is logged, and not what is traced.
pub(crate) fn start(format: LogFormat, telemetry: Option<&Telemetry>) {
    start_from(format, "info", telemetry);
}

/// Logs only what somebody should look at.
#[cfg(feature = "demo")]
pub(crate) fn start_quietly(format: LogFormat) {
    start_from(format, "warn", None);
}

fn start_from(format: LogFormat, level: &str, telemetry: Option<&Telemetry>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt::layer::<Registry>()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let log = match format {
        LogFormat::Plain => log.with_target(false).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    // A list, because an absent layer beside one with a filter of its own would switch the log off.
    let mut layers = vec![log.with_filter(filter).boxed()];
    layers.extend(telemetry.map(|telemetry| telemetry.layer().boxed()));
    let started = tracing_subscriber::registry().with(layers).try_init();
    // A second start (tests) keeps the first.
    drop(started);
}
