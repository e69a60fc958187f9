//! RCE's news of one handover, in every order and each up to twice.
//!
//! RCE promises no order between webhooks, repeats what it thinks was lost, and mixes them with Source SDK
//! calls. Whatever arrives when, the handover ends exactly once, by its close and by nothing else.
//!
//! All orders are covered by walking the graph of what has arrived so far: two orders that lead to the same
//! conversation continue in the same way.

mod support;

use std::collections::BTreeMap;

use handover_core::conversation::{AgentMessageDecision, Control, Conversation, SignalDecision};
use handover_core::event::BotEvent;
use handover_core::handover::HandoverRequest;
use handover_core::queue_update::QueueUpdate;
use handover_core::signal::SignalKind;
use support::{agent_message, at, conversation, handover_id, signal};

/// The news, in the order in which they happen at RCE.
const NEWS: [&str; 9] = [
    "task.created",
    "queue update",
    "task.taken",
    "intervention.opened",
    "agent message",
    "intervention.deferred",
    "task.completed (deferred)",
    "intervention.closed",
    "task.completed (closed)",
];
const CLOSES: [usize; 2] = [7, 8];
/// When everything is processed; all of it happened before.
const NOW: i64 = 100;

/// A conversation and what the bot was told of it.
#[derive(Clone, PartialEq)]
struct World {
    conversation: Conversation,
    completed: u32,
    active: u32,
    messages: u32,
}

impl World {
    fn in_handover() -> Self {
        let mut conversation = conversation();
        conversation.request_handover(handover_id(), HandoverRequest::default(), at(0));
        Self {
            conversation,
            completed: 0,
            active: 0,
            messages: 0,
        }
    }

    fn hear(&mut self, news: usize) {
        // RCE knows the intervention from its own events only.
        let (kind, intervention) = match NEWS[news] {
            "task.created" => (SignalKind::Waiting, ""),
            "task.taken" => (SignalKind::AgentJoined, ""),
            "intervention.opened" => (SignalKind::AgentJoined, "i-1"),
            "intervention.deferred" => (SignalKind::Note, "i-1"),
            "task.completed (deferred)" => (SignalKind::Note, ""),
            "intervention.closed" => (SignalKind::Closed, "i-1"),
            "task.completed (closed)" => (SignalKind::Closed, ""),
            "queue update" => return self.hear_queue_update(),
            "agent message" => return self.hear_agent(at(10 * i64::try_from(news).unwrap())),
            other => panic!("{other}?"),
        };
        let happened = at(10 * i64::try_from(news).unwrap());
        let signal = signal(kind, intervention, "a-1", happened);
        match self.conversation.signal(&signal, handover_id(), at(NOW)) {
            SignalDecision::Tell { events, begins, .. } => {
                assert!(!begins, "nothing begins a second handover");
                events.iter().for_each(|event| self.told(event));
            }
            SignalDecision::Ended { event, .. } => self.told(&event),
            SignalDecision::Ignored(_) | SignalDecision::Noted => {}
        }
    }

    fn hear_queue_update(&mut self) {
        let update = QueueUpdate {
            position: Some(1),
            estimated_wait_ms: Some(60_000),
            at: at(10),
        };
        self.conversation.queue_update(update);
    }

    fn hear_agent(&mut self, written: handover_core::Timestamp) {
        let message = agent_message("Ada", written);
        match self
            .conversation
            .agent_message(&message, true, handover_id(), at(NOW))
        {
            AgentMessageDecision::Deliver { before, begins, .. } => {
                assert!(!begins, "an agent's late words begin no handover");
                before.iter().for_each(|event| self.told(event));
                self.messages += 1;
            }
            AgentMessageDecision::Refuse => panic!("an agent's words are never lost"),
        }
    }

    fn told(&mut self, event: &BotEvent) {
        match event {
            BotEvent::HandoverCompleted { .. } => self.completed += 1,
            BotEvent::HandoverActive { .. } => self.active += 1,
            BotEvent::AgentChanged { .. } => panic!("there is one agent only"),
            other => panic!("unexpected {}", other.name()),
        }
    }
}

/// How often each of the news has arrived.
type Arrived = [u8; NEWS.len()];

/// Walks every order in which each of the news arrives up to `times` times, with the resumption of the bot at
/// any moment after the end; `check` sees every world with what arrived so far.
fn every_order(times: u8, mut check: impl FnMut(&Arrived, &World)) -> usize {
    let mut layer: BTreeMap<Arrived, Vec<World>> = BTreeMap::new();
    layer.insert([0; NEWS.len()], vec![World::in_handover()]);
    let mut seen = 0;
    while !layer.is_empty() {
        let mut next: BTreeMap<Arrived, Vec<World>> = BTreeMap::new();
        for (arrived, worlds) in layer {
            for world in with_resumption(worlds) {
                check(&arrived, &world);
                seen += 1;
                for news in (0..NEWS.len()).filter(|news| arrived[*news] < times) {
                    let mut after = world.clone();
                    after.hear(news);
                    let mut arrived = arrived;
                    arrived[news] += 1;
                    let known = next.entry(arrived).or_default();
                    if !known.contains(&after) {
                        known.push(after);
                    }
                }
            }
        }
        layer = next;
    }
    seen
}

fn with_resumption(worlds: Vec<World>) -> Vec<World> {
    let resumed: Vec<World> = worlds
        .iter()
        .filter(|world| world.conversation.control == Control::Ended)
        .map(|world| {
            let mut world = world.clone();
            assert!(world.conversation.resume(1));
            world
        })
        .collect();
    worlds.into_iter().chain(resumed).collect()
}

fn check(arrived: &Arrived, world: &World) {
    let closed = CLOSES.iter().any(|close| arrived[*close] > 0);
    let joined = [2, 3, 4].iter().any(|join| arrived[*join] > 0);
    let control = world.conversation.control;
    assert_eq!(world.conversation.epoch(), 1, "{arrived:?}");
    assert_eq!(world.completed, u32::from(closed), "{arrived:?}: a close ends it once");
    assert!(world.active <= 1, "{arrived:?}: an agent joins once");
    assert_eq!(world.messages, u32::from(arrived[4]), "{arrived:?}: every word is told");
    match (closed, joined) {
        (true, _) => assert!(matches!(control, Control::Ended | Control::Bot), "{arrived:?}"),
        (false, true) => assert_eq!(control, Control::Active, "{arrived:?}"),
        (false, false) => assert!(matches!(control, Control::Requested | Control::Queued)),
    }
    let mut resumed = world.conversation.clone();
    resumed.resume(1);
    assert_eq!(resumed.control == Control::Bot, closed, "{arrived:?}");
}

#[test]
fn every_order_ends_with_the_bot_and_one_completion() {
    let mut complete = 0;
    every_order(1, |arrived, world| {
        check(arrived, world);
        complete += usize::from(arrived.iter().all(|times| *times > 0));
    });
    assert!(complete > 0, "some order was walked to its end");
}

#[test]
fn every_order_with_repeats_does_too() {
    let seen = every_order(2, check);
    assert!(seen > 3_usize.pow(9), "each combination of arrivals was seen");
}

#[test]
fn deferring_alone_never_ends_a_handover() {
    every_order(2, |arrived, world| {
        if CLOSES.iter().all(|close| arrived[*close] == 0) {
            let handover = world.conversation.handover.as_ref().unwrap();
            assert!(!handover.status.is_over() && world.completed == 0, "{arrived:?}");
        }
    });
}
