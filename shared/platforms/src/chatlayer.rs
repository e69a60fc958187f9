//! Chatlayer (Sinch).
//!
//! What its bots and people say comes by the Offloading Webhook (Chatlayer documentation, "Offloading Webhook"): a bot's
//! messages are Messenger-like, a person's have a `messageType`. What an agent says goes as `sendMessages` of a
//! conversation action; the templates are those of the vendor's public examples.
//!
//! On channels of RCE's own its webhook channel is used instead (Chatlayer documentation, "Webhook channel", "Message
//! types"; the form of what people write is that of the vendor's public examples).
//!
//! A button carries `{nextDialogstateId, sessionDataToSet}`, a click brings back `{nextDialogstateId, parameters}`. An
//! agent's button has a payload only: it travels in both, so that it comes back whichever of them Chatlayer keeps while the
//! bot is paused ([`PAYLOAD_KEY`]).

mod read;
mod write;

pub use read::{from_chatlayer, from_webhook_channel};
pub use write::{TEXT_MAX, customer_to_chatlayer, to_chatlayer};

/// The key under which an agent's payload travels in a button's session data.
pub const PAYLOAD_KEY: &str = "handover_payload";
