//! Everything the platform knows, in memory, and what a test may ask about it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::Value;

use crate::attachments::Attachment;
use crate::chaos::Dice;
use crate::config::{IndexLag, Rights, SimulatedConfig, WebhookBehaviour, WebhookCounts};
use crate::console::Console;
use crate::error::DeskError;
use crate::faults::Faults;
use crate::log::{Delivery, Log, LoggedRequest, Violation};
use crate::model::{Agent, Content, Identity, Intervention, Task, Thread, TimeSheet, Webhook, WebhookState};
use crate::native::{FailExports, LostReply, NativeSource};
use crate::time::now;

/// The state of the simulated account. Read it in `wait_until` and `read`.
pub struct State {
    pub(crate) config: Arc<SimulatedConfig>,
    /// Signs both ways; an administrator may change it.
    pub(crate) source_token: String,
    pub(crate) clock_ahead: SignedDuration,
    pub(crate) rights: Rights,
    pub(crate) console: Console,
    pub(crate) time_sheets: Vec<TimeSheet>,
    pub(crate) native_sources: Vec<NativeSource>,
    pub(crate) fail_exports: Option<FailExports>,
    pub(crate) export_delay: Duration,
    pub(crate) content_index_lag: IndexLag,
    /// How many exports to native channels there were.
    pub(crate) native_exports: u32,
    /// How many contents customers saw.
    pub(crate) seen: u64,
    /// The newest replies whose answers were lost.
    pub(crate) lost_replies: Vec<LostReply>,
    /// Where it listens.
    pub(crate) base_url: String,
    pub(crate) ids: Ids,
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    pub(crate) base_uri: Option<String>,
    pub(crate) capabilities: Option<Value>,
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) identity_by_foreign: HashMap<String, String>,
    pub(crate) threads: BTreeMap<String, Thread>,
    pub(crate) thread_by_foreign: HashMap<String, String>,
    pub(crate) contents: BTreeMap<String, Content>,
    pub(crate) content_by_foreign: HashMap<String, String>,
    pub(crate) interventions: BTreeMap<String, Intervention>,
    pub(crate) tasks: BTreeMap<String, Task>,
    /// The tasks in the global queue, in the order of their creation.
    pub(crate) waiting: BTreeSet<String>,
    /// The tasks in agents' workbins.
    pub(crate) taken: BTreeSet<String>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) attachments: HashMap<String, Attachment>,
    pub(crate) webhooks: BTreeMap<String, Webhook>,
    /// The webhook of the configuration.
    pub(crate) main_webhook: Option<String>,
    /// By webhook, each event with the time it was issued at.
    pub(crate) event_queues: HashMap<String, VecDeque<(Instant, Value)>>,
    pub(crate) webhook_behaviour: WebhookBehaviour,
    pub(crate) webhook_counts: WebhookCounts,
    pub(crate) webhook_batches: u32,
    pub(crate) webhooks_in_flight: usize,
    /// Contents that have to go to the bridge, by thread.
    pub(crate) exports: HashMap<String, VecDeque<String>>,
    /// Threads whose exports a task works on.
    pub(crate) exporting: HashSet<String>,
    /// Threads for which an export task has to be started.
    pub(crate) exports_to_start: Vec<String>,
    pub(crate) exports_in_flight: usize,
    /// Webhooks whose receiver has to be validated.
    pub(crate) webhooks_to_validate: Vec<Webhook>,
    pub(crate) rest_window: VecDeque<Instant>,
    pub(crate) request_log: Log<LoggedRequest>,
    pub(crate) delivery_log: Log<Delivery>,
    pub(crate) violation_log: Log<Violation>,
    pub(crate) event_log: Log<Value>,
}

impl State {
    pub(crate) fn new(config: Arc<SimulatedConfig>) -> Self {
        let agents = config
            .agents
            .iter()
            .map(|agent| Agent {
                id: agent.id.clone(),
                name: agent.name.clone(),
                status: agent.status,
            })
            .collect();
        let limit = config.log_limit;
        let webhook_behaviour = config.webhook_behaviour();
        let mut state = Self {
            faults: Faults::new(config.faults.clone()),
            dice: Dice::default(),
            source_token: config.source_token.clone(),
            clock_ahead: config.clock_ahead,
            rights: config.rights(),
            console: Console::new(&config),
            time_sheets: config.time_sheets.clone(),
            native_sources: config.all_native_sources(),
            fail_exports: config.fail_exports.clone(),
            export_delay: config.export_delay,
            content_index_lag: config.content_index_lag,
            native_exports: 0,
            seen: 0,
            lost_replies: Vec::new(),
            base_url: String::new(),
            config,
            ids: Ids::new(),
            base_uri: None,
            capabilities: None,
            identities: BTreeMap::new(),
            identity_by_foreign: HashMap::new(),
            threads: BTreeMap::new(),
            thread_by_foreign: HashMap::new(),
            contents: BTreeMap::new(),
            content_by_foreign: HashMap::new(),
            interventions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            taken: BTreeSet::new(),
            agents,
            attachments: HashMap::new(),
            webhooks: BTreeMap::new(),
            main_webhook: None,
            event_queues: HashMap::new(),
            webhook_behaviour,
            webhook_counts: WebhookCounts::default(),
            webhook_batches: 0,
            webhooks_in_flight: 0,
            exports: HashMap::new(),
            exporting: HashSet::new(),
            exports_to_start: Vec::new(),
            exports_in_flight: 0,
            webhooks_to_validate: Vec::new(),
            rest_window: VecDeque::new(),
            request_log: Log::new(limit),
            delivery_log: Log::new(limit),
            violation_log: Log::new(limit),
            event_log: Log::new(limit),
        };
        state.create_company_identities();
        state
    }

    /// The thread of a conversation, by the bridge's id or the platform's.
    pub fn thread(&self, key: &str) -> Option<&Thread> {
        let id = self.thread_by_foreign.get(key).map_or(key, String::as_str);
        self.threads.get(id)
    }

    /// All threads, oldest first.
    pub fn threads(&self) -> impl DoubleEndedIterator<Item = &Thread> {
        self.threads.values()
    }

    /// The messages of a thread in order of import; none for an unknown thread.
    pub fn contents(&self, thread: &str) -> impl DoubleEndedIterator<Item = &Content> {
        let ids = self
            .thread(thread)
            .map(|thread| thread.content_ids.as_slice())
            .unwrap_or_default();
        ids.iter().filter_map(|id| self.contents.get(id))
    }

    /// A message by the bridge's id or the platform's.
    pub fn content(&self, key: &str) -> Option<&Content> {
        let id = self.content_by_foreign.get(key).map_or(key, String::as_str);
        self.contents.get(id)
    }

    /// A person by the bridge's id or the platform's.
    pub fn identity(&self, key: &str) -> Option<&Identity> {
        let id = self.identity_by_foreign.get(key).map_or(key, String::as_str);
        self.identities.get(id)
    }

    /// The interventions of a thread, oldest first.
    pub fn interventions(&self, thread: &str) -> impl DoubleEndedIterator<Item = &Intervention> {
        let ids = self
            .thread(thread)
            .map(|thread| thread.intervention_ids.as_slice())
            .unwrap_or_default();
        ids.iter().filter_map(|id| self.interventions.get(id))
    }

    /// The tasks of a thread, oldest first.
    pub fn tasks(&self, thread: &str) -> impl DoubleEndedIterator<Item = &Task> {
        let ids = self
            .thread(thread)
            .map(|thread| thread.task_ids.as_slice())
            .unwrap_or_default();
        ids.iter().filter_map(|id| self.tasks.get(id))
    }

    /// The intervention that is not closed.
    pub fn open_intervention(&self, thread: &str) -> Option<&Intervention> {
        self.interventions(thread)
            .rev()
            .find(|intervention| intervention.closed_at.is_none())
    }

    /// The task that waits or is with an agent.
    pub fn open_task(&self, thread: &str) -> Option<&Task> {
        self.tasks(thread).rev().find(|task| task.is_open())
    }

    /// Whether agents can see the thread.
    pub fn is_with_agents(&self, thread: &str) -> bool {
        self.thread(thread)
            .is_some_and(|thread| self.is_held_by_agents(&thread.category_ids))
    }

    /// The waiting tasks that agents can see, first come first.
    pub fn queue(&self) -> impl Iterator<Item = &Task> {
        self.waiting
            .iter()
            .filter_map(|id| self.tasks.get(id))
            .filter(|task| self.is_with_agents(&task.thread_id))
    }

    /// The agents.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// What the bridge answered to `implementation.info` last.
    pub fn capabilities(&self) -> Option<&Value> {
        self.capabilities.as_ref()
    }

    /// Whether the configured webhook passed its validation, or the oldest if none is configured.
    pub fn webhook_state(&self) -> Option<WebhookState> {
        self.bridge_webhook().map(|webhook| webhook.state)
    }

    pub(crate) fn bridge_webhook(&self) -> Option<&Webhook> {
        let configured = self.main_webhook.as_ref();
        match configured.and_then(|id| self.webhooks.get(id)) {
            Some(webhook) => Some(webhook),
            None => self.webhooks.values().next(),
        }
    }

    /// All webhooks.
    pub fn webhooks(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.values()
    }

    /// The bridge's requests, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = &LoggedRequest> {
        self.request_log.iter()
    }

    /// The requests to the bridge, oldest first, retries included.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.delivery_log.iter()
    }

    /// What the bridge did wrong, oldest first.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.violation_log.iter()
    }

    /// The events that happened, registered or not, as they go into webhooks.
    pub fn events(&self) -> impl Iterator<Item = &Value> {
        self.event_log.iter()
    }

    /// Whether nothing is on its way to the bridge, retries included.
    pub fn is_idle(&self) -> bool {
        self.webhooks_in_flight == 0
            && self.exports_in_flight == 0
            && self.exporting.is_empty()
            && self.event_queues.values().all(VecDeque::is_empty)
    }

    pub(crate) fn violate(&mut self, rule: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        tracing::warn!(rule, detail, "the bridge violated the protocol");
        self.violation_log.push(Violation {
            rule,
            detail,
            at: now(),
        });
    }

    /// The platform's id of the thread that a person at the desk means.
    pub(crate) fn resolve(&self, thread: &str) -> Result<String, DeskError> {
        self.thread(thread)
            .map(|thread| thread.id.clone())
            .ok_or_else(|| DeskError::NotFound(format!("no thread {thread}")))
    }

    pub(crate) fn agent(&self, id: &str) -> Result<&Agent, DeskError> {
        self.agents
            .iter()
            .find(|agent| agent.id == id)
            .ok_or_else(|| DeskError::NotFound(format!("no agent {id}")))
    }
}

/// Makes ids of 24 hexadecimal digits that sort by age.
pub(crate) struct Ids {
    prefix: String,
    next: u64,
}

impl Ids {
    fn new() -> Self {
        let random = u128::from(ulid::Ulid::generate()) & 0xffff_ffff;
        Self {
            prefix: format!("{:08x}{random:08x}", now().as_second()),
            next: 0,
        }
    }

    pub(crate) fn next(&mut self) -> String {
        self.next += 1;
        format!("{}{:08x}", self.prefix, self.next)
    }
}
