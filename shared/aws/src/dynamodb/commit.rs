//! A commit as writes with conditions.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Handler};
use handover_core::ids::{ConnectionId, ForeignThreadId};
use handover_core::job::Outgoing;
use handover_core::message::Message;
use handover_core::ports::{Claim, Commit, Expected, KEPT_FOR};
use handover_core::timeline::TimelineEntry;

use super::fault::Fault;
use super::item::{
    EXPIRES, HOLDER, Item, KEPT_AFTER, KEPT_PREFIX, LINES, LINES_PREFIX, MESSAGE, RECORD, STATE, STATE_KEY,
    UNSENT_PREFIX, VERSION, WRITTEN_BY, claim_key, conversation_key, expiry, key, millis, number, pack,
    rce_key, sortable, str_of, text, to_json, unsent_to_json,
};
use super::schema::{CHANGED, LOOK, RCE, SHARD, STARTED, TTL};

/// A conversation with the bot that had no change for so long is over.
const IDLE: Duration = Duration::from_hours(30 * 24);
/// The same where who has the conversation is not known, which is the case when something is said and nothing
/// changes: longer, because it may be with an agent, and no handover takes so long.
const IDLE_SINCE_SAID: Duration = Duration::from_hours(90 * 24);
/// How long lines of a timeline can be read.
const LINES_KEPT: Duration = Duration::from_hours(30 * 24);
/// Over how many partitions of the index conversations are spread.
pub(super) const SHARDS: u8 = 8;
/// Items have 400 KiB. A kept message that needs more is stored in parts, a line's text is cut.
const PART_BYTES: usize = 300 * 1024;
const LINE_TEXT_CHARS: usize = 10_000;
/// A larger job is not stored in its conversation's item, which is read with every message.
const UNSENT_BYTES: usize = 32 * 1024;
const UNSENT_KEPT: Duration = Duration::from_hours(5 * 24);

type Key = (ConnectionId, ForeignThreadId);

/// One write of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) key: Item,
    sets: Vec<String>,
    removes: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
    pub(super) guards: Guard,
}

/// What it means when the condition of a write does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Guard {
    #[default]
    None,
    Claim,
    Conversation,
}

impl Change {
    fn of(key: Item) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{}", name.replace(['-', '#'], "_"));
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, name: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{}", name.replace(['-', '#'], "_"));
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    fn set(&mut self, name: &str, value: AttributeValue) {
        let (n, v) = (self.name(name), self.value(name, value));
        self.sets.push(format!("{n} = {v}"));
    }

    fn remove(&mut self, name: &str) {
        let n = self.name(name);
        self.removes.push(n);
    }

    fn append(&mut self, name: &str, packed: AttributeValue) {
        let (n, v) = (self.name(name), self.value(name, AttributeValue::L(vec![packed])));
        let none = self.value("none", AttributeValue::L(Vec::new()));
        self.sets
            .push(format!("{n} = list_append(if_not_exists({n}, {none}), {v})"));
    }

    /// The update expression; `None`: only the condition is of interest.
    pub(super) fn expression(&self) -> Option<String> {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            clauses.push(format!("SET {}", self.sets.join(", ")));
        }
        if !self.removes.is_empty() {
            clauses.push(format!("REMOVE {}", self.removes.join(", ")));
        }
        (!clauses.is_empty()).then(|| clauses.join(" "))
    }
}

/// All writes of a commit, and the jobs that follow them.
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) jobs: Vec<Outgoing>,
    /// Where the jobs are stored until they are sent, and under which names.
    pub(super) unsent: Option<(Item, Vec<String>)>,
    /// Names this commit, so that repeating it is recognised.
    pub(super) token: String,
    pub(super) now: Timestamp,
}

impl Plan {
    /// `forgetting`: the version of the conversation whose kept messages are to be forgotten.
    pub(super) fn of(
        commit: Commit,
        forgetting: Option<u64>,
        now: Timestamp,
        token: String,
    ) -> Result<Self, Fault> {
        let mut plan = Self {
            changes: Vec::new(),
            jobs: commit.jobs,
            unsent: None,
            token,
            now,
        };
        let written = commit
            .write
            .as_ref()
            .map(|(conversation, _)| (conversation.connection.clone(), conversation.thread.clone()));
        let checked = commit
            .check
            .as_ref()
            .map(|(connection, thread, _)| (connection.clone(), thread.clone()));
        let keeper = written.clone().or_else(|| checked.clone());

        let mut lines = Lines::of(commit.timeline)?;
        for claim in &commit.claims {
            plan.claim(claim, &mut lines);
        }
        let mut state = match (&commit.write, &commit.check) {
            (Some((conversation, expected)), _) => Some(plan.write(conversation, *expected)?),
            (None, Some((connection, thread, version))) => Some(check(connection, thread, *version)),
            (None, None) => None,
        };
        // A check of another conversation than the one that is written.
        if let (Some(_), Some((connection, thread, version))) = (&commit.write, &commit.check)
            && written != checked
        {
            plan.changes.push(check(connection, thread, *version));
        }
        let version = match (&commit.write, &commit.check) {
            (Some((_, Expected::Version(version))), _) => version + 1,
            (None, Some((_, _, version))) => *version,
            _ => 1,
        };
        if let Some(forgotten) = commit.forget_kept {
            match (&mut state, commit.write) {
                (Some(state), Some((_, expected))) if written.as_ref() == Some(&forgotten) => {
                    if let Expected::Version(before) = expected {
                        state.set(KEPT_AFTER, kept_until(before));
                    }
                }
                _ => plan
                    .changes
                    .extend(forgetting.map(|version| forget(&forgotten, version))),
            }
        }
        if let Some(mut state) = state {
            if written.is_none() && !(commit.keep.is_empty() && plan.jobs.is_empty()) {
                state.set(TTL, expiry(now, IDLE_SINCE_SAID));
            }
            plan.keep_unsent(&mut state, version)?;
            plan.changes.push(state);
        }
        if !commit.keep.is_empty() {
            let (connection, thread) = keeper.ok_or(Fault::KeptForNobody)?;
            plan.keep(&conversation_key(&connection, &thread), version, &commit.keep)?;
        }
        for ((connection, thread), lines) in lines.0 {
            let name = format!("{LINES_PREFIX}{}#{}", sortable(now), plan.token);
            let mut change = Change::of(key(conversation_key(&connection, &thread), name));
            change.set(LINES, AttributeValue::L(vec![pack_lines(&lines)]));
            change.set(TTL, expiry(now, LINES_KEPT));
            plan.changes.push(change);
        }
        Ok(plan)
    }

    /// A claim, with the lines of its conversation: one item instead of two.
    fn claim(&mut self, claim: &Claim, lines: &mut Lines) {
        let mut change = Change::of(claim_key(&claim.key));
        let lines = claim.key.conversation.as_ref().and_then(|of| lines.take(of));
        let left = Duration::try_from(claim.expires_at.duration_since(self.now)).unwrap_or_default();
        let kept = if lines.is_some() {
            left.max(LINES_KEPT)
        } else {
            left
        };
        change.set(HOLDER, text(&claim.holder));
        change.set(RECORD, text(&claim.record));
        change.set(EXPIRES, millis(claim.expires_at));
        change.set(TTL, expiry(self.now, kept));
        if let Some(lines) = lines {
            change.append(LINES, pack_lines(&lines));
        }
        let (exp, holder) = (change.name(EXPIRES), change.name(HOLDER));
        let now = change.value("now", millis(self.now));
        change.condition = Some(format!(
            "attribute_not_exists({exp}) OR {exp} <= {now} OR {holder} = :{HOLDER}"
        ));
        change.guards = Guard::Claim;
        self.changes.push(change);
    }

    fn write(&self, conversation: &Conversation, expected: Expected) -> Result<Change, Fault> {
        let (connection, thread) = (&conversation.connection, &conversation.thread);
        let mut change = Change::of(key(conversation_key(connection, thread), STATE_KEY));
        change.guards = Guard::Conversation;
        let version = match expected {
            Expected::New => {
                let v = change.name(VERSION);
                change.condition = Some(format!("attribute_not_exists({v})"));
                1
            }
            Expected::Version(version) => {
                expect_version(&mut change, version);
                version + 1
            }
        };
        change.set(VERSION, number(version));
        change.set(WRITTEN_BY, text(&self.token));
        change.set(STATE, text(to_json(conversation)?));
        change.set(SHARD, text(shard(thread)));
        change.set(CHANGED, millis(last_change(conversation)));
        match &conversation.rce_thread {
            Some(rce_thread) => {
                change.set(RCE, text(rce_key(connection, rce_thread)));
                change.set(STARTED, millis(conversation.started_at));
            }
            None => {
                change.remove(RCE);
            }
        }
        match conversation.look_at {
            Some(at) => change.set(LOOK, millis(at)),
            None => change.remove(LOOK),
        }
        if conversation.handler() == Handler::Bot {
            change.set(TTL, expiry(self.now, IDLE));
        } else {
            change.remove(TTL);
        }
        Ok(change)
    }

    /// Jobs go with the conversation until they are sent.
    fn keep_unsent(&mut self, state: &mut Change, version: u64) -> Result<(), Fault> {
        let mut names = Vec::with_capacity(self.jobs.len());
        let jobs = self
            .jobs
            .iter()
            .map(unsent_to_json)
            .collect::<Result<Vec<_>, _>>()?;
        for (n, json) in jobs.into_iter().enumerate() {
            let at = sortable(self.now);
            let name = format!("{UNSENT_PREFIX}{version:012}_{at}_{n:03}_{}", self.token);
            if json.len() <= UNSENT_BYTES {
                state.set(&name, text(json));
            } else {
                let partition = str_of(&state.key, super::schema::PK)
                    .unwrap_or_default()
                    .to_owned();
                let parts = self.parts(&partition, &name, &json, UNSENT_KEPT);
                state.set(&name, number(parts));
            }
            names.push(name);
        }
        if !names.is_empty() {
            self.unsent = Some((state.key.clone(), names));
        }
        Ok(())
    }

    /// Sorted by the conversation's version first: so a message that is kept after others were forgotten comes
    /// after them, whatever the clocks of two processes say.
    fn keep(&mut self, partition: &str, version: u64, messages: &[Message]) -> Result<(), Fault> {
        for (n, message) in messages.iter().enumerate() {
            let json = to_json(message)?;
            let (at, token) = (sortable(self.now), &self.token);
            let name = format!("{KEPT_PREFIX}{version:012}#{at}#{token}#{n:03}");
            self.parts(partition, &name, &json, KEPT_FOR);
        }
        Ok(())
    }

    /// A text in as many items as it needs. How many that are.
    fn parts(&mut self, partition: &str, name: &str, json: &str, kept: Duration) -> usize {
        let before = self.changes.len();
        for (part, chunk) in chunks(json).enumerate() {
            let mut change = Change::of(key(partition, format!("{name}#{part:02}")));
            change.set(MESSAGE, text(chunk));
            change.set(TTL, expiry(self.now, kept));
            self.changes.push(change);
        }
        self.changes.len() - before
    }
}

fn check(connection: &ConnectionId, thread: &ForeignThreadId, version: u64) -> Change {
    let mut change = Change::of(key(conversation_key(connection, thread), STATE_KEY));
    change.guards = Guard::Conversation;
    expect_version(&mut change, version);
    change
}

fn expect_version(change: &mut Change, version: u64) {
    let (v, expected) = (change.name(VERSION), change.value("expected", number(version)));
    change.condition = Some(format!("{v} = {expected}"));
}

/// Greater than the sort key of every message that was kept up to this version.
fn kept_until(version: u64) -> AttributeValue {
    text(format!("{KEPT_PREFIX}{version:012}~"))
}

/// Forgets what was kept up to `version`, which thereby becomes an old one.
fn forget((connection, thread): &Key, version: u64) -> Change {
    let mut change = check(connection, thread, version);
    change.set(VERSION, number(version + 1));
    change.set(KEPT_AFTER, kept_until(version));
    change
}

/// Lines by conversation, in their stored form.
struct Lines(Vec<(Key, Vec<String>)>);

impl Lines {
    fn of(timeline: Vec<(ConnectionId, ForeignThreadId, TimelineEntry)>) -> Result<Self, Fault> {
        let mut lines: Vec<(Key, Vec<String>)> = Vec::new();
        for (connection, thread, mut entry) in timeline {
            if let Some(text) = &mut entry.text
                && let Some((at, _)) = text.char_indices().nth(LINE_TEXT_CHARS)
            {
                text.truncate(at);
                text.push('…');
            }
            let (of, json) = ((connection, thread), to_json(&entry)?);
            match lines.iter_mut().find(|(key, _)| *key == of) {
                Some((_, lines)) => lines.push(json),
                None => lines.push((of, vec![json])),
            }
        }
        Ok(Self(lines))
    }

    fn take(&mut self, of: &Key) -> Option<Vec<String>> {
        let index = self.0.iter().position(|(key, _)| key == of)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// Lines in their stored form, as one JSON array.
fn pack_lines(lines: &[String]) -> AttributeValue {
    pack(format!("[{}]", lines.join(",")))
}

/// When the conversation began, or its handover last came to another status. The index is written only when
/// this changes, not with every message.
pub(super) fn last_change(conversation: &Conversation) -> Timestamp {
    let handover = conversation.handover.as_ref();
    let times = handover.map(|h| [Some(h.requested_at), h.queued_at, h.accepted_at, h.ended_at]);
    let latest = times.into_iter().flatten().flatten().max();
    latest.map_or(conversation.started_at, |at| at.max(conversation.started_at))
}

pub(super) fn shard_name(shard: u8) -> String {
    format!("conversations#{shard}")
}

fn shard(thread: &ForeignThreadId) -> String {
    let sum = thread
        .as_str()
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    shard_name(sum % SHARDS)
}

/// Pieces of a text that an item can hold.
fn chunks(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (chunk, rest) = text.split_at(text.floor_char_boundary(PART_BYTES));
        text = rest;
        Some(chunk)
    })
}

/// The name of a kept message without its part.
pub(super) fn kept_name(item: &Item) -> Option<&str> {
    Some(str_of(item, super::schema::SK)?.rsplit_once('#')?.0)
}
