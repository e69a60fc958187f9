//! What the bridge counts, as CloudWatch takes it from a log: embedded metric format (EMF).
//!
//! One line for each invocation that had something to count. CloudWatch makes metrics of it in the namespace
//! `EngageHandover`, by stage; failures also by kind. Names are those of the template's dashboard and alarms.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::{Measured, Metrics};
use serde_json::{Map, Value, json};

const NAMESPACE: &str = "EngageHandover";
/// Most values that CloudWatch takes of one metric in one line.
const VALUES: usize = 100;

/// Collects during an invocation, writes one line at its end.
#[derive(Debug)]
pub struct Emf {
    stage: String,
    collected: Mutex<Collected>,
}

#[derive(Debug, Default)]
struct Collected {
    counts: BTreeMap<&'static str, u64>,
    times: BTreeMap<&'static str, Vec<u64>>,
    failures: BTreeMap<&'static str, u64>,
}

impl Emf {
    pub fn new(stage: impl Into<String>) -> Self {
        Self {
            stage: stage.into(),
            collected: Mutex::default(),
        }
    }

    /// Writes what was collected since the last time; nothing if there is nothing.
    pub fn flush(&self, now: Timestamp, out: &mut dyn Write) {
        let collected = std::mem::take(&mut *self.collected.lock().unwrap_or_else(PoisonError::into_inner));
        for line in collected.lines(&self.stage, now) {
            // A metric that cannot be written is not worth an invocation.
            let _ = writeln!(out, "{line}");
        }
    }
}

impl Metrics for Emf {
    fn record(&self, _: &ConnectionId, measured: Measured) {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        match measured {
            Measured::HandoverRequested => collected.count("HandoversRequested"),
            Measured::HandoverStarted => collected.count("HandoversStarted"),
            Measured::HandoverEnded { in_queue } => {
                collected.count("HandoversEnded");
                collected.time("TimeInQueue", in_queue);
            }
            Measured::Delivered { latency, .. } => {
                collected.count("Deliveries");
                collected.time("DeliveryLatency", latency);
            }
            Measured::DuplicateDropped => collected.count("DuplicatesDropped"),
            Measured::DeadLettered => collected.count("DeadLetters"),
            Measured::Failed { kind } => *collected.failures.entry(kind).or_default() += 1,
            Measured::HeldBack { wait } => collected.time("RestBudgetWait", wait),
            // CloudWatch has these: the queues', the functions' and the gateway's own metrics.
            Measured::Worked { .. } | Measured::Called { .. } => {}
        }
    }
}

impl Collected {
    fn count(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }

    fn time(&mut self, name: &'static str, time: Duration) {
        let values = self.times.entry(name).or_default();
        if values.len() < VALUES {
            values.push(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        }
    }

    fn lines(&self, stage: &str, now: Timestamp) -> Vec<Value> {
        let mut lines = Vec::new();
        let counts = self
            .counts
            .iter()
            .map(|(name, count)| (*name, "Count", json!(count)));
        let times = self
            .times
            .iter()
            .map(|(name, values)| (*name, "Milliseconds", json!(values)));
        let metrics: Vec<_> = counts.chain(times).collect();
        if !metrics.is_empty() {
            lines.push(line(stage, now, None, metrics));
        }
        for (kind, count) in &self.failures {
            let metrics = vec![("Failures", "Count", json!(count))];
            lines.push(line(stage, now, Some(kind), metrics));
        }
        lines
    }
}

fn line(
    stage: &str,
    now: Timestamp,
    kind: Option<&str>,
    metrics: Vec<(&'static str, &'static str, Value)>,
) -> Value {
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let dimensions = match kind {
        None => json!([["Stage"]]),
        Some(_) => json!([["Stage"], ["Stage", "Kind"]]),
    };
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": definitions}],
        }),
    );
    line.insert("Stage".to_owned(), json!(stage));
    line.extend(kind.map(|kind| ("Kind".to_owned(), json!(kind))));
    line.extend(
        metrics
            .into_iter()
            .map(|(name, _, value)| (name.to_owned(), value)),
    );
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use handover_core::ports::Side;

    use super::*;

    fn written(emf: &Emf) -> Vec<Value> {
        let mut out = Vec::new();
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        emf.flush(now, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn an_invocation_is_one_line_with_all_its_numbers() {
        let (emf, acme) = (Emf::new("dev"), ConnectionId::new("acme"));
        for latency in [12, 30] {
            let latency = Duration::from_millis(latency);
            let to = Side::Bot;
            emf.record(&acme, Measured::Delivered { to, latency });
        }
        emf.record(&acme, Measured::DuplicateDropped);
        let lines = written(&emf);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(
            (
                &line["Stage"],
                &line["Deliveries"],
                &line["DeliveryLatency"],
                &line["DuplicatesDropped"]
            ),
            (&json!("dev"), &json!(2), &json!([12, 30]), &json!(1))
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "EngageHandover");
        assert_eq!(directive["Dimensions"], json!([["Stage"]]));
        let names: Vec<&str> = directive["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| metric["Name"].as_str().unwrap())
            .collect();
        for name in &names {
            assert!(line.get(name).is_some(), "{name} is declared and has a value");
        }
        assert_eq!(names.len(), 3);
        assert_eq!(written(&emf), [Value::Null; 0], "and the next one starts anew");
    }

    #[test]
    fn failures_are_told_apart_by_kind() {
        let (emf, acme) = (Emf::new("dev"), ConnectionId::new("acme"));
        for kind in ["timeout", "refused", "timeout"] {
            emf.record(&acme, Measured::Failed { kind });
        }
        let lines = written(&emf);
        let told: Vec<_> = lines
            .iter()
            .map(|line| (&line["Kind"], &line["Failures"]))
            .collect();
        assert_eq!(
            told,
            [(&json!("refused"), &json!(1)), (&json!("timeout"), &json!(2))]
        );
        let dimensions = &lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*dimensions, json!([["Stage"], ["Stage", "Kind"]]));
    }
}
