use std::sync::Arc;

use handover_machine::Environment;

use super::Failure;
use crate::cli::Setup;
use crate::output;
use crate::setup::{Report, Terminal, restore_echo, run as set_up};

/// What a shell says of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Sets up RingCentral and the configuration for a connection, or undoes it.
pub(crate) async fn run(options: Setup) -> Result<(), Failure> {
    let terminal = Arc::new(Terminal::new(options.json, &Environment));
    let report = Report::default();
    let outcome = tokio::select! {
        outcome = set_up(&options, &terminal, &report) => outcome,
        _ = tokio::signal::ctrl_c() => {
            // A call under way is dropped: whatever became of it, the next run finds it.
            restore_echo();
            say_interrupted(&terminal, &report);
            if options.json {
                report.end("interrupted", None);
                output::line(&report.json());
            }
            std::process::exit(INTERRUPTED);
        }
    };
    restore_echo();
    terminal.end();
    if options.json {
        match &outcome {
            Err(Failure::Theirs(error)) => report.end("failed", Some(error)),
            Err(Failure::Ours(error)) => report.end("failed", Some(&format!("{error:#}"))),
            Ok(()) | Err(Failure::Verdict(_)) => {}
        }
        output::line(&report.json());
    }
    outcome
}

fn say_interrupted(terminal: &Terminal, report: &Report) {
    terminal.say("");
    let done = report.done();
    if done.is_empty() {
        terminal.say("Stopped.");
    } else {
        terminal.say("Stopped. Done so far:");
        for what in done {
            terminal.say(&format!("  {} {what}", terminal.mark()));
        }
    }
    terminal.say(
        "Run the same command again to go on; nothing is done twice. With --remove what was done is undone.",
    );
}
