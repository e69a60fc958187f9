//! A soak with injected faults: the real `engage-handover serve` between a simulated RCE and a bot.
//!
//! Conversations go to agents and back in all the ways that there are, while the bridge is killed, RCE refuses and
//! drops requests, webhooks get lost, and the bot fails. Then the faults end, and what the README promises is judged
//! from outside only: by what the bot took, what RCE holds, and what the bot API and the command line say.
//!
//! | module | does |
//! |---|---|
//! | `options`, `chance` | what may be chosen, and what is left to chance |
//! | `bridge`, `bot` | the process, and a bot that checks what it is told |
//! | `world` | the three of them, and what was noted while they ran |
//! | `talk` | one conversation after another handover |
//! | `faults` | who kills, and what gets lost |
//! | `watch` | looks at who has the conversations all the time |
//! | `ending` | faults off, everything closed, until all are with the bot |
//! | `judge` | the promises |
//! | `native` | the same on a channel that RCE owns |
//! | `heal` | how long the bot waited for an end that RCE knew of |
//! | `report` | the figures |

mod bot;
mod bridge;
mod chance;
mod ending;
mod faults;
mod heal;
mod judge;
mod native;
mod options;
mod report;
mod talk;
mod watch;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use options::Options;
pub use report::Report;

use chance::Chance;
use world::{World, pause};

/// Runs the soak; bounded in time.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let began = Instant::now();
    let world = World::start(options).await?;
    let seed = world.seed;
    let mut people = tokio::task::JoinSet::new();
    for number in 0..options.conversations {
        let chance = Chance::of(seed, number);
        people.spawn(talk::talk(Arc::clone(&world), format!("c{number:03}"), chance));
    }
    for number in 0..world.natives() {
        let chance = Chance::of(seed, 2_000 + number);
        people.spawn(native::talk(Arc::clone(&world), format!("n{number:03}"), chance));
    }
    let brain = tokio::spawn(native::think(Arc::clone(&world), world.native_bot.listen()));
    let mut others = tokio::task::JoinSet::new();
    if !options.calm {
        others.spawn(faults::kill(Arc::clone(&world), Chance::of(seed, 1_001)));
        others.spawn(native::fail(Arc::clone(&world), Chance::of(seed, 1_005)));
        others.spawn(faults::lose_webhooks(Arc::clone(&world), Chance::of(seed, 1_002)));
    }
    others.spawn(watch::watch(Arc::clone(&world)));
    pause(Duration::from_secs(options.seconds) / 2).await;
    faults::step_clock(&world);
    pause(Duration::from_secs(options.seconds).saturating_sub(began.elapsed())).await;
    world.is_over.send_replace(true);
    let ended = people.join_all().await.into_iter().chain(others.join_all().await);
    ended.collect::<anyhow::Result<()>>()?;
    let (broken, settled) = ending::end(&world).await?;
    brain.abort();
    Report::of(&world, broken, settled, began.elapsed()).await
}
