//! The doors through which time, chance, environment and files come in. Everything else takes them as values.

mod process;

use handover_core::Timestamp;
use handover_core::ids::Ids;
use handover_core::ports::Clock;
use handover_handlers::config::Lookup;
use ulid::Ulid;

pub use process::{Process, process};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door through which time comes in"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Nobody here needs more than milliseconds, and every stored time would have six digits more.
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// ULIDs: sortable by time, 80 random bits.
#[derive(Clone, Copy, Debug)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> String {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the operating system gives random bytes");
        let millis = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0);
        Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string()
    }
}

/// The process's environment and the machine's files.
#[derive(Clone, Copy, Debug)]
pub struct Environment;

impl Lookup for Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door through which the environment comes in"
    )]
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, std::io::Error> {
        std::fs::read_to_string(path)
    }
}
