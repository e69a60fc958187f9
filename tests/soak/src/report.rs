//! The figures of a run, for people and for programs.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulated_ringcx::{RequestKind, SyncStatus};

use crate::bridge::{MIRRORED, NATIVE};
use crate::heal::{self, Known};
use crate::native;
use crate::world::{Broken, World};

/// How many timelines are printed.
const TIMELINES: usize = 3;
const SLOWEST: usize = 8;
/// The promises that are counted even if none is broken.
const PROMISES: [&str; 9] = [
    "nothing is lost",
    "order",
    "one effect",
    "numbers",
    "every handover ends",
    "one voice",
    "time to heal",
    "no dead letters",
    "RingCentral's rules",
];

/// What came out.
pub struct Report {
    seed: u64,
    command: String,
    /// Name and value, in groups.
    groups: Vec<(&'static str, Vec<(String, Value)>)>,
    broken: Vec<Broken>,
    timelines: Vec<(String, String)>,
    kept: Option<String>,
}

impl Report {
    pub(crate) async fn of(
        world: &World,
        broken: Vec<Broken>,
        settled: Duration,
        took: Duration,
    ) -> anyhow::Result<Self> {
        let options = &world.options;
        let mut concerned: Vec<String> = broken.iter().filter_map(|it| it.conversation.clone()).collect();
        concerned.sort();
        concerned.dedup();
        let mut timelines = Vec::new();
        for name in concerned.into_iter().take(TIMELINES) {
            let door = if world.natives.has(&name) {
                NATIVE
            } else {
                MIRRORED
            };
            let timeline = world.bridge.timeline(door, &name).await;
            timelines.push((name, timeline));
        }
        let stopped = world.bridge.terminate().await?;
        anyhow::ensure!(
            stopped.is_some_and(|status| status.success()),
            "the bridge ended with {stopped:?}"
        );
        let did = counts(&world.notes().done);
        let run = vec![
            entry(
                "binary",
                json!(
                    world
                        .bridge
                        .binary()
                        .ancestors()
                        .nth(1)
                        .and_then(|dir| dir.file_name())
                        .map(|name| name.to_string_lossy())
                ),
            ),
            entry("seed", json!(world.seed)),
            entry("seconds of faults", json!(options.seconds)),
            entry("seconds until all was quiet", seconds(settled)),
            entry("seconds in all", seconds(took)),
            entry("RCE's clock ahead, seconds", json!(world.clock)),
            entry(
                "and after half of the time",
                json!(world.clock + options.clock_step),
            ),
        ];
        Ok(Self {
            seed: world.seed,
            command: format!(
                "soak --seconds {} --conversations {} --native {} --seed {}",
                options.seconds, options.conversations, options.native, world.seed
            ),
            groups: vec![
                ("run", run),
                ("traffic", traffic(world)),
                ("channel of RCE's own", native::figures(world)),
                ("faults", faults(world)),
                ("what people did", did),
                ("time to heal, seconds", heals(world)),
                ("slowest ends", slowest(world)),
                ("REST requests of the bridge", rest(world)),
                ("broken promises", promises(&broken)),
            ],
            broken,
            timelines,
            kept: options
                .keep
                .then(|| world.keep())
                .flatten()
                .map(|dir| dir.display().to_string()),
        })
    }

    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// Everything as JSON.
    pub fn json(&self) -> Value {
        let mut all = serde_json::Map::new();
        for (group, entries) in &self.groups {
            all.insert(
                (*group).to_owned(),
                Value::Object(entries.iter().cloned().collect()),
            );
        }
        let broken = self
            .broken
            .iter()
            .map(|it| json!({"promise": it.promise, "conversation": it.conversation, "detail": it.detail}));
        all.insert("broken".to_owned(), broken.collect());
        let timelines = self
            .timelines
            .iter()
            .map(|(name, timeline)| (name.clone(), json!(timeline.lines().collect::<Vec<_>>())));
        all.insert("timelines".to_owned(), Value::Object(timelines.collect()));
        all.insert("kept in".to_owned(), json!(self.kept));
        Value::Object(all)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (group, entries) in &self.groups {
            writeln!(out, "\n{group}")?;
            for (name, value) in entries {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                writeln!(out, "  {name:<58} {value}")?;
            }
        }
        if let Some(kept) = &self.kept {
            writeln!(out, "\nthe bridge's data and log: {kept}")?;
        }
        if self.is_kept() {
            return writeln!(out, "\nEvery promise was kept.");
        }
        writeln!(
            out,
            "\n{} BROKEN, with seed {}; again: {}",
            self.broken.len(),
            self.seed,
            self.command
        )?;
        for broken in self.broken.iter().take(40) {
            let conversation = broken.conversation.as_deref().unwrap_or("-");
            writeln!(out, "  {conversation}: {}: {}", broken.promise, broken.detail)?;
        }
        for (name, timeline) in &self.timelines {
            writeln!(out, "\ntimeline of {name}\n{timeline}")?;
        }
        Ok(())
    }
}

fn entry(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn seconds(time: Duration) -> Value {
    json!((time.as_secs_f64() * 100.0).round() / 100.0)
}

fn counts(counts: &BTreeMap<&'static str, u64>) -> Vec<(String, Value)> {
    counts
        .iter()
        .map(|(name, count)| entry(name, json!(count)))
        .collect()
}

fn traffic(world: &World) -> Vec<(String, Value)> {
    let accepted: usize = world.notes().accepted.values().map(Vec::len).sum();
    let (mut exported, mut repeats, mut handovers) = (0, 0, 0);
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    for name in world.conversations() {
        for content in world.rce.contents(&name) {
            repeats += content.repeats;
            let sent = content.creator_id.is_some() && content.synchronization_status == SyncStatus::Success;
            exported += u64::from(sent);
        }
        let heard = world.bot.heard(&name);
        let epochs = heard.iter().map(|heard| heard.epoch).max().unwrap_or(0);
        for epoch in 1..=epochs {
            handovers += 1;
            let end = world
                .bot
                .end_of(&name, epoch)
                .map_or_else(|| "none".to_owned(), |end| end.kind);
            *ends.entry(end).or_default() += 1;
        }
    }
    let (requests, taken) = world.bot.counts();
    let mut entries = vec![
        entry("conversations", json!(world.options.conversations)),
        entry("handovers", json!(handovers)),
        entry("messages, bot's side to RCE", json!(accepted)),
        entry("messages, agents to bot", json!(exported)),
        entry("requests to the bot, and taken", json!([requests, taken])),
        entry("messages that the bridge sent to RCE again", json!(repeats)),
    ];
    entries.extend(
        ends.into_iter()
            .map(|(end, count)| (format!("ended by {end}"), json!(count))),
    );
    entries
}

fn faults(world: &World) -> Vec<(String, Value)> {
    let chaos = world.rce.chaos_counts();
    let webhooks = world.rce.webhook_counts();
    let notes = world.notes();
    let mut entries = vec![
        entry("bridge restarted", json!(notes.restarts.len())),
        entry("bridge down, seconds", seconds(notes.down)),
        entry("RCE: requests under chance", json!(chaos.requests)),
        entry("RCE: 503", json!(chaos.refused_503)),
        entry("RCE: 429", json!(chaos.rate_429)),
        entry("RCE: dropped before any effect", json!(chaos.dropped)),
        entry("RCE: answer lost", json!(chaos.lost_answers)),
        entry("RCE: slow", json!(chaos.delayed)),
        entry("webhook events issued", json!(webhooks.issued)),
        entry("webhook events lost", json!(webhooks.dropped)),
        entry("webhook events sent twice", json!(webhooks.duplicated)),
        entry("webhook events out of order", json!(webhooks.reordered)),
    ];
    let bot = world.bot.faults();
    entries.extend(
        bot.iter()
            .map(|(name, count)| (format!("bot: {name}"), json!(count))),
    );
    entries
}

fn heals(world: &World) -> Vec<(String, Value)> {
    let healed = heal::healed(world);
    let mut entries = Vec::new();
    for kind in [Known::Told, Known::Untold, Known::NoEvent, Known::Traceless] {
        let name = kind.name();
        let of_kind = healed.iter().filter(|healed| healed.known == kind);
        let by_timer = of_kind.clone().filter(|healed| healed.by_timer).count();
        let times: Vec<Duration> = of_kind
            .filter(|healed| !healed.by_timer)
            .map(|healed| healed.took)
            .collect();
        entries.push((name.to_owned(), percentiles(times)));
        entries.push((format!("{name}: a timer was faster"), json!(by_timer)));
    }
    let unnoticed = world.notes().unnoticed.clone();
    entries.push(entry(
        "taken over at RCE, and the bot not told",
        percentiles(unnoticed),
    ));
    entries
}

pub(crate) fn percentiles(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |percent: usize| {
        let index = (times.len().saturating_sub(1) * percent).div_ceil(100);
        times.get(index).map(|time| seconds(*time))
    };
    json!({"count": times.len(), "p50": at(50), "p95": at(95), "max": at(100)})
}

/// Where to look first: ends that took long, or that a timer had to bring about.
fn slowest(world: &World) -> Vec<(String, Value)> {
    let mut healed = heal::healed(world);
    healed.sort_by_key(|healed| std::cmp::Reverse(healed.took));
    let lines = healed.into_iter().take(SLOWEST).map(|healed| {
        let who = format!(
            "{}, handover {}: {}",
            healed.conversation, healed.epoch, healed.how
        );
        (
            who,
            json!([
                healed.known.name(),
                healed.took.as_secs_f64(),
                if healed.by_timer { "by a timer" } else { "" }
            ]),
        )
    });
    lines.collect()
}

/// The busiest minute is that of any 60 seconds. A process that was killed forgets what it had used of its minute.
fn rest(world: &World) -> Vec<(String, Value)> {
    let mut operations: BTreeMap<String, u64> = BTreeMap::new();
    let (mut window, mut busiest, mut all, mut overview) = (VecDeque::<Timestamp>::new(), 0, 0_u64, 0_u64);
    world.rce.read(|state| {
        for request in state
            .requests()
            .filter(|request| request.kind == RequestKind::Rest)
        {
            all += 1;
            window.push_back(request.at);
            let minute = SignedDuration::from_mins(1);
            while window
                .front()
                .is_some_and(|first| request.at.duration_since(*first) >= minute)
            {
                window.pop_front();
            }
            busiest = busiest.max(window.len());
            let list = request.what.trim_end_matches('/').ends_with("/interventions");
            overview += u64::from(list && request.body.get("thread_id").is_none());
        }
    });
    for (operation, count) in world.rce.rest_operations(Duration::from_hours(24)) {
        operations.insert(operation, count as u64);
    }
    let mut entries = vec![
        entry("all", json!(all)),
        entry(
            "most in any 60 s, and the limit",
            json!([busiest, world.options.requests_per_minute]),
        ),
        entry("of all, for the overview of reconciliation", json!(overview)),
    ];
    entries.extend(operations.into_iter().map(|(name, count)| (name, json!(count))));
    entries
}

fn promises(broken: &[Broken]) -> Vec<(String, Value)> {
    let mut counts: BTreeMap<&str, u64> = PROMISES.iter().map(|promise| (*promise, 0)).collect();
    for broken in broken {
        *counts.entry(broken.promise).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(name, count)| entry(name, json!(count)))
        .collect()
}
