use std::path::Path;

use handover_core::settings::Connection;
use handover_handlers::config;
use local_stage::{Monitoring, Stage, StageOptions, export_telemetry};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, read_config, read_whole_config};
use crate::cli::Serve;
use crate::logging;

/// Runs the bridge until it is told to stop. SIGHUP reads the configuration again.
pub(crate) async fn run(options: Serve) -> Result<(), Failure> {
    let config::Configuration {
        connections,
        telemetry,
    } = read_whole_config(&options.config)?;
    let telemetry = telemetry.as_ref().map(export_telemetry).transpose()?;
    logging::start(options.log, telemetry.as_ref());
    let names = names(&connections);
    let mut terminated = signal(SignalKind::terminate())?;
    // From here on, so that a reload during the start does not end the process.
    let mut hung_up = signal(SignalKind::hangup())?;
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
    tracing::info!(address = %stage.address(), connections = names, "ready");
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
            _ = hung_up.recv() => {}
        }
        reload(&stage, &options.config).await;
    }
    tracing::info!("stopping: nothing new is taken, work in hand is finished");
    stage.shutdown().await;
    if let Some(telemetry) = telemetry {
        telemetry.stop().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// All or nothing: with a configuration that has errors, the settings of before go on.
async fn reload(stage: &Stage, config: &Path) {
    let done = match read_config(config) {
        Ok(connections) => {
            let names = names(&connections);
            let reloaded = stage.reload(connections).await;
            reloaded.map(|()| names).map_err(Failure::Ours)
        }
        Err(failure) => Err(failure),
    };
    let error = match done {
        Ok(connections) => return tracing::info!(connections, "configuration read again"),
        Err(Failure::Theirs(error)) => error,
        Err(Failure::Ours(error)) => format!("{error:#}"),
        Err(Failure::Verdict(_)) => return,
    };
    tracing::error!(error, "configuration not taken; the settings of before go on");
}

fn names(connections: &[Connection]) -> String {
    let names: Vec<&str> = connections
        .iter()
        .map(|connection| connection.id.as_str())
        .collect();
    names.join(" ")
}
