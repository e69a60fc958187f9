//! How fast the bridge is.
//!
//! `cargo bench -p handover-bench` measures the handlers alone, `cargo run --release -p handover-bench
//! --bin load` the real binary from the outside. What the figures mean stands in `BENCHMARKS.md`.
//!
//! | module | owns |
//! |---|---|
//! | [`fixtures`] | one connection, and requests that RCE and a bot would send |
//! | [`stubs`] | an [`App`](handover_handlers::App) whose storage costs nothing, or is the real one |
//! | [`measure`] | time and CPU of one operation |
//! | [`process`] | CPU and memory of a process, as Linux counts them |

pub mod fixtures;
pub mod measure;
pub mod process;
pub mod stubs;
