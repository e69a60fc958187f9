//! The person on RCE's channel, and the agents who take over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use simulated_ringcx::{NativeMessage, Reply, State};

use super::{SOURCE, Written};
use crate::bridge::NATIVE;
use crate::chance::Chance;
use crate::world::{Broken, World};

/// How long a handover may take to be before the agents; longer is not broken, only another story.
const REACHES_AGENTS: Duration = Duration::from_secs(20);
/// How long the bot may wait for an end that is due: the longest timer, and time for faults.
const COMES_BACK: Duration = Duration::from_secs(75);

/// What the bot is to do with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    Answer,
    Two,
    Buttons,
    File,
    Slowly,
    /// It says that there is nothing to answer.
    Nothing,
    Human,
    /// It does not react at all.
    Silence,
}

const WISHES: [(&str, Wish); 8] = [
    ("an answer", Wish::Answer),
    ("two answers", Wish::Two),
    ("buttons", Wish::Buttons),
    ("a file", Wish::File),
    ("an answer after a while", Wish::Slowly),
    ("nothing", Wish::Nothing),
    ("a human", Wish::Human),
    ("silence", Wish::Silence),
];

impl Wish {
    fn named(self) -> &'static str {
        let found = WISHES.iter().find(|(_, wish)| *wish == self);
        found.map_or("an answer", |(name, _)| *name)
    }

    /// Whose message it is and which, and what is to be done.
    pub(super) fn read(text: &str) -> (&str, Self) {
        let (whose, name) = text.split_once(" wants ").unwrap_or((text, ""));
        let found = WISHES.iter().find(|(known, _)| *known == name);
        (whose, found.map_or(Self::Answer, |(_, wish)| *wish))
    }
}

struct Talk {
    world: Arc<World>,
    name: String,
    thread: String,
    chance: Chance,
    agent: String,
    wrote: u32,
    replied: u32,
}

/// Plays one conversation.
pub(crate) async fn talk(world: Arc<World>, name: String, mut chance: Chance) -> anyhow::Result<()> {
    let agent = chance.pick(&world.agents).clone();
    let mut talk = Talk {
        world,
        name,
        thread: String::new(),
        chance,
        agent,
        wrote: 0,
        replied: 0,
    };
    talk.rest(0, 2_000).await;
    while !talk.world.is_over() {
        talk.with_the_bot().await;
        if talk.world.is_over() {
            break;
        }
        talk.agent = talk.chance.pick(&talk.world.agents).clone();
        if talk.comes_to_agents().await {
            talk.with_the_agents().await;
        }
        talk.until_back().await;
        talk.rest(100, 1_500).await;
    }
    Ok(())
}

/// Writes as the person; returns RCE's id of the thread.
pub(super) fn write(world: &World, name: &str, number: &str, wish: Wish, unheard: bool) -> String {
    let text = format!("{name}-{number} wants {}", wish.named());
    let message = NativeMessage::new(name, text).on(SOURCE).named(name);
    let write = || world.rce.customer_writes(message);
    let content = if unheard { world.unheard(write) } else { write() };
    let Ok(content) = content else {
        return String::new();
    };
    let found = world
        .rce
        .read(|state| state.content(&content).map(|it| it.thread_id.clone()));
    let thread = found.unwrap_or_default();
    let written = Written {
        content,
        at: Instant::now(),
        unheard,
    };
    world.natives.wrote(thread.clone(), written);
    thread
}

impl Talk {
    async fn rest(&mut self, first: u32, last: u32) {
        let time = self.chance.millis(first, last);
        self.world.wait(time).await;
    }

    async fn until(&self, limit: Duration, wanted: impl Fn(&State) -> bool) -> bool {
        let began = Instant::now();
        loop {
            if self.world.rce.read(&wanted) {
                return true;
            }
            if began.elapsed() > limit || !self.world.wait(Duration::from_millis(100)).await {
                return false;
            }
        }
    }

    fn write(&mut self, wish: Wish) {
        self.wrote += 1;
        let unheard = !self.world.options.calm && self.chance.percent(7);
        self.thread = write(&self.world, &self.name, &self.wrote.to_string(), wish, unheard);
    }

    async fn with_the_bot(&mut self) {
        let wishes = [
            (Wish::Answer, 50),
            (Wish::Two, 12),
            (Wish::Buttons, 14),
            (Wish::File, 8),
            (Wish::Slowly, 8),
            (Wish::Nothing, 8),
        ];
        for _ in 0..self.chance.between(2, 5) {
            let wish = self.chance.weighted(&wishes);
            self.write(wish);
            if self.chance.percent(25) {
                self.rest(0, 100).await;
            } else {
                self.rest(300, 2_500).await;
            }
        }
    }

    /// `false`: it is not before the agents.
    async fn comes_to_agents(&mut self) -> bool {
        let way = self
            .chance
            .weighted(&[(0_u8, 58), (1, 14), (2, 10), (3, 10), (4, 8)]);
        let (world, thread, agent) = (Arc::clone(&self.world), self.thread.clone(), self.agent.clone());
        let (what, done) = match way {
            0 => {
                self.write(Wish::Human);
                ("native: person wants a human", true)
            }
            1 => {
                self.write(Wish::Silence);
                ("native: bot is silent", true)
            }
            2 => (
                "native: agent engages unasked",
                world.rce.engage(&thread, &agent).is_ok(),
            ),
            3 => ("native: agent writes unasked", self.reply()),
            _ => (
                "native: agent moves it by hand",
                world.rce.move_to_agents(&thread, &agent).is_ok(),
            ),
        };
        if done {
            self.world.did(what);
        }
        let with_agents = self.until(REACHES_AGENTS, |state| {
            state.is_with_agents(&thread)
                && (state.open_task(&thread).is_some() || state.open_intervention(&thread).is_some())
        });
        done && with_agents.await
    }

    /// The agent answers; as a supervisor where the desk does not let them.
    fn reply(&mut self) -> bool {
        self.replied += 1;
        let text = format!("{} agent's answer {}", self.name, self.replied);
        let rce = &self.world.rce;
        let supervisor = Reply {
            body: Some(text.clone()),
            as_supervisor: true,
            ..Reply::default()
        };
        rce.reply(&self.thread, &self.agent, text.as_str()).is_ok()
            || rce.reply(&self.thread, &self.agent, supervisor).is_ok()
    }

    async fn with_the_agents(&mut self) {
        self.rest(200, 2_000).await;
        if self.chance.percent(30) {
            self.write(Wish::Answer);
        }
        if self.chance.percent(8) {
            self.world.did("native: nobody takes it");
            return;
        }
        let world = Arc::clone(&self.world);
        let (rce, thread) = (&world.rce, self.thread.clone());
        let _ = rce.take(&thread, &self.agent);
        self.rest(100, 1_500).await;
        let turns = if self.chance.percent(10) {
            0
        } else {
            self.chance.between(1, 4)
        };
        for _ in 0..turns {
            if world.is_over() {
                return;
            }
            self.reply();
            self.rest(50, 1_000).await;
            if self.chance.percent(60) {
                self.write(Wish::Answer);
                self.rest(50, 1_000).await;
            }
        }
        let way = self.chance.weighted(&[(0_u8, 60), (1, 20), (2, 8), (3, 12)]);
        let (what, done) = match way {
            0 => ("native: agent closes", rce.close(&thread).is_ok()),
            1 => (
                "native: agent closes from the folder",
                rce.close_from_folder(&thread, &self.agent).is_ok(),
            ),
            2 => ("native: agent cancels", rce.cancel(&thread).is_ok()),
            _ => ("native: agent goes silent", true),
        };
        if done {
            world.did(what);
        }
        if self.chance.percent(25) {
            self.rest(0, 500).await;
            self.write(Wish::Answer);
        }
    }

    /// Waits until the bot has it and was told so.
    async fn until_back(&mut self) {
        let began = Instant::now();
        while !self.world.is_over() && !self.world.is_native_back(&self.thread).await {
            if began.elapsed() > COMES_BACK {
                let now = self.world.look_at(NATIVE, &self.thread).await;
                let detail = format!("not ended after {COMES_BACK:?}: {}", now.unwrap_or_default());
                self.world
                    .break_promise(Broken::of("every handover ends", &self.thread, detail));
                return;
            }
            self.rest(150, 250).await;
        }
    }
}
