//! What the one-machine stage counts, and who gets to see it.
//!
//! | module | owns |
//! |---|---|
//! | `catalogue` | every metric's name, meaning and labels: the one list |
//! | `standing` | what is not counted but read: open handovers, queues, the process |
//! | `prometheus` | the text that Prometheus reads |
//! | `telemetry` | OpenTelemetry: traces and the same metrics by OTLP over HTTP |
//! | `plots` | the last hour in steps of ten seconds, for the operator page |
//!
//! Nothing here names a conversation, a person or a text; the values of labels are few. On AWS CloudWatch takes all of
//! its place.

mod catalogue;
mod plots;
mod prometheus;
mod standing;
mod telemetry;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handover_core::ids::ConnectionId;
use handover_core::ports::{Measured, Metrics};

pub use catalogue::{ALL, Kind, Metric};
pub use plots::{EVERY, POINTS};
pub use prometheus::CONTENT_TYPE;
pub use standing::{BudgetStanding, Process, QueueStanding, Standing};
pub use telemetry::{Telemetry, TelemetryOptions, Unusable};

use plots::Plots;
use prometheus::Prometheus;
use telemetry::Instruments;

/// Counts for everybody who wants to know. Recording takes microseconds and waits for nobody.
pub struct Figures {
    prometheus: Prometheus,
    plots: Plots,
    instruments: Option<Instruments>,
    standing: Arc<Mutex<Arc<Standing>>>,
}

impl Figures {
    /// For these connections, whose counts begin at zero. `telemetry`: where the same is sent to as well.
    pub fn new(connections: &[ConnectionId], telemetry: Option<&Telemetry>) -> Self {
        let standing = Arc::<Mutex<Arc<Standing>>>::default();
        Self {
            prometheus: Prometheus::new(connections, Arc::clone(&standing)),
            plots: Plots::default(),
            instruments: telemetry.map(|telemetry| Instruments::new(telemetry, &standing)),
            standing,
        }
    }

    /// A request was answered. `route` is a class of addresses; `connection`: whose it was, if anybody's.
    pub fn answered(
        &self,
        connection: Option<&ConnectionId>,
        route: &'static str,
        status: u16,
        took: Duration,
    ) {
        for sample in catalogue::answered(connection, route, status, took) {
            self.tell(&sample);
        }
    }

    /// What was just read replaces what was read before.
    pub fn stands(&self, standing: Arc<Standing>) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Ends a step of the plots with what was read last. To be called every [`EVERY`].
    pub fn tick(&self) {
        let standing = Arc::clone(&self.standing.lock().unwrap_or_else(PoisonError::into_inner));
        self.plots.tick(&standing);
    }

    /// Everything for Prometheus; with `only`, these connections' and what is nobody's.
    pub fn exposition(&self, only: Option<&[ConnectionId]>) -> String {
        self.prometheus.write(only)
    }

    /// The last hour of a connection.
    pub fn plots(&self, connection: &ConnectionId) -> serde_json::Value {
        self.plots.of(connection)
    }

    fn tell(&self, sample: &catalogue::Sample) {
        if let Some(instruments) = &self.instruments {
            instruments.tell(sample);
        }
        self.prometheus.tell(sample);
    }
}

impl Metrics for Figures {
    fn record(&self, connection: &ConnectionId, measured: Measured) {
        self.plots.record(connection, measured);
        for sample in catalogue::recorded(connection, measured) {
            self.tell(&sample);
        }
    }
}
