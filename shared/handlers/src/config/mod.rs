//! `connections.toml`: reading and checking, all errors at once.
//!
//! Names follow the vendors' set-up guides, so that an integrator copies field by field. A secret is a
//! literal, `env:NAME` or `file:PATH`; nothing of it appears in an error.

mod bot;
mod connection;
mod native;
mod section;
mod telemetry;

use handover_core::settings::Connection;
use toml::Table;

use section::Section;
pub use telemetry::Telemetry;

/// How references to secrets are looked up; the one door to environment and files.
pub trait Lookup {
    fn env(&self, name: &str) -> Option<String>;
    fn file(&self, path: &str) -> Result<String, std::io::Error>;
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.0.len();
        writeln!(
            f,
            "the configuration has {count} error{}:",
            if count == 1 { "" } else { "s" }
        )?;
        for (index, error) in self.0.iter().enumerate() {
            let end = if index + 1 == count { "" } else { "\n" };
            write!(f, "  - {error}{end}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// A whole file.
#[derive(Debug)]
pub struct Configuration {
    pub connections: Vec<Connection>,
    /// Where figures are exported to; `None`: nowhere.
    pub telemetry: Option<Telemetry>,
}

/// The connections of a whole file's text.
pub fn parse(text: &str, lookup: &dyn Lookup) -> Result<Vec<Connection>, ConfigError> {
    read_in(text, lookup, None).map(|read| read.connections)
}

/// Reads a whole file's text, and the environment's word about telemetry.
pub fn read(text: &str, lookup: &dyn Lookup) -> Result<Configuration, ConfigError> {
    read_in(text, lookup, Some(lookup))
}

fn read_in(
    text: &str,
    lookup: &dyn Lookup,
    environment: Option<&dyn Lookup>,
) -> Result<Configuration, ConfigError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's own rendering quotes the line, which may hold a secret.
        let line = error.span().map_or(0, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        ConfigError(vec![format!(
            "line {line} is not valid TOML: {}",
            error.message()
        )])
    })?;
    let mut errors = Vec::new();
    let mut connections = Vec::new();
    let telemetry;
    {
        let mut root = Section::new(String::new(), table, lookup, &mut errors);
        let named = root.table("connections");
        telemetry = telemetry::read(&mut root, environment);
        root.finish();
        match named {
            None => errors.push("there is no [connections.NAME] section".to_owned()),
            Some(named) if named.is_empty() => {
                errors.push("there is no [connections.NAME] section".to_owned());
            }
            Some(named) => {
                for (name, value) in named {
                    connections.extend(connection::read(&name, value, lookup, &mut errors));
                }
            }
        }
    }
    native::one_bot_for_a_source(&connections, &mut errors);
    bot::can_be_asked(&connections, &mut errors);
    smallest_budget_counts(&mut connections);
    if errors.is_empty() {
        Ok(Configuration {
            connections,
            telemetry,
        })
    } else {
        Err(ConfigError(errors))
    }
}

/// Connections of one account share its REST budget; the most careful one decides.
fn smallest_budget_counts(connections: &mut [Connection]) {
    for index in 0..connections.len() {
        let ours = &connections[index].ringcx;
        let same = connections.iter().filter(|it| it.ringcx.is_same_account(ours));
        let smallest = same.map(|it| it.ringcx.requests_per_minute).min();
        if let Some(smallest) = smallest {
            connections[index].ringcx.requests_per_minute = smallest;
        }
    }
}
