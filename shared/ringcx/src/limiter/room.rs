//! How much of the budget each urgency may take.

use handover_core::ports::Urgency;

/// What a place is counted as, besides being one of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Idle,
    /// A handover's, of what is kept for replies.
    Reserved,
}

/// One way to a place: how many may be taken already, in a window, of all and of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) all: u32,
    pub(super) kind: Kind,
    pub(super) of_kind: u32,
}

impl Room {
    /// The ways to a place; the first that is free is taken.
    ///
    /// What was begun may be finished, with everything that there is. Replies leave a twentieth for that. Handovers begin
    /// while a sixth is free, and else with a fortieth (at least one place) of their own: replies alone could keep the
    /// agents away for ever. The idle have a twentieth, at least one place, and none while less than a fifth is free.
    pub(super) fn of(limit: u32, urgency: Urgency) -> impl Iterator<Item = Self> {
        let any = |all| Self {
            all,
            kind: Kind::Any,
            of_kind: u32::MAX,
        };
        let share = |all, kind, part: u32| Self {
            all,
            kind,
            of_kind: (limit / part).saturating_sub(1),
        };
        let (of_all, of_replies) = (limit.saturating_sub(1), Self::replies(limit).saturating_sub(1));
        let (first, second) = match urgency {
            Urgency::Begun => (any(of_all), None),
            Urgency::Now => (any(of_replies), None),
            Urgency::Soon => (
                any(Self::shared(limit)),
                Some(share(of_replies, Kind::Reserved, 40)),
            ),
            Urgency::Idle => (share(limit - limit.div_ceil(5), Kind::Idle, 20), None),
        };
        std::iter::once(first).chain(second)
    }

    /// How many replies may take, with all others.
    pub(super) fn replies(limit: u32) -> u32 {
        limit - limit / 20
    }

    /// How many may be taken already when a handover begins that takes nothing of what is kept for replies.
    pub(super) fn shared(limit: u32) -> u32 {
        limit - limit / 6
    }
}
