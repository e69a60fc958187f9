//! A bare simulated account to try a set-up against by hand. It prints what one copies from the console, and the
//! console's steps that the API does not have as commands.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx};

/// A simulated RingCentral Engage Digital account that nobody set up yet: a source, a token, two agents.
#[derive(Parser)]
struct Options {
    /// Where to listen: a loopback address; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8077")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let config = SimulatedConfig {
        listen: Options::parse().listen,
        ..SimulatedConfig::bare()
    };
    let rce = match SimulatedRingcx::start(config).await {
        Ok(rce) => rce,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "not started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let _ = std::io::stdout().write_all(guide(&rce).as_bytes());
    let _ = tokio::signal::ctrl_c().await;
    rce.stop().await;
    ExitCode::SUCCESS
}

fn guide(rce: &SimulatedRingcx) -> String {
    let (base, config) = (rce.base_url(), rce.config());
    let mut text = format!(
        "Simulated RCE, a bare account. Ctrl-C ends it and forgets everything.\n\n\
         From the console:\n  \
         API base URL             {base}\n  \
         API access token         {}\n  \
         Source id                {}\n  \
         Realtime endpoint URL    {}\n  \
         Realtime access token    {}\n",
        config.api_token,
        config.source_id,
        rce.realtime_url(),
        config.source_token,
    );
    for agent in &config.agents {
        let _ = writeln!(text, "  Agent                    {} ({})", agent.id, agent.name);
    }
    text += "\nWhat a person clicks in the console (put your own values in):\n";
    for (what, step, body) in [
        (
            "Enter the source's Base URI",
            "base-uri",
            r#"{"base_uri": "http://127.0.0.1:8080/handover/rce"}"#,
        ),
        (
            "Tick Controlled identity, for the bot's and for the agents'",
            "controlled-identity",
            r#"{"identity": "bot"}"#,
        ),
        (
            "Assign the agents' identity to all agents, or to \"agents\": [ids]",
            "assign-identity",
            r#"{"identity": "agent"}"#,
        ),
    ] {
        let _ = writeln!(text, "  # {what}\n  curl {base}/desk/console/{step} -d '{body}'");
    }
    text + &format!("\nEverything as JSON: curl {base}/desk/state\n")
}
