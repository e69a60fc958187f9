//! Whatever happens, in whatever order: the whole stage keeps its promises.
//!
//! The bridge runs as in every story, but who does what comes from chance: customers and bots, agents at their desk,
//! what RCE reports of it (late, twice, in another order, or never), time, workers, crashes and faults. Beside it runs a
//! model of a few lines that remembers what was promised. In the end everything comes to rest, and RCE, bridge and bot
//! must agree about who has each conversation.
//!
//! `PROPTEST_CASES` says how many cases, `PROPTEST_RNG_SEED` repeats a run.
//!
//! | module | is |
//! |---|---|
//! | [`case`] | what may happen, and how it is told |
//! | [`world`] | makes it happen |
//! | [`desk`] | what agents do |
//! | [`courier`] | what RCE reports, and what becomes of it on the way |
//! | [`talk`] | what the model knows of a conversation |
//! | [`promises`] | what is true at any time |
//! | [`rest`] | what is true when everything has come to rest |
//! | [`story`] | how it is told what happened |

mod case;
mod courier;
mod desk;
mod promises;
mod rest;
mod story;
mod talk;
mod world;

use std::hash::{BuildHasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use case::{Case, any_case};
use futures_util::FutureExt as _;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use world::World;

/// As many as CI has time for.
const CASES: u32 = 24;
/// A story is told to the end even if it takes a while to shorten it.
const SHORTENINGS: u32 = 3_000;

#[test]
fn the_whole_stage_keeps_its_promises() {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: SHORTENINGS,
        ..Config::default()
    };
    if !is_set("PROPTEST_CASES") {
        config.cases = CASES;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(0),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let said = quietly();
    let outcome = TestRunner::new(config).run(&any_case(), |case| play(&case, &said));
    drop(std::panic::take_hook());
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(story, _)) => panic!("{story}\nPROPTEST_RNG_SEED={seed} tells it again"),
        Err(other) => panic!("{other}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "proptest reads it too, and has another default"
)]
fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok()
}

type Said = Arc<Mutex<String>>;

/// The panics of shorter and shorter stories are not printed, but become part of the last one.
fn quietly() -> Said {
    let said = Said::default();
    let heard = Arc::clone(&said);
    std::panic::set_hook(Box::new(move |panic| {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    said
}

/// Lets a case happen. A failure is told as a story.
fn play(case: &Case, said: &Said) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(&case.setting).await;
        let all = AssertUnwindSafe(Box::pin(happen(&mut world, case)));
        let problem = match all.catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some(said.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(TestCaseError::fail(world.tell(&problem).await)),
        }
    })
}

async fn happen(world: &mut World, case: &Case) -> Result<(), String> {
    for step in case.setting.before().iter().chain(&case.steps) {
        world.happen(step).await?;
        world.promises()?;
    }
    world.come_to_rest(&case.setting).await
}
