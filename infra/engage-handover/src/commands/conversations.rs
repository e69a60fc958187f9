use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::ConversationSummary;
use handover_handlers::operator::conversations::{self, Filter};
use serde_json::{Value, json};

use super::place::Place;
use super::{Failure, refused};
use crate::cli::Conversations;
use crate::output;

/// Lists conversations.
pub(crate) async fn run(options: &Conversations) -> Result<(), Failure> {
    let filter = Filter {
        limit: options.limit,
        open: options.open,
        handler: options.handler.clone(),
        status: options.status.clone(),
    };
    let wrong = filter.check();
    if !wrong.is_empty() {
        return Err(Failure::Theirs(wrong.join("; ")));
    }
    let place = Place::open(&options.at).await?;
    place.chosen(options.connection.as_deref())?;
    let connection = options.connection.as_deref().map(ConnectionId::new);
    let found = conversations::list(&place.app, connection.as_ref(), &filter)
        .await
        .map_err(refused)?;
    if options.at.json {
        return super::json(&found.iter().map(view).collect::<Vec<_>>());
    }
    if found.is_empty() {
        output::line(if filter == Filter::default() {
            "There are no conversations yet."
        } else {
            "There are no such conversations."
        });
        return Ok(());
    }
    let now = place.app.now();
    let rows: Vec<Vec<String>> = found.iter().map(|found| row(found, now)).collect();
    output::table(
        &[
            "CHANGED",
            "CONNECTION",
            "HANDLER",
            "STATUS",
            "REQUESTED",
            "PLACE",
            "AGENT",
            "EPOCH",
            "CONVERSATION",
        ],
        &rows,
    );
    Ok(())
}

fn view(found: &ConversationSummary) -> Value {
    let mut view = conversations::view(found);
    view["connection"] = json!(found.connection);
    view
}

fn row(found: &ConversationSummary, now: Timestamp) -> Vec<String> {
    let ago = |at| output::ago(now, at);
    let place = found.queue.as_ref().and_then(|queue| queue.position);
    vec![
        ago(found.changed_at),
        found.connection.to_string(),
        found.handler.to_owned(),
        found.status.to_owned(),
        found.requested_at.map_or_else(nothing, ago),
        place.map_or_else(nothing, |place| place.to_string()),
        found.agent.clone().unwrap_or_else(nothing),
        found.epoch.to_string(),
        found.id.to_string(),
    ]
}

fn nothing() -> String {
    "-".to_owned()
}
