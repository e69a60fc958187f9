//! What only matters on a channel of RCE's own: what becomes of `POST /contents`.

use std::sync::Arc;
use std::time::Duration;

use simulated_ringcx::{Fault, FaultTarget};

use crate::chance::Chance;
use crate::world::World;

/// The kinds of faults, and how often each.
const KINDS: [(u8, u64); 6] = [(0, 30), (1, 15), (2, 15), (3, 10), (4, 15), (5, 15)];

/// Lets single replies fail, besides the chance that all requests have.
pub(crate) async fn fail(world: Arc<World>, mut chance: Chance) -> anyhow::Result<()> {
    if world.natives() == 0 {
        return Ok(());
    }
    while world.wait(chance.millis(300, 1_500)).await {
        let late = chance.millis(500, 5_000);
        let (what, fault) = named(chance.weighted(&KINDS), late);
        world.did(what);
        world.rce.fail_next(FaultTarget::RestCreateContent, fault, 1);
    }
    Ok(())
}

fn named(kind: u8, late: Duration) -> (&'static str, Fault) {
    let unavailable = "unavailable".to_owned();
    match kind {
        0 => ("reply: taken, the answer lost", Fault::LoseAnswer),
        1 => ("reply: 500, not taken", Fault::Status(500, unavailable)),
        2 => ("reply: 503, not taken", Fault::Status(503, unavailable)),
        3 => ("reply: taken, answered 502", Fault::StatusAfterEffect(502)),
        4 => (
            "reply: taken after the connection broke",
            Fault::DelayedLoss(late),
        ),
        _ => ("reply: slow", Fault::Delay(late / 2)),
    }
}
