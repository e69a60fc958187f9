//! What is true at any time: of what the bot hears, and of what RCE has.

use std::collections::BTreeSet;

use handover_core::Timestamp;
use handover_stories::Heard;

use crate::talk::Talk;
use crate::world::World;

impl World {
    pub(crate) fn promises(&self) -> Result<(), String> {
        self.bench.bot.check();
        let heard = self.bench.bot.taken();
        for talk in &self.talks {
            let heard: Vec<&Heard> = heard
                .iter()
                .filter(|heard| heard.conversation() == talk.id)
                .collect();
            ends_end(&heard).map_err(|problem| format!("{}: {problem}", talk.id))?;
            talk.no_end_is_invented(&heard)?;
            talk.no_beginning_is_invented(&heard)?;
            talk.words_of_agents_come_once_in_order(&heard)?;
            self.words_reach_rce_once_in_order(talk)?;
        }
        Ok(())
    }

    fn words_reach_rce_once_in_order(&self, talk: &Talk) -> Result<(), String> {
        let ours = format!("{} says ", talk.id);
        let mut contents = self.bench.rce.contents(&talk.id);
        if self.bench.connection.forward_only_handover_conversations {
            // What was kept may be handed in later, with the time when it was written.
            contents.sort_by_key(|content| content.created_at);
        }
        let there = contents.into_iter().filter_map(|content| content.body);
        let there: Vec<String> = there.filter(|text| text.starts_with(&ours)).collect();
        let mut said = talk.said.iter();
        for text in &there {
            if !said.any(|said| said.text == *text) {
                return Err(format!("{text} is in RCE twice, or out of order: {there:?}"));
            }
        }
        Ok(())
    }
}

pub(crate) fn is_end(heard: &Heard) -> bool {
    matches!(
        heard.kind(),
        "handover.completed" | "handover.cancelled" | "handover.failed" | "handover.timed_out"
    )
}

/// A handover ends once, and after it nothing is told of it but last words. It becomes active once.
fn ends_end(heard: &[&Heard]) -> Result<(), String> {
    let mut ended = BTreeSet::new();
    let mut active = BTreeSet::new();
    let mut newest = 0;
    for event in heard {
        let (kind, epoch) = (event.kind(), event.epoch());
        if kind == "message.created" || kind == "message.failed" {
            continue;
        }
        if ended.contains(&epoch) || epoch < newest {
            return Err(format!("{kind} of handover {epoch} after its end"));
        }
        newest = epoch;
        if is_end(event) {
            ended.insert(epoch);
        }
        if kind == "handover.active" && !active.insert(epoch) {
            return Err(format!("handover {epoch} becomes active twice"));
        }
    }
    Ok(())
}

/// By our clock: when it was decided.
fn at(heard: &Heard) -> Timestamp {
    let at = heard.body["timestamp"].as_str().and_then(|at| at.parse().ok());
    at.expect("an event has a time")
}

impl Talk {
    /// A handover that the bot asked for is completed only if an agent did something to it since.
    fn no_end_is_invented(&self, heard: &[&Heard]) -> Result<(), String> {
        for end in heard.iter().filter(|heard| heard.kind() == "handover.completed") {
            let Some(asked) = self.asked.get(&end.epoch()) else {
                continue;
            };
            if !self.closed.iter().any(|closed| closed > asked) {
                return Err(format!("{}: nobody ended handover {}", self.id, end.epoch()));
            }
        }
        Ok(())
    }

    /// A handover that the bot did not ask for begins only if an agent did something after the one before was over.
    fn no_beginning_is_invented(&self, heard: &[&Heard]) -> Result<(), String> {
        for begin in heard {
            let epoch = begin.epoch();
            let begins = matches!(begin.kind(), "handover.active" | "handover.queued");
            if !begins || self.asked.contains_key(&epoch) {
                continue;
            }
            let ran_out = heard.iter().filter(|heard| heard.kind() == "handover.timed_out");
            let ran_out = ran_out
                .filter(|heard| heard.epoch() == epoch - 1)
                .map(|heard| at(heard));
            let ends = self.closed.iter().chain(&self.left).copied().chain(ran_out);
            let over = match self.asked.get(&(epoch - 1)) {
                _ if epoch == 1 => Some(Timestamp::MIN),
                Some(asked) => ends.filter(|end| end > asked).min(),
                None => ends.min(),
            };
            if !over.is_some_and(|over| self.engaged.iter().any(|engaged| *engaged > over)) {
                return Err(format!("{}: nobody began handover {epoch}", self.id));
            }
        }
        Ok(())
    }

    fn words_of_agents_come_once_in_order(&self, heard: &[&Heard]) -> Result<(), String> {
        let told = heard.iter().filter(|heard| heard.kind() == "message.created");
        let told: Vec<&str> = told.map(|heard| heard.text()).collect();
        let wrote = self.replies.iter().take(self.arrived);
        let wrote: Vec<&str> = wrote.filter_map(|content| content.body.as_deref()).collect();
        if wrote.starts_with(&told) {
            return Ok(());
        }
        Err(format!("the bot heard {told:?} where agents wrote {wrote:?}"))
    }

    /// Everything that was accepted has arrived.
    pub(crate) fn nothing_is_missing(&self, in_rce: &[String], heard: &[&Heard]) -> Result<(), String> {
        let missing = self
            .said
            .iter()
            .find(|said| said.forwarded && !in_rce.contains(&said.text));
        if let Some(missing) = missing {
            return Err(format!("{} is not in RCE", missing.text));
        }
        let told = heard
            .iter()
            .filter(|heard| heard.kind() == "message.created")
            .count();
        if told != self.arrived {
            return Err(format!(
                "{}: {told} of {} messages of agents were told",
                self.id, self.arrived
            ));
        }
        Ok(())
    }
}
