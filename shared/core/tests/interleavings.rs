//! RCE's news of one handover, in every order, and with any two of them repeated at any later point.
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
use handover_core::message::AgentMessage;
use handover_core::queue_update::QueueUpdate;
use handover_core::signal::{Signal, SignalKind};
use support::{POLICY, agent_message, at, conversation, handover_id, signal};

/// Something that RCE tells us.
enum News {
    Signal(Signal),
    Queue(QueueUpdate),
    Message(AgentMessage),
}

const COUNT: usize = 9;
/// Which of the news mean that an agent is there, which are the agent's words, which end the handover.
const JOINS: [usize; 3] = [2, 3, 4];
const MESSAGE: usize = 4;
const CLOSES: [usize; 2] = [7, 8];

/// One handover as it happens at RCE, in order. The task's events do not name the intervention.
fn news() -> [News; COUNT] {
    let signal = |kind, intervention, second| News::Signal(signal(kind, intervention, "a-1", at(second)));
    let place = QueueUpdate {
        position: Some(1),
        estimated_wait_ms: Some(60_000),
        at: at(20),
    };
    [
        signal(SignalKind::Waiting, "", 10), // task.created
        News::Queue(place),
        signal(SignalKind::AgentJoined, "", 30),    // task.taken
        signal(SignalKind::AgentJoined, "i-1", 30), // intervention.opened
        News::Message(agent_message("Ada", at(40))),
        signal(SignalKind::Note, "i-1", 50),   // intervention.deferred
        signal(SignalKind::Note, "", 50),      // task.completed (deferred)
        signal(SignalKind::Closed, "i-1", 60), // intervention.closed
        signal(SignalKind::Closed, "", 60),    // task.completed (closed)
    ]
}

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

    fn hear(&mut self, news: &News) {
        match news {
            News::Signal(signal) => self.hear_signal(signal),
            News::Queue(update) => {
                self.conversation.queue_update(*update);
            }
            News::Message(message) => self.hear_agent(message),
        }
    }

    fn hear_signal(&mut self, signal: &Signal) {
        match self.conversation.signal(signal, POLICY, handover_id(), at(NOW)) {
            SignalDecision::Tell { events, begins, .. } => {
                assert!(!begins, "nothing begins a second handover");
                self.told(&events);
            }
            SignalDecision::Ended { event, .. } => self.told(&[event]),
            SignalDecision::Ignored(_) | SignalDecision::Noted => {}
        }
    }

    fn hear_agent(&mut self, message: &AgentMessage) {
        let decision = self
            .conversation
            .agent_message(message, true, handover_id(), at(NOW));
        match decision {
            AgentMessageDecision::Deliver { before, begins, .. } => {
                assert!(!begins, "an agent's late words begin no handover");
                self.told(&before);
                self.messages += 1;
            }
            AgentMessageDecision::Refuse => panic!("an agent's words are never lost"),
        }
    }

    fn told(&mut self, events: &[BotEvent]) {
        for event in events {
            match event {
                BotEvent::HandoverCompleted { .. } => self.completed += 1,
                BotEvent::HandoverActive { .. } => self.active += 1,
                BotEvent::AgentChanged { .. } => panic!("there is one agent only"),
                other => panic!("unexpected {}", other.name()),
            }
        }
    }
}

/// How often each of the news has arrived.
type Arrived = [u8; COUNT];

/// Walks every order of the news with up to `repeats` of them arriving twice, and with the resumption of the
/// bot at any moment after the end; `check` sees every world with what arrived so far.
fn every_order(repeats: u8, mut check: impl FnMut(&Arrived, &World)) {
    let news = news();
    let mut layer: BTreeMap<Arrived, Vec<World>> = BTreeMap::new();
    layer.insert([0; COUNT], vec![World::in_handover()]);
    while !layer.is_empty() {
        let mut next: BTreeMap<Arrived, Vec<World>> = BTreeMap::new();
        for (arrived, worlds) in layer {
            for world in with_resumption(worlds) {
                check(&arrived, &world);
                let repeated: u8 = arrived.iter().map(|times| times.saturating_sub(1)).sum();
                let may_come = |times: u8| times == 0 || (times == 1 && repeated < repeats);
                for index in (0..COUNT).filter(|index| may_come(arrived[*index])) {
                    let mut after = world.clone();
                    after.hear(&news[index]);
                    let mut arrived = arrived;
                    arrived[index] += 1;
                    let known = next.entry(arrived).or_default();
                    if !known.contains(&after) {
                        known.push(after);
                    }
                }
            }
        }
        layer = next;
    }
}

fn with_resumption(worlds: Vec<World>) -> Vec<World> {
    let resumed: Vec<World> = worlds
        .iter()
        .filter(|world| world.conversation.control == Control::Ended)
        .map(|world| {
            let mut world = world.clone();
            assert!(world.conversation.resume(1), "after the end the bot resumes");
            world
        })
        .collect();
    worlds.into_iter().chain(resumed).collect()
}

fn check(arrived: &Arrived, world: &World) {
    let closed = CLOSES.iter().any(|close| arrived[*close] > 0);
    let joined = JOINS.iter().any(|join| arrived[*join] > 0);
    let control = world.conversation.control;
    assert_eq!(world.conversation.epoch(), 1, "{arrived:?}");
    assert_eq!(
        world.completed,
        u32::from(closed),
        "{arrived:?}: a close ends it once"
    );
    assert!(world.active <= 1, "{arrived:?}: an agent joins once");
    assert_eq!(
        world.messages,
        u32::from(arrived[MESSAGE]),
        "{arrived:?}: every word is told"
    );
    let handover = world.conversation.handover.as_ref().expect("it began");
    assert_eq!(
        handover.status.is_over(),
        closed,
        "{arrived:?}: deferring is no end"
    );
    match (closed, joined) {
        // The bot resumes as soon as the thread is back; `with_resumption` walked that too.
        (true, _) => assert!(matches!(control, Control::Ended | Control::Bot), "{arrived:?}"),
        (false, true) => assert_eq!(control, Control::Active, "{arrived:?}"),
        (false, false) => assert!(matches!(control, Control::Requested | Control::Queued)),
    }
}

#[test]
fn every_order_ends_with_the_bot_and_one_completion() {
    let mut complete = 0;
    every_order(0, |arrived, world| {
        check(arrived, world);
        let bot_resumed = world.conversation.control == Control::Bot;
        complete += usize::from(bot_resumed && *arrived == [1; COUNT]);
    });
    assert!(complete > 0, "every order was walked to its end");
}

#[test]
fn every_order_with_two_repeats_does_too() {
    let mut complete = 0;
    every_order(2, |arrived, world| {
        check(arrived, world);
        complete += usize::from(arrived.iter().all(|times| *times > 0));
    });
    assert!(complete > 0, "every order was walked to its end");
}
