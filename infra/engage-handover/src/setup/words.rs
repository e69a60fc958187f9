//! The first words of a set-up, and the last.

use super::account::{Observed, called};
use super::config_file::ConfigFile;
use super::report::Report;
use super::terminal::Terminal;
use super::wish::{Login, Wish};

/// Whose account it is, and what is set up there.
pub(super) fn say_heading(wish: &Wish, login: &Login, observed: &Observed, terminal: &Terminal) {
    terminal.say("");
    terminal.say(&format!(
        "Connection \"{}\": {} {} {}",
        wish.connection,
        login.api_base.host_str().unwrap_or_default(),
        terminal.arrow(),
        wish.public_url,
    ));
    let role = observed.rights.role.as_ref();
    terminal.say(&format!(
        "as {}{}; source{} {}",
        called(&observed.me),
        role.map(|role| format!(", role \"{}\"", role.label))
            .unwrap_or_default(),
        if observed.sources.len() == 1 { "" } else { "s" },
        super::agents::listed(
            observed
                .sources
                .iter()
                .map(|source| format!("\"{}\" ({})", source.name, source.id))
        ),
    ));
    terminal.say("");
}

pub(super) fn say_what_next(wish: &Wish, config: &ConfigFile, terminal: &Terminal, report: &Report) {
    let (name, arguments) = (config.name(), config.home().arguments());
    terminal.say("");
    terminal.say(&format!(
        "Done. Clicks and pastes by hand: about {}.",
        report.clicks()
    ));
    let left = report.left();
    if !left.is_empty() {
        terminal.say("Still yours, as shown above:");
        for what in left {
            terminal.say(&format!("  - {what}"));
        }
    }
    let held = report.held();
    if !held.is_empty() {
        terminal.say("Not done before that is, so that customers stay with the agents meanwhile:");
        for what in held {
            terminal.say(&format!("  - {what}"));
        }
        terminal.say("Run the same command again then.");
    }
    terminal.say("");
    terminal.say("Next:");
    terminal.say(&if config.home().is_stage() {
        "  1. The bridge runs already: the stage's functions have the settings.".to_owned()
    } else {
        format!("  1. Keep the bridge running:  engage-handover serve {arguments} --data data")
    });
    let bot = match wish.bot.kind {
        crate::cli::BotKind::Webhook => {
            "Give your bot its key (bot_keys) and the secret that signs its events (bot.signing_secrets): docs/bots/generic.md"
        }
        crate::cli::BotKind::Cognigy => {
            "Give Cognigy the bridge's address and key (bot_keys): docs/bots/cognigy.md"
        }
        crate::cli::BotKind::Chatlayer => {
            "Give Chatlayer's Offloading Webhook its verify token (bot.verify_tokens): docs/bots/chatlayer.md"
        }
    };
    terminal.say(&format!("  2. {bot}"));
    terminal.say(&format!(
        "     Secrets are in {name}, section [connections.{}].",
        wish.connection
    ));
    terminal.say(&format!(
        "  3. Look at everything:      engage-handover doctor {arguments}"
    ));
    terminal.say(&format!(
        "To undo: engage-handover setup --remove --connection {} {arguments}",
        wish.connection
    ));
}
