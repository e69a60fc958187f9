//! One conversation: the person talks to the bot, comes to the agents in one of many ways, comes back in one of many
//! ways, and again, until the soak is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::Reply;

use crate::bridge::MIRRORED;
use crate::chance::Chance;
use crate::world::{Broken, World};

/// How long a handover may take to be before the agents; longer is not broken, only another story.
const REACHES_AGENTS: Duration = Duration::from_secs(15);
/// How long the bot may wait for an end that is due: the longest timer, and time for faults.
const COMES_BACK: Duration = Duration::from_secs(75);

/// How it comes to the agents.
#[derive(Clone, Copy)]
enum Way {
    BotAsks,
    AgentEngages,
    AgentWrites,
    MovedByHand,
}

/// What becomes of it before the agents.
#[derive(Clone, Copy)]
enum Fate {
    NobodyTakesIt,
    CustomerCancels,
    BotEnds,
    TakenBack,
    Closed,
    ClosedFromFolder,
    CancelledByAgent,
    Silence,
}

struct Talk {
    world: Arc<World>,
    name: String,
    chance: Chance,
    agent: String,
    said: u32,
    asked: u32,
    replied: u32,
}

/// Plays one conversation.
pub(crate) async fn talk(world: Arc<World>, name: String, mut chance: Chance) -> anyhow::Result<()> {
    let agent = chance.pick(&world.agents).clone();
    let mut talk = Talk {
        world,
        name,
        chance,
        agent,
        said: 0,
        asked: 0,
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

impl Talk {
    async fn rest(&mut self, first: u32, last: u32) {
        let time = self.chance.millis(first, last);
        self.world.wait(time).await;
    }

    /// Waits until RCE is as wanted; `false` when it is not in time, or the soak is over.
    async fn until(&self, limit: Duration, wanted: impl Fn(&simulated_ringcx::State) -> bool) -> bool {
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

    async fn with_the_bot(&mut self) {
        for _ in 0..self.chance.between(1, 3) {
            self.say("user").await;
            if self.chance.percent(60) {
                self.say("bot").await;
            }
            self.rest(50, 1_000).await;
        }
    }

    async fn say(&mut self, from: &str) {
        self.said += 1;
        let text = format!("{} says {} as {from}", self.name, self.said);
        let body = json!({
            "id": format!("m-{}", self.said), "from": from, "text": text,
            "user": {"id": format!("u-{}", self.name), "firstname": "Ada"},
        });
        let key = format!("m-{}", self.said);
        if let Some(answer) = self.insist(Method::POST, "/messages", &key, &body).await {
            self.world.check_voice(&self.name, &answer);
            let mut notes = self.world.notes();
            notes.accepted.entry(self.name.clone()).or_default().push(text);
        }
    }

    /// `false`: it is not before the agents.
    async fn comes_to_agents(&mut self) -> bool {
        let ways = [
            (Way::BotAsks, 70),
            (Way::AgentEngages, 10),
            (Way::AgentWrites, 10),
            (Way::MovedByHand, 10),
        ];
        let way = self.chance.weighted(&ways);
        let name = self.name.clone();
        if !matches!(way, Way::BotAsks)
            && !self
                .until(REACHES_AGENTS, |state| state.thread(&name).is_some())
                .await
        {
            return false;
        }
        let (world, thread, agent) = (Arc::clone(&self.world), self.name.clone(), self.agent.clone());
        let (what, done) = match way {
            Way::BotAsks => ("bot asks", self.ask().await),
            Way::AgentEngages => (
                "agent takes over: engages",
                world.rce.engage(&thread, &agent).is_ok(),
            ),
            Way::AgentWrites => ("agent takes over: writes", self.reply()),
            Way::MovedByHand => (
                "agent takes over: moves by hand",
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

    async fn insist(&self, method: Method, rest: &str, key: &str, body: &Value) -> Option<Value> {
        self.world
            .insist(MIRRORED, &self.name, method, rest, key, body)
            .await
    }

    async fn ask(&mut self) -> bool {
        self.asked += 1;
        let key = format!("h-{}", self.asked);
        let body = json!({"id": key, "reason": "order", "summary": format!("Handover {}", self.asked)});
        self.insist(Method::POST, "/handover", &key, &body)
            .await
            .is_some()
    }

    async fn leave(&mut self, cause: &str) {
        self.asked += 1;
        let key = format!("d-{}", self.asked);
        self.insist(Method::DELETE, "/handover", &key, &json!({"cause": cause}))
            .await;
    }

    /// The agent answers; as a supervisor where the desk does not let them.
    fn reply(&mut self) -> bool {
        self.replied += 1;
        let text = format!("{} answer {}", self.name, self.replied);
        let rce = &self.world.rce;
        let supervisor = Reply {
            body: Some(text.clone()),
            as_supervisor: true,
            ..Reply::default()
        };
        rce.reply(&self.name, &self.agent, text.as_str()).is_ok()
            || rce.reply(&self.name, &self.agent, supervisor).is_ok()
    }

    async fn with_the_agents(&mut self) {
        let fates = [
            (Fate::NobodyTakesIt, 7),
            (Fate::CustomerCancels, 14),
            (Fate::BotEnds, 9),
            (Fate::TakenBack, 4),
            (Fate::Closed, 34),
            (Fate::ClosedFromFolder, 16),
            (Fate::CancelledByAgent, 6),
            (Fate::Silence, 10),
        ];
        let fate = self.chance.weighted(&fates);
        let waits_only = match fate {
            Fate::NobodyTakesIt | Fate::TakenBack => true,
            Fate::CustomerCancels | Fate::BotEnds => self.chance.percent(40),
            _ => false,
        };
        self.rest(200, 2_000).await;
        // Who took over unasked has it already.
        let name = self.name.clone();
        let has_case = self
            .world
            .rce
            .read(|state| state.open_intervention(&name).is_some());
        let waits_only = waits_only && !has_case;
        let fate = if has_case && matches!(fate, Fate::TakenBack) {
            Fate::Closed
        } else {
            fate
        };
        if !waits_only {
            self.taken(fate).await;
        } else if self.chance.percent(50) {
            self.say("user").await;
        }
        if self.world.is_over() {
            return;
        }
        self.end(fate).await;
    }

    /// An agent takes it and talks.
    async fn taken(&mut self, fate: Fate) {
        let world = Arc::clone(&self.world);
        let (rce, thread) = (&world.rce, self.name.clone());
        let _ = rce.take(&thread, &self.agent);
        self.rest(100, 1_500).await;
        let silent = match fate {
            Fate::CancelledByAgent => true,
            Fate::Closed => self.chance.percent(15),
            _ => false,
        };
        let turns = if silent { 0 } else { self.chance.between(1, 5) };
        for _ in 0..turns {
            if self.world.is_over() {
                return;
            }
            for _ in 0..self.chance.between(1, 3) {
                self.reply();
            }
            self.rest(50, 1_000).await;
            if self.chance.percent(60) {
                self.say("user").await;
            }
            if self.chance.percent(8) {
                let to = self.chance.pick(&world.agents).clone();
                if rce.transfer(&thread, &to).is_ok() {
                    self.agent = to;
                    self.world.did("transferred");
                }
            }
            if self.chance.percent(6) && rce.defer(&thread).is_ok() {
                self.world.did("deferred");
                self.rest(200, 2_000).await;
                let _ = rce.reactivate(&thread);
                let _ = rce.take(&thread, &self.agent);
            }
        }
    }

    async fn end(&mut self, fate: Fate) {
        let world = Arc::clone(&self.world);
        let thread = self.name.clone();
        let agent = self.agent.clone();
        let what = match fate {
            Fate::NobodyTakesIt => "nobody takes it",
            Fate::Silence => "agent goes silent",
            Fate::CustomerCancels => {
                self.leave("user_cancelled").await;
                "customer cancels"
            }
            Fate::BotEnds => {
                self.leave("bot_ended").await;
                "bot ends"
            }
            Fate::TakenBack => self.close("moved back while it waited", |rce| {
                rce.move_to_bot(&thread, &agent)
            }),
            Fate::Closed => self.close("agent closes", |rce| rce.close(&thread)),
            Fate::ClosedFromFolder => self.close("agent closes from the folder", |rce| {
                rce.close_from_folder(&thread, &agent)
            }),
            Fate::CancelledByAgent => self.close("agent cancels", |rce| rce.cancel(&thread)),
        };
        world.did(what);
        if self.chance.percent(15) {
            self.rest(0, 500).await;
            self.say("user").await;
        }
    }

    /// Ends it at RCE; says what happened.
    fn close<E>(
        &self,
        how: &'static str,
        act: impl FnOnce(&simulated_ringcx::SimulatedRingcx) -> Result<(), E>,
    ) -> &'static str {
        let close = self.world.closing(&self.name, how);
        if act(&self.world.rce).is_ok() {
            self.world.closed(close);
            return how;
        }
        // The desk refuses: it is over already, or was never taken.
        "not possible any more"
    }

    /// Waits until the bot has it and was told so.
    async fn until_back(&mut self) {
        let began = Instant::now();
        loop {
            if self.world.is_back(&self.name).await {
                return;
            }
            if self.world.is_over() {
                return;
            }
            if began.elapsed() > COMES_BACK {
                let now = self.world.look(&self.name).await;
                let detail = format!("not ended after {COMES_BACK:?}: {}", now.unwrap_or_default());
                self.world
                    .break_promise(Broken::of("every handover ends", &self.name, detail));
                return;
            }
            self.rest(150, 250).await;
        }
    }
}
