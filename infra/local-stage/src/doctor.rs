//! The examination of a connection, from inside the stage or beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use handover_core::settings::Connection;
use handover_doctor::facts::MachineFacts;
use handover_doctor::{Instruments, Patient, examine};
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::app::ReloadedConnections;
use handover_handlers::health::Doctor;
use handover_handlers::operator::drain;
use handover_ringcx::RestBudget;
use serde_json::Value;

/// Examines this stage's connections, within the stage's own REST budget.
pub(crate) struct StageDoctor {
    pub(crate) http: reqwest::Client,
    pub(crate) budget: Arc<dyn RestBudget>,
    pub(crate) connections: Arc<ReloadedConnections>,
    pub(crate) data: PathBuf,
    pub(crate) embedded: Embedded,
}

#[async_trait]
impl Doctor for StageDoctor {
    async fn examine(&self, app: &App, connection: &Connection, round_trip: bool) -> Value {
        let patient = Patient {
            connection: connection.clone(),
            neighbours: self.connections.all(),
            public_url: connection.files.public_url.clone(),
            stage_knows_its_address: false,
            store: Some(Arc::clone(&app.store)),
            queue: Some(Arc::clone(&app.queue)),
            machine: Some(look(&self.data, &self.embedded)),
            draining_since: drain::since(app, &connection.id).await.ok().flatten(),
            round_trip,
        };
        let instruments = Instruments {
            http: self.http.clone(),
            budget: Arc::clone(&self.budget),
            bots: Arc::clone(&app.bots),
            clock: Arc::clone(&app.clock),
            ids: Arc::clone(&app.ids),
            tell: |_| {},
        };
        Box::pin(examine(&patient, &instruments)).await.view()
    }
}

/// What this machine has for the bridge: a directory that can be written, room, and whether one runs.
pub fn look(data: &Path, embedded: &Embedded) -> MachineFacts {
    let probe = data.join(".doctor");
    let written = std::fs::write(&probe, b"can be removed").and_then(|()| std::fs::remove_file(&probe));
    MachineFacts {
        has_begun: true,
        not_writable: written.err().map(|error| error.to_string()),
        free_bytes: free(data),
        is_serving: embedded.lock_for_serving().is_err(),
    }
}

#[cfg(unix)]
fn free(data: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(data).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}
