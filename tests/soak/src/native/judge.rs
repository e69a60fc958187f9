//! What `docs/native-channels.md` promises, against what the person saw, what the bot took, and what RCE has noted.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulated_ringcx::{Seen, Speaker};

use super::ending::now;
use super::past::Past;
use super::{Record, Said};
use crate::bot::Heard;
use crate::bridge::NATIVE;
use crate::judge::{handovers, numbers};
use crate::world::{Broken, World};

/// How long what the bridge was told of an agent may take to silence a reply that it is just sending.
const SENDING: SignedDuration = SignedDuration::from_millis(1_500);
/// How long the bot may not have been told of what was reported, because it refuses, or the bridge is down.
const TELLING: SignedDuration = SignedDuration::from_secs(25);
/// The same for what was not reported: a sweep each minute, of what is older than 15 seconds.
const SWEEPING: SignedDuration = SignedDuration::from_secs(75 + 25);

/// Everything that is broken.
pub(crate) async fn judge(world: &World) -> Vec<Broken> {
    let past = Past::of(world);
    let mut broken = Vec::new();
    for thread in world.natives.threads() {
        let case = Case {
            record: world.natives.record(&thread),
            heard: world.native_bot.heard(&thread),
            seen: world.rce.read(|state| state.seen_by_customer(&thread)),
            past: &past,
            sweeps: super::finds_unreported(world),
            thread: &thread,
        };
        broken.extend(case.answers());
        broken.extend(case.words());
        broken.extend(case.voices());
        broken.extend(numbers::check(&thread, &case.heard));
        broken.extend(handovers::check(world, NATIVE, &thread, &case.heard).await);
    }
    broken
}

struct Case<'a> {
    thread: &'a str,
    record: Record,
    heard: Vec<Heard>,
    seen: Vec<Seen>,
    past: &'a Past,
    /// Whether what was not reported is found.
    sweeps: bool,
}

impl Case<'_> {
    fn broken(&self, promise: &'static str, detail: String) -> Broken {
        Broken::of(promise, self.thread, detail)
    }

    /// What the bridge accepted from the bot, against what the person saw.
    fn answers(&self) -> Vec<Broken> {
        let failed = failures(&self.heard);
        let mut broken = Vec::new();
        let mut last = None;
        for said in &self.record.said {
            let places = self.places(said);
            let reason = failed.get(said.id.as_str());
            let id = &said.id;
            let will_be_said = said.handler == "bot";
            match (places.as_slice(), reason) {
                ([_, _, ..], _) => {
                    broken.push(self.broken("one effect", format!("the person read {id} twice")));
                }
                ([], None) if will_be_said => {
                    broken.push(self.broken("nothing is lost", format!("the person never read {id}")));
                }
                ([], Some(reason)) if will_be_said && reason != "agents_have_it" => {
                    broken.push(self.broken("nothing is lost", format!("{id} failed: {reason}")));
                }
                ([_], Some(_)) if said.file.is_none() => {
                    broken.push(self.broken(
                        "one effect",
                        format!("{id} was read, and the bot was told that it failed"),
                    ));
                }
                _ => {}
            }
            if let ([place], Some(last)) = (places.as_slice(), last)
                && *place < last
            {
                broken.push(self.broken("order", format!("{id} was read too early or too late")));
            }
            last = places.last().copied().or(last);
            broken.extend(self.file_of(said, reason.is_some()));
        }
        let known: HashSet<&str> = self.record.said.iter().map(|said| said.text.as_str()).collect();
        for seen in self.seen.iter().filter(|seen| seen.speaker == Speaker::Bot) {
            let text = seen.text.as_deref().unwrap_or_default();
            let first = text.lines().next().unwrap_or_default();
            if !first.is_empty() && !known.contains(first) {
                broken.push(self.broken(
                    "one effect",
                    format!("the person read {first:?}, which was not accepted"),
                ));
            }
        }
        broken
    }

    fn places(&self, said: &Said) -> Vec<usize> {
        let is_it =
            |seen: &Seen| seen.text.as_deref().and_then(|text| text.lines().next()) == Some(&said.text);
        let seen = self.seen.iter().enumerate();
        seen.filter(|(_, seen)| is_it(seen))
            .map(|(place, _)| place)
            .collect()
    }

    fn file_of(&self, said: &Said, failed: bool) -> Option<Broken> {
        let name = said.file.as_deref()?;
        let is_it = |seen: &&Seen| seen.attachments.iter().any(|file| file["filename"] == name);
        match self.seen.iter().filter(is_it).count() {
            0 if said.handler == "bot" && !failed => {
                Some(self.broken("nothing is lost", format!("the person never got {name}")))
            }
            0 | 1 => None,
            _ => Some(self.broken("one effect", format!("the person got {name} twice"))),
        }
    }

    /// What the person wrote, against what the bot took.
    fn words(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut taken: HashMap<&str, (usize, HashSet<&str>)> = HashMap::new();
        for (place, heard) in self.heard.iter().enumerate().filter(|(_, heard)| heard.taken) {
            if let Some(message) = &heard.message {
                let entry = taken.entry(message).or_insert_with(|| (place, HashSet::new()));
                entry.1.insert(&heard.id);
            }
        }
        let mut told: Vec<(usize, Option<Timestamp>, &str)> = Vec::new();
        for written in &self.record.written {
            let id = format!("rcx-{}", written.content);
            let import = self.past.import(&written.content);
            let Some((place, ids)) = taken.get(id.as_str()) else {
                let is_for_sweep = import.is_none_or(|import| import.told.is_none());
                if !self.was_agents(&written.content) && (self.sweeps || !is_for_sweep) {
                    let how = if written.unheard {
                        ", whose report was lost on purpose,"
                    } else {
                        ""
                    };
                    let detail = format!("{}{how} never came to the bot: {import:?}", written.content);
                    broken.push(self.broken("nothing is lost", detail));
                }
                continue;
            };
            if ids.len() > 1 {
                broken.push(self.broken("one effect", format!("{id} came to the bot as {ids:?}")));
            }
            // Behind one that was reported before this one was, or was found: that is wrong.
            let heard = now()
                .checked_sub(SignedDuration::try_from(self.heard[*place].at.elapsed()).unwrap_or_default());
            let heard = heard.unwrap_or_default();
            let tried = import.and_then(|import| import.tried);
            let overtaken = told.iter().find(|(earlier, reported, _)| {
                let is_wrong = |(reported, tried): (Timestamp, Timestamp)| {
                    reported < tried.min(heard) && !self.was_left(*earlier, reported)
                };
                place < earlier && reported.zip(tried).is_some_and(is_wrong)
            });
            if let Some((_, _, earlier)) = overtaken {
                broken.push(self.broken("order", format!("the bot took {id} before {earlier}")));
            }
            told.push((*place, import.and_then(|import| import.told), &written.content));
        }
        broken
    }

    /// Whether the bot was told only after a handover: what nobody answered there may come behind what is written after it.
    fn was_left(&self, place: usize, reported: Timestamp) -> bool {
        let mut before = self.heard[..place].iter();
        before.any(|heard| heard.is_end() && issued(heard) >= reported)
    }

    /// Whether an agent had the conversation after it was written, before the bot had to know.
    fn was_agents(&self, content: &str) -> bool {
        let Some(import) = self.past.import(content) else {
            return false;
        };
        let until = match import.told {
            Some(told) => told.saturating_add(TELLING),
            None => import.at.saturating_add(SWEEPING),
        };
        let until = until.unwrap_or(Timestamp::MAX);
        // RCE dates contents in whole seconds.
        let written = import
            .at
            .saturating_sub(SignedDuration::from_secs(1))
            .unwrap_or(import.at);
        let mut holds = self.past.holds(self.thread).iter();
        holds.any(|hold| hold.from <= until && hold.to.is_none_or(|to| to >= written))
    }

    /// No word of the bot's once the bridge knew that an agent has it.
    fn voices(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        // A timer gives it back before RCE has closed it.
        let given_back = |at: Timestamp| {
            let ended = self
                .heard
                .iter()
                .filter(|heard| heard.kind == "handover.timed_out");
            ended
                .map(issued)
                .any(|ended| at.duration_since(ended).abs() < TELLING)
        };
        for hold in self.past.holds(self.thread) {
            let Some(told) = hold.told else { continue };
            let known = told.saturating_add(SENDING).unwrap_or(told);
            let beside = self.past.replies(self.thread).iter().find(|reply| {
                **reply > known && hold.to.is_none_or(|to| **reply < to) && !given_back(**reply)
            });
            if let Some(reply) = beside {
                broken.push(self.broken(
                    "one voice",
                    format!("the bot spoke at {reply} beside an agent: {hold:?}"),
                ));
            }
        }
        broken
    }
}

fn issued(heard: &Heard) -> Timestamp {
    let event: Value = serde_json::from_slice(&heard.raw).unwrap_or_default();
    let at = event["timestamp"].as_str().unwrap_or_default();
    at.parse().unwrap_or_default()
}

/// By the bot's id, why what it said did not reach the person.
pub(super) fn failures(heard: &[Heard]) -> HashMap<String, String> {
    let failed = heard.iter().filter(|heard| heard.kind == "message.failed");
    let told = failed.filter_map(|heard| {
        let event: Value = serde_json::from_slice(&heard.raw).ok()?;
        let data = &event["data"];
        let reason = data["reason"].as_str()?.to_owned();
        Some((data["message"]["id"].as_str()?.to_owned(), reason))
    });
    told.collect()
}
