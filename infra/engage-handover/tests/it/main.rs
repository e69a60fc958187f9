//! The command as a user runs it: real processes, real signals, a real disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bridge;
mod cli;
mod crash;
#[cfg(feature = "demo")]
mod demo;
mod docs;
mod doctor;
mod hygiene;
mod monitoring;
mod operating;
mod reload;
mod serve;
mod setup;
mod wire;
