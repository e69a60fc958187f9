//! Chance faults for soaks: some requests of the bridge are refused, slowed down, or left without an answer.

use std::time::Duration;

use crate::faults::Fault;

/// How often a request to the Send API or the REST API suffers, each as a share of 1. At most one thing happens to a
/// request. The same seed meets the same number of requests in the same way. `Default` is no chaos.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chaos {
    /// Where chance begins.
    pub seed: u64,
    /// Refused with 503, without effect.
    pub refuse_503: f64,
    /// Refused with 429, without effect.
    pub rate_429: f64,
    /// The connection is dropped before anything happens.
    pub drop: f64,
    /// The request has its effect, but the connection is dropped instead of an answer.
    pub lose_answer: f64,
    /// Handled after this pause.
    pub delay: (f64, Duration),
}

/// What chance did since the account started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ChaosCounts {
    /// Requests that chance looked at: those that came while there was chaos, and had no scripted fault.
    pub requests: u64,
    /// Refused with 503.
    pub refused_503: u64,
    /// Refused with 429.
    pub rate_429: u64,
    /// Dropped without effect.
    pub dropped: u64,
    /// Took effect, but the answer was lost.
    pub lost_answers: u64,
    /// Handled late.
    pub delayed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Dice {
    chaos: Option<Chaos>,
    state: u64,
    counts: ChaosCounts,
}

impl Dice {
    pub(crate) fn set(&mut self, chaos: Chaos) {
        self.state = chaos.seed;
        self.chaos = Some(chaos).filter(|chaos| *chaos != Chaos::default());
    }

    pub(crate) fn counts(&self) -> ChaosCounts {
        self.counts
    }

    /// What happens to the next request.
    pub(crate) fn roll(&mut self) -> Option<Fault> {
        let chaos = self.chaos?;
        let chance = self.next();
        let counts = &mut self.counts;
        counts.requests += 1;
        let (delay, pause) = chaos.delay;
        let kinds = [
            (
                chaos.refuse_503,
                &mut counts.refused_503,
                Fault::Status(503, "Service Unavailable".to_owned()),
            ),
            (chaos.rate_429, &mut counts.rate_429, Fault::RateLimit),
            (chaos.drop, &mut counts.dropped, Fault::Drop),
            (chaos.lose_answer, &mut counts.lost_answers, Fault::LoseAnswer),
            (delay, &mut counts.delayed, Fault::Delay(pause)),
        ];
        let mut below = 0.0;
        for (share, count, fault) in kinds {
            below += share;
            if chance < below {
                *count += 1;
                return Some(fault);
            }
        }
        None
    }

    /// A number from 0 to below 1, by `SplitMix64`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolls(chaos: Chaos) -> (Vec<String>, ChaosCounts) {
        let mut dice = Dice::default();
        dice.set(chaos);
        let fates = (0..10_000).map(|_| format!("{:?}", dice.roll())).collect();
        (fates, dice.counts())
    }

    #[test]
    fn shares_are_kept_and_a_seed_repeats() {
        let chaos = Chaos {
            seed: 7,
            refuse_503: 0.1,
            rate_429: 0.05,
            drop: 0.02,
            lose_answer: 0.02,
            delay: (0.2, Duration::from_millis(5)),
        };
        let (fates, counts) = rolls(chaos);
        assert_eq!((fates.clone(), counts), rolls(chaos));
        assert_ne!(fates, rolls(Chaos { seed: 8, ..chaos }).0);
        let near = |count: u64, share: u64| count.abs_diff(share) < 100;
        assert!(near(counts.refused_503, 1_000), "{counts:?}");
        assert!(near(counts.rate_429, 500), "{counts:?}");
        assert!(near(counts.dropped, 200), "{counts:?}");
        assert!(near(counts.lost_answers, 200), "{counts:?}");
        assert!(near(counts.delayed, 2_000), "{counts:?}");
        assert_eq!(counts.requests, 10_000);
    }

    #[test]
    fn there_is_none_unless_asked_for() {
        assert_eq!(rolls(Chaos::default()).1, ChaosCounts::default());
    }
}
