//! The soak as a command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use handover_soak::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let report = match Box::pin(handover_soak::run(&options)).await {
        Ok(report) => report,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "not run: {error:#}");
            return ExitCode::from(2);
        }
    };
    let text = if options.json {
        format!("{:#}\n", report.json())
    } else {
        report.to_string()
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(u8::from(!report.is_kept()))
}
