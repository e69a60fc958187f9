//! What waits, what was given up, and where it is kept.

use std::collections::BTreeMap;

use super::{Case, list, many};
use crate::check::Sheet;
use crate::facts::{MachineFacts, WorkFacts};

/// With less room somebody should look: a busy day writes some hundred megabytes.
const ROOM_WARN: u64 = 1 << 30;
/// With less nothing may be accepted any more, soon.
const ROOM_ERROR: u64 = 100 << 20;
/// With more jobs waiting somebody or something does not answer: each conversation has one or two.
const MANY: u64 = 1_000;
const MIB: u64 = 1 << 20;

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    if let Some(work) = &case.facts.work {
        dead_letters(work, sheet);
        waiting(work, sheet);
        overdue(case, work, sheet);
    } else {
        let (why, how) = match &case.facts.machine {
            Some(_) => ("no bridge ran on the data directory yet", ""),
            None => (
                "nobody said where the bridge keeps its work",
                "Say it with --data DIR or --stage NAME.",
            ),
        };
        for id in ["dead-letters", "jobs-waiting", "overdue"] {
            sheet.skip(id, why, how);
        }
    }
    match &case.facts.machine {
        Some(machine) if !machine.has_begun => {
            sheet.skip("data-directory", "no bridge ran on it yet", "");
            sheet.error(
                "serving",
                "no bridge runs on this data directory, nor did one before",
                "Start it: engage-handover serve --config FILE --data DIR. If one runs, it has another --data.",
            );
        }
        Some(machine) => {
            directory(machine, sheet);
            if machine.is_serving {
                sheet.ok("serving", "yes");
            } else {
                sheet.error(
                    "serving",
                    "no bridge runs on this data directory",
                    "Start it: engage-handover serve --config FILE --data DIR.",
                );
            }
        }
        None => {
            for id in ["data-directory", "serving"] {
                sheet.skip(id, "does not apply, or --data was not said", "");
            }
        }
    }
}

fn dead_letters(work: &WorkFacts, sheet: &mut Sheet) {
    let id = "dead-letters";
    let Some(dead) = &work.dead else {
        return sheet.skip(id, "they cannot be read now", "");
    };
    let Some(oldest) = dead.iter().map(|(_, at)| *at).min() else {
        return sheet.ok(id, "none");
    };
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (reason, _) in dead {
        *reasons.entry(reason).or_default() += 1;
    }
    let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let reasons: Vec<String> = reasons
        .iter()
        .take(3)
        .map(|(reason, count)| format!("{count} × {reason}"))
        .collect();
    sheet.error(
        id,
        format!("{}, the oldest of {oldest:.0}: {}", many(dead.len(), "dead letter"), list(&reasons)),
        "docs/operations.md has a row for each reason. Mend the cause, then `engage-handover dead-letters replay --all`; what is of no use any more: `discard`.",
    );
}

fn waiting(work: &WorkFacts, sheet: &mut Sheet) {
    let id = "jobs-waiting";
    match work.waiting {
        None => sheet.skip(id, "they cannot be counted now", ""),
        Some(count) if count > MANY => sheet.warn(
            id,
            format!("about {count} jobs wait, of all connections"),
            "Look whether the bot and RingCentral answer (a conversation waits for its oldest job), and whether the bridge's log shows errors.",
        ),
        Some(count) => sheet.ok(id, format!("about {count}")),
    }
}

fn overdue(case: &Case<'_>, work: &WorkFacts, sheet: &mut Sheet) {
    let id = "overdue";
    let Some(overdue) = &work.overdue else {
        return sheet.skip(id, "they cannot be read now", "");
    };
    let Some(oldest) = overdue.iter().min() else {
        return sheet.ok(id, "all of them");
    };
    let late = case.facts.at.duration_since(*oldest).as_mins();
    sheet.error(
        id,
        format!("{} to be looked after, overdue for up to {late} minutes", many(overdue.len(), "handover")),
        "Look whether the bridge runs (on AWS: the schedule of handover-watch), and whether its log shows errors.",
    );
}

fn directory(machine: &MachineFacts, sheet: &mut Sheet) {
    let id = "data-directory";
    if let Some(why) = &machine.not_writable {
        let how = "Give the user that runs the bridge the right to write there, and look whether the disk is full or mounted read-only.";
        return sheet.error(id, format!("it cannot be written: {why}"), how);
    }
    let how = "Make room: older files in files/, or a larger disk.";
    match machine.free_bytes {
        None => sheet.ok(id, "it can be written"),
        Some(free) if free < ROOM_ERROR => sheet.error(id, format!("{} MiB are free", free / MIB), how),
        Some(free) if free < ROOM_WARN => sheet.warn(id, format!("{} MiB are free", free / MIB), how),
        Some(free) => sheet.ok(id, format!("it can be written; {} MiB are free", free / MIB)),
    }
}
