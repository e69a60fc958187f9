//! One file for each command.

pub(crate) mod check;
pub(crate) mod conversations;
pub(crate) mod dead_letters;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod drain;
pub(crate) mod erase;
mod place;
pub(crate) mod release;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod timeline;

use std::path::Path;

use handover_core::settings::Connection;
use handover_handlers::config;
use handover_handlers::operator::Refusal;
use handover_machine::Environment;

use crate::output;

/// What `--stage` is answered by a build that knows no AWS.
#[cfg(not(feature = "aws"))]
pub(crate) const WITHOUT_AWS: &str = "this engage-handover was built without AWS, so it knows no --stage; \
    build one that does: cargo build --release -p engage-handover --no-default-features --features aws";

/// Why a command failed, for the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong use: arguments, configuration, an id that does not exist.
    Theirs(String),
    /// Ours, or the machine's.
    Ours(anyhow::Error),
    /// It was done, and this is what it says; all is written already.
    Verdict(u8),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Ours(error.into())
    }
}

/// What the bridge would not do, by whose fault it is.
fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::UnknownConversation
        | Refusal::NoHandover
        | Refusal::WithAgents
        | Refusal::UnknownDeadLetter => Failure::Theirs(refusal.to_string()),
        Refusal::Busy | Refusal::Store(_) | Refusal::Queue(_) => Failure::Ours(refusal.into()),
    }
}

pub(crate) fn openapi() {
    output::line(handover_handlers::openapi::DOCUMENT.trim_end());
}

/// Reads and checks a configuration; its connections.
fn read_config(file: &Path) -> Result<Vec<Connection>, Failure> {
    read_whole_config(file).map(|read| read.connections)
}

/// Reads and checks a configuration.
fn read_whole_config(file: &Path) -> Result<config::Configuration, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Theirs(format!("cannot read {}: {error}", file.display())))?;
    config::read(&text, &Environment).map_err(|error| Failure::Theirs(format!("{}: {error}", file.display())))
}

fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    output::line(&serde_json::to_string_pretty(value)?);
    Ok(())
}
