//! Numbers have no gap, one meaning each, and come in order.

use std::collections::{BTreeMap, HashSet};

use crate::bot::Heard;
use crate::world::Broken;

pub(crate) fn check(name: &str, heard: &[Heard]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut said = |detail: String| broken.push(Broken::of("numbers", name, detail));
    let mut first: BTreeMap<u64, &Heard> = BTreeMap::new();
    let mut ids: HashSet<&str> = HashSet::new();
    let mut last = 0;
    for heard in heard.iter().filter(|heard| heard.taken) {
        let seq = heard.seq;
        match first.get(&seq) {
            Some(known) if known.id != heard.id => {
                said(format!(
                    "number {seq} is {} ({}) and {} ({})",
                    known.id, known.kind, heard.id, heard.kind
                ));
            }
            Some(known) if known.raw != heard.raw => {
                let texts = [known, heard].map(|heard| String::from_utf8_lossy(&heard.raw).into_owned());
                said(format!("number {seq} came again with another body: {texts:?}"));
            }
            Some(_) => {}
            None => {
                if !ids.insert(&heard.id) {
                    said(format!("{} has two numbers", heard.id));
                }
                if seq < last {
                    said(format!("number {seq} ({}) came after {last}", heard.kind));
                }
                last = last.max(seq);
                first.insert(seq, heard);
            }
        }
    }
    let missing: Vec<u64> = (1..=last).filter(|seq| !first.contains_key(seq)).collect();
    if !missing.is_empty() {
        said(format!("the bot never took numbers {missing:?} of {last}"));
    }
    broken
}
