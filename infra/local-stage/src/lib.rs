//! The one-machine stage: all functions of the bridge in one process.
//!
//! One listener answers every URL, workers take jobs from the queues, and both share one SQLite file. The
//! handlers are those that run on AWS. What differs there: SQS may hand out several jobs of a group in
//! one batch and counts visibility in whole seconds; here a group gives one job at a time, in milliseconds.
//!
//! Running embedded is a choice: this crate is only reached through `engage-handover serve` and `demo`.

mod doctor;
mod http;
mod monitor;
mod page;
mod route;
mod workers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use doctor::StageDoctor;
pub use doctor::look;
use futures_util::future::join_all;
use handover_bots::Bots;
use handover_core::ports::{Metrics, NoMetrics};
use handover_core::settings::{Connection, Rehost};
use handover_embedded::{Embedded, ServeLock};
use handover_figures::Figures;
pub use handover_figures::Telemetry;
use handover_figures::TelemetryOptions;
use handover_files::{FileDirectory, HttpFetcher};
use handover_handlers::App;
use handover_handlers::app::ReloadedConnections;
use handover_handlers::config;
use handover_handlers::files::Files;
use handover_handlers::health::Health;
use handover_machine::{RandomIds, SystemClock};
use handover_ringcx::client::RingCxClient;
use handover_ringcx::limiter::ProcessBudget;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use monitor::Monitor;

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
    pub monitoring: Monitoring,
}

/// Who else may watch.
#[derive(Debug, Default)]
pub struct Monitoring {
    /// Where `GET /metrics` is answered without a key, for a scraper in a private network.
    pub metrics_listen: Option<SocketAddr>,
    /// Where metrics are exported to.
    pub telemetry: Option<Telemetry>,
}

/// A running stage.
pub struct Stage {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    app: App,
    connections: Arc<ReloadedConnections>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _lock: ServeLock,
}

/// The ports over a data directory: of a stage, or of a command beside it. The REST budget is this process's own.
pub fn app(connections: Vec<Connection>, data: &Path, embedded: &Embedded) -> App {
    let budget = Arc::new(ProcessBudget::new());
    let connections = Arc::new(ReloadedConnections::new(connections));
    counted(&connections, data, embedded, &budget, Arc::new(NoMetrics))
}

fn counted(
    connections: &Arc<ReloadedConnections>,
    data: &Path,
    embedded: &Embedded,
    budget: &Arc<ProcessBudget>,
    metrics: Arc<dyn Metrics>,
) -> App {
    let clock = Arc::new(SystemClock);
    let http = handover_ringcx::http::client();
    let ringcx = RingCxClient::new(http.clone(), Arc::clone(budget) as _, Arc::clone(&clock) as _);
    let doctor = StageDoctor {
        http: http.clone(),
        budget: Arc::clone(budget) as _,
        connections: Arc::clone(connections),
        data: data.to_owned(),
        embedded: embedded.clone(),
    };
    let files = FileDirectory::new(data.join(FILES));
    App {
        health: Arc::new(Health::with(Arc::new(doctor))),
        connections: Arc::clone(connections) as _,
        store: Arc::new(embedded.clone()),
        queue: Arc::new(embedded.clone()),
        ringcx: Arc::new(ringcx.counting(Arc::clone(&metrics))),
        bots: Arc::new(Bots::new(http)),
        clock,
        ids: Arc::new(RandomIds),
        availability: Arc::default(),
        metrics,
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

/// Starts to export to a collector; before the log starts, which needs its layer.
pub fn export_telemetry(to: &config::Telemetry) -> anyhow::Result<Telemetry> {
    let headers = to.headers.iter();
    let options = TelemetryOptions {
        endpoint: to.endpoint.to_string(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect(),
        service_name: to.service_name.clone(),
        version: env!("CARGO_PKG_VERSION"),
    };
    Telemetry::start(options, handover_ringcx::http::client()).context("cannot export telemetry")
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))
}

impl Stage {
    /// Opens the data, takes up the work that was left, and listens.
    pub async fn start(options: StageOptions) -> anyhow::Result<Self> {
        let StageOptions {
            connections,
            data,
            listen,
            monitoring,
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
        let listener = bind(listen).await?;
        let address = listener.local_addr()?;
        let scrapers = match monitoring.metrics_listen {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let metrics_address = scrapers.as_ref().map(TcpListener::local_addr).transpose()?;

        let budget = Arc::new(ProcessBudget::new());
        let current = Arc::new(ReloadedConnections::new(connections.clone()));
        let figures = Arc::new(Figures::new(&current.names(), monitoring.telemetry.as_ref()));
        let counting = Arc::clone(&figures) as Arc<dyn Metrics>;
        let app = counted(&current, &data, &embedded, &budget, counting);
        learn_opening_hours(&app, &connections).await;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = workers::spawn(&app, &embedded, &stopped);
        let monitor = Arc::new(Monitor {
            app: app.clone(),
            embedded,
            budget,
            figures,
            connections: Arc::clone(&current),
            started: app.now(),
            read_at: Mutex::default(),
        });
        tasks.push(tokio::spawn(Arc::clone(&monitor).watch(stopped.clone())));
        if let Some(scrapers) = scrapers {
            let monitor = Arc::clone(&monitor);
            let answer = move |request| http::answer_scraper(Arc::clone(&monitor), request);
            tasks.push(tokio::spawn(http::serve(scrapers, stopped.clone(), answer)));
        }
        let answering = app.clone();
        let answer = move |request| http::answer(answering.clone(), Arc::clone(&monitor), request);
        tasks.push(tokio::spawn(http::serve(listener, stopped, answer)));
        Ok(Self {
            address,
            metrics_address,
            app,
            connections: current,
            stop,
            tasks,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where scrapers are answered without a key.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// From now on these connections count, all at once; an error changes nothing. Requests and jobs in hand finish with
    /// the settings that they began with, so that nothing is dropped. Jobs of a connection that is gone become dead letters.
    pub async fn reload(&self, connections: Vec<Connection>) -> anyhow::Result<()> {
        can_host(&connections)?;
        self.connections.replace(connections.clone());
        learn_opening_hours(&self.app, &connections).await;
        Ok(())
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
