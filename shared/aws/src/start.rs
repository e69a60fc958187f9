//! Logging, settings and ports, once per cold start.

use std::path::Path;
use std::sync::Arc;

use handover_bots::WebhookBots;
use handover_core::ports::{Clock, NoMetrics};
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::app::FixedConnections;
use handover_handlers::config::{self, Lookup as _};
use handover_machine::{Environment, RandomIds, SystemClock};
use handover_ringcx::client::RingCxClient;
use handover_ringcx::limiter::RestBudget;
use lambda_http::Error;

/// Starts the log and builds the app of this function.
///
/// `HANDOVER_CONFIG` names a `connections.toml`, `HANDOVER_DATA` the directory of an embedded store. Both must
/// be set: the store over DynamoDB is not part of this version, and silently keeping a customer's words in
/// a function's memory is never right.
pub fn app() -> Result<App, Error> {
    lambda_http::tracing::init_default_subscriber();
    let need = |name: &str| {
        Environment
            .env(name)
            .ok_or_else(|| format!("{name} is not set; {WHY}"))
    };
    let text = std::fs::read_to_string(need("HANDOVER_CONFIG")?)?;
    let connections = config::parse(&text, &Environment)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let embedded = Embedded::open(Path::new(&need("HANDOVER_DATA")?), Arc::clone(&clock))?;
    let http = handover_ringcx::http::client();
    let ringcx = RingCxClient::new(http.clone(), Arc::new(RestBudget::new()), Arc::clone(&clock));
    Ok(App {
        connections: Arc::new(FixedConnections::new(connections)),
        store: Arc::new(embedded.clone()),
        queue: Arc::new(embedded),
        ringcx: Arc::new(ringcx),
        bots: Arc::new(WebhookBots::new(http)),
        clock,
        ids: Arc::new(RandomIds),
        availability: Arc::default(),
        metrics: Arc::new(NoMetrics),
    })
}

const WHY: &str = "this version runs the functions over the embedded store only (see docs/functions.md)";
