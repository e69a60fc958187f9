//! The command as a user runs it: real processes, real signals, a real disk.

mod bridge;
mod cli;
mod crash;
mod serve;
