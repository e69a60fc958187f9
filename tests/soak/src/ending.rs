//! The faults end, what is open at RCE is closed, half of it unheard, and everybody comes back to the bot.

use std::time::{Duration, Instant};

use simulated_ringcx::TaskQueue;

use crate::faults::{self, LOOKS};
use crate::judge;
use crate::native::Ending;
use crate::world::{Broken, World, pause};

/// How long it may take until all is quiet.
const PATIENCE: Duration = Duration::from_secs(150);

/// Returns what is broken, and how long it took until all was quiet.
pub(crate) async fn end(world: &World) -> anyhow::Result<(Vec<Broken>, Duration)> {
    let began = Instant::now();
    faults::end(world);
    let names: Vec<String> = world.conversations().collect();
    let mut natives = Ending::begins();
    for (unheard, rest) in [(true, 0), (false, 1)] {
        faults::lose_all_webhooks(world, unheard);
        Ending::close(world, rest);
        let half = names.iter().enumerate().filter(|(index, _)| index % 2 == rest);
        for (_, name) in half {
            close(
                world,
                name,
                if unheard {
                    "at the end, unheard"
                } else {
                    "at the end"
                },
            );
        }
    }
    faults::lose_all_webhooks(world, false);
    loop {
        let mut quiet = world.rce.read(simulated_ringcx::State::is_idle);
        for name in &names {
            let back = world.is_back(name).await;
            if back {
                dismiss(world, name);
            }
            quiet &= back && !is_open(world, name);
        }
        quiet &= natives.goes_on(world).await;
        let is_late = began.elapsed() > PATIENCE;
        if quiet || is_late {
            let broken = judge::judge(world).await?;
            if broken.is_empty() || is_late {
                return Ok((broken, began.elapsed()));
            }
        }
        pause(LOOKS).await;
    }
}

/// The agents are done with it. What only waits is left to the bridge's timer.
fn close(world: &World, name: &str, how: &'static str) {
    let rce = &world.rce;
    let close = world.closing(name, how);
    let taken = rce.read(|state| {
        let task = state.open_task(name);
        task.is_some_and(|task| matches!(task.queue, TaskQueue::Workbin(_)))
    });
    if (close.had_case || taken) && rce.close(name).is_ok() {
        world.closed(close);
    }
}

/// The bot has it and RCE's queue still holds it: somebody moved it there, and the bridge never heard of it.
fn dismiss(world: &World, name: &str) {
    let (case, task) = world.rce.read(|state| {
        (
            state.open_intervention(name).is_some(),
            state.open_task(name).is_some(),
        )
    });
    if case || task {
        let ended = if case {
            world.rce.close(name)
        } else {
            world.rce.ignore(name)
        };
        if ended.is_ok() && world.rce.move_to_bot(name, &world.agents[0]).is_ok() {
            world.did("dismissed at the end, because the bridge never heard of it");
        }
    }
}

fn is_open(world: &World, name: &str) -> bool {
    world
        .rce
        .read(|state| state.open_intervention(name).is_some() || state.open_task(name).is_some())
}
