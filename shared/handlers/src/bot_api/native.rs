//! What differs where RCE owns the channel: the person's words come from there, not from the bot.

use handover_core::conversation::Conversation;
use handover_core::handover::Handover;
use handover_core::message::{Author, Message};
use handover_core::settings::Connection;

use crate::respond::Problem;

/// What a bot may post there.
pub(super) fn check(message: &Message) -> Result<(), Problem> {
    if message.from == Author::Bot {
        return Ok(());
    }
    let reason = "from = \"user\" is not taken here: on a channel of RingCentral's own only the bot's words are posted (from = \"bot\"). Customers write to RingCentral, which reports it to the bridge itself";
    Err(Problem::Invalid(vec![reason.to_owned()]))
}

/// A conversation begins there with what a person writes, never with what a bot does.
pub(super) fn must_exist(connection: &Connection, found: Option<&Conversation>) -> Result<(), Problem> {
    let is_known = found.is_some_and(|conversation| conversation.native.is_some());
    if connection.is_native() && !is_known {
        return Err(Problem::UnknownThread);
    }
    Ok(())
}

/// Whether what a bot says to somebody who waits for an agent is a notice. A platform does not tell what it answers: where the
/// bot failed and nobody asked it for an agent, that is a late answer to what the agents have by now.
pub(crate) fn is_notice(connection: &Connection, conversation: &Conversation) -> bool {
    let failed = |handover: &Handover| handover.cause.is_bots_failure();
    !connection.bot.kind.is_platform() || !conversation.handover.as_deref().is_some_and(failed)
}
