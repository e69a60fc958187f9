//! What may happen, and how it is told.

use std::fmt;

use handover_stories::crash::Crash;
use proptest::prelude::*;
use simulated_ringcx::FaultTarget;

/// How many conversations there are.
pub(crate) const TALKS: usize = 2;

/// One story, before it happens.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// What stays as it is during a story.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// By how many seconds RCE's clock is ahead of ours.
    pub(crate) ahead: i64,
    pub(crate) forward_only: bool,
    /// In the end what RCE has not reported yet arrives after all; otherwise it is lost.
    pub(crate) all_arrives: bool,
    /// In the end agents close what they have; otherwise they forget it.
    pub(crate) agents_close: bool,
}

/// One thing that happens in conversation `talk`, or to everybody.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Pass {
        seconds: u16,
    },
    Says {
        talk: usize,
        customer: bool,
        twice: bool,
    },
    Asks {
        talk: usize,
    },
    Ends {
        talk: usize,
        customer: bool,
    },
    Desk {
        talk: usize,
        mira: bool,
        deed: Deed,
    },
    Report(Report),
    /// An agent's message reaches us; maybe twice.
    Reply {
        talk: usize,
        twice: bool,
    },
    /// One that reached us before, again.
    ReplyAgain {
        talk: usize,
        which: u16,
    },
    QueueMoves {
        talk: usize,
        position: u64,
    },
    Work,
    /// One round of one queue.
    WorkOn {
        queue: usize,
    },
    /// Step `at` from now breaks. The process starts again, or what it had in hand waits for its time-out.
    Break {
        at: usize,
        crash: Crash,
        restart: bool,
    },
    RceFails {
        target: FaultTarget,
        how: Failing,
        times: u32,
    },
    BotFails {
        times: usize,
    },
}

/// What an agent does with a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Take,
    Reply,
    Transfer,
    Defer,
    Reactivate,
    Close,
    Cancel,
    Reopen,
    Engage,
    WriteUnasked,
    MoveToAgents,
    MoveToBot,
    CloseFromFolder,
    DeferFromFolder,
    Dismiss,
    Expire,
}

/// What becomes of RCE's reports on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report {
    Oldest,
    All,
    Any(u16),
    Again(u16),
    Lost(u16),
}

/// How RCE fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failing {
    Unavailable,
    Conflict,
    Drop,
    LoseAnswer,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => Just(Deed::Take),
        6 => Just(Deed::Reply),
        2 => Just(Deed::Transfer),
        2 => Just(Deed::Defer),
        1 => Just(Deed::Reactivate),
        6 => Just(Deed::Close),
        2 => Just(Deed::Cancel),
        3 => Just(Deed::Reopen),
        2 => Just(Deed::Engage),
        3 => Just(Deed::WriteUnasked),
        2 => Just(Deed::MoveToAgents),
        1 => Just(Deed::MoveToBot),
        2 => Just(Deed::CloseFromFolder),
        1 => Just(Deed::DeferFromFolder),
        1 => Just(Deed::Dismiss),
        1 => Just(Deed::Expire),
    ]
}

fn any_report() -> impl Strategy<Value = Report> {
    prop_oneof![
        3 => Just(Report::Oldest),
        4 => Just(Report::All),
        4 => any::<u16>().prop_map(Report::Any),
        2 => any::<u16>().prop_map(Report::Again),
        2 => any::<u16>().prop_map(Report::Lost),
    ]
}

fn any_trouble() -> impl Strategy<Value = Step> {
    let rest = prop_oneof![
        Just(FaultTarget::RestAny),
        Just(FaultTarget::RestThread),
        Just(FaultTarget::RestCategorize),
        Just(FaultTarget::RestIgnore),
        Just(FaultTarget::RestInterventions),
    ];
    let failing = prop_oneof![
        Just(Failing::Unavailable),
        Just(Failing::Drop),
        Just(Failing::LoseAnswer),
    ];
    // Only REST knows of changes at the same time.
    let failing = prop_oneof![
        1 => failing.clone().prop_map(|how| (FaultTarget::SendApi, how)),
        4 => (rest.clone(), failing),
        1 => rest.prop_map(|target| (target, Failing::Conflict)),
    ];
    prop_oneof![
        2 => (1..25_usize, prop::sample::select(Crash::ALL.to_vec()), any::<bool>())
            .prop_map(|(at, crash, restart)| Step::Break { at, crash, restart }),
        2 => (failing, 1..4_u32)
            .prop_map(|((target, how), times)| Step::RceFails { target, how, times }),
        1 => (1..3_usize).prop_map(|times| Step::BotFails { times }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![
        3 => Just(5),
        2 => Just(20),
        2 => Just(45),
        1 => Just(70),
        1 => Just(130),
        1 => Just(320),
    ];
    let talk = || 0..TALKS;
    prop_oneof![
        4 => seconds.prop_map(|seconds| Step::Pass { seconds }),
        4 => (talk(), prop::bool::weighted(0.8), prop::bool::weighted(0.1))
            .prop_map(|(talk, customer, twice)| Step::Says { talk, customer, twice }),
        5 => talk().prop_map(|talk| Step::Asks { talk }),
        1 => (talk(), any::<bool>()).prop_map(|(talk, customer)| Step::Ends { talk, customer }),
        14 => (talk(), any::<bool>(), any_deed())
            .prop_map(|(talk, mira, deed)| Step::Desk { talk, mira, deed }),
        9 => any_report().prop_map(Step::Report),
        4 => (talk(), prop::bool::weighted(0.2)).prop_map(|(talk, twice)| Step::Reply { talk, twice }),
        1 => (talk(), any::<u16>()).prop_map(|(talk, which)| Step::ReplyAgain { talk, which }),
        1 => (talk(), 0..5_u64).prop_map(|(talk, position)| Step::QueueMoves { talk, position }),
        12 => Just(Step::Work),
        2 => (0..3_usize).prop_map(|queue| Step::WorkOn { queue }),
        2 => any_trouble(),
    ]
}

pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let ahead = prop_oneof![4 => Just(0), 1 => Just(3600), 1 => Just(-3600)];
    let setting = (ahead, prop::bool::weighted(0.2), any::<bool>(), any::<bool>());
    let setting = setting.prop_map(|(ahead, forward_only, all_arrives, agents_close)| Setting {
        ahead,
        forward_only,
        all_arrives,
        agents_close,
    });
    (setting, prop::collection::vec(any_step(), 5..60)).prop_map(|(setting, steps)| Case { setting, steps })
}

impl Setting {
    /// What happens before the story. What RCE's clock shows is known of a conversation once one of its handovers has
    /// reached the agents; before, its times are compared with ours.
    pub(crate) fn before(&self) -> Vec<Step> {
        let first = |talk| {
            let customer = true;
            [
                Step::Asks { talk },
                Step::Work,
                Step::Ends { talk, customer },
                Step::Work,
            ]
        };
        let talks = if self.ahead == 0 { 0..0 } else { 0..TALKS };
        talks.flat_map(first).collect()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ahead,
            forward_only,
            all_arrives,
            agents_close,
        } = self;
        let mode = if *forward_only {
            "only handovers are forwarded"
        } else {
            "everything is mirrored"
        };
        let rest = if *all_arrives {
            "arrives in the end"
        } else {
            "is lost"
        };
        let close = if *agents_close { "close" } else { "forget" };
        write!(
            f,
            "RCE's clock is {ahead} s ahead, {mode}, what was not reported {rest}, agents {close} what they have"
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |customer: &bool| if *customer { "the customer" } else { "the bot" };
        let again = |twice: &bool| if *twice { ", twice" } else { "" };
        match self {
            Self::Pass { seconds } => write!(f, "{seconds} s pass"),
            Self::Says {
                talk,
                customer,
                twice,
            } => {
                write!(f, "c{talk}: {} writes{}", who(customer), again(twice))
            }
            Self::Asks { talk } => write!(f, "c{talk}: the bot asks for a handover"),
            Self::Ends { talk, customer } => write!(f, "c{talk}: {} ends it", who(customer)),
            Self::Desk { talk, mira, deed } => {
                let agent = if *mira { "Mira" } else { "Sam" };
                write!(f, "c{talk}: {agent} at the desk: {deed:?}")
            }
            Self::Report(report) => write!(f, "RCE's reports: {report:?}"),
            Self::Reply { talk, twice } => {
                write!(f, "c{talk}: an agent's message reaches us{}", again(twice))
            }
            Self::ReplyAgain { talk, which } => {
                write!(f, "c{talk}: an old message of an agent again ({which})")
            }
            Self::QueueMoves { talk, position } => write!(f, "c{talk}: place {position} in the queue"),
            Self::Work => write!(f, "the workers work"),
            Self::WorkOn { queue } => write!(f, "the workers do a round of queue {queue}"),
            Self::Break { at, crash, restart } => {
                let then = if *restart { ", then it starts again" } else { "" };
                write!(f, "from now on, at step {at}: {crash:?}{then}")
            }
            Self::RceFails { target, how, times } => {
                write!(f, "RCE fails: {target:?}, {how:?}, {times} times")
            }
            Self::BotFails { times } => write!(f, "the bot refuses {times} times"),
        }
    }
}
