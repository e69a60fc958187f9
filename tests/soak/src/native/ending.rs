//! The agents are done, and everybody writes once more: half of it is reported to nobody, so that only a sweep finds it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::finds_unreported;
use super::talk::{self, Wish};
use crate::world::World;

/// How long agents have what was taken up again at the end.
const AGENTS_NEED: Duration = Duration::from_secs(3);
/// Only so long into the end somebody writes unheard, or it would have to wait for a sweep much later.
const UNHEARD_FOR: Duration = Duration::from_secs(8);
/// A sweep leaves alone what is younger than 15 seconds.
const REPORTED_WITHIN: i64 = 16;
/// Sweeps are at each full minute; so long they may take.
const SWEEP_TAKES: Duration = Duration::from_secs(3);

/// What was done so far.
pub(crate) struct Ending {
    began: Instant,
    open_since: HashMap<String, Instant>,
    wrote: HashSet<String>,
    swept: Option<Instant>,
}

impl Ending {
    pub(crate) fn begins() -> Self {
        Self {
            began: Instant::now(),
            open_since: HashMap::new(),
            wrote: HashSet::new(),
            swept: None,
        }
    }

    /// Agents close what they have; of two conversations one.
    pub(crate) fn close(world: &World, rest: usize) {
        for (index, thread) in world.natives.threads().iter().enumerate() {
            let has_case = world.rce.read(|state| state.open_intervention(thread).is_some());
            if index % 2 == rest && has_case {
                let _ = world.rce.close(thread);
            }
        }
    }

    /// Goes on; `true` when all is done.
    pub(crate) async fn goes_on(&mut self, world: &World) -> bool {
        let mut done = true;
        for (index, thread) in world.natives.threads().iter().enumerate() {
            let back = world.is_native_back(thread).await;
            let (case, task) = world.rce.read(|state| {
                let case = state.open_intervention(thread).is_some();
                (
                    case,
                    state.open_task(thread).is_some() && state.is_with_agents(thread),
                )
            });
            if case || (task && back) {
                let since = self.open_since.entry(thread.clone()).or_insert_with(Instant::now);
                if since.elapsed() >= AGENTS_NEED {
                    self.open_since.remove(thread);
                    dismiss(world, thread, case, back);
                }
            }
            done &= back && !case && !task;
            if back && !case && !task && self.wrote.insert(thread.clone()) {
                let in_time = index % 2 == 0 && self.began.elapsed() < UNHEARD_FOR;
                let unheard = !world.options.calm && in_time && finds_unreported(world);
                talk::write(world, &name_of(world, thread), "last", Wish::Answer, unheard);
                done = false;
            }
        }
        done && self.is_swept(world)
    }

    /// Whether the bridge had the time to find out what was not reported, on a full minute.
    fn is_swept(&mut self, world: &World) -> bool {
        let none = world.natives.threads().is_empty();
        if none || world.options.calm || !finds_unreported(world) {
            return true;
        }
        let swept = *self.swept.get_or_insert_with(|| {
            let now = now();
            let unheard = self.began.elapsed().saturating_sub(UNHEARD_FOR);
            let unheard = i64::try_from(unheard.as_secs()).unwrap_or_default();
            let ready = now.as_second() - unheard + REPORTED_WITHIN;
            let minute = (ready.div_euclid(60) + 1) * 60;
            let left = u64::try_from(minute - now.as_second()).unwrap_or_default();
            Instant::now() + Duration::from_secs(left) + SWEEP_TAKES
        });
        Instant::now() >= swept
    }
}

/// Agents are done with it; what only waits is moved back by hand.
fn dismiss(world: &World, thread: &str, case: bool, back: bool) {
    if case {
        let _ = world.rce.close(thread);
    }
    if back && world.rce.move_to_bot(thread, &world.agents[0]).is_ok() {
        world.did("native: moved back at the end, because the bridge never heard of it");
    }
}

/// What the person is called.
fn name_of(world: &World, thread: &str) -> String {
    let named = world.rce.read(|state| {
        let content = state.contents(thread).next()?;
        Some(content.author_name.clone())
    });
    named.unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the bridge sweeps by the machine's clock, so that is asked"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}
