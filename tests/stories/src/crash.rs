//! Ports that fail, or die, at a chosen step.
//!
//! A step is one call of a port: reading or writing the store, sending to or finishing a job of a queue,
//! talking to RCE or to the bot. A story first counts the steps of a path and then breaks it at each of them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::event::BotEvent;
use handover_core::files::{FileFacts, FileKey};
use handover_core::hours::OpeningHours;
use handover_core::ids::{
    AgentId, AttachmentId, CategoryId, ConnectionId, ContentId, ForeignThreadId, IdentityId, InterventionId,
    MessageId, SourceId, ThreadId,
};
use handover_core::job::{Outgoing, QueueName};
use handover_core::message::Message;
use handover_core::ports::{
    Agents, Answered, BotError, BotPlatform, ClaimKey, Commit, Content, Contents, ContentsPage,
    ConversationSummary, CustomerMessage, DeadLetter, Delivery, Fetch, FetchError, Fetched, FileFetcher,
    FileStore, FileStoreError, Identity, Intervention, JobQueue, OpenedFile, Person, QueueError, Receipt,
    Received, Recorded, Reply, RingCx, RingCxError, Store, StoreError, Thread, ToLookAfter, Told, Upload,
    Urgency, Versioned,
};
use handover_core::settings::{Connection, Endpoint};
use handover_core::timeline::TimelineEntry;
use tokio::sync::Notify;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The call fails and has no effect.
    Refused,
    /// The call has its effect and its answer is lost.
    AnswerLost,
    /// The process is gone before the call.
    DeadBefore,
    /// The process is gone after the call.
    DeadAfter,
    /// A write has its effect and looks refused because somebody else wrote: its answer was lost, others have written
    /// since, and the client tried again by itself. Other calls do not break.
    TakenForConflict,
}

impl Crash {
    pub const ALL: [Self; 5] = [
        Self::Refused,
        Self::AnswerLost,
        Self::DeadBefore,
        Self::DeadAfter,
        Self::TakenForConflict,
    ];

    /// What breaks at a step where each way at each step would take too long: an effect that nobody hears of always, whatever has
    /// no effect in turn.
    pub fn at_step(number: usize) -> [Self; 3] {
        let harmless = [Self::Refused, Self::DeadBefore, Self::TakenForConflict];
        [Self::AnswerLost, Self::DeadAfter, harmless[number % 3]]
    }
}

/// What breaks while a story is told, if anything does.
#[derive(Clone, Copy, Debug)]
pub enum Break {
    Nothing,
    AtStep(usize, Crash),
}

impl Break {
    /// From now on steps count.
    pub fn arm(self, steps: &Steps) {
        match self {
            Self::Nothing => steps.count(),
            Self::AtStep(number, crash) => steps.break_at(number, crash),
        }
    }
}

/// Tells a story whole, and then with a fault at each of the steps that it says it took.
pub async fn at_every_step(story: impl AsyncFn(Break) -> usize) {
    let steps = story(Break::Nothing).await;
    assert!(steps > 5, "{steps} steps");
    for number in 1..=steps {
        for crash in Crash::at_step(number) {
            story(Break::AtStep(number, crash)).await;
        }
    }
}

/// Counts the steps of everything on a bench, and breaks one of them.
#[derive(Default)]
pub struct Steps {
    state: Mutex<State>,
    died: Notify,
}

#[derive(Default)]
struct State {
    taken: usize,
    armed: Option<(usize, Crash)>,
    down: bool,
}

impl Steps {
    /// From now on: step `number` (from 1) breaks like this.
    pub fn break_at(&self, number: usize, crash: Crash) {
        let mut state = self.lock();
        state.taken = 0;
        state.armed = Some((number, crash));
    }

    /// Starts counting anew and breaks nothing.
    pub fn count(&self) {
        let mut state = self.lock();
        state.taken = 0;
        state.armed = None;
    }

    /// Steps since counting began.
    pub fn taken(&self) -> usize {
        self.lock().taken
    }

    /// Whether the chosen step was reached.
    pub fn broke(&self) -> bool {
        self.lock().armed.is_none()
    }

    /// Every call fails while this is so.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    /// The outcome of some work, unless the process died in the middle of it.
    pub async fn unless_dead<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.died.notified() => None,
        }
    }

    fn next(&self) -> Option<Crash> {
        let mut state = self.lock();
        state.taken += 1;
        if state.down {
            return Some(Crash::Refused);
        }
        let (number, crash) = state.armed?;
        if number != state.taken {
            return None;
        }
        state.armed = None;
        Some(crash)
    }

    async fn step<T, E>(
        &self,
        crash: Option<Crash>,
        call: impl Future<Output = Result<T, E>>,
        failure: fn(Box<dyn std::error::Error + Send + Sync>) -> E,
    ) -> Result<T, E> {
        match crash {
            None | Some(Crash::TakenForConflict) => call.await,
            Some(Crash::Refused) => Err(failure("refused on purpose".into())),
            Some(Crash::AnswerLost) => {
                let _ = call.await;
                Err(failure("answer lost on purpose".into()))
            }
            Some(Crash::DeadBefore) => self.die().await,
            Some(Crash::DeadAfter) => {
                let _ = call.await;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port in front of the real one.
pub struct Ports<T> {
    real: T,
    steps: Arc<Steps>,
}

impl<T> Ports<T> {
    pub fn new(real: T, steps: &Arc<Steps>) -> Self {
        let steps = Arc::clone(steps);
        Self { real, steps }
    }
}

/// Implements a port by forwarding its methods, each one a step.
macro_rules! steps {
    ($port:ident, $error:ident, $failure:path; $(fn $name:ident($($arg:ident: $kind:ty),*) -> $returns:ty;)+ $({ $($other:item)+ })?) => {
        #[async_trait]
        impl<T: $port> $port for Ports<T> {
            $(
                async fn $name(&self, $($arg: $kind),*) -> Result<$returns, $error> {
                    self.steps.step(self.steps.next(), self.real.$name($($arg),*), $failure).await
                }
            )+
            $($($other)+)?
        }
    };
}

steps! { Store, StoreError, StoreError::Unavailable;
    fn conversation(connection: &ConnectionId, thread: &ForeignThreadId) -> Option<Versioned>;
    fn thread_owner(connection: &ConnectionId, thread: &ThreadId) -> Option<ForeignThreadId>;
    fn claimed(key: &ClaimKey, now: Timestamp) -> Option<Recorded>;
    fn kept_messages(connection: &ConnectionId, thread: &ForeignThreadId, not_before: Timestamp) -> Vec<Message>;
    fn timeline(connection: &ConnectionId, thread: &ForeignThreadId) -> Vec<TimelineEntry>;
    fn conversations(connection: Option<&ConnectionId>, limit: usize) -> Vec<ConversationSummary>;
    fn to_look_after(until: Timestamp, limit: usize) -> Vec<ToLookAfter>;
    fn erase(connection: &ConnectionId, thread: &ForeignThreadId) -> bool;
    fn sweep(now: Timestamp) -> ();

    {
        async fn commit(&self, change: Commit) -> Result<(), StoreError> {
            let (crash, writes) = (self.steps.next(), change.write.is_some());
            self.steps.step(crash, self.real.commit(change), StoreError::Unavailable).await?;
            if writes && crash == Some(Crash::TakenForConflict) {
                return Err(StoreError::Conflict);
            }
            Ok(())
        }
    }
}

steps! { JobQueue, QueueError, QueueError::Unavailable;
    fn send(jobs: Vec<Outgoing>) -> ();
    fn receive(queue: QueueName, max: usize, visibility: Duration) -> Vec<Received>;
    fn delete(receipt: &Receipt) -> ();
    fn retry(receipt: &Receipt, after: Duration, counts: bool) -> ();
    fn dead_letter(received: &Received, reason: &str) -> ();
    fn dead_letters() -> Vec<DeadLetter>;
    fn replay(id: &str) -> bool;
    fn discard(id: &str) -> bool;
    fn erase(connection: &ConnectionId, thread: &ForeignThreadId) -> usize;
    fn waiting(queue: QueueName) -> u64;
}

steps! { RingCx, RingCxError, RingCxError::NoAnswer;
    fn send_message(connection: &Connection, message: &CustomerMessage) -> ();
    fn announce(connection: &Connection, identity: &Identity) -> ();
    fn typing(connection: &Connection, thread: &ForeignThreadId, preview: Option<&str>) -> ();
    fn typing_stopped(connection: &Connection, thread: &ForeignThreadId) -> ();
    fn mark_as_read(connection: &Connection, message: &MessageId) -> ();
    fn find_thread(connection: &Connection, thread: &ForeignThreadId) -> Option<Thread>;
    fn find_thread_of_person(connection: &Connection, person: &str) -> Option<Thread>;
    fn thread(connection: &Connection, thread: &ThreadId, urgency: Urgency) -> Thread;
    fn open_thread(connection: &Connection, thread: &ThreadId) -> ();
    fn set_categories(connection: &Connection, thread: &ThreadId, categories: &[CategoryId]) -> Thread;
    fn archive(connection: &Connection, thread: &ThreadId) -> ();
    fn interventions(connection: &Connection, thread: &ThreadId, urgency: Urgency) -> Vec<Intervention>;
    fn intervention(connection: &Connection, intervention: &InterventionId, urgency: Urgency) -> Intervention;
    fn recent_interventions(connection: &Connection, max_age: Duration) -> Arc<[Intervention]>;
    fn close_intervention(connection: &Connection, intervention: &InterventionId) -> ();
    fn cancel_intervention(connection: &Connection, intervention: &InterventionId) -> ();
    fn agent_name(connection: &Connection, agent: &AgentId) -> Option<String>;
    fn agents(connection: &Connection) -> Option<Agents>;
    fn opening_hours(connection: &Connection) -> Option<Arc<OpeningHours>>;
}

steps! { Contents, RingCxError, RingCxError::NoAnswer;
    fn reply(connection: &Connection, reply: &Reply) -> Content;
    fn content(connection: &Connection, content: &ContentId, urgency: Urgency) -> Content;
    fn newest_contents(connection: &Connection, thread: &ThreadId, limit: usize, urgency: Urgency) -> Vec<Content>;
    fn recent_contents(connection: &Connection, source: &SourceId, offset: usize) -> ContentsPage;
    fn upload(connection: &Connection, file: &Upload) -> AttachmentId;
    fn person(connection: &Connection, identity: &IdentityId, urgency: Urgency) -> Person;
    fn own_account(connection: &Connection) -> Option<AgentId>;
    fn engage(connection: &Connection, content: &ContentId) -> Intervention;
    fn comment(connection: &Connection, intervention: &InterventionId, text: &str) -> ();
    fn comments(connection: &Connection, intervention: &InterventionId) -> Vec<String>;
    fn hand_over(connection: &Connection, intervention: &InterventionId, categories: &[CategoryId]) -> ();
    fn complete(connection: &Connection, intervention: &InterventionId) -> ();

    {
        async fn rest_wait(&self, connection: &Connection) -> Duration {
            self.real.rest_wait(connection).await
        }

        async fn rest_delay(&self, connection: &Connection) -> Duration {
            self.real.rest_delay(connection).await
        }
    }
}

steps! { FileStore, FileStoreError, FileStoreError;
    fn put(connection: &ConnectionId, key: &FileKey, facts: &FileFacts, bytes: Bytes) -> ();
    fn facts(connection: &ConnectionId, key: &FileKey, now: Timestamp) -> Option<FileFacts>;
    fn open(connection: &ConnectionId, key: &FileKey, now: Timestamp) -> Option<OpenedFile>;
    fn sweep(now: Timestamp) -> ();
}

steps! { FileFetcher, FetchError, FetchError::NoAnswer;
    fn fetch(wanted: &Fetch<'_>) -> Fetched;
}

steps! { BotPlatform, BotError, BotError::NoAnswer;
    fn tell(connection: &Connection, delivery: &Delivery) -> Told;
    fn tell_subscriber(connection: &Connection, subscriber: &Endpoint, delivery: &Delivery) -> Told;

    {
        fn parts(&self, connection: &Connection, event: &BotEvent) -> usize {
            self.real.parts(connection, event)
        }

        fn is_told_once(&self, connection: &Connection, event: &BotEvent) -> bool {
            self.real.is_told_once(connection, event)
        }

        async fn ask(&self, connection: &Connection, delivery: &Delivery) -> Result<Answered, BotError> {
            let (crash, ask) = (self.steps.next(), self.real.ask(connection, delivery));
            let answered = self.steps.step(crash, ask, BotError::NoAnswer).await;
            if crash == Some(Crash::AnswerLost) && self.is_told_once(connection, &delivery.event) {
                // As whoever speaks HTTP there takes it: it may have arrived.
                return Ok(Answered { told: Told { status: 202 }, says: Vec::new() });
            }
            answered
        }
    }
}
