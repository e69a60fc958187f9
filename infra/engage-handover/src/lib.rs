//! The parts of the `engage-handover` command that others use too.

#[cfg(feature = "demo")]
pub mod demo;
