//! The examples as commands, and whether what they need is installed.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tokio::process::Command;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Example {
    Python,
    JavaScript,
    Rasa,
    /// The transformer kit, in an endpoint in miniature.
    Cognigy(Endpoint),
}

/// Which endpoint of Cognigy the kit is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `socket` or `webhook`.
    pub(crate) kind: &'static str,
    /// Whether transformers see the bytes that arrived, or only what was parsed of them.
    pub(crate) raw_body: bool,
    /// The kit's switch of this name.
    pub(crate) sends_everything: bool,
}

impl Example {
    /// Where it takes the bridge's events.
    pub(crate) fn events_path(self) -> &'static str {
        match self {
            Self::Python | Self::JavaScript => "/events",
            Self::Rasa => "/webhooks/engage_handover/events",
            Self::Cognigy(_) => "",
        }
    }

    /// Whether its connection keeps conversations from the agents before a handover, so that its transcript counts.
    pub(crate) fn forwards_only_handovers(self) -> bool {
        !matches!(
            self,
            Self::Python
                | Self::Cognigy(Endpoint {
                    sends_everything: true,
                    ..
                })
        )
    }

    /// The lines of `[connections.default.bot]`.
    pub(crate) fn settings(self, url: &str, secret: &str) -> String {
        match self {
            Self::Cognigy(_) => {
                format!("kind = \"cognigy\"\nendpoint_base_url = \"{url}\"\nsigning_secrets = \"{secret}\"")
            }
            _ => format!(
                "url = \"{url}{}\"\nsigning_secrets = [\"{secret}\"]",
                self.events_path()
            ),
        }
    }

    pub(crate) fn command(self) -> Command {
        match self {
            Self::Python => python(&at("integrations/python/bot.py")),
            Self::JavaScript => {
                // Node looks for packages beside the file.
                let file = tools().join("javascript/bot.js");
                fs::copy(at("integrations/javascript/bot.js"), &file).expect("the bot can be copied");
                let mut command = Command::new("node");
                command.arg(file);
                command
            }
            Self::Cognigy(endpoint) => {
                let mut command = Command::new("node");
                command
                    .arg(at("tests/integrations/cognigy_stand_in/endpoint.mjs"))
                    .env("KIT", at("integrations/cognigy/transformer.js"))
                    .env("KIND", endpoint.kind)
                    .env("RAW_BODY", if endpoint.raw_body { "yes" } else { "" })
                    .env("SEND_EVERYTHING", endpoint.sends_everything.to_string());
                command
            }
            Self::Rasa => {
                let stand_in = at("tests/integrations/rasa_stand_in");
                let mut command = python(&stand_in.join("server.py"));
                command.env("PYTHONPATH", at("integrations/rasa"));
                command
            }
        }
    }
}

/// Whether the bots' packages are installed. In CI they must be; elsewhere it is said aloud that they are not.
pub(crate) fn are_there() -> bool {
    if tools().join("installed").exists() {
        return true;
    }
    let missing =
        "the example bots' packages are missing: run integrations/install.sh (Python 3.9, Node 20, npm)";
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "{missing}");
    // Past the harness, which swallows what passing tests print.
    let _ = writeln!(io::stderr(), "SKIPPED: {missing}");
    false
}

pub(crate) fn at(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

fn tools() -> PathBuf {
    at("target/integrations")
}

fn python(file: &Path) -> Command {
    let mut command = Command::new(tools().join("python/bin/python"));
    // Nothing is written beside the sources.
    command.arg("-B").arg(file);
    command
}
