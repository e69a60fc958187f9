//! One HTTP client for everything that leaves the process towards RCE and bots.

use std::sync::Arc;
use std::time::Duration;

pub use rustls::pki_types::CertificateDer;

/// Longest wait for a TCP and TLS connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait for a whole answer, connection included. A queue redelivers what takes longer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept: shorter than what common load balancers keep theirs for,
/// so that we seldom write into a connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

const IDLE_CONNECTIONS_PER_HOST: usize = 32;

/// A client with rustls on ring and the Mozilla roots, without redirects (a redirected POST would
/// lose its body or take its signature elsewhere) and without the system's proxy settings.
///
/// # Panics
///
/// When the compiled-in TLS settings contradict each other, which no input can bring about.
pub fn client() -> reqwest::Client {
    client_trusting(Vec::new())
}

/// The same, trusting also these authorities: a company's proxy, or a test's.
///
/// # Panics
///
/// As [`client`].
pub fn client_trusting(authorities: Vec<CertificateDer<'static>>) -> reqwest::Client {
    builder(authorities)
        .build()
        .expect("a client without system resources")
}

/// What [`client_trusting`] builds, for whoever needs it a little different.
///
/// # Panics
///
/// As [`client`].
pub fn builder(authorities: Vec<CertificateDer<'static>>) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(authorities))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .user_agent(concat!("engage-handover/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
        .tcp_nodelay(true)
        .no_proxy()
}

fn tls(authorities: Vec<CertificateDer<'static>>) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    roots.add_parsable_certificates(authorities);
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
