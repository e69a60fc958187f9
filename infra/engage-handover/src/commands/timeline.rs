use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::timeline::TimelineEntry;
use handover_handlers::view;
use serde_json::{Value, json};

use super::Failure;
use super::place::Place;
use crate::cli::Timeline;
use crate::output;

/// Shows what happened to one conversation.
pub(crate) async fn run(options: &Timeline) -> Result<(), Failure> {
    let place = Place::open(&options.at).await?;
    let id = ConversationId::new(options.id.as_str());
    let connection = place.owner(&id, options.connection.as_deref()).await?;
    let thread = ForeignThreadId::of(&id);
    let entries = place.app.store.timeline(&connection.id, &thread).await?;
    if options.at.json {
        let entries = entries.iter();
        let rows: Vec<Value> = entries
            .map(|entry| view::timeline_entry(entry, options.text))
            .collect();
        return super::json(&json!({"connection": connection.id, "conversation": id, "entries": rows}));
    }
    for entry in &entries {
        output::line(&output::of_others(&row(entry, options.text)));
    }
    Ok(())
}

fn row(entry: &TimelineEntry, with_text: bool) -> String {
    let mut parts = vec![format!("{}  {:<24}", view::time(entry.at), entry.what)];
    for (key, value) in &entry.detail {
        match value {
            Value::Null => {}
            Value::String(text) => parts.push(format!("{key}={text}")),
            other => parts.push(format!("{key}={other}")),
        }
    }
    if let (true, Some(text)) = (with_text, &entry.text) {
        parts.push(format!("text={text:?}"));
    }
    parts.join(" ")
}
