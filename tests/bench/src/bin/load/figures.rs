//! Durations and rates, as people read them.

use std::time::Duration;

/// Durations of one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Durations(Vec<Duration>);

impl Durations {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// The value below which `percent` of them are.
    pub(crate) fn at(&mut self, percent: usize) -> Duration {
        self.0.sort();
        let last = self.0.len().saturating_sub(1);
        self.0
            .get((last * percent).div_ceil(100))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn line(&mut self, what: &str) -> String {
        format!(
            "{what:<36} p50 {:>8}  p99 {:>8}  max {:>8}  ({} of them)",
            ms(self.at(50)),
            ms(self.at(99)),
            ms(self.at(100)),
            self.0.len()
        )
    }
}

pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    f64::from(count) / took.as_secs_f64().max(1e-9)
}

pub(crate) fn mib(kib: u64) -> String {
    format!("{} MiB", kib.div_ceil(1_024))
}

pub(crate) fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut durations = Durations::default();
        for millis in (1..=200).rev() {
            durations.add(Duration::from_millis(millis));
        }
        assert_eq!(durations.at(50), Duration::from_millis(101));
        assert_eq!(durations.at(99), Duration::from_millis(199));
        assert_eq!(durations.at(100), Duration::from_millis(200));
        assert_eq!(Durations::default().at(99), Duration::ZERO);
    }
}
