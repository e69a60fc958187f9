//! The last hour in steps, for the operator page. In memory: a new process begins anew.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::ids::ConnectionId;
use handover_core::ports::{Measured, Side};
use serde_json::{Value, json};

use crate::standing::Standing;

/// A step.
pub const EVERY: Duration = Duration::from_secs(10);
/// How many are kept: an hour.
pub const POINTS: usize = 360;
/// Most latencies that are kept of one step; more say nothing new about its percentiles.
const LATENCIES: usize = 4096;

#[derive(Default)]
pub(crate) struct Plots(Mutex<HashMap<ConnectionId, Plot>>);

#[derive(Default)]
struct Plot {
    now: Step,
    points: VecDeque<Value>,
}

/// What happened since the last point.
#[derive(Default)]
struct Step {
    to_bot: u32,
    to_ringcx: u32,
    failures: u32,
    latencies_ms: Vec<u32>,
}

impl Plots {
    pub(crate) fn record(&self, connection: &ConnectionId, measured: Measured) {
        if !matches!(measured, Measured::Delivered { .. } | Measured::Failed { .. }) {
            return;
        }
        let mut plots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !plots.contains_key(connection) {
            plots.insert(connection.clone(), Plot::default());
        }
        if let Some(plot) = plots.get_mut(connection) {
            plot.now.record(measured);
        }
    }

    pub(crate) fn tick(&self, standing: &Standing) {
        let mut plots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in &standing.connections {
            plots.entry(connection.clone()).or_default();
        }
        for (connection, plot) in plots.iter_mut() {
            let step = std::mem::take(&mut plot.now);
            if plot.points.len() >= POINTS {
                plot.points.pop_front();
            }
            plot.points
                .push_back(step.point(standing, standing.open(connection)));
        }
    }

    pub(crate) fn of(&self, connection: &ConnectionId) -> Value {
        let plots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let points: Vec<&Value> = plots
            .get(connection)
            .into_iter()
            .flat_map(|plot| &plot.points)
            .collect();
        json!({"every_seconds": EVERY.as_secs(), "most_points": POINTS, "points": points})
    }
}

impl Step {
    fn record(&mut self, measured: Measured) {
        match measured {
            Measured::Delivered { to, latency } => {
                match to {
                    Side::Bot => self.to_bot += 1,
                    Side::RingCx => self.to_ringcx += 1,
                }
                if self.latencies_ms.len() < LATENCIES {
                    let millis = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
                    self.latencies_ms.push(millis);
                }
            }
            Measured::Failed { .. } => self.failures += 1,
            _ => {}
        }
    }

    fn point(mut self, standing: &Standing, open: u64) -> Value {
        self.latencies_ms.sort_unstable();
        let per_second = |count: u32| f64::from(count) / EVERY.as_secs_f64();
        json!({
            "at": standing.at,
            "to_bot_per_second": per_second(self.to_bot),
            "to_ringcx_per_second": per_second(self.to_ringcx),
            "p50_ms": self.percentile(50),
            "p99_ms": self.percentile(99),
            "open": open,
            "failures": self.failures,
        })
    }

    /// Of sorted latencies; `None` if nothing was delivered.
    fn percentile(&self, percent: usize) -> Option<u32> {
        let rank = (self.latencies_ms.len() * percent).div_ceil(100).max(1);
        self.latencies_ms.get(rank - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(to: Side, millis: u64) -> Measured {
        let latency = Duration::from_millis(millis);
        Measured::Delivered { to, latency }
    }

    #[test]
    fn a_point_tells_of_its_ten_seconds_and_of_its_connection_only() {
        let (plots, acme, other) = (
            Plots::default(),
            ConnectionId::new("acme"),
            ConnectionId::new("other"),
        );
        for millis in 1..=100 {
            plots.record(&acme, delivered(Side::Bot, millis));
        }
        plots.record(&acme, delivered(Side::RingCx, 5));
        plots.record(&other, Measured::Failed { kind: "x" });
        let mut standing = Standing {
            connections: vec![acme.clone(), other.clone()],
            ..Standing::default()
        };
        standing.handovers.push((acme.clone(), "queued".to_owned(), 2));
        standing.handovers.push((acme.clone(), "active".to_owned(), 3));
        plots.tick(&standing);
        plots.tick(&standing);
        let seen = plots.of(&acme);
        let first = &seen["points"][0];
        assert_eq!(
            (
                &first["to_bot_per_second"],
                &first["to_ringcx_per_second"],
                &first["open"],
                &first["failures"]
            ),
            (&json!(10.0), &json!(0.1), &json!(5), &json!(0))
        );
        assert_eq!((&first["p50_ms"], &first["p99_ms"]), (&json!(50), &json!(99)));
        let second = &seen["points"][1];
        assert_eq!(
            (&second["to_bot_per_second"], &second["p50_ms"]),
            (&json!(0.0), &Value::Null)
        );
        assert_eq!(plots.of(&other)["points"][0]["failures"], 1);
    }

    #[test]
    fn an_hour_is_kept() {
        let (plots, acme) = (Plots::default(), ConnectionId::new("acme"));
        let standing = Standing {
            connections: vec![acme.clone()],
            ..Standing::default()
        };
        for _ in 0..POINTS + 7 {
            plots.tick(&standing);
        }
        assert_eq!(plots.of(&acme)["points"].as_array().unwrap().len(), POINTS);
        assert_eq!(plots.of(&ConnectionId::new("nobody"))["points"], json!([]));
    }
}
