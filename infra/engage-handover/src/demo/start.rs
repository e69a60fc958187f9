//! Starts the parts of the demo in the order in which they need each other, and stops them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use local_stage::{Stage, StageOptions};
use reqwest::Method;
use simulated_ringcx::{
    NATIVE_EVENTS, NativeKind, NativeSource, RECOMMENDED_EVENTS, SimulatedConfig, SimulatedRingcx,
    WebhookState,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::DemoOptions;
use super::bridge::Bridge;
use super::config::{
    Account, CONNECTION, NATIVE_CONNECTION, NoReferences, Secrets, connections_toml, native_toml,
};
use super::desk::Desk;
use super::events::Receiver;
use super::host::Host;
use super::native;
use super::web::{Parts, router};

/// How long open requests may take when the demo stops.
const GRACE: Duration = Duration::from_secs(2);
/// How long the bridge may take to answer the validation of a webhook.
const VALIDATION: Duration = Duration::from_secs(10);
/// The channel that RCE owns, by RCE's id.
const NATIVE_SOURCE: &str = "5f0c000000000000000050c2";
/// How long a message is on its way to a customer there, at speed 1.
const DELIVERY: Duration = Duration::from_secs(6);
/// After how many seconds a silent bot loses a customer there, at speed 1; and how few they are at any speed, because the
/// bot needs some for an answer.
const BOT_SILENT: (f64, f64) = (20.0, 12.0);

/// A running demo.
pub struct Demo {
    url: String,
    stage: Stage,
    simulated: SimulatedRingcx,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
    followers: [JoinHandle<()>; 2],
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
        for follower in &self.followers {
            follower.abort();
        }
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
    let native_secrets = secrets.beside()?;
    let http = http_client()?;

    let simulated = SimulatedRingcx::start(simulation(&secrets, speed)).await?;
    let channel = channel(&simulated, &url, speed);
    let account = account(&simulated);
    let toml = connections_toml(&secrets, &account, &format!("{url}bot/events"))
        + &native_toml(
            &native_secrets,
            &account,
            &format!("{url}bot/native/events"),
            channel.bot_silent,
            &reachable(address).to_string(),
        );
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
    let native_base = format!("http://{}/{NATIVE_CONNECTION}", stage.address());

    let host = Arc::new(Host::new(Bridge::new(http.clone(), base.clone(), &secrets)));
    let desk = Arc::new(Desk::new(http.clone(), &simulated.base_url()));
    let native_bridge = Bridge::new(http.clone(), native_base.clone(), &native_secrets);
    let native = Arc::new(native::Host::new(
        native_bridge,
        channel,
        Arc::clone(&desk),
        &native_secrets.signing_secret,
    )?);
    let (stopping, stop) = watch::channel(false);
    let app = router(Parts {
        receiver: Arc::new(Receiver::new(Arc::clone(&host), &secrets.signing_secret)?),
        host,
        native: Arc::clone(&native),
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
    let native_webhook = format!("{native_base}/handover/rce/webhook");
    register_webhook(&http, &simulated, &native_webhook, &native_secrets).await?;
    Ok(Demo {
        url,
        stage,
        simulated,
        stopping,
        server,
        followers: [tokio::spawn(desk.follow()), tokio::spawn(native.follow())],
        _temporary: temporary,
    })
}

async fn serve(listener: TcpListener, app: axum::Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the demo's web server stopped");
    }
}

/// A second webhook, registered by the REST API: what happens on the channel that RCE owns.
async fn register_webhook(
    http: &reqwest::Client,
    simulated: &SimulatedRingcx,
    url: &str,
    secrets: &Secrets,
) -> anyhow::Result<()> {
    let mut address = url::Url::parse(&format!("{}/1.0/webhooks", simulated.base_url()))?;
    address
        .query_pairs_mut()
        .append_pair("name", "engage-handover, own channels")
        .append_pair("url", url)
        .append_pair("active", "true")
        .append_pair("secret", &secrets.webhook_secret)
        .append_pair("verify_token", &secrets.verification_token)
        .extend_pairs(
            RECOMMENDED_EVENTS
                .iter()
                .chain(&NATIVE_EVENTS)
                .map(|event| ("registered_events[]", *event)),
        );
    let request = http
        .request(Method::POST, address)
        .bearer_auth(&secrets.api_token);
    let answer = request.send().await?;
    ensure!(
        answer.status().is_success(),
        "the simulated account did not register the second webhook: {}",
        answer.status()
    );
    let is_validated = simulated.wait_until(
        |state| state.webhooks().all(|it| it.state == WebhookState::Enabled),
        VALIDATION,
    );
    ensure!(
        is_validated.await,
        "the bridge did not answer the validation of the second webhook"
    );
    Ok(())
}

/// The channel that RCE owns, as the second tab uses it.
fn channel(simulated: &SimulatedRingcx, url: &str, speed: f64) -> native::Channel {
    let picture = include_bytes!("page/broken-lamp.png");
    let (usual, least) = BOT_SILENT;
    native::Channel {
        source_id: NATIVE_SOURCE.to_owned(),
        picture: simulated.upload("broken-lamp.png", "image/png", picture.to_vec(), false),
        files: url.to_owned(),
        bot_silent: Duration::from_secs_f64((usual / speed).clamp(least, 3600.0)).as_secs(),
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
        native_sources: vec![NativeSource::new(
            NATIVE_SOURCE,
            "Simulated WhatsApp",
            NativeKind::WhatsApp,
        )],
        export_delay: DELIVERY.div_f64(speed.max(0.1)),
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
        native_source_id: NATIVE_SOURCE.to_owned(),
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
