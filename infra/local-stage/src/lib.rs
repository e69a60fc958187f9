//! The one-machine stage: all functions of the bridge in one process.
//!
//! One listener answers every URL, workers take jobs from the queues, and both share one SQLite file. The
//! handlers are those that run on AWS. What differs there: SQS may hand out several jobs of a group in
//! one batch and counts visibility in whole seconds; here a group gives one job at a time, in milliseconds.
//!
//! Running embedded is a choice: this crate is only reached through `engage-handover serve` and `demo`.

mod http;
mod workers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use handover_bots::Bots;
use handover_core::ports::NoMetrics;
use handover_core::settings::{Connection, Rehost};
use handover_embedded::{Embedded, ServeLock};
use handover_files::{FileDirectory, HttpFetcher};
use handover_handlers::App;
use handover_handlers::app::FixedConnections;
use handover_handlers::files::Files;
use handover_machine::{RandomIds, SystemClock};
use handover_ringcx::client::RingCxClient;
use handover_ringcx::limiter::ProcessBudget;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long work in hand may take to finish after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(20);

/// Where hosted files are, in the data directory.
const FILES: &str = "files";
/// Most files in memory at the same time; each has `max_bytes` at most.
const FILES_IN_MEMORY: usize = 8;

/// What a stage needs to start.
#[derive(Debug)]
pub struct StageOptions {
    pub connections: Vec<Connection>,
    /// The directory of the SQLite file; created if it is not there.
    pub data: PathBuf,
    pub listen: SocketAddr,
}

/// A running stage.
pub struct Stage {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _lock: ServeLock,
}

/// The ports over a data directory: of a stage, or of a command beside it. The REST budget is this process's own.
pub fn app(connections: Vec<Connection>, data: &Path, embedded: &Embedded) -> App {
    let clock = Arc::new(SystemClock);
    let http = handover_ringcx::http::client();
    let budget = Arc::new(ProcessBudget::new());
    let files = FileDirectory::new(data.join(FILES));
    App {
        connections: Arc::new(FixedConnections::new(connections)),
        store: Arc::new(embedded.clone()),
        queue: Arc::new(embedded.clone()),
        ringcx: Arc::new(RingCxClient::new(http.clone(), budget, Arc::clone(&clock) as _)),
        bots: Arc::new(Bots::new(http)),
        clock,
        ids: Arc::new(RandomIds),
        availability: Arc::default(),
        metrics: Arc::new(NoMetrics),
        files: Files::new(Arc::new(files), Arc::new(HttpFetcher::default()), FILES_IN_MEMORY),
    }
}

/// Asked for ahead of time, so that no person waits for it. Whatever RCE does, this takes seconds at most.
async fn learn_opening_hours(app: &App, connections: &[Connection]) {
    let shut = connections
        .iter()
        .map(|connection| app.availability.shut(app, connection));
    join_all(shut).await;
}

/// Whoever wants all files hosted must say where this machine is reached.
fn can_host(connections: &[Connection]) -> anyhow::Result<()> {
    let lost = connections.iter().find(|connection| {
        connection.files.rehost == Rehost::Always && connection.files.public_url.is_none()
    });
    if let Some(lost) = lost {
        let id = &lost.id;
        anyhow::bail!(
            "connections.{id}.files.rehost is \"always\", which needs connections.{id}.files.public_url"
        );
    }
    Ok(())
}

impl Stage {
    /// Opens the data, takes up the work that was left, and listens.
    pub async fn start(options: StageOptions) -> anyhow::Result<Self> {
        let StageOptions {
            connections,
            data,
            listen,
        } = options;
        can_host(&connections)?;
        let embedded = Embedded::open(&data, Arc::new(SystemClock))
            .with_context(|| format!("cannot open the data directory {}", data.display()))?;
        let lock = embedded
            .lock_for_serving()
            .context("cannot serve from this data directory")?;
        // Jobs that a process had in hand when it died are nobody's now.
        embedded
            .release_in_flight(&lock)
            .await
            .context("cannot take up the work that was left")?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;

        let app = app(connections.clone(), &data, &embedded);
        learn_opening_hours(&app, &connections).await;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = workers::spawn(&app, &embedded, &stopped);
        tasks.push(tokio::spawn(http::serve(app, listener, stopped)));
        Ok(Self {
            address,
            stop,
            tasks,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes nothing new, finishes what is in hand, and stops. What is queued stays queued.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        let drained = tokio::time::timeout(DRAIN, async {
            for task in self.tasks {
                let _ = task.await;
            }
        });
        if drained.await.is_err() {
            tracing::warn!("work in hand did not finish in time; it will be taken up at the next start");
        }
    }
}
