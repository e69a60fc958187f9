//! What differs where RCE owns the channel: the person's words come from there, not from the bot.

use handover_core::message::{Author, Message};

use crate::respond::Problem;

/// What a bot may post there.
pub(super) fn check(message: &Message) -> Result<(), Problem> {
    if message.from == Author::Bot {
        return Ok(());
    }
    let reason = "from is \"bot\": on a channel of RingCX's own people write to RingCX, which reports it by content.imported";
    Err(Problem::Invalid(vec![reason.to_owned()]))
}
