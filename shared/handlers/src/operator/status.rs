//! How a connection stands, in numbers.

use handover_core::ids::ConnectionId;
use handover_core::settings::Connection;
use serde_json::{Value, json};

use super::drain::{self, Progress};
use super::{Refusal, dead_letters};
use crate::App;

/// The numbers of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub connection: ConnectionId,
    /// The slider.
    pub enabled: bool,
    pub progress: Progress,
    pub dead_letters: usize,
}

impl Status {
    pub fn view(&self) -> Value {
        let mut view = self.progress.view();
        view["connection"] = json!(self.connection);
        view["enabled"] = json!(self.enabled);
        view["dead_letters"] = json!(self.dead_letters);
        view["version"] = json!(env!("CARGO_PKG_VERSION"));
        view
    }
}

pub async fn of(app: &App, connection: &Connection) -> Result<Status, Refusal> {
    Ok(Status {
        connection: connection.id.clone(),
        enabled: connection.enabled,
        progress: drain::progress(app, &[&connection.id]).await?,
        dead_letters: dead_letters::count(app, Some(&connection.id)).await?,
    })
}
