//! What workers do with a job from a queue.
//!
//! A worker reads the conversation, decides (in the domain), stores the decision together with the
//! claim that makes it happen once, and then delivers. Whatever line the process dies after, the next
//! attempt finds either nothing done, or a stored decision to carry on with.
//!
//! | module | does |
//! |---|---|
//! | `agent_message` | agent's message → bot |
//! | `signal` | webhook event of RCE → conversation → bot |
//! | `tell` | things that happened on our side → bot |
//! | `customer_words` | what the person wrote on a channel of RCE's own → bot |
//! | `reply` | what the bot says there → RCE, never twice |
//! | `counted` | what a bot posted with a counter → `reply`, in the counter's order |
//! | `confirm` | whether the person got it |
//! | `own_intervention` | the bot's own intervention, from its beginning to its end |
//! | `note_for_agents` | the word for the agents: why they have it |
//! | `silence` | a bot that does not answer there: the agents do |
//! | `sweep` | what was said there and not reported |
//! | `deliver` | numbered events → bot, with what was delivered already |
//! | `files` | what becomes of a message's files before it is delivered |
//! | `customer_message` | person's or bot's message → RCE |
//! | `start_handover` | profile, transcript, category → RCE |
//! | `leave_handover` | an end of our side: agents are told, interventions closed |
//! | `tidy_up` | thread back to the Bot category |
//! | `look` | asks RCE how a handover stands, in case its news got lost |
//! | `timers` | ends that nobody brings about |
//! | `queue_update` | place in the queue → everybody who asked |

mod agent_message;
mod confirm;
mod counted;
mod customer_message;
mod customer_words;
mod deliver;
mod files;
mod leave_handover;
mod look;
mod note_for_agents;
mod outcome;
mod own_intervention;
mod person;
mod queue_update;
mod reply;
mod signal;
mod silence;
mod start_handover;
mod sweep;
mod tell;
mod tidy_up;
mod timers;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use handover_core::conversation::SignalPolicy;
use handover_core::ids::{ConnectionId, ForeignThreadId, JobId};
use handover_core::job::{Job, Work};
use handover_core::ports::{Commit, Expected, Measured, Received, StoreError, Versioned};
use handover_core::retry::{RetryBudget, YOUNG, backoff};
use handover_core::settings::Connection;
use handover_core::signal::Signal;
use handover_core::timeline::TimelineEntry;
use tracing::Instrument as _;

use crate::App;
pub use customer_message::company;
pub(crate) use leave_handover::leave;
pub use outcome::Outcome;
use outcome::{Step, Why};
pub(crate) use sweep::dispatch as sweep;

/// How long a received job is out of others' sight, in the one-machine stage and on AWS. Longer than any job
/// runs: the slowest is a transcript of many messages to a slow RCE.
pub const VISIBILITY: Duration = Duration::from_mins(2);

/// How soon a job that waits for something else of its conversation looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// How often a decision is made anew because somebody else changed the conversation meanwhile.
const CONFLICT_RETRIES: usize = 50;

/// A job that makes the worker panic is given up after so many attempts.
const PANICS: u32 = 5;

/// One job in the hands of a worker.
struct Task<'a> {
    app: &'a App,
    connection: Arc<Connection>,
    job: &'a Job,
    attempt: u32,
    superseded: bool,
}

/// Does a job once and says what becomes of it. Never fails and never panics: trouble is an outcome.
pub async fn run(app: &App, received: &Received) -> Outcome {
    run_within(app, received, VISIBILITY).await
}

/// The same with a limit: work that takes longer is cut off, as if the process had died, and is a failed attempt.
pub async fn run_within(app: &App, received: &Received, limit: Duration) -> Outcome {
    let job = &received.job;
    let span = tracing::info_span!(
        "job", job.id = %job.id, job.kind = job.work.kind(), job.attempt = received.attempt,
        job.outcome = tracing::field::Empty, connection.id = %job.connection, thread.foreign_id = %job.thread
    );
    let done = AssertUnwindSafe(attempt(app, received, limit).instrument(span.clone()))
        .catch_unwind()
        .await;
    let outcome = done.unwrap_or_else(|_| {
        tracing::error!(job.id = %job.id, job.kind = job.work.kind(), "the worker panicked");
        if received.attempt >= PANICS {
            Outcome::Reject {
                reason: "the worker panicked; this is a fault of the bridge, please report it".to_owned(),
            }
        } else {
            Outcome::Retry {
                after: backoff(received.attempt, 0),
            }
        }
    });
    span.record("job.outcome", outcome.as_str());
    let worked = Measured::Worked {
        queue: received.receipt.queue,
        outcome: outcome.as_str(),
    };
    app.metrics.record(&job.connection, worked);
    if let Outcome::Reject { .. } = outcome {
        app.metrics.record(&job.connection, Measured::DeadLettered);
    }
    outcome
}

async fn attempt(app: &App, received: &Received, limit: Duration) -> Outcome {
    let job = &received.job;
    let connection = match app.connections.get(&job.connection).await {
        Ok(Some(connection)) => connection,
        Ok(None) => {
            return Outcome::Reject {
                reason: "the connection is not configured any more".to_owned(),
            };
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "settings unavailable");
            return Outcome::Retry {
                after: backoff(received.attempt, jitter(&job.id, received.attempt)),
            };
        }
    };
    let task = Task {
        app,
        connection,
        job,
        attempt: received.attempt,
        superseded: received.superseded,
    };
    let step = match tokio::time::timeout(limit, Box::pin(task.work())).await {
        Ok(Ok(step)) => step,
        Err(_) => Step::Again {
            after: None,
            why: Why::new("too_slow", "the work takes longer than a worker may take for it"),
        },
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, job.id = %job.id, "store unavailable");
            Step::Again {
                after: None,
                why: Why::new("unavailable", "the store is unavailable"),
            }
        }
    };
    task.conclude(step).await
}

impl Task<'_> {
    async fn work(&self) -> Result<Step, StoreError> {
        match &self.job.work {
            Work::DeliverAgentMessage { message } => Box::pin(agent_message::deliver(self, message)).await,
            Work::ApplySignal { signal } | Work::ApplyNews { signal } => {
                Box::pin(signal::apply(self, signal)).await
            }
            Work::Tell {
                epoch,
                event,
                after_tidy_up,
            } => Box::pin(tell::event(self, *epoch, event, *after_tidy_up)).await,
            Work::CheckTimers { epoch } => timers::check(self, *epoch).await,
            Work::TellQueue { epoch, update } => tell::queue(self, *epoch, *update).await,
            Work::TellTyping { typing } => tell::typing(self, *typing).await,
            Work::SendMessage { message } => customer_message::send(self, message).await,
            Work::StartHandover { epoch, transcript } => {
                start_handover::start(self, *epoch, transcript).await
            }
            Work::LeaveHandover { epoch, intervention } => {
                leave_handover::carry_out(self, *epoch, intervention.as_ref()).await
            }
            Work::RestoreBotCategory { epoch } => tidy_up::restore(self, *epoch).await,
            Work::MarkAsRead { message } => customer_message::mark_as_read(self, message).await,
            Work::NoteUndelivered { message } => customer_message::note_undelivered(self, message).await,
            Work::NotePresence { since } => person::note_presence(self, *since).await,
            Work::AnnounceUser => person::announce(self).await,
            Work::ResolveSignal { signal } => signal::resolve(self, signal).await,
            Work::TellCustomerMessage { imported } => Box::pin(customer_words::tell(self, imported)).await,
            Work::TellWhatAgentsLeft { content } => Box::pin(customer_words::tell_left(self, content)).await,
            Work::TellCustomerChange { imported } => customer_words::tell_change(self, imported).await,
            Work::Reply {
                message,
                epoch,
                notice,
            } => Box::pin(reply::say(self, message, *epoch, *notice)).await,
            Work::ConfirmReply { content, message } => confirm::confirm(self, content, message).await,
            Work::NoteForAgents { epoch } => note_for_agents::note(self, *epoch).await,
            Work::SweepSource { source } => sweep::sweep(self, source).await,
            Work::LookAfter => Box::pin(look::look(self)).await,
            Work::SayCounted => Box::pin(counted::say(self)).await,
            Work::FanOutQueueUpdate { update } => queue_update::fan_out(self, *update).await,
            Work::TellSubscriber { url, epoch, update } => {
                queue_update::tell_subscriber(self, url, *epoch, *update).await
            }
        }
    }

    /// How often this work is tried. A person waits behind most of it.
    fn budget(&self) -> RetryBudget {
        match &self.job.work {
            Work::TellTyping { .. } => RetryBudget::about_seconds(0),
            Work::TellQueue { .. }
            | Work::FanOutQueueUpdate { .. }
            | Work::TellSubscriber { .. }
            | Work::LookAfter
            | Work::SweepSource { .. }
            | Work::NotePresence { .. }
            | Work::AnnounceUser
            | Work::MarkAsRead { .. } => RetryBudget::about_seconds(60),
            Work::StartHandover { .. } => RetryBudget::about_seconds(120),
            Work::DeliverAgentMessage { .. }
            | Work::NoteUndelivered { .. }
            | Work::TellCustomerMessage { .. }
            | Work::TellWhatAgentsLeft { .. }
            | Work::TellCustomerChange { .. }
            | Work::Reply { .. }
            | Work::ConfirmReply { .. }
            | Work::NoteForAgents { .. }
            | Work::SayCounted
            | Work::ResolveSignal { .. } => RetryBudget::about_seconds(300),
            Work::ApplySignal { .. }
            | Work::ApplyNews { .. }
            | Work::CheckTimers { .. }
            | Work::Tell { .. }
            | Work::SendMessage { .. }
            | Work::LeaveHandover { .. }
            | Work::RestoreBotCategory { .. } => RetryBudget::about_seconds(900),
        }
    }

    /// From what happened to what becomes of the job; a job that is given up leaves word with those who wait.
    async fn conclude(&self, step: Step) -> Outcome {
        let job = self.job;
        if let Step::Again { why, .. } | Step::AgainWhileYoung { why } | Step::Never { why } = &step {
            self.count(Measured::Failed { kind: why.code });
        }
        let step = match step {
            Step::AgainWhileYoung { why } if self.since_accepted() < YOUNG => {
                Step::Again { after: None, why }
            }
            Step::AgainWhileYoung { why } => Step::Never { why },
            step => step,
        };
        match step {
            Step::Done => Outcome::Done,
            Step::Wait { after } => Outcome::Wait { after },
            Step::Again { after, why } if self.attempt < self.budget().attempts => {
                let after = after
                    .unwrap_or_else(|| backoff(self.attempt, jitter(&job.id, self.attempt)))
                    .min(Duration::from_mins(5));
                tracing::info!(
                    job.id = %job.id, job.kind = job.work.kind(), job.attempt = self.attempt,
                    after_ms = after.as_millis(), why = why.detail, "job will be tried again"
                );
                Outcome::Retry { after }
            }
            Step::Again { why, .. } => {
                let detail = format!("given up after {} attempts: {}", self.attempt, why.detail);
                self.give_up(Why { detail, ..why }).await
            }
            Step::AgainWhileYoung { why } | Step::Never { why } => self.give_up(why).await,
        }
    }

    async fn give_up(&self, why: Why) -> Outcome {
        let told = match &self.job.work {
            Work::SendMessage { message } => customer_message::given_up(self, message, &why).await,
            Work::StartHandover { epoch, .. } => start_handover::given_up(self, *epoch, &why).await,
            Work::DeliverAgentMessage { message } => agent_message::given_up(self, message, &why).await,
            Work::TellCustomerMessage { imported } => {
                customer_words::given_up(self, &imported.content, &why).await
            }
            Work::TellWhatAgentsLeft { content } => customer_words::given_up(self, content, &why).await,
            Work::Reply { message, .. } => reply::given_up(self, message, &why).await,
            Work::TellTyping { .. } => return Outcome::Done,
            _ => self.note("job.dead_lettered", &why.detail).await,
        };
        if let Err(error) = told {
            // The consequences must be stored before the job is put aside.
            tracing::error!(error = &error as &dyn std::error::Error, job.id = %self.job.id, "store unavailable");
            return Outcome::Retry {
                after: backoff(self.attempt, jitter(&self.job.id, self.attempt)),
            };
        }
        tracing::error!(
            connection.id = %self.job.connection, thread.foreign_id = %self.job.thread, job.id = %self.job.id,
            job.kind = self.job.work.kind(), job.attempt = self.attempt, reason = why.detail, "job put aside as dead letter"
        );
        Outcome::Reject { reason: why.detail }
    }

    fn count(&self, measured: Measured) {
        self.app.metrics.record(&self.job.connection, measured);
    }

    async fn note(&self, what: &str, reason: &str) -> Result<(), StoreError> {
        let entry = self
            .entry(what)
            .with("job", self.job.work.kind())
            .with("reason", reason);
        self.put_aside(self.with_entry(entry)).await
    }

    /// Stores what follows from giving a job up. Events that have their numbers keep them.
    async fn put_aside(&self, consequences: Commit) -> Result<(), StoreError> {
        let numbered = self.read().await?.is_some_and(|found| {
            let conversation = found.conversation;
            conversation.numbered(&self.job.id).is_some()
        });
        if !numbered {
            return self.app.store.commit(consequences).await;
        }
        self.change(|conversation, commit| {
            commit.jobs.clone_from(&consequences.jobs);
            commit.timeline.clone_from(&consequences.timeline);
            commit.claims.clone_from(&consequences.claims);
            conversation.put_aside(&self.job.id);
        })
        .await?;
        Ok(())
    }

    async fn read(&self) -> Result<Option<Versioned>, StoreError> {
        self.app
            .store
            .conversation(&self.job.connection, &self.job.thread)
            .await
    }

    fn since_accepted(&self) -> Duration {
        Duration::try_from(self.app.now().duration_since(self.job.accepted_at)).unwrap_or_default()
    }

    fn entry(&self, what: &str) -> TimelineEntry {
        TimelineEntry::new(self.app.now(), what)
    }

    fn with_entry(&self, entry: TimelineEntry) -> Commit {
        Commit {
            timeline: vec![(self.job.connection.clone(), self.job.thread.clone(), entry)],
            known: Some(self.subject()),
            ..Commit::default()
        }
    }

    /// The conversation that this is about.
    fn subject(&self) -> (ConnectionId, ForeignThreadId) {
        (self.job.connection.clone(), self.job.thread.clone())
    }

    /// Adds a line to the conversation's timeline.
    fn write_down(&self, commit: &mut Commit, entry: TimelineEntry) {
        commit
            .timeline
            .push((self.job.connection.clone(), self.job.thread.clone(), entry));
    }

    fn outgoing(&self, work: Work) -> handover_core::job::Outgoing {
        self.app.outgoing(&self.job.connection, &self.job.thread, work)
    }

    /// What RCE reported, to be applied in its turn. Where messages pass by us, that is behind the agents' words; on a channel
    /// of RCE's own they do not.
    fn news(&self, signal: Signal) -> Work {
        if self.connection.is_native() {
            Work::ApplyNews { signal }
        } else {
            Work::ApplySignal { signal }
        }
    }

    /// What agents and customers may do by themselves on this connection.
    fn policy(&self) -> SignalPolicy {
        SignalPolicy {
            agent_takeover: self.connection.ringcx.agent_takeover,
            customer_reopens: self.connection.ringcx.customer_reopens,
        }
    }

    /// Reads, lets `decide` change the conversation and fill a commit, and stores it; again if somebody
    /// else was faster. `Ok(None)`: there is no such conversation.
    ///
    /// `decide` may find its own change made: if the answer to the write is lost and others write since, the write that
    /// the client repeats by itself looks like a conflict. So it must not decide or number anew.
    async fn change<T>(
        &self,
        decide: impl FnMut(&mut handover_core::conversation::Conversation, &mut Commit) -> T,
    ) -> Result<Option<(T, Versioned)>, StoreError> {
        let found = self.read().await?;
        self.change_from(found, decide).await
    }

    /// The same from what was read already.
    async fn change_from<T>(
        &self,
        mut found: Option<Versioned>,
        mut decide: impl FnMut(&mut handover_core::conversation::Conversation, &mut Commit) -> T,
    ) -> Result<Option<(T, Versioned)>, StoreError> {
        for _ in 0..CONFLICT_RETRIES {
            let Some(Versioned {
                mut conversation,
                version,
            }) = found
            else {
                return Ok(None);
            };
            let before = conversation.clone();
            let mut commit = Commit::default();
            let decided = decide(&mut conversation, &mut commit);
            conversation.plan_look(&self.connection.timers);
            let writes = conversation != before;
            if writes {
                commit.write = Some((conversation.clone(), Expected::Version(version)));
            } else {
                commit.known = Some(self.subject());
            }
            match self.app.store.commit(commit).await {
                Ok(()) => {
                    let version = version + u64::from(writes);
                    return Ok(Some((
                        decided,
                        Versioned {
                            conversation,
                            version,
                        },
                    )));
                }
                Err(StoreError::Conflict) => found = self.read().await?,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }
}

/// A spread that is the same for the same attempt of the same job, so that nothing here needs chance.
fn jitter(job: &JobId, attempt: u32) -> u8 {
    let seed = attempt.to_le_bytes()[0];
    job.as_str()
        .bytes()
        .fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}
