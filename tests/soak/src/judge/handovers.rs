//! Every handover that began ended once, and who has the conversation is what RCE says.

use std::collections::{BTreeMap, HashSet};

use crate::bot::Heard;
use crate::bridge::Door;
use crate::world::{Broken, World};

const ENDS: &str = "every handover ends";

pub(crate) async fn check(world: &World, door: Door, name: &str, heard: &[Heard]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let Some(now) = world.look_at(door, name).await else {
        return vec![Broken::of(ENDS, name, "the bridge does not say how it stands")];
    };
    // On a channel of RCE's own a task outlives the move back; agents do not see it any more.
    let hides = world.natives.has(name);
    let open = world.rce.read(|state| {
        let waits = state.open_task(name).is_some() && (!hides || state.is_with_agents(name));
        state.open_intervention(name).is_some() || waits
    });
    if open || now["handler"] != "bot" {
        let there = if open { "something" } else { "nothing" };
        let detail = format!("{} has it while RCE has {there} open", now["handler"]);
        broken.push(Broken::of("one voice", name, detail));
    }
    let begun = now["handover"]["epoch"].as_u64().unwrap_or(0);
    let mut ends: BTreeMap<u64, HashSet<&str>> = BTreeMap::new();
    for end in heard.iter().filter(|heard| heard.taken && heard.is_end()) {
        ends.entry(end.epoch).or_default().insert(&end.id);
    }
    for epoch in 1..=begun {
        match ends.get(&epoch).map_or(0, HashSet::len) {
            0 => broken.push(Broken::of(
                ENDS,
                name,
                format!("handover {epoch} of {begun} has no end"),
            )),
            1 => {}
            ended => broken.push(Broken::of(
                "one effect",
                name,
                format!("handover {epoch} ended {ended} times"),
            )),
        }
    }
    broken
}
