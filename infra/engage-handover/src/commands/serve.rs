use handover_handlers::config;
use local_stage::{Monitoring, Stage, StageOptions, export_telemetry};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, read_whole_config};
use crate::cli::Serve;
use crate::logging;

/// Runs the bridge until it is told to stop.
pub(crate) async fn run(options: Serve) -> Result<(), Failure> {
    let config::Configuration {
        connections,
        telemetry,
    } = read_whole_config(&options.config)?;
    let telemetry = telemetry.as_ref().map(export_telemetry).transpose()?;
    logging::start(options.log, telemetry.as_ref());
    let names: Vec<String> = connections
        .iter()
        .map(|connection| connection.id.to_string())
        .collect();
    let mut terminated = signal(SignalKind::terminate())?;
    let stage = Stage::start(StageOptions {
        connections,
        data: options.data,
        listen: options.listen,
        monitoring: Monitoring {
            metrics_listen: options.metrics_listen,
            telemetry: telemetry.clone(),
        },
    })
    .await?;
    if let Some(address) = stage.metrics_address() {
        tracing::info!(%address, "metrics without a key");
    }
    tracing::info!(address = %stage.address(), connections = names.join(" "), "ready");
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping: nothing new is taken, work in hand is finished");
    stage.shutdown().await;
    if let Some(telemetry) = telemetry {
        telemetry.stop().await;
    }
    tracing::info!("stopped");
    Ok(())
}
