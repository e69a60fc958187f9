//! A bench on which the whole bridge runs in one process: the real store and queue on disk, the real
//! clients over HTTP, a simulated RCE on one side and a recording bot on the other. Only the clock stands
//! still until a story moves it, and workers do nothing until a story lets them.
//!
//! | module | is |
//! |---|---|
//! | [`bench`](mod@bench) | the bridge, its two neighbours, and how a story ends |
//! | [`setup`] | what a story wants to be different |
//! | [`working`] | workers stepped by hand, and time |
//! | [`chat`] | what the bot says to the bridge |
//! | [`desk`] | what RCE says to the bridge |
//! | [`bot`] | a bot that listens, checks signatures, and answers as it is told |
//! | [`cognigy`] | a Cognigy.AI that listens, with its limits |
//! | [`chatlayer`] | a Chatlayer that pauses its bot, shows messages and launches dialogs |
//! | [`canned`] | an RCE that answers from a list |
//! | [`file_server`] | a server of files that lies, stalls and sends elsewhere |
//! | [`native`] | channels that RCE owns: what people write there, and what they see |
//! | [`served`] | a neighbour on a port of its own |
//! | [`crash`] | ports that fail, or die, at a chosen step |
//! | [`logs`] | what was logged |
#![expect(clippy::missing_panics_doc, reason = "a story fails by panicking")]

pub mod bench;
pub mod bot;
pub mod canned;
pub mod chat;
pub mod chatlayer;
pub mod cognigy;
pub mod crash;
pub mod desk;
pub mod file_server;
pub mod logs;
pub mod native;
pub mod reply;
pub mod served;
pub mod setup;
pub mod working;

pub use bench::Bench;
pub use bot::{Answer, Heard};
pub use reply::Reply;
pub use setup::Setup;
