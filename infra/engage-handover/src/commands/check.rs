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
        let mode = if !connection.relay_messages {
            "no message is relayed"
        } else if connection.forward_only_handover_conversations {
            "only handover conversations are forwarded"
        } else {
            "every conversation is mirrored"
        };
        let slider = if connection.enabled { "enabled" } else { "disabled" };
        let api = &connection.ringcx.api_base;
        output::line(&format!(
            "  {}: {slider}; {mode}; source {}; REST {api}; bot {} at {}",
            connection.id,
            connection.ringcx.source_id,
            connection.bot.kind.as_str(),
            connection.bot.kind.origin().host_str().unwrap_or_default()
        ));
    }
    output::line("This was checked offline: tokens, rights and addresses were not tried.");
    Ok(())
}
