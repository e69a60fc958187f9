//! Who waits for a place, and until when.
//!
//! Whoever is refused is told when to come back. If all were told the same time, all would come, one would get the place,
//! and nobody would know whose turn it was. So each is told the time of another place.

use std::collections::VecDeque;
use std::time::Duration;

use handover_core::Timestamp;

use super::{MARGIN, WINDOW, later, since};

/// How long one who is expected may be late before nobody waits for them.
const LATE: Duration = Duration::from_secs(1);
/// Nobody is told more. What is further ahead was told by a clock that was wrong.
const LONGEST: Duration = Duration::from_mins(10);

/// When those who were refused come back, soonest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(VecDeque<Timestamp>);

impl Turns {
    /// Somebody got a place: whoever is due. Nobody says who they are, and nobody has to.
    pub(super) fn came(&mut self, now: Timestamp) {
        self.0.pop_front_if(|turn| *turn <= now);
    }

    /// When somebody is to come back who is refused now. `taken`: the places of the last window, oldest first; there are
    /// `limit`, and none is free before `soonest`.
    pub(super) fn next(
        &mut self,
        taken: &[Timestamp],
        limit: u32,
        soonest: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        // Places become free in the order in which they were taken: first by others, then by those who are expected.
        let before = (taken.len() + self.0.len()).checked_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        let place = before.and_then(|place| {
            let expected = place.checked_sub(taken.len()).and_then(|place| self.0.get(place));
            taken.get(place).or(expected).copied()
        });
        let free = place.map_or(soonest, |at| later(at, WINDOW + MARGIN));
        let last = self.0.back().copied().unwrap_or(now);
        let turn = free.max(soonest).max(last).min(later(now, LONGEST));
        self.0.push_back(turn);
        turn
    }

    /// Forgets those who do not come.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0
            .retain(|turn| since(*turn, now) <= LATE && since(now, *turn) <= LONGEST);
    }
}
