//! The promises, judged by what the bot took, what RCE holds, and what the bridge's interfaces say.

pub(crate) mod handovers;
mod messages;
pub(crate) mod numbers;

use crate::bridge::MIRRORED;
use crate::heal;
use crate::native;
use crate::world::{Broken, World};

/// Everything that is broken.
pub(crate) async fn judge(world: &World) -> anyhow::Result<Vec<Broken>> {
    let mut broken = world.notes().broken.clone();
    for name in world.conversations() {
        let heard = world.bot.heard(&name);
        broken.extend(messages::of_people(world, &name));
        broken.extend(messages::of_agents(world, &name, &heard));
        broken.extend(messages::last_words(world, &name, &heard));
        broken.extend(numbers::check(&name, &heard));
        broken.extend(handovers::check(world, MIRRORED, &name, &heard).await);
    }
    broken.extend(native::judge(world).await);
    broken.extend(heal::too_late(world));
    broken.extend(dead_letters(world).await?);
    let said = |promise, detail| Broken {
        promise,
        conversation: None,
        detail,
    };
    let problems = world
        .bot
        .problems()
        .into_iter()
        .chain(world.native_bot.problems());
    broken.extend(problems.map(|problem| said("signatures", problem)));
    let violations = world.rce.violations();
    // Whom the bridge was told of in an earlier handover proves nothing; that is judged from the events.
    let violations = violations.iter().filter(|it| it.rule != "two-voices");
    let rules = violations.map(|it| format!("{}: {}", it.rule, it.detail));
    broken.extend(rules.map(|rule| said("RingCentral's rules", rule)));
    Ok(broken)
}

/// Nobody refused anything for good, so there is no reason for a dead letter.
async fn dead_letters(world: &World) -> anyhow::Result<Vec<Broken>> {
    let letters = world.bridge.command(&["dead-letters", "list"]).await?;
    let letters = letters.as_array().cloned().unwrap_or_default();
    let broken = letters.iter().map(|letter| Broken {
        promise: "no dead letters",
        conversation: letter["thread"].as_str().map(str::to_owned),
        detail: letter.to_string(),
    });
    Ok(broken.collect())
}
