//! What happened on RCE's channel, for the report.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::Speaker;

use super::judge::failures;
use crate::report::percentiles;
use crate::world::World;

/// Who was told after this was told late.
const LATE: Duration = Duration::from_secs(15);

/// Name and value.
pub(crate) fn figures(world: &World) -> Vec<(String, Value)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |what: &str, more: usize| *counts.entry(what.to_owned()).or_default() += more as u64;
    let (mut late, mut after) = (Vec::new(), Vec::new());
    for thread in world.natives.threads() {
        count("conversations", 1);
        let record = world.natives.record(&thread);
        let heard = world.native_bot.heard(&thread);
        count("messages of people", record.written.len());
        count(
            "messages of people, never reported on purpose",
            record.written.iter().filter(|it| it.unheard).count(),
        );
        for written in &record.written {
            let id = format!("rcx-{}", written.content);
            let mut taken = heard
                .iter()
                .filter(|heard| heard.taken && heard.message.as_ref() == Some(&id));
            match taken.next().map(|heard| heard.at.duration_since(written.at)) {
                Some(took) => {
                    count("messages of people, told to the bot", 1);
                    if took > LATE {
                        late.push(took);
                    } else {
                        after.push(took);
                    }
                }
                None => count("messages of people, left to agents", 1),
            }
        }
        count("answers accepted", record.said.len());
        for said in &record.said {
            count("answers accepted, notices", usize::from(said.notice));
            count(&format!("answers accepted, handler {}", said.handler), 1);
        }
        for reason in failures(&heard).values() {
            count(&format!("answers that failed: {reason}"), 1);
        }
        let seen = world.rce.read(|state| state.seen_by_customer(&thread));
        let by = |speaker| seen.iter().filter(|it| it.speaker == speaker).count();
        count("read by people, of the bot", by(Speaker::Bot));
        count("read by people, of agents", by(Speaker::Agent));
        let mut epochs = 0;
        for epoch in 1..=heard.iter().map(|heard| heard.epoch).max().unwrap_or(0) {
            epochs += 1;
            let end = world.native_bot.end_of(&thread, epoch);
            count(
                &format!(
                    "ended by {}",
                    end.map_or_else(|| "none".to_owned(), |end| end.kind)
                ),
                1,
            );
        }
        count("handovers", epochs);
    }
    let replies = world.rce.read(|state| {
        let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
        for request in state
            .requests()
            .filter(|request| request.what == "POST /1.0/contents")
        {
            *statuses.entry(request.status).or_default() += 1;
        }
        statuses
    });
    let mut entries: Vec<(String, Value)> = counts
        .into_iter()
        .map(|(name, count)| (name, json!(count)))
        .collect();
    entries.extend(replies.into_iter().map(|(status, count)| {
        let name = match status {
            0 => "POST /contents without an answer".to_owned(),
            status => format!("POST /contents answered {status}"),
        };
        (name, json!(count))
    }));
    entries.push(("told to the bot after, seconds".to_owned(), percentiles(after)));
    entries.push(("told to the bot late, seconds".to_owned(), percentiles(late)));
    entries
}
