//! Not more calls in a minute than a platform takes.
//!
//! The limits are the platforms': Cognigy's shared installation counts by caller's address, Chatlayer tells in its
//! answers how many are left. Each process counts for itself, so what a platform answers counts more than this.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::BotError;
use jiff::SignedDuration;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Longest time for which an answer may silence us.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_mins(5);

/// The calls of the last minute, by connection.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<ConnectionId, Calls>>);

#[derive(Debug, Default)]
struct Calls {
    made: VecDeque<Timestamp>,
    held_until: Option<Timestamp>,
}

impl Pace {
    /// Counts a call, or says when it may be made.
    pub fn take(&self, connection: &ConnectionId, per_minute: u32, now: Timestamp) -> Result<(), BotError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = all.entry(connection.clone()).or_default();
        if let Some(until) = calls.held_until.filter(|until| *until > now) {
            return Err(held_back(until, now));
        }
        calls.held_until = None;
        // What is dated later was counted before a clock was set back; it must not count for ever.
        while calls
            .made
            .front()
            .is_some_and(|at| *at + MINUTE <= now || *at > now)
        {
            calls.made.pop_front();
        }
        let most = usize::try_from(per_minute).unwrap_or(usize::MAX);
        if calls.made.len() >= most
            && let Some(oldest) = calls.made.front()
        {
            return Err(held_back(*oldest + MINUTE, now));
        }
        calls.made.push_back(now);
        Ok(())
    }

    /// The platform says that it takes nothing more for this time.
    pub fn hold(&self, connection: &ConnectionId, pause: SignedDuration, now: Timestamp) {
        let pause = pause.clamp(SignedDuration::ZERO, LONGEST_HOLD);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(connection.clone()).or_default().held_until = Some(now + pause);
    }
}

fn held_back(until: Timestamp, now: Timestamp) -> BotError {
    let after = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    BotError::HeldBack { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(1_800_000_000 + second, 0).unwrap()
    }

    #[track_caller]
    fn waits(result: Result<(), BotError>) -> u64 {
        match result {
            Err(BotError::HeldBack { after }) => after.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_minute_has_more_calls_than_the_limit_wherever_it_begins() {
        let (pace, acme) = (Pace::default(), ConnectionId::new("acme"));
        let mut made = Vec::new();
        for second in 0..600 {
            if pace.take(&acme, 5, at(second)).is_ok() {
                made.push(second);
            }
        }
        for begin in 0..540 {
            let within = made.iter().filter(|s| (begin..begin + 60).contains(*s)).count();
            assert!(within <= 5, "{within} in the minute from {begin}");
        }
        assert_eq!(made.len(), 50, "and what is free is used");
    }

    #[test]
    fn who_has_to_wait_is_told_how_long_and_others_do_not_wait() {
        let (pace, acme, other) = (Pace::default(), ConnectionId::new("a"), ConnectionId::new("b"));
        pace.take(&acme, 1, at(0)).unwrap();
        assert_eq!(waits(pace.take(&acme, 1, at(20))), 40);
        pace.take(&other, 1, at(20)).unwrap();
        pace.take(&acme, 1, at(60)).unwrap();
    }

    #[test]
    fn the_platform_may_silence_us_for_five_minutes_at_most() {
        let (pace, acme) = (Pace::default(), ConnectionId::new("a"));
        pace.hold(&acme, SignedDuration::from_secs(30), at(0));
        assert_eq!(waits(pace.take(&acme, 9, at(10))), 20);
        pace.take(&acme, 9, at(30)).unwrap();
        pace.hold(&acme, SignedDuration::from_hours(3), at(30));
        assert_eq!(waits(pace.take(&acme, 9, at(31))), 299);
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nobody() {
        let (pace, acme) = (Pace::default(), ConnectionId::new("a"));
        pace.take(&acme, 1, at(5_000)).unwrap();
        pace.take(&acme, 1, at(0)).unwrap();
    }
}
