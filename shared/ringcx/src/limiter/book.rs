//! The budget of an account that several processes share.
//!
//! Time is cut into slots. A process leases a few places for the slot that its clock is in, and uses them in that
//! slot or not at all; the book knows how many places each slot has given away. No fourteen slots in a row give more
//! than the limit. A request of the first and one of the fifteenth are at least thirteen slots, 65 seconds, apart:
//! 60 for the window, and 5 in which clocks may differ and answers may be late.
//!
//! Whoever keeps the book must not let two processes write over each other's entries. What a dead process had
//! leased is lost until its slot has left the window; nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ports::Urgency;
use serde::{Deserialize, Serialize};

use super::brake::Brake;
use super::limits::Limits;
use super::room::{Kind, Room};
use super::{later, since};

/// How long leased places can be used: longer ones would be wasted more often.
const SLOT: Duration = Duration::from_secs(5);
/// How many slots in a row share the limit.
const SLOTS: i64 = 14;
/// Most places of a lease: the limit's part of a second. A handover calls a few times in a row.
const MOST: u32 = 60;
/// And the part of what is free, so that little is wasted when it is scarce.
const OF_FREE: u32 = 4;

/// What all processes together did with an account's budget. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountBook {
    /// The places that each slot gave away.
    slots: BTreeMap<i64, Given>,
    /// How many of them went to handovers, of what is kept for replies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reserved: BTreeMap<i64, u32>,
    limits: Limits,
    brake: Brake,
}

/// How many places, and how many of them to the idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Given(u32, u32);

/// Places that one process may use within one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub(super) slot: i64,
    pub(super) places: u32,
    pub(super) kind: Kind,
    /// What is left is kept for replies.
    pub(super) is_scarce: bool,
    /// The limit at which they were leased.
    pub(super) limit: u32,
    /// Nothing succeeded since the last 429.
    pub(super) is_wary: bool,
}

impl AccountBook {
    /// How long a book matters that nobody writes in: a pause, and what a 429 leaves behind it.
    pub const KEPT: Duration = Duration::from_hours(2);

    /// Leases places, at least one and at most `wanted`; for the idle one at a time, and for handovers where little
    /// is free. Or tells how long until one may be free.
    pub(super) fn lease(
        &mut self,
        wanted: u32,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<Lease, Duration> {
        let limit = self.limits.ask(limit, now);
        if let Some(rest) = self.brake.pause(now) {
            return Err(rest);
        }
        let slot = slot_of(now);
        let slowed = self.brake.slow(limit, now);
        let taken: u32 = self.given(slot, Kind::Any).map(|(_, places)| places).sum();
        let kind = self.room(slowed, urgency, slot, now)?;
        let places = match kind {
            Kind::Any => {
                let free = Room::replies(slowed).saturating_sub(taken);
                wanted.min(slowed / MOST).min(free / OF_FREE).max(1)
            }
            Kind::Idle | Kind::Reserved => 1,
        };
        self.forget(slot);
        let given = self.slots.entry(slot).or_default();
        given.0 += places;
        match kind {
            Kind::Any => {}
            Kind::Idle => given.1 += places,
            Kind::Reserved => *self.reserved.entry(slot).or_default() += places,
        }
        Ok(Lease {
            slot,
            places,
            kind,
            is_scarce: taken + places > Room::shared(slowed),
            limit,
            is_wary: self.brake.is_wary(),
        })
    }

    /// What places would be counted as, or how long until one may be free.
    fn room(&self, limit: u32, urgency: Urgency, slot: i64, now: Timestamp) -> Result<Kind, Duration> {
        let mut shortest = None;
        for room in Room::of(limit, urgency) {
            let all = until_left(self.given(slot, Kind::Any), room.all, now);
            let alike = until_left(self.given(slot, room.kind), room.of_kind, now);
            let Some(wait) = all.max(alike) else {
                return Ok(room.kind);
            };
            shortest = Some(shortest.map_or(wait, |shortest: Duration| shortest.min(wait)));
        }
        Err(shortest.unwrap_or_default())
    }

    /// RCE answered 429. Returns how long everybody pauses.
    pub fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        self.brake.limited(retry_after, now)
    }

    /// RCE did what it was asked: the next pause starts small again.
    pub fn succeeded(&mut self, now: Timestamp) {
        self.brake.succeeded(now);
    }

    /// What was given away in the slots that share the limit with this one. Clocks differ, so some may be later; what
    /// is later by more than all slots is of a clock that was wrong, and must not block others for long.
    fn given(&self, slot: i64, kind: Kind) -> impl DoubleEndedIterator<Item = (i64, u32)> {
        let sharing = slot - SLOTS + 1..slot + SLOTS;
        self.slots.range(sharing).map(move |(slot, given)| {
            let places = match kind {
                Kind::Any => given.0,
                Kind::Idle => given.1,
                Kind::Reserved => self.reserved.get(slot).copied().unwrap_or_default(),
            };
            (*slot, places)
        })
    }

    /// Forgets what no process needs, however late its clock is.
    fn forget(&mut self, slot: i64) {
        self.slots.retain(|given, _| (given - slot).abs() < 2 * SLOTS);
        self.reserved.retain(|given, _| (given - slot).abs() < 2 * SLOTS);
    }
}

/// How long until these slots have given no more than `most`; `None`: they have not.
fn until_left(
    given: impl DoubleEndedIterator<Item = (i64, u32)>,
    most: u32,
    now: Timestamp,
) -> Option<Duration> {
    let mut places = 0_u32;
    let leaving = given.rev().find(|(_, more)| {
        places = places.saturating_add(*more);
        places > most
    });
    leaving.map(|(slot, _)| since(now, start_of(slot + SLOTS)))
}

pub(super) fn slot_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(SLOT.as_secs().cast_signed())
}

fn start_of(slot: i64) -> Timestamp {
    let seconds = u64::try_from(slot)
        .unwrap_or_default()
        .saturating_mul(SLOT.as_secs());
    later(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
}
