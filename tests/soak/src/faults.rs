//! Who kills the bridge, what gets lost on the way, and whose clock jumps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use simulated_ringcx::WebhookBehaviour;

use crate::chance::Chance;
use crate::world::{Broken, World, pause};

/// Kills the bridge every few seconds, or asks it to stop, and starts it again.
pub(crate) async fn kill(world: Arc<World>, mut chance: Chance) -> anyhow::Result<()> {
    while world.wait(chance.millis(3_000, 8_000)).await {
        let began = Instant::now();
        if chance.percent(70) {
            world.bridge.kill().await?;
            world.did("kill -9");
        } else {
            let ended = world.bridge.terminate().await?;
            world.did("SIGTERM");
            if !ended.is_some_and(|status| status.success()) {
                world.break_promise(Broken {
                    promise: "SIGTERM is a clean end",
                    conversation: None,
                    detail: format!("it ended with {ended:?}"),
                });
            }
        }
        pause(chance.millis(0, 1_500)).await;
        world.bridge.start().await?;
        let mut notes = world.notes();
        notes.down += began.elapsed();
        notes.restarts.push(Instant::now());
    }
    Ok(())
}

/// Webhooks get lost, come twice, late and in another order; at times all of them are lost.
pub(crate) async fn lose_webhooks(world: Arc<World>, mut chance: Chance) -> anyhow::Result<()> {
    loop {
        let down = chance.percent(25);
        let behaviour = if down {
            world.did("all webhooks lost for a while");
            WebhookBehaviour {
                down: true,
                ..WebhookBehaviour::default()
            }
        } else {
            WebhookBehaviour {
                drop_every: chance.between(5, 12),
                duplicate_every: chance.between(3, 8),
                reorder_every: chance.between(3, 8),
                delay: chance.millis(0, 500),
                down: false,
            }
        };
        world.set_webhooks(behaviour);
        let time = if down {
            chance.millis(4_000, 8_000)
        } else {
            chance.millis(6_000, 12_000)
        };
        if !world.wait(time).await {
            return Ok(());
        }
    }
}

/// RCE's clock jumps, if that was asked for.
pub(crate) fn step_clock(world: &World) {
    if world.options.clock_step != 0 {
        let ahead = world.clock + world.options.clock_step;
        world.rce.set_clock_ahead(SignedDuration::from_secs(ahead));
        world.did("RCE's clock jumped");
    }
}

/// All is well again.
pub(crate) fn end(world: &World) {
    world.rce.set_chaos(simulated_ringcx::Chaos::default());
    world.set_webhooks(WebhookBehaviour::default());
    world.rce.clear_faults();
    world.rce.set_content_index_lag(simulated_ringcx::IndexLag::None);
    world.bot.recover();
    world.native_bot.recover();
}

/// From now on all webhooks are lost, or none.
pub(crate) fn lose_all_webhooks(world: &World, lost: bool) {
    world.set_webhooks(WebhookBehaviour {
        down: lost,
        ..WebhookBehaviour::default()
    });
}

/// A pause between two looks at the end.
pub(crate) const LOOKS: Duration = Duration::from_millis(500);
