//! How long the bot waited for an end that RCE knew of: from the moment somebody there ended it until the bot took the
//! event that says so.

use std::collections::HashSet;
use std::time::Duration;

use simulated_ringcx::DeliveryKind;

use crate::bot::Heard;
use crate::bridge::MIRRORED;
use crate::world::{Broken, Close, RECONCILE_EVERY, World};

/// How long it may take at most: the interval, the category, and time for a bridge that is down, a bot that refuses
/// and an RCE that does not answer.
const LIMIT: Duration = Duration::from_secs(RECONCILE_EVERY + 5 + 25);

/// How the bridge could know.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Known {
    /// One of RCE's events about it arrived.
    Told,
    /// All of them were lost: only reconciliation finds out.
    Untold,
    /// RCE has no event for it: somebody moved a waiting thread back.
    NoEvent,
    /// All were lost, and no intervention tells of it: only a timer ends it.
    Traceless,
}

impl Known {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Told => "event arrived",
            Self::Untold => "event lost",
            Self::NoEvent => "moved back: no event tells of it",
            Self::Traceless => "event lost, and there was no intervention",
        }
    }
}

/// One end.
pub(crate) struct Healed {
    pub(crate) known: Known,
    pub(crate) took: Duration,
    /// A timer of the bridge was faster.
    pub(crate) by_timer: bool,
    pub(crate) conversation: String,
    pub(crate) how: &'static str,
    pub(crate) epoch: u64,
}

/// All ends that can be measured: not those that the bridge never heard the beginning of, that somebody else ended
/// before, or that the person undid by writing again.
pub(crate) fn healed(world: &World) -> Vec<Healed> {
    let closes = world.notes().closes.clone();
    let arrived = arrived(world);
    closes
        .iter()
        .filter_map(|close| of(world, close, &arrived))
        .collect()
}

fn of(world: &World, close: &Close, arrived: &HashSet<String>) -> Option<Healed> {
    let (epoch, back) = close.back?;
    let end: Heard = world.bot.end_of(&close.conversation, epoch)?;
    let took = end.at.checked_duration_since(close.at)?;
    let (told, reopened) = world.rce.read(|state| {
        let thread = state
            .thread(&close.conversation)
            .map(|thread| thread.id.clone())
            .unwrap_or_default();
        let of_thread =
            |event: &&serde_json::Value| event["resource"]["metadata"]["thread_id"] == thread.as_str();
        let (before, after) = close.events;
        let mut own = state.events().skip(before).take(after - before).filter(of_thread);
        let told = own.any(|event| event["id"].as_str().is_some_and(|id| arrived.contains(id)));
        // The person may be so quick that it is undone before it was noted.
        let mut later = state
            .events()
            .skip(before)
            .take(back.saturating_sub(before))
            .filter(of_thread);
        (told, later.any(|event| event["type"] == "intervention.reopened"))
    });
    if reopened || end.kind == "handover.cancelled" {
        return None;
    }
    let known = if close.how.starts_with("moved back") {
        Known::NoEvent
    } else if told {
        Known::Told
    } else if close.had_case {
        Known::Untold
    } else {
        Known::Traceless
    };
    Some(Healed {
        known,
        took,
        by_timer: end.kind == "handover.timed_out",
        conversation: close.conversation.clone(),
        how: close.how,
        epoch,
    })
}

/// The events that the bridge answered with 200.
fn arrived(world: &World) -> HashSet<String> {
    let url = world.bridge.webhook_url(MIRRORED);
    world.rce.read(|state| {
        let taken = state
            .deliveries()
            .filter(|delivery| delivery.kind == DeliveryKind::Webhook && delivery.status == Some(200))
            .filter(|delivery| delivery.url == url);
        let events = taken.flat_map(|delivery| delivery.body["events"].as_array().into_iter().flatten());
        events
            .filter_map(|event| event["id"].as_str().map(str::to_owned))
            .collect()
    })
}

/// Those that took too long.
pub(crate) fn too_late(world: &World) -> Vec<Broken> {
    let late = healed(world).into_iter().filter(|healed| healed.took > LIMIT);
    late.map(|healed| {
        let detail = format!(
            "{} ({:?}): the bot was told of the end of handover {} after {:.1} s",
            healed.how,
            healed.known,
            healed.epoch,
            healed.took.as_secs_f64()
        );
        Broken::of("time to heal", &healed.conversation, detail)
    })
    .collect()
}
