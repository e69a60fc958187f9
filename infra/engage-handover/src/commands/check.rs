use handover_core::ids::SourceId;
use handover_core::settings::Topology;
use serde_json::json;

use super::{Failure, read_config};
use crate::cli::Check;
use crate::output;

/// Checks a configuration offline.
pub(crate) fn run(options: &Check) -> Result<(), Failure> {
    let connections = match read_config(&options.config) {
        Ok(connections) => connections,
        Err(Failure::Theirs(error)) if options.json => {
            super::json(&json!({"ok": false, "error": error}))?;
            return Err(Failure::Theirs("the configuration is not usable".to_owned()));
        }
        Err(failure) => return Err(failure),
    };
    if options.json {
        let names: Vec<&str> = connections
            .iter()
            .map(|connection| connection.id.as_str())
            .collect();
        return super::json(&json!({"ok": true, "connections": names}));
    }
    output::line(&format!("{} is fine.", options.config.display()));
    for connection in &connections {
        let mode = match connection.topology() {
            Topology::TaskOnly => "no message is relayed",
            Topology::Native => "the bot answers on RingCentral's own channels",
            Topology::Mirrored if connection.forward_only_handover_conversations => {
                "only handover conversations are forwarded"
            }
            Topology::Mirrored => "every conversation is mirrored",
        };
        let sources: Vec<&str> = connection.ringcx.sources().map(SourceId::as_str).collect();
        let s = if sources.len() == 1 { "" } else { "s" };
        let slider = if connection.enabled { "enabled" } else { "disabled" };
        let api = &connection.ringcx.api_base;
        output::line(&format!(
            "  {}: {slider}; {mode}; source{s} {}; REST {api}; bot {} at {}",
            connection.id,
            sources.join(", "),
            connection.bot.kind.as_str(),
            connection.bot.kind.origin().host_str().unwrap_or_default()
        ));
    }
    output::line("This was checked offline: tokens, rights and addresses were not tried.");
    Ok(())
}
