//! One process among several that share a book.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ports::Urgency;

use super::book::{AccountBook, Lease, slot_of};
use super::room::Kind;
use super::{WINDOW, later, since};

/// How much later than the first the last of many who wait is told to come back. Other processes have such, too, so nobody
/// knows how many wait in all.
const LONGEST_QUEUE: Duration = WINDOW;

/// What a process holds of an account's book, and knows without looking into it.
#[derive(Clone, Debug, Default)]
pub struct LeaseHolder {
    lease: Option<Lease>,
    /// How many places were used in the slot of the last lease, and in the last one before it.
    used: u32,
    used_before: u32,
    /// Who gets no place: those of an urgency, and whoever comes after them.
    closed: BTreeMap<Urgency, Closed>,
    /// Nothing succeeded since the last 429.
    is_wary: bool,
}

/// A refusal, from when it was learnt until it is over. A clock that is set back leaves it behind.
#[derive(Clone, Copy, Debug)]
struct Closed {
    since: Timestamp,
    until: Timestamp,
    /// How many were told to come back when it is over.
    told: u32,
}

impl LeaseHolder {
    /// Takes a place that is held, or says why none is to be had. `None`: the book knows.
    pub fn take(&mut self, limit: u32, urgency: Urgency, now: Timestamp) -> Option<Result<(), Duration>> {
        if urgency == Urgency::Now
            && let Some(turn) = self.turn(limit, now)
        {
            return Some(Err(turn));
        }
        let closed = self.closed.range(..=urgency);
        if let Some(rest) = closed.filter_map(|(_, closed)| closed.rest(now)).max() {
            return Some(Err(rest));
        }
        // How many are idle is counted by the book only.
        if urgency == Urgency::Idle {
            return None;
        }
        let lease = self.lease.as_mut()?;
        // Somebody may have waited here since a slot ago, while another leased.
        let is_current = (0..=1).contains(&(lease.slot - slot_of(now)));
        // A smaller limit than was known is the book's concern.
        if !is_current || lease.places == 0 || limit.max(1) < lease.limit {
            return None;
        }
        // How much of what is kept for replies goes to handovers, too.
        if urgency == Urgency::Soon && lease.is_scarce {
            return None;
        }
        lease.places -= 1;
        self.used += 1;
        Some(Ok(()))
    }

    /// What [`Self::take`] would say to whom a person waits for, without taking a place: the wait, which may be none.
    pub fn look(&self, limit: u32, now: Timestamp) -> Option<Duration> {
        let answer = self.clone().take(limit, Urgency::Now, now)?;
        Some(answer.err().unwrap_or_default())
    }

    /// What [`Self::take`] would refuse, for somebody who comes back then. `None`: there may be a place.
    pub fn turn(&mut self, limit: u32, now: Timestamp) -> Option<Duration> {
        let closed = self.closed.range_mut(..=Urgency::Now);
        closed.filter_map(|(_, closed)| closed.turn(limit, now)).max()
    }

    /// Leases from the book as many places as this process is likely to use; [`Self::learn`] takes the answer when the
    /// book is safely put back.
    ///
    /// `limit` is what the asking connection allows its account in 60 seconds.
    pub fn lease(
        &self,
        book: &mut AccountBook,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<Lease, Duration> {
        let slot = slot_of(now);
        let wanted = if self.lease.as_ref().is_some_and(|last| last.slot == slot) {
            // More than was thought: twice as many, or what is left of the usual.
            (self.used + 1).max(self.used_before.saturating_sub(self.used))
        } else {
            self.used
        };
        book.lease(wanted, limit, urgency, now)
    }

    /// What the book answered. Of a lease, one place is taken at once.
    pub fn learn(
        &mut self,
        urgency: Urgency,
        answer: Result<Lease, Duration>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        match answer {
            Ok(mut lease) if lease.kind == Kind::Any => {
                lease.places = lease.places.saturating_sub(1);
                self.is_wary = lease.is_wary;
                let last = self.lease.as_ref().filter(|last| last.slot == lease.slot);
                lease.places += last.map_or(0, |last| last.places);
                if self.lease.as_ref().is_none_or(|last| last.slot != lease.slot) {
                    self.used_before = std::mem::take(&mut self.used);
                }
                self.used += 1;
                self.lease = Some(lease);
                Ok(())
            }
            Ok(lease) => {
                self.is_wary = lease.is_wary;
                Ok(())
            }
            Err(wait) => {
                let closed = Closed {
                    told: 1,
                    ..Closed::new(wait, now)
                };
                self.closed.insert(urgency, closed);
                Err(wait)
            }
        }
    }

    /// RCE answered 429 to this process: what it holds is void.
    pub fn limited(&mut self, wait: Duration, now: Timestamp) {
        self.lease = None;
        self.closed.insert(Urgency::Begun, Closed::new(wait, now));
        self.is_wary = true;
    }

    /// RCE did what it was asked. Whether the book must know, which is seldom.
    pub fn succeeded(&mut self, now: Timestamp) -> bool {
        let mut closed = self.closed.range(..=Urgency::Now);
        let is_paused = closed.any(|(_, closed)| closed.rest(now).is_some());
        self.is_wary && !is_paused && std::mem::take(&mut self.is_wary)
    }
}

impl Closed {
    fn new(wait: Duration, now: Timestamp) -> Self {
        Self {
            since: now,
            until: later(now, wait),
            told: 0,
        }
    }

    /// Until it is over, and then one after the other at the pace of the limit: if all came at once, one would get the
    /// first place, and nobody would know whose turn it was.
    fn turn(&mut self, limit: u32, now: Timestamp) -> Option<Duration> {
        let rest = self.rest(now)?;
        let after = (WINDOW / limit.max(1)).saturating_mul(self.told);
        self.told = self.told.saturating_add(1);
        Some(rest + after.min(LONGEST_QUEUE))
    }

    fn rest(self, now: Timestamp) -> Option<Duration> {
        let rest = since(now, self.until);
        (self.since <= now && !rest.is_zero()).then_some(rest)
    }
}
