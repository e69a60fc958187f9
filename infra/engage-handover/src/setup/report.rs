//! What happened, for whoever reads JSON, and for the last words.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::by_hand::ByHand;
use super::plan::{Plan, Step, Verdict};
use super::terminal::Terminal;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Not begun.
    #[default]
    Open,
    Kept,
    Done,
    /// A person did it, and it was seen.
    Seen,
    /// A person says that they did it.
    Said,
    /// For a person to do, or to look at.
    Left,
    /// Not done yet, because of what was left before it.
    Held,
}

#[derive(Clone, Debug, Serialize)]
struct StepReport {
    what: String,
    plan: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    outcome: Outcome,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Inner {
    connection: String,
    account: String,
    /// `planned`, `nothing_to_change`, `done`, `left` (done, and a person was left with something), `declined`, `failed`, `interrupted`.
    result: &'static str,
    plan: Vec<StepReport>,
    notes: Vec<String>,
    by_hand: Vec<HandReport>,
    clicks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct HandReport {
    title: String,
    clicks: Vec<String>,
}

/// Shared with whoever hears Ctrl-C.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<Inner>>);

impl Report {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, connection: &str, account: &str) {
        let mut inner = self.inner();
        connection.clone_into(&mut inner.connection);
        account.clone_into(&mut inner.account);
    }

    pub(crate) fn planned(&self, plan: &Plan) {
        let mut inner = self.inner();
        inner.plan = plan.steps.iter().map(step_report).collect();
        inner.notes.clone_from(&plan.notes);
        inner.result = "planned";
    }

    pub(crate) fn outcome(&self, index: usize, outcome: Outcome) {
        if let Some(step) = self.inner().plan.get_mut(index) {
            step.outcome = outcome;
        }
    }

    pub(crate) fn note(&self, text: &str) {
        self.inner().notes.push(text.to_owned());
    }

    pub(crate) fn by_hand(&self, by_hand: &ByHand) {
        let clicks = by_hand
            .clicks
            .iter()
            .map(|click| match &click.value {
                Some(value) => format!("{} {value}", click.what),
                None => click.what.clone(),
            })
            .collect();
        let mut inner = self.inner();
        inner.clicks += by_hand.count();
        inner.by_hand.push(HandReport {
            title: by_hand.title.clone(),
            clicks,
        });
    }

    pub(crate) fn clicks(&self) -> usize {
        self.inner().clicks
    }

    pub(crate) fn end(&self, result: &'static str, error: Option<&str>) {
        let mut inner = self.inner();
        inner.result = result;
        inner.error = error.map(str::to_owned);
    }

    /// What was left to a person, or is for them to look at.
    pub(crate) fn left(&self) -> Vec<String> {
        let inner = self.inner();
        let left = inner.plan.iter().filter(|step| step.outcome == Outcome::Left);
        left.map(|step| step.what.clone()).collect()
    }

    /// What waits for what was left.
    pub(crate) fn held(&self) -> Vec<String> {
        let inner = self.inner();
        let held = inner.plan.iter().filter(|step| step.outcome == Outcome::Held);
        held.map(|step| step.what.clone()).collect()
    }

    /// Whether a person was left with something this time, and not only reminded of it.
    pub(crate) fn leaves_something(&self) -> bool {
        let inner = self.inner();
        let mut steps = inner.plan.iter();
        steps.any(|step| match step.outcome {
            Outcome::Left => step.plan != Verdict::Check,
            Outcome::Held => true,
            _ => false,
        })
    }

    /// Whether anything was changed so far.
    pub(crate) fn done(&self) -> Vec<String> {
        let inner = self.inner();
        let done = inner
            .plan
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Done | Outcome::Seen));
        done.map(|step| step.what.clone()).collect()
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(&*self.inner())
            .unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
    }
}

fn step_report(step: &Step) -> StepReport {
    StepReport {
        what: step.what.clone(),
        plan: step.verdict,
        before: step.before.clone(),
        after: step.after.clone(),
        why: step.why.clone(),
        outcome: match step.verdict {
            Verdict::Keep => Outcome::Kept,
            Verdict::Check => Outcome::Left,
            _ => Outcome::Open,
        },
    }
}

/// The plan as people read it.
pub(crate) fn show(plan: &Plan, terminal: &Terminal) {
    for step in &plan.steps {
        let mut line = format!("  {:<8} {}", step.verdict.word(), step.what);
        if step.verdict != Verdict::Keep {
            let before = step.before.as_deref().filter(|before| !before.is_empty());
            let turns = match (before, &step.after) {
                (Some(before), Some(after)) => format!(": {before} {} {after}", terminal.arrow()),
                (None, Some(after)) => format!(": {after}"),
                _ => String::new(),
            };
            line.push_str(&turns);
        }
        terminal.say(&line);
        if let Some(why) = &step.why {
            for part in wrapped(why, 88) {
                terminal.say(&format!("           {part}"));
            }
        }
    }
    for note in &plan.notes {
        terminal.say("");
        for (index, part) in wrapped(note, 92).into_iter().enumerate() {
            terminal.say(&format!("  {} {part}", if index == 0 { "!" } else { " " }));
        }
    }
}

/// Lines of at most so many characters, broken between words.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
