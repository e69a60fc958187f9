//! Nothing is lost, nothing comes twice, and the order is that of acceptance.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use simulated_ringcx::{DeliveryKind, SyncStatus};

use crate::bot::Heard;
use crate::world::{Broken, World};

/// What the bridge accepted from the bot, against what RCE holds.
pub(super) fn of_people(world: &World, name: &str) -> Vec<Broken> {
    let accepted = world.notes().accepted.get(name).cloned().unwrap_or_default();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, content) in world.rce.contents(name).into_iter().enumerate() {
        places
            .entry(content.body.unwrap_or_default())
            .or_default()
            .push(place);
    }
    let mut broken = Vec::new();
    let mut last = None;
    for text in accepted {
        match places.get(&text).map(Vec::as_slice) {
            None => broken.push(Broken::of(
                "nothing is lost",
                name,
                format!("{text:?} is not in RCE"),
            )),
            Some([place]) => {
                if last.is_some_and(|last| *place < last) {
                    broken.push(Broken::of(
                        "order",
                        name,
                        format!("{text:?} came to RCE too early or too late"),
                    ));
                }
                last = Some(*place);
            }
            Some(_) => broken.push(Broken::of(
                "one effect",
                name,
                format!("{text:?} is in RCE more than once"),
            )),
        }
    }
    broken
}

/// What RCE delivered to the bridge, against what the bot took.
pub(super) fn of_agents(world: &World, name: &str, heard: &[Heard]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut taken: HashMap<&str, (usize, HashSet<&str>)> = HashMap::new();
    for (place, heard) in heard.iter().enumerate().filter(|(_, heard)| heard.taken) {
        if let Some(message) = &heard.message {
            let entry = taken.entry(message).or_insert_with(|| (place, HashSet::new()));
            entry.1.insert(&heard.id);
        }
    }
    for content in world.rce.contents(name) {
        let text = content.body.clone().unwrap_or_default();
        let id = match (
            content.creator_id,
            content.synchronization_status,
            content.foreign_id,
        ) {
            (None, ..) => continue,
            (_, SyncStatus::Success, Some(id)) => id,
            (_, status, _) => {
                let detail = format!(
                    "{text:?} is {} at RCE: {:?}",
                    status.as_str(),
                    content.synchronization_error
                );
                broken.push(Broken::of("agents' messages leave RCE", name, detail));
                continue;
            }
        };
        match taken.get(id.as_str()) {
            None => broken.push(Broken::of(
                "nothing is lost",
                name,
                format!("{text:?} ({id}) did not come to the bot"),
            )),
            Some((_, ids)) if ids.len() > 1 => {
                broken.push(Broken::of(
                    "one effect",
                    name,
                    format!("{text:?} came to the bot as {ids:?}"),
                ));
            }
            Some(_) => {}
        }
    }
    let mut exports: Vec<Export> = exports(world, name);
    exports.sort_by_key(|export| export.asked);
    for (index, later) in exports.iter().enumerate() {
        let surely_earlier = exports[..index]
            .iter()
            .filter(|earlier| earlier.answered < later.asked);
        for earlier in surely_earlier {
            let place = |export: &Export| taken.get(export.id.as_str()).map(|(place, _)| *place);
            if let (Some(first), Some(second)) = (place(earlier), place(later))
                && second < first
            {
                broken.push(Broken::of(
                    "order",
                    name,
                    format!("the bot took {} before {}", later.id, earlier.id),
                ));
            }
        }
    }
    broken
}

/// An agent's message on its way: asked for the first time, and answered.
struct Export {
    id: String,
    asked: Timestamp,
    answered: Timestamp,
}

/// A message was accepted between its first attempt and the answer to its last; one that RCE repeats may be overtaken.
fn exports(world: &World, name: &str) -> Vec<Export> {
    let mut first: HashMap<String, Timestamp> = HashMap::new();
    let mut exports = Vec::new();
    world.rce.read(|state| {
        let deliveries = state
            .deliveries()
            .filter(|delivery| delivery.kind == DeliveryKind::SourceSdk);
        for delivery in deliveries.filter(|delivery| delivery.body["params"]["thread_id"] == name) {
            let content = delivery.body["params"]["content_id"].as_str().unwrap_or_default();
            let asked = *first.entry(content.to_owned()).or_insert(delivery.at);
            let answer: serde_json::Value = serde_json::from_str(&delivery.answer).unwrap_or_default();
            if let (Some(200), Some(id)) = (delivery.status, answer["id"].as_str()) {
                let answered = delivery.at.checked_add(delivery.took).unwrap_or(delivery.at);
                exports.push(Export {
                    id: id.to_owned(),
                    asked,
                    answered,
                });
            }
        }
    });
    exports
}

/// The end never overtakes the last words.
pub(super) fn last_words(world: &World, name: &str, heard: &[Heard]) -> Vec<Broken> {
    let notes = world.notes();
    let mut broken = Vec::new();
    for close in notes.closes.iter().filter(|close| close.conversation == name) {
        let Some((epoch, _)) = close.back else { continue };
        let end = heard
            .iter()
            .position(|heard| heard.taken && heard.epoch == epoch && heard.is_end());
        let Some(end) = end.filter(|end| heard[*end].at > close.at) else {
            continue;
        };
        for id in &close.said_before {
            let place = heard
                .iter()
                .position(|heard| heard.taken && heard.message.as_ref() == Some(id));
            if place.is_some_and(|place| place > end) {
                broken.push(Broken::of(
                    "order",
                    name,
                    format!("the end of handover {epoch} overtook {id}"),
                ));
            }
        }
    }
    broken
}
