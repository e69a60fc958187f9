//! `doctor` names what is wrong. Each case is one mistake in an otherwise healthy world: the checks that it concerns
//! fail, no others, and their words name the thing.

mod account;
mod native;
mod reach;
mod work;
mod world;
