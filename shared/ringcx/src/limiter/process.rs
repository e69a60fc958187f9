//! The budget of a process that has its accounts to itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ports::Urgency;

use super::brake::Brake;
use super::limits::Limits;
use super::room::{Kind, Room};
use super::turns::Turns;
use super::{MARGIN, RestBudget, WINDOW, later, since};

/// Counts every request, so that all of the limit can be used.
#[derive(Debug, Default)]
pub struct ProcessBudget {
    accounts: Mutex<HashMap<String, Account>>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    /// The requests of the last window, oldest first.
    log: VecDeque<Request>,
    limits: Limits,
    brake: Brake,
    turns: Turns,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    at: Timestamp,
    kind: Kind,
}

impl ProcessBudget {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests the account may still make now, if `limit` counts for it. None during a pause.
    pub fn left(&self, account: &str, limit: u32, now: Timestamp) -> u32 {
        let mut accounts = self.lock();
        let Some(account) = accounts.get_mut(account) else {
            return limit;
        };
        if account.brake.pause(now).is_some() {
            return 0;
        }
        account.forget(now);
        let made = u32::try_from(account.log.len()).unwrap_or(u32::MAX);
        account.brake.slow(limit, now).saturating_sub(made)
    }

    pub(super) fn try_take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut accounts = self.lock();
        if let Some(known) = accounts.get_mut(account) {
            return known.take(limit, urgency, now);
        }
        let new = accounts.entry(account.to_owned()).or_default();
        new.take(limit, urgency, now)
    }

    /// What `try_take` would say to whom a person waits for, without taking a place.
    pub fn look(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        let mut copy = self.lock().get(account).cloned().unwrap_or_default();
        let answer = copy.take(limit, Urgency::Now, now);
        answer.err().unwrap_or_default()
    }

    /// The same; whoever has to wait is expected.
    pub(super) fn look_and_expect(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        let mut accounts = self.lock();
        let Some(account) = accounts.get_mut(account) else {
            return Duration::ZERO;
        };
        match account.room(limit, Urgency::Now, now) {
            Ok(_) => Duration::ZERO,
            Err(wait) => account.expect(limit, wait, now),
        }
    }

    pub(super) fn note_limited(
        &self,
        account: &str,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Duration {
        let mut accounts = self.lock();
        let account = accounts.entry(account.to_owned()).or_default();
        account.brake.limited(retry_after, now)
    }

    pub(super) fn note_succeeded(&self, account: &str, now: Timestamp) {
        if let Some(account) = self.lock().get_mut(account) {
            account.brake.succeeded(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        // Every change is complete before the lock is given back, so a poisoned one is still sound.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RestBudget for ProcessBudget {
    async fn take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.try_take(account, limit, urgency, now)
    }

    async fn limited(&self, account: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        self.note_limited(account, retry_after, now)
    }

    async fn succeeded(&self, account: &str, now: Timestamp) {
        self.note_succeeded(account, now);
    }

    async fn wait(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        self.look(account, limit, now)
    }

    async fn turn(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        self.look_and_expect(account, limit, now)
    }
}

impl Account {
    fn take(&mut self, limit: u32, urgency: Urgency, now: Timestamp) -> Result<(), Duration> {
        match self.room(limit, urgency, now) {
            Ok(kind) => {
                if urgency == Urgency::Now {
                    self.turns.came(now);
                }
                self.log.push_back(Request { at: now, kind });
                Ok(())
            }
            Err(wait) if urgency == Urgency::Now => Err(self.expect(limit, wait, now)),
            Err(wait) => Err(wait),
        }
    }

    /// What a place would be counted as, or how long until one may be free if nobody else waits.
    fn room(&mut self, limit: u32, urgency: Urgency, now: Timestamp) -> Result<Kind, Duration> {
        let limit = self.limits.ask(limit, now);
        if let Some(rest) = self.brake.pause(now) {
            return Err(rest);
        }
        self.forget(now);
        let mut shortest = None;
        for room in Room::of(self.brake.slow(limit, now), urgency) {
            let all = self.log.iter();
            let alike = all.clone().filter(|request| request.kind == room.kind);
            let wait = until_left(all, room.all, now).max(until_left(alike, room.of_kind, now));
            let Some(wait) = wait else {
                return Ok(room.kind);
            };
            shortest = Some(shortest.map_or(wait, |shortest: Duration| shortest.min(wait)));
        }
        Err(shortest.unwrap_or_default())
    }

    /// Tells somebody who has to wait at least so long when it is their turn.
    fn expect(&mut self, limit: u32, at_least: Duration, now: Timestamp) -> Duration {
        self.turns.forget(now);
        let limit = Room::replies(self.brake.slow(self.limits.ask(limit, now), now));
        let taken: Vec<Timestamp> = self.log.iter().map(|request| request.at).collect();
        let turn = self.turns.next(&taken, limit, later(now, at_least), now);
        since(now, turn)
    }

    /// Forgets what has left the window.
    fn forget(&mut self, now: Timestamp) {
        // A clock that was set back must neither block us for long nor let more through.
        for request in &mut self.log {
            request.at = request.at.min(now);
        }
        let is_over = |request: &Request| since(request.at, now) >= WINDOW + MARGIN;
        while self.log.front().is_some_and(is_over) {
            self.log.pop_front();
        }
    }
}

/// How long until no more than `most` of these requests are in the window; `None`: they are no more.
fn until_left<'a>(
    requests: impl DoubleEndedIterator<Item = &'a Request>,
    most: u32,
    now: Timestamp,
) -> Option<Duration> {
    let leaving = requests.rev().nth(usize::try_from(most).ok()?)?;
    Some((WINDOW + MARGIN).saturating_sub(since(leaving.at, now)))
}
