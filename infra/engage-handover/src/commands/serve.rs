use local_stage::{Stage, StageOptions};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, read_config};
use crate::cli::Serve;
use crate::logging;

/// Runs the bridge until it is told to stop.
pub(crate) async fn run(options: Serve) -> Result<(), Failure> {
    let connections = read_config(&options.config)?;
    logging::start(options.log);
    let names: Vec<String> = connections
        .iter()
        .map(|connection| connection.id.to_string())
        .collect();
    let mut terminated = signal(SignalKind::terminate())?;
    let stage = Stage::start(StageOptions {
        connections,
        data: options.data,
        listen: options.listen,
    })
    .await?;
    tracing::info!(address = %stage.address(), connections = names.join(" "), "ready");
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping: nothing new is taken, work in hand is finished");
    stage.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}
