//! The text that Prometheus reads.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use handover_core::ids::ConnectionId;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::catalogue::{ALL, Kind, Labels, Metric, Sample, named};
use crate::standing::{Reading, Standing};

/// Prometheus's text format 0.0.4, which everybody reads.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type Counts = Family<Labels, Counter>;
type Times = Family<Labels, Histogram, Buckets>;

#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

pub(crate) struct Prometheus {
    registry: Registry,
    counts: HashMap<&'static str, Counts>,
    times: HashMap<&'static str, Times>,
}

impl Prometheus {
    pub(crate) fn new(connections: &[ConnectionId], standing: Arc<Mutex<Arc<Standing>>>) -> Self {
        let mut registry = Registry::default();
        let (mut counts, mut times) = (HashMap::new(), HashMap::new());
        for metric in ALL {
            match metric.kind {
                Kind::Count => {
                    let family = Counts::default();
                    // A count that is there from the start is seen to go up from zero.
                    if metric.labels == ["connection"] {
                        for connection in connections {
                            drop(family.get_or_create(&vec![named(connection)]));
                        }
                    }
                    registry.register(metric.name, metric.help, family.clone());
                    counts.insert(metric.name, family);
                }
                Kind::Times(buckets) => {
                    let family = Times::new_with_constructor(Buckets(buckets));
                    registry.register(metric.name, metric.help, family.clone());
                    times.insert(metric.name, family);
                }
                Kind::Gauge | Kind::Used => {}
            }
        }
        registry.register_collector(Box::new(Readings(standing)));
        Self {
            registry,
            counts,
            times,
        }
    }

    pub(crate) fn tell(&self, sample: &Sample) {
        let name = sample.metric.name;
        match sample.seconds {
            None => {
                if let Some(family) = self.counts.get(name) {
                    family.get_or_create(&sample.labels).inc();
                }
            }
            Some(seconds) => {
                if let Some(family) = self.times.get(name) {
                    family.get_or_create(&sample.labels).observe(seconds);
                }
            }
        }
    }

    /// Everything; with `only`, these connections' series and those that are nobody's.
    pub(crate) fn write(&self, only: Option<&[ConnectionId]>) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        let Some(only) = only else { return text };
        text.split_inclusive('\n')
            .filter(|line| connection_of(line).is_none_or(|of| only.iter().any(|one| one.as_str() == of)))
            .collect()
    }
}

/// Whose series a line is. Names of connections have no character that is escaped, and a quote in another label's
/// value would be.
fn connection_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("connection=\"")?;
    rest.split_once('"').map(|(connection, _)| connection)
}

/// What was read last, each time somebody asks.
struct Readings(Arc<Mutex<Arc<Standing>>>);

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner).readings();
        for metric in ALL {
            let series: Vec<&Reading> = readings
                .iter()
                .filter(|r| std::ptr::eq(r.metric, *metric))
                .collect();
            if series.is_empty() {
                continue;
            }
            encode(&mut encoder, metric, &series)?;
        }
        Ok(())
    }
}

fn encode(encoder: &mut DescriptorEncoder<'_>, metric: &Metric, series: &[&Reading]) -> fmt::Result {
    let kind = match metric.kind {
        Kind::Used => MetricType::Counter,
        _ => MetricType::Gauge,
    };
    let mut family = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
    for reading in series {
        let encoder = family.encode_family(&reading.labels)?;
        match metric.kind {
            Kind::Used => ConstCounter::new(reading.value).encode(encoder)?,
            _ => ConstGauge::new(reading.value).encode(encoder)?,
        }
    }
    Ok(())
}
