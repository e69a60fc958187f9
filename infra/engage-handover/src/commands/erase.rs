use std::io::{BufRead as _, IsTerminal as _};

use handover_core::ids::ConversationId;
use handover_core::settings::Connection;
use handover_handlers::operator::Refusal;
use handover_handlers::operator::erase::{self, erase};
use serde_json::json;

use super::place::Place;
use super::{Failure, refused};
use crate::cli::Erase;
use crate::output;

const WHAT: &str = "say what to erase: CONVERSATION, or --person USER_ID for all conversations of a person";

/// Erases what is kept about a conversation, or a person. Can be repeated: what was erased is not there any more.
pub(crate) async fn run(options: &Erase) -> Result<(), Failure> {
    if options.id.is_none() && options.person.is_none() {
        return Err(Failure::Theirs(WHAT.to_owned()));
    }
    let place = Place::open(&options.at).await?;
    let theirs = wanted(&place, options).await?;
    if !options.yes && !agreed(&theirs)? {
        return Err(Failure::Theirs("nothing was erased".to_owned()));
    }
    let mut erased = Vec::new();
    let mut with_agents = Vec::new();
    for (connection, id) in theirs {
        match erase(&place.app, connection, &id, options.force).await {
            Ok(()) => {
                // The running bridge's log does not know of it, so this is the record.
                output::complain(&format!(
                    "{:.0} erased {}/{}",
                    place.app.now(),
                    connection.id,
                    output::of_others(id.as_str())
                ));
                erased.push(id);
            }
            Err(Refusal::WithAgents) => with_agents.push(id),
            Err(refusal) => return Err(refused(refusal)),
        }
    }
    if options.at.json {
        super::json(&json!({"erased": erased, "with_agents": with_agents}))?;
    } else {
        output::line(&format!("{} erased.", erased.len()));
    }
    if with_agents.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = with_agents.iter().map(ConversationId::as_str).collect();
    Err(Failure::Theirs(format!(
        "agents have {}: engage-handover release first, or wait until they are done, or --force",
        ids.join(", ")
    )))
}

async fn wanted<'a>(
    place: &'a Place,
    options: &Erase,
) -> Result<Vec<(&'a Connection, ConversationId)>, Failure> {
    let name = options.connection.as_deref();
    let Some(person) = &options.person else {
        let id = ConversationId::new(options.id.as_deref().unwrap_or_default());
        // Dead letters may be all that is left, of which only the connection can be known.
        let connection = match (place.owner(&id, name).await, place.chosen(name)?.as_slice()) {
            (Ok(owner), _) => owner,
            (Err(_), [only]) => only,
            (Err(unknown), _) => return Err(unknown),
        };
        return Ok(vec![(connection, id)]);
    };
    let mut theirs = Vec::new();
    for connection in place.chosen(name)? {
        let found = erase::of_person(&place.app, connection, person).await;
        theirs.extend(found.map_err(refused)?.into_iter().map(|id| (connection, id)));
    }
    if theirs.is_empty() {
        return Err(Failure::Theirs(
            "there is no conversation of this person".to_owned(),
        ));
    }
    Ok(theirs)
}

fn agreed(theirs: &[(&Connection, ConversationId)]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Theirs(
            "erasing cannot be undone; nobody can be asked here, so say --yes".to_owned(),
        ));
    }
    for (connection, id) in theirs {
        output::line(&format!("{}/{}", connection.id, output::of_others(id.as_str())));
    }
    output::line("Erase these for good? Type yes:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
