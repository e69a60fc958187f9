//! `docs/monitoring.md` lists what there is, and nothing else.

use std::collections::BTreeSet;

use handover_figures::{ALL, Kind};

const PAGE: &str = include_str!("../../../docs/monitoring.md");

/// The name as Prometheus shows it.
fn shown(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Count | Kind::Used => format!("{name}_total"),
        Kind::Times(_) | Kind::Gauge => name.to_owned(),
    }
}

#[test]
fn every_metric_is_in_the_table_with_its_type_and_labels() {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    for metric in ALL {
        let name = format!("`{}`", shown(metric.name, metric.kind));
        let row = rows.iter().find(|row| row.contains(&name));
        let cells: Vec<&str> = row
            .map(|row| row.split('|').map(str::trim).collect())
            .unwrap_or_default();
        assert!(cells.len() >= 5, "{name} is not in the table");
        let kind = match metric.kind {
            Kind::Count | Kind::Used => "counter",
            Kind::Times(_) => "histogram",
            Kind::Gauge => "gauge",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        assert_eq!((cells[2], cells[3]), (kind, labels.join(", ").as_str()), "{name}");
    }
}

#[test]
fn the_rules_use_metrics_that_exist() {
    let mut known: BTreeSet<String> = ALL.iter().map(|metric| shown(metric.name, metric.kind)).collect();
    for metric in ALL.iter().filter(|metric| matches!(metric.kind, Kind::Times(_))) {
        known.extend(["bucket", "count", "sum"].map(|part| format!("{}_{part}", metric.name)));
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let used: BTreeSet<&str> = PAGE
        .split(|c: char| !is_part(c))
        .filter(|word| word.starts_with("engage_handover_"))
        .collect();
    assert!(used.len() > 20);
    for name in used {
        assert!(known.contains(name), "{name} does not exist");
    }
}
