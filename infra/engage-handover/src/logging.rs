//! Where the log goes and how it looks.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Logs to standard error; `RUST_LOG` changes what is logged.
pub(crate) fn start(format: LogFormat) {
    start_from(format, "info");
}

/// Logs only what somebody should look at.
#[cfg(feature = "demo")]
pub(crate) fn start_quietly(format: LogFormat) {
    start_from(format, "warn");
}

fn start_from(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Plain => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // A second start (tests) keeps the first.
    drop(started);
}
