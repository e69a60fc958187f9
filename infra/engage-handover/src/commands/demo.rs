use engage_handover::demo::{self, DemoOptions};

use super::Failure;
use crate::cli::{Demo, LogFormat};
use crate::logging;

/// Runs the demo until it is told to stop.
pub(crate) async fn run(options: Demo) -> Result<(), Failure> {
    logging::start_quietly(LogFormat::Plain);
    let Demo {
        listen,
        no_browser,
        data,
        speed,
    } = options;
    demo::run(DemoOptions {
        listen,
        open_browser: !no_browser,
        data,
        speed,
    })
    .await?;
    Ok(())
}
