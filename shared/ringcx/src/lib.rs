//! RingCentral Engage Digital (RCE, today sold as RingCX Digital): its words and its HTTP.
//!
//! Four interfaces meet here, and nothing outside this crate knows their payloads:
//!
//! | module | interface |
//! |---|---|
//! | [`source_sdk`], [`signature`] | Source SDK: what RCE asks our channel, signed with HMAC-SHA512 |
//! | [`webhook`] | webhooks: what RCE reports about agents' work and of what came in, authenticated by a static secret |
//! | [`client`] | Send API and REST API: the implementation of [`handover_core::ports::RingCx`] and [`handover_core::ports::Contents`] |
//! | [`console`] | what an administrator does in RCE's console, by REST: for `setup` and `doctor` |
//! | [`html`] | an agent's formatted words as plain text |
//! | [`structured`] | what RCE takes of a bot's structured content, and payloads in ASCII |
//! | [`channels`] | kinds of channel of RCE's own, as far as they differ |
//! | [`base_url`] | what an integrator pastes, made into the URLs that are called |
//! | [`limiter`], [`http`] | treating RCE well: the REST budget, one tuned HTTP client |
//!
//! Parsers take [`Verified`] bytes only, and only a successful check of a signature or a secret makes
//! those: what nobody vouched for cannot be parsed by accident.

mod answer;
pub mod base_url;
pub mod channels;
pub mod client;
pub mod console;
mod form_data;
pub mod http;
mod json;
pub mod limiter;
mod rest;
pub mod signature;
pub mod source_sdk;
pub mod structured;
#[cfg(test)]
mod test_support;
pub mod verified;
pub mod webhook;

pub use client::RingCxClient;
pub use handover_core::html;
pub use json::ParseError;
pub use limiter::{ProcessBudget, RestBudget};
pub use rest::Account;
pub use verified::{SourceSdk, Verified, Webhook};
