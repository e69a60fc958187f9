//! What happened, as a story, for whoever must find out why a promise was broken.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::talk::Talk;
use crate::world::World;

impl World {
    /// A new line of the story.
    pub(crate) fn chapter(&mut self, what: &str) {
        let at = self.bench.clock_now().strftime("%H:%M:%S").to_string();
        self.story.push(format!("{at}  {what}"));
    }

    /// More about the last line.
    pub(crate) fn remark(&mut self, what: &str) {
        if let Some(line) = self.story.last_mut() {
            line.push_str(" — ");
            line.push_str(what);
        }
    }

    /// The story up to here, what each side knows, and what is wrong with it.
    pub(crate) async fn tell(&self, problem: &str) -> String {
        self.bench.steps.count();
        let mut told = format!("\n{}\n", self.story.join("\n"));
        for talk in &self.talks {
            if let Some(stored) = self.bench.stored(&talk.id).await {
                let timeline = self.bench.timeline(&talk.id).await;
                let stored = json!(stored);
                let written = self.tell_of(talk, &stored, &timeline, &mut told);
                written.expect("a string takes everything");
            }
        }
        format!("{told}\nBut: {problem}\n")
    }

    fn tell_of(&self, talk: &Talk, stored: &Value, timeline: &[Value], told: &mut String) -> fmt::Result {
        writeln!(told, "\n{} in the end:\n  stored: {stored}", talk.id)?;
        for heard in self.bench.bot.taken() {
            if heard.conversation() == talk.id {
                let (kind, epoch, cause) = (heard.kind(), heard.epoch(), &heard.data()["cause"]);
                let (at, text) = (time_of(&heard.body["timestamp"]), heard.text());
                writeln!(told, "  the bot heard {kind}/{epoch} of {at}: {cause} {text}")?;
            }
        }
        let thread = self.bench.rce.thread(&talk.id).map(|thread| thread.id);
        let events: Vec<Value> = self.bench.rce.read(|state| state.events().cloned().collect());
        for event in events {
            if event["resource"]["metadata"]["thread_id"] == json!(thread) {
                let at = time_of(&event["issued_at"]);
                writeln!(told, "  in RCE: {} of {at}", event["type"])?;
            }
        }
        for entry in timeline {
            writeln!(told, "  timeline: {entry}")?;
        }
        Ok(())
    }
}

/// The time of day.
pub(crate) fn time_of(at: &Value) -> &str {
    at.as_str().and_then(|at| at.get(11..19)).unwrap_or_default()
}
