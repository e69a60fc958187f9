//! The domain of the handover bridge: who answers the person, what may happen next, and what must
//! be told to whom.
//!
//! Everything here is pure. There is no network, no storage, no environment and no clock: a caller
//! passes the time in and carries the effects out. What the outside must offer is described by the
//! traits in [`ports`].
//!
//! | module | owns |
//! |---|---|
//! | [`conversation`] | the ownership state machine: who has the conversation, epochs, stale news |
//! | [`handover`] | one handover inside a conversation and how it may end |
//! | [`signal`] | what RCE reports about agents' work, in our words |
//! | [`aftermath`] | what RCE knows of a handover besides who has it: summary, survey |
//! | [`message`] | a message between the person, the bot and the agent |
//! | [`files`] | which files may pass, and what is said where one cannot |
//! | [`profile`] | what is known about the person |
//! | [`hours`] | when the contact centre is open |
//! | [`queue_update`] | place in the queue and waiting time |
//! | [`event`] | what the bot is told |
//! | [`job`] | what travels on the queues |
//! | [`structured`] | choices, links and cards: the model, its limits, the same as text |
//! | [`html`] | formatted words as plain text |
//! | [`imported`] | what came in on a channel of RCE's own: whose words, and which |
//! | [`json`] | how deep strangers' JSON may be |
//! | [`timeline`] | what happened, for operators |
//! | [`ids`] | one type for each kind of id, and their safe rendering towards RCE |
//! | [`settings`] | a connection: one RCE source joined to one bot |
//! | [`secret`] | redacted, compared in constant time |
//! | [`retry`] | retry or reject, decided by whoever raised the error |

pub mod aftermath;
pub mod conversation;
pub mod event;
pub mod files;
pub mod handover;
pub mod heard;
pub mod hours;
pub mod html;
pub mod ids;
pub mod imported;
pub mod job;
pub mod json;
pub mod message;
pub mod ports;
pub mod profile;
pub mod queue_update;
pub mod retry;
pub mod secret;
pub mod serving;
pub mod settings;
pub mod signal;
pub mod structured;
pub mod timeline;

pub use jiff::Timestamp;
