//! Starts the parts of the demo in the order in which they need each other, and stops them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use local_stage::{Stage, StageOptions};
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::DemoOptions;
use super::bridge::Bridge;
use super::config::{Account, CONNECTION, NoReferences, Secrets, connections_toml};
use super::desk::Desk;
use super::events::Receiver;
use super::host::Host;
use super::web::{Parts, router};

/// How long open requests may take when the demo stops.
const GRACE: Duration = Duration::from_secs(2);

/// A running demo.
pub struct Demo {
    url: String,
    stage: Stage,
    simulated: SimulatedRingcx,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
    follower: JoinHandle<()>,
    // Dropped last: the stage writes to it.
    _temporary: Option<TempDir>,
}

impl Demo {
    /// The page's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops everything.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.follower.abort();
        self.stopping.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
        self.stage.shutdown().await;
        self.simulated.stop().await;
        Ok(())
    }
}

/// Starts everything and returns when the page can be opened.
pub async fn start(options: DemoOptions) -> anyhow::Result<Demo> {
    let speed = options.speed;
    ensure!(
        speed.is_finite() && speed > 0.0,
        "the speed must be a positive number"
    );
    let listener = listen(options.listen).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{}/", reachable(address));
    let secrets = Secrets::generate()?;
    let http = http_client()?;

    let simulated = SimulatedRingcx::start(simulation(&secrets, speed)).await?;
    let toml = connections_toml(&secrets, &account(&simulated), &format!("{url}bot/events"));
    let (data, temporary) = if let Some(data) = options.data {
        (data, None)
    } else {
        let temporary = tempfile::tempdir().context("no temporary directory")?;
        (temporary.path().to_owned(), Some(temporary))
    };
    let stage = Stage::start(StageOptions {
        connections: handover_handlers::config::parse(&toml, &NoReferences)?,
        data,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        monitoring: local_stage::Monitoring::default(),
    })
    .await?;
    let base = format!("http://{}/{CONNECTION}", stage.address());

    let bridge = Bridge::new(http.clone(), base.clone(), &secrets);
    let host = Arc::new(Host::new(bridge));
    let desk = Arc::new(Desk::new(http, &simulated.base_url()));
    let (stopping, stop) = watch::channel(false);
    let app = router(Parts {
        receiver: Arc::new(Receiver::new(Arc::clone(&host), &secrets.signing_secret)?),
        host,
        desk: Arc::clone(&desk),
        stopping: stop.clone(),
        loopback_only: address.ip().is_loopback(),
    });
    let server = tokio::spawn(serve(listener, app, stop));
    // As an administrator enters the bridge's addresses in the console; both are checked at once.
    let check = simulated
        .set_bridge(
            &format!("{base}/handover/rce/source"),
            &format!("{base}/handover/rce/webhook"),
        )
        .await;
    ensure!(
        check.source_sdk,
        "the bridge did not answer the simulated Source SDK"
    );
    ensure!(
        check.webhook,
        "the bridge did not answer the validation of the simulated webhook"
    );
    Ok(Demo {
        url,
        stage,
        simulated,
        stopping,
        server,
        follower: tokio::spawn(desk.follow()),
        _temporary: temporary,
    })
}

async fn serve(listener: TcpListener, app: axum::Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the demo's web server stopped");
    }
}

/// The account as its administrator set it up.
fn simulation(secrets: &Secrets, speed: f64) -> SimulatedConfig {
    SimulatedConfig {
        source_token: secrets.source_token.clone(),
        api_token: secrets.api_token.clone(),
        webhook_secret: secrets.webhook_secret.clone(),
        verify_token: secrets.verification_token.clone(),
        speed,
        ..SimulatedConfig::default()
    }
}

/// What an integrator copies from the console into the bridge's settings.
fn account(simulated: &SimulatedRingcx) -> Account {
    let config = simulated.config();
    Account {
        api_base: simulated.base_url(),
        realtime_endpoint: simulated.realtime_url(),
        source_id: config.source_id.clone(),
        bot_category_id: config.bot_category_id.clone(),
        agent_category_id: config.agent_category_id.clone(),
        bot_identity: config.bot_identity.clone(),
        agent_identity: config.agent_identity.clone(),
    }
}

/// A client for loopback: no proxy, no redirects, no certificates.
pub(super) fn http_client() -> anyhow::Result<reqwest::Client> {
    // The client wants a crypto library even if it never speaks TLS; a second installation changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()?;
    Ok(client)
}

/// The asked for address, or a free port beside it.
async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = match TcpListener::bind(address).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        bound => bound,
    };
    listener.with_context(|| format!("cannot listen on {address}"))
}

/// "Everywhere" is reached from here by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}
