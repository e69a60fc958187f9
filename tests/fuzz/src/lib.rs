//! Random and mutated input against every parser that reads a stranger's bytes.
//!
//! Every target is a test. It takes the seeds of its directory below `seeds/`, bends them, and checks what must
//! be true of any input: no panic, nothing believed that nobody vouched for, the same answer to the same bytes.
//!
//! `cargo test -p handover-fuzz` tries each target for two seconds. For longer, in milliseconds for each target:
//!
//! ```text
//! BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test -p handover-fuzz
//! ```
//!
//! A failure prints the input, made as small as possible, and a seed; `BOLERO_RANDOM_SEED=<seed>` runs it again.
//! The same targets run under libFuzzer, AFL or honggfuzz by `cargo bolero test -p handover-fuzz <target>`.

mod json;
pub mod mutation;
pub mod ports;
pub mod seeds;

use std::time::Duration;

pub use mutation::Mutation;
pub use seeds::Seeds;

/// How long each target is tried, unless the environment says otherwise.
pub const TIME: Duration = Duration::from_secs(2);
