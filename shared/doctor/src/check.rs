//! A check and its outcome.

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::catalogue::{self, CATALOGUE};

/// How a check ended, least serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// It does not apply, or could not be done; `what` says why.
    Skipped,
    /// It works, with less.
    Warning,
    /// Handovers fail, or will.
    Error,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One check. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable.
    pub id: &'static str,
    pub group: &'static str,
    pub title: &'static str,
    pub status: Status,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it, or where to look; empty if there is nothing to do.
    pub how: String,
}

/// All checks of one connection.
#[derive(Clone, Debug)]
pub struct Report {
    pub at: Timestamp,
    pub connection: ConnectionId,
    /// How many calls of RCE's REST API it took.
    pub rest_calls: u32,
    pub checks: Vec<Check>,
}

impl Report {
    pub fn worst(&self) -> Status {
        worst(&self.checks)
    }

    /// As programs read it: the members, and `worst`.
    pub fn view(&self) -> Value {
        json!({
            "connection": self.connection, "at": self.at, "worst": self.worst(), "rest_calls": self.rest_calls,
            "checks": self.checks,
        })
    }
}

/// The most serious outcome; what was skipped is no fault.
pub fn worst(checks: &[Check]) -> Status {
    let worst = checks.iter().map(|check| check.status).max();
    match worst {
        None | Some(Status::Skipped) => Status::Ok,
        Some(status) => status,
    }
}

/// Checks as they are made, one for each entry of the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Sheet(Vec<Check>);

impl Sheet {
    pub(crate) fn ok(&mut self, id: &'static str, what: impl Into<String>) {
        self.put(id, Status::Ok, what.into(), String::new());
    }

    pub(crate) fn skip(&mut self, id: &'static str, what: impl Into<String>, how: impl Into<String>) {
        self.put(id, Status::Skipped, what.into(), how.into());
    }

    pub(crate) fn warn(&mut self, id: &'static str, what: impl Into<String>, how: impl Into<String>) {
        self.put(id, Status::Warning, what.into(), how.into());
    }

    pub(crate) fn error(&mut self, id: &'static str, what: impl Into<String>, how: impl Into<String>) {
        self.put(id, Status::Error, what.into(), how.into());
    }

    /// Whether a check was made and ended with an error: what only follows from it is not said again.
    pub(crate) fn failed(&self, id: &str) -> bool {
        let made = self.0.iter().find(|check| check.id == id);
        made.is_some_and(|check| check.status == Status::Error)
    }

    fn put(&mut self, id: &'static str, status: Status, what: String, how: String) {
        let entry = catalogue::entry(id);
        self.0.push(Check {
            id,
            group: entry.map_or("", |entry| entry.group),
            title: entry.map_or(id, |entry| entry.title),
            status,
            what,
            why: entry.map_or("", |entry| entry.why),
            how,
        });
    }

    /// Takes over what was found of each of several like things under their names: the most serious outcome of each
    /// check counts, and all that have it are named.
    pub(crate) fn merge(&mut self, each: Vec<(String, Sheet)>) {
        if let [_] = each.as_slice() {
            return self.0.extend(each.into_iter().flat_map(|(_, sheet)| sheet.0));
        }
        let ids: Vec<&'static str> = each.first().map_or(Vec::new(), |(_, sheet)| {
            sheet.0.iter().map(|check| check.id).collect()
        });
        for id in ids {
            let made = |sheet: &'_ Sheet| sheet.0.iter().find(|check| check.id == id).cloned();
            let all: Vec<(&String, Check)> = each
                .iter()
                .filter_map(|(name, sheet)| made(sheet).map(|check| (name, check)))
                .collect();
            let Some(worst) = all.iter().map(|(_, check)| check.status).max() else {
                continue;
            };
            let mut what: Vec<String> = Vec::new();
            let mut how: Vec<&str> = Vec::new();
            for (name, check) in all.iter().filter(|(_, check)| check.status == worst) {
                what.push(format!("{name}: {}", check.what));
                if !check.how.is_empty() && !how.contains(&check.how.as_str()) {
                    how.push(&check.how);
                }
            }
            let same = all
                .iter()
                .all(|(_, check)| check.status == worst && check.what == all[0].1.what);
            let what = if same {
                all[0].1.what.clone()
            } else {
                what.join("; ")
            };
            let how = how.join(" ");
            self.put(id, worst, what, how);
        }
    }

    /// In the catalogue's order.
    pub(crate) fn finish(mut self) -> Vec<Check> {
        self.0
            .sort_by_key(|check| CATALOGUE.iter().position(|entry| entry.id == check.id));
        self.0
    }
}
