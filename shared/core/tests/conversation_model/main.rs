//! Whatever happens, in whatever order: a conversation behaves as a model of a few lines says.
//!
//! The model knows who answers the person and the number of the handover, nothing else of how a conversation
//! works. Time passes between the end of one handover and the beginning of the next, so that it is clear to
//! which of them a report belongs.

mod model;
#[path = "../support/mod.rs"]
mod support;
mod words;
mod world;

use std::time::Duration;

use handover_core::conversation::{Conversation, Handler};
use handover_core::signal::SignalKind;
use proptest::prelude::*;
use world::World;

/// Something that happens. `back` counts epochs: 0 is the current one, more are older.
#[derive(Clone, Debug)]
enum Step {
    Pass(Duration),
    BotAsks,
    CategoryIsSet {
        back: u32,
    },
    RceRefuses {
        back: u32,
    },
    Cancel,
    ThreadIsBack {
        back: u32,
    },
    CustomerWrites,
    Report {
        kind: SignalKind,
        agent: u8,
        intervention: u32,
        late: Duration,
        twice: bool,
    },
    /// A report of an older handover that arrives only now, from some moment of it.
    OldReport {
        kind: SignalKind,
        back: usize,
        moment: u8,
    },
    /// Some earlier report, once more.
    Repeat {
        which: usize,
    },
    AgentWrites {
        agent: u8,
        may_take_over: bool,
    },
    OldWords {
        back: usize,
        moment: u8,
        may_take_over: bool,
        retry: bool,
    },
    QueueMoves {
        position: u64,
    },
    AgentTypes {
        bot_takes_it: bool,
    },
    CheckTimers,
}

fn any_kind() -> impl Strategy<Value = SignalKind> {
    let content = handover_core::ids::ContentId::new("co-1");
    prop_oneof![
        2 => Just(SignalKind::Waiting),
        4 => Just(SignalKind::AgentJoined),
        3 => Just(SignalKind::AgentChanged),
        4 => Just(SignalKind::Closed),
        1 => Just(SignalKind::Cancelled),
        1 => Just(SignalKind::TaskDestroyed),
        2 => any::<bool>().prop_map(|by_agent| SignalKind::Reopened { by_agent }),
        1 => Just(SignalKind::ExportFailed { content }),
        2 => Just(SignalKind::Note),
        1 => Just(SignalKind::MovedToAgents),
        1 => Just(SignalKind::Recategorised),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let seconds = |most: u64| (0..most * 1000).prop_map(Duration::from_millis);
    let report = (any_kind(), 1..4_u8, 0..4_u32, seconds(120), any::<bool>());
    prop_oneof![
        2 => seconds(600).prop_map(Step::Pass),
        4 => Just(Step::BotAsks),
        2 => (0..3_u32).prop_map(|back| Step::CategoryIsSet { back }),
        1 => (0..3_u32).prop_map(|back| Step::RceRefuses { back }),
        1 => Just(Step::Cancel),
        2 => (0..3_u32).prop_map(|back| Step::ThreadIsBack { back }),
        1 => Just(Step::CustomerWrites),
        6 => report.prop_map(|(kind, agent, intervention, late, twice)| Step::Report {
            kind, agent, intervention, late, twice
        }),
        4 => (any_kind(), 0..3_usize, any::<u8>())
            .prop_map(|(kind, back, moment)| Step::OldReport { kind, back, moment }),
        3 => any::<usize>().prop_map(|which| Step::Repeat { which }),
        3 => (1..4_u8, any::<bool>())
            .prop_map(|(agent, may_take_over)| Step::AgentWrites { agent, may_take_over }),
        3 => (0..3_usize, any::<u8>(), any::<bool>(), any::<bool>()).prop_map(
            |(back, moment, may_take_over, retry)| Step::OldWords { back, moment, may_take_over, retry }
        ),
        2 => (0..5_u64).prop_map(|position| Step::QueueMoves { position }),
        1 => any::<bool>().prop_map(|bot_takes_it| Step::AgentTypes { bot_takes_it }),
        2 => Just(Step::CheckTimers),
    ]
}

proptest! {
    #[test]
    fn a_conversation_does_what_the_model_says(steps in prop::collection::vec(any_step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.happen(step);
        }
        if world.model.under_way {
            let twice = false;
            let (kind, late) = (SignalKind::Closed, Duration::ZERO);
            world.happen(Step::Report { kind, agent: 1, intervention: 0, late, twice });
        }
        world.happen(Step::ThreadIsBack { back: 0 });
        prop_assert_eq!(world.conversation.handler(), Handler::Bot);
        prop_assert_eq!(world.ends_told.len(), world.model.epoch as usize, "every handover ends, once");
        let stored = serde_json::to_string(&world.conversation).unwrap();
        prop_assert_eq!(serde_json::from_str::<Conversation>(&stored).unwrap(), world.conversation);
    }
}
