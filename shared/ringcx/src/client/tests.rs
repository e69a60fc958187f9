//! The client against a local server that answers what a test tells it to.

use super::RingCxClient;
use crate::http;
use crate::limiter::ProcessBudget;
use crate::test_support::{TestClock, connection};

mod agents;
mod bots;
mod contents;
mod hours;
mod interventions;
mod native;
mod people;
mod replies;
mod rest_errors;
mod send;
mod send_errors;
pub(crate) mod server;
mod threads;
mod typing;
mod uploads;

use std::sync::Arc;

use handover_core::settings::Connection;
use server::Server;

/// A client, its server, and a clock that stands still.
struct Bench {
    server: Server,
    client: RingCxClient,
    clock: Arc<TestClock>,
    connection: Connection,
}

impl Bench {
    async fn new() -> Self {
        let server = Server::start().await;
        let clock = TestClock::new();
        let budget = Arc::new(ProcessBudget::new());
        Self {
            client: RingCxClient::new(http::client(), budget, Arc::<TestClock>::clone(&clock)),
            connection: connection(&server.origin),
            server,
            clock,
        }
    }
}
