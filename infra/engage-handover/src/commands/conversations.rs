use serde_json::{Value, json};

use super::Failure;
use super::place::Place;
use crate::cli::Conversations;
use crate::output;

/// Lists conversations.
pub(crate) async fn run(options: &Conversations) -> Result<(), Failure> {
    let place = Place::open(&options.at).await?;
    let found = place.app.store.conversations(None, options.limit).await?;
    if options.at.json {
        let rows: Vec<Value> = found
            .iter()
            .map(|c| {
                json!({
                    "connection": c.connection, "conversation": c.id, "handler": c.handler, "status": c.status,
                    "epoch": c.epoch, "changed_at": c.changed_at,
                })
            })
            .collect();
        return super::json(&rows);
    }
    if found.is_empty() {
        output::line("There are no conversations yet.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|c| {
            let changed = format!("{:.0}", c.changed_at);
            vec![
                changed,
                c.connection.to_string(),
                c.handler.to_owned(),
                c.status.to_owned(),
                c.epoch.to_string(),
                c.id.to_string(),
            ]
        })
        .collect();
    output::table(
        &[
            "CHANGED",
            "CONNECTION",
            "HANDLER",
            "STATUS",
            "EPOCH",
            "CONVERSATION",
        ],
        &rows,
    );
    Ok(())
}
