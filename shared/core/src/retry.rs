//! Retry or reject: decided by whoever raises the error, carried out by the queue's shell.

use std::time::Duration;

/// What the next step is after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Trying again may help. `after` is a wait that the other side asked for.
    Retry { after: Option<Duration> },
    /// A secret is not accepted, most likely because it is being changed: trying again helps while the work is young.
    /// Later it cannot, so that a wrong secret holds up no queue for long.
    RetryWhileYoung,
    /// Our own limiter holds it back: not a failure, and it does not count as an attempt.
    Wait { after: Duration },
    /// Trying again cannot help.
    Reject,
}

/// How often a kind of work is tried before it is put aside as a dead letter.
///
/// A person waits behind it (queues keep the order of a conversation), so budgets are minutes, not
/// the hours that are usual for webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    pub attempts: u32,
}

impl RetryBudget {
    /// As many attempts as [`backoff`] makes in about that time.
    pub const fn about_seconds(seconds: u64) -> Self {
        let mut attempts = 1;
        let mut waited_ms = 0;
        while waited_ms < seconds * 1000 {
            waited_ms += ceiling_ms(attempts);
            attempts += 1;
        }
        Self { attempts }
    }
}

/// For how long after its acceptance work is tried that fails over a secret. What waits behind it is as old, and
/// is put aside after one attempt.
pub const YOUNG: Duration = Duration::from_mins(5);

/// Longest wait between two attempts. Short, because a person waits and one job for each conversation is
/// tried at a time; a receiver that wants more says so with `Retry-After`.
const LONGEST_MS: u64 = 5_000;

const fn ceiling_ms(attempt: u32) -> u64 {
    let doublings = if attempt > 8 { 7 } else { attempt.saturating_sub(1) };
    let doubled = 250u64 << doublings;
    if doubled > LONGEST_MS { LONGEST_MS } else { doubled }
}

/// Wait before attempt `attempt + 1` (attempts count from 1): doubling from 250 ms up to 5 s, with
/// up to a quarter taken off by `jitter` (0–255) so that many conversations do not return at once.
pub fn backoff(attempt: u32, jitter: u8) -> Duration {
    let ceiling = ceiling_ms(attempt);
    Duration::from_millis(ceiling - ceiling * u64::from(jitter) / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_about_as_long_as_it_says() {
        assert_eq!(RetryBudget::about_seconds(0).attempts, 1);
        let attempts = RetryBudget::about_seconds(300).attempts;
        let waited: Duration = (1..attempts).map(|n| backoff(n, 0)).sum();
        assert!((300..=305).contains(&waited.as_secs()), "{waited:?}");
    }

    #[test]
    fn waits_double_up_to_five_seconds_and_jitter_only_shortens() {
        let waits: Vec<u128> = (1..=9).map(|n| backoff(n, 0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000]);
        for attempt in 1..12 {
            let (longest, shortest) = (backoff(attempt, 0), backoff(attempt, 255));
            assert!(shortest <= longest && shortest >= longest * 3 / 4);
        }
    }
}
