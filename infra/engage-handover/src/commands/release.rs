use handover_core::ids::ConversationId;
use handover_handlers::operator::release;

use super::place::Place;
use super::{Failure, refused};
use crate::cli::Release;
use crate::output;

/// Gives a conversation back to the bot.
pub(crate) async fn run(options: &Release) -> Result<(), Failure> {
    let place = Place::open(&options.at).await?;
    let id = ConversationId::new(options.id.as_str());
    let owner = place.owner(&id, options.connection.as_deref()).await?;
    let released = release::release(&place.app, owner, &id).await.map_err(refused)?;
    if options.at.json {
        return super::json(&released);
    }
    output::line(&format!(
        "The bot has {} again. The bot is told, and the agents' work is ended, by the bridge's workers, once it runs.",
        output::of_others(id.as_str())
    ));
    Ok(())
}
