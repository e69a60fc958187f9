//! Workers that are stepped by hand, and time that passes when a story says so.

use std::time::Duration;

use handover_core::job::QueueName;
use handover_core::ports::{Clock, QueueError, Received};
use handover_handlers::work::{self, Outcome, VISIBILITY};

use crate::Bench;

/// More jobs than any story has: beyond it something goes round in circles.
const MANY: usize = 5_000;

impl Bench {
    /// Time passes, for RCE too.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.set_clock_of_rce();
    }

    /// RCE's clock shows our time, or what a story wants it to be off. It goes on while ours stands still.
    pub fn set_clock_of_rce(&self) {
        let shown = self.clock_now().saturating_add(self.rce_ahead);
        self.rce.set_clock(shown.expect("a time of a story"));
    }

    pub fn clock_now(&self) -> handover_core::Timestamp {
        Clock::now(&self.clock)
    }

    /// Does every job that is receivable now, and those that follow from them; looks after handovers whose time has
    /// come. Returns how many attempts that were.
    pub async fn work(&self) -> usize {
        let mut attempts = 0;
        self.look_after().await;
        loop {
            let before = attempts;
            for queue in QueueName::ALL {
                attempts += self.work_on(queue).await;
            }
            if attempts == before {
                return attempts;
            }
            assert!(attempts < MANY, "the work never ends");
        }
    }

    /// Sends somebody to look after handovers whose time has come, unless the process dies over it.
    pub async fn look_after(&self) {
        // What fails is due at the next call.
        let dispatch = Box::pin(handover_handlers::watch::dispatch(&self.app));
        drop(self.steps.unless_dead(dispatch).await);
    }

    /// Does what is receivable now on one queue, one round.
    pub async fn work_on(&self, queue: QueueName) -> usize {
        use handover_core::ports::JobQueue as _;
        let jobs = self
            .embedded
            .receive(queue, 32, VISIBILITY)
            .await
            .expect("the queue answers");
        for job in &jobs {
            self.attempt(job).await;
        }
        jobs.len()
    }

    /// One attempt, unless the process dies in the middle of it.
    pub async fn attempt(&self, received: &Received) {
        let attempt = async {
            let outcome = Box::pin(work::run(&self.app, received)).await;
            let (queue, receipt) = (&self.app.queue, &received.receipt);
            let applied = match outcome {
                Outcome::Done => queue.delete(receipt).await,
                Outcome::Retry { after } => queue.retry(receipt, after, true).await,
                Outcome::Wait { after } => queue.retry(receipt, after, false).await,
                Outcome::Reject { reason } => queue.dead_letter(received, &reason).await,
            };
            if let Err(QueueError::StaleReceipt) = applied {
                panic!("somebody else had the job: {:?}", received.job);
            }
        };
        self.steps.unless_dead(attempt).await;
    }

    /// Works, lets RCE do its part, and waits as long as jobs want to wait, until there is nothing left.
    pub async fn until_quiet(&self) {
        let mut rounds = 0;
        loop {
            self.settle().await;
            if self.work().await > 0 {
                continue;
            }
            if !self.rce.read(simulated_ringcx::State::is_idle) {
                continue;
            }
            let Some(wait) = self.until_next().await else {
                return;
            };
            self.pass(wait);
            rounds += 1;
            assert!(rounds < MANY, "the work never ends");
        }
    }

    /// The same where RCE reports nothing by itself.
    pub async fn until_quiet_by_hand(&self) {
        for _ in 0..MANY {
            self.work().await;
            let Some(wait) = self.until_next().await else {
                return;
            };
            self.pass(wait);
        }
        panic!("the work never ends");
    }

    /// How long until the next job becomes receivable; `None` if there is none.
    pub async fn until_next(&self) -> Option<Duration> {
        let mut soonest = None;
        for queue in QueueName::ALL {
            let next = self
                .embedded
                .next_visible_at(queue)
                .await
                .expect("the queue answers");
            soonest = match (soonest, next) {
                (Some(a), Some(b)) => Some(std::cmp::min(a, b)),
                (a, b) => a.or(b),
            };
        }
        let wait = soonest?.duration_since(Clock::now(&self.clock));
        Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
    }
}
