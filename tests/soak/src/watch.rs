//! Looks at all conversations again and again: who is said to have them, and what RCE has open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::world::World;

const EVERY: Duration = Duration::from_millis(500);

/// Until the soak is over.
pub(crate) async fn watch(world: Arc<World>) -> anyhow::Result<()> {
    let mut since: HashMap<String, Instant> = HashMap::new();
    let mut epochs: HashMap<String, u64> = HashMap::new();
    while world.wait(EVERY).await {
        for name in world.conversations() {
            let was_open = is_open(&world, &name);
            let Some(now) = world.look(&name).await else {
                continue;
            };
            let handover = &now["handover"];
            let epoch = handover["epoch"].as_u64().unwrap_or(0);
            let known = epochs.insert(name.clone(), epoch).unwrap_or(0);
            if epoch < known {
                let detail = format!("handover {epoch} after {known}");
                world.break_promise(crate::world::Broken::of("numbers", &name, detail));
            }
            // What our side ended is being tidied up.
            let ours = ["cancelled", "timed_out", "failed"]
                .contains(&handover["status"].as_str().unwrap_or_default());
            if was_open && is_open(&world, &name) && now["handler"] == "bot" && !ours {
                since.entry(name).or_insert_with(Instant::now);
            } else if let Some(since) = since.remove(&name) {
                world.notes().unnoticed.push(since.elapsed());
            }
        }
    }
    world
        .notes()
        .unnoticed
        .extend(since.values().map(Instant::elapsed));
    Ok(())
}

fn is_open(world: &World, name: &str) -> bool {
    world.rce.read(|state| state.open_intervention(name).is_some())
}
