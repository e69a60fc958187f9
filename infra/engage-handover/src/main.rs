//! The `engage-handover` command.
//!
//! Exit codes: 0 done; 1 it failed on our side or on the machine's; 2 wrong use (arguments, configuration,
//! an id that does not exist). `doctor` adds 3 (warnings) and 4 (errors), `setup` adds 3 (something is left for a person).

mod cli;
mod commands;
mod logging;
mod output;
mod setup;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use commands::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("cannot start: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Verdict(code)) => ExitCode::from(code),
        Err(Failure::Theirs(error)) => {
            output::complain(&error);
            ExitCode::from(2)
        }
        Err(Failure::Ours(error)) => {
            output::complain(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or_default() {
        #[cfg(feature = "demo")]
        Command::Demo(options) => commands::demo::run(options).await,
        Command::Serve(options) => commands::serve::run(options).await,
        Command::Check(options) => commands::check::run(&options),
        Command::Doctor(options) => commands::doctor::run(&options).await,
        Command::Conversations(options) => commands::conversations::run(&options).await,
        Command::Timeline(options) => commands::timeline::run(&options).await,
        Command::DeadLetters(command) => commands::dead_letters::run(command).await,
        Command::Erase(options) => commands::erase::run(&options).await,
        Command::Release(options) => commands::release::run(&options).await,
        Command::Drain(options) => commands::drain::run(&options).await,
        Command::Openapi => {
            commands::openapi();
            Ok(())
        }
        Command::Setup(options) => Box::pin(commands::setup::run(*options)).await,
    }
}
