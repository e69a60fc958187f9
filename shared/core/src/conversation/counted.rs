//! Messages that come with a counter, in any order, and are said in the counter's.
//!
//! For platforms that post each message by itself (Chatlayer's webhook channel: `messageCounter`). Where the counter begins,
//! and when it begins again, is not documented: with every answer, every session, or never. So both are seen from what
//! comes. Whatever is uncertain is said late rather than lost.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::ContentId;
use crate::message::Message;

/// How long a message waits for one that is missing before it.
pub const GAP: SignedDuration = SignedDuration::from_secs(3);
/// How long a counter and its message are remembered to recognise repeats.
const REPEATS: SignedDuration = SignedDuration::from_mins(10);
/// Counters that are remembered.
const REMEMBERED: usize = 50;
/// Most that may wait: messages, and bytes of what they say. With more than that nothing waits any more.
const MOST: usize = 50;
const MOST_BYTES: usize = 64 * 1024;
/// What is known of a platform's counter, and what waits for its turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// How often the counter began again.
    #[serde(default)]
    run: u32,
    /// The highest counter of this run that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u64>,
    /// What came in this run, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<Seen>,
    /// Counters that nobody waits for any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missed: Vec<u64>,
    /// In the order in which it is to be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<Held>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    counter: u64,
    /// Of what was said.
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<ContentId>,
    at: Timestamp,
}

/// A message that came and was not said yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    run: u32,
    /// Without one it is said at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counter: Option<u64>,
    since: Timestamp,
    /// It waits for nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    at_once: bool,
    /// `None`: it counts, but says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<Message>>,
}

/// A message as it comes.
#[derive(Clone, Debug)]
pub struct Came<'a> {
    pub counter: Option<u64>,
    /// Of all that it says.
    pub digest: &'a str,
    /// What the person had said last.
    pub turn: Option<&'a ContentId>,
    pub message: Option<Message>,
}

/// What is to be said next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<'a> {
    Say(&'a Held),
    /// The one before it is missing; until then it may come.
    Wait(Timestamp),
    Nothing,
}

impl Counted {
    /// A message came. `false`: it had come before.
    pub fn came(&mut self, came: Came<'_>, now: Timestamp) -> bool {
        if let Some(counter) = came.counter {
            let seen = self.seen.iter().find(|seen| seen.counter == counter);
            // A bot may say the same in its answer to something else.
            let is_repeat = |seen: &Seen| {
                seen.digest == came.digest
                    && seen.turn.as_ref() == came.turn
                    && now.duration_since(seen.at) < REPEATS
            };
            if seen.is_some_and(is_repeat) {
                return false;
            }
            let is_behind = self.last.is_some_and(|last| counter <= last) && !self.missed.contains(&counter);
            if seen.is_some() || is_behind {
                self.begins_again();
            }
            self.seen.push(Seen {
                counter,
                digest: came.digest.to_owned(),
                turn: came.turn.cloned(),
                at: now,
            });
            keep_last(&mut self.seen);
        }
        self.held.push(Held {
            run: self.run,
            counter: came.counter,
            since: now,
            at_once: false,
            message: came.message.map(Box::new),
        });
        // What came without a counter goes before all that waits; stable, so that equals stay as they came.
        self.held.sort_by_key(|held| (held.run, held.counter));
        if self.held.len() > MOST || self.bytes() > MOST_BYTES {
            self.held.iter_mut().for_each(|held| held.at_once = true);
        }
        true
    }

    /// Nobody is waited for any more of what was counted before.
    fn begins_again(&mut self) {
        self.run = self.run.saturating_add(1);
        self.last = None;
        self.seen.clear();
        self.missed.clear();
    }

    /// What is to be said now.
    pub fn next(&self, now: Timestamp) -> Next<'_> {
        let Some(first) = self.held.first() else {
            return Next::Nothing;
        };
        let is_next = match (first.counter, self.last) {
            (None, _) => true,
            (Some(counter), Some(last)) => counter <= last.saturating_add(1),
            // Counting begins with 0 or 1.
            (Some(counter), None) => counter <= 1,
        };
        if first.at_once || first.run < self.run || is_next {
            return Next::Say(first);
        }
        let oldest = self.held.iter().map(|held| held.since).min().unwrap_or(now);
        match oldest.checked_add(GAP) {
            Ok(until) if until > now => Next::Wait(until),
            _ => Next::Say(first),
        }
    }

    /// It was said. `false`: somebody else noted that.
    pub fn said(&mut self, which: &Held) -> bool {
        let Some(index) = self.held.iter().position(|held| held == which) else {
            return false;
        };
        self.held.remove(index);
        let Some(counter) = which.counter.filter(|_| which.run == self.run) else {
            return true;
        };
        if self.last.is_some_and(|last| counter <= last) {
            self.missed.retain(|missed| *missed != counter);
            return true;
        }
        let oldest = counter.saturating_sub(REMEMBERED as u64);
        let first = self.last.map_or(0, |last| last.saturating_add(1)).max(oldest);
        self.missed.extend(first..counter);
        keep_last(&mut self.missed);
        self.last = Some(counter);
        true
    }

    /// How much waits, in bytes of text.
    fn bytes(&self) -> usize {
        let size = |held: &Held| {
            held.message.as_deref().map_or(0, |message| {
                let form = message
                    .structured
                    .as_ref()
                    .map_or(0, |form| form.to_string().len());
                let files: usize = message.attachments.iter().map(|file| file.url.len()).sum();
                message.text.as_deref().map_or(0, str::len) + form + files
            })
        };
        self.held.iter().map(size).sum()
    }
}

fn keep_last<T>(items: &mut Vec<T>) {
    let surplus = items.len().saturating_sub(REMEMBERED);
    items.drain(..surplus);
}

#[cfg(test)]
mod tests;
