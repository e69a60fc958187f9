//! What could not be delivered.

use std::collections::BTreeMap;

use handover_core::ids::{ConnectionId, ConversationId};
use handover_core::ports::DeadLetter;
use serde_json::{Value, json};

use super::Refusal;
use crate::App;
use crate::view::time;

/// A dead letter, and whose it is.
#[derive(Clone, Debug)]
pub struct Letter {
    pub letter: DeadLetter,
    /// `None`: the conversation is forgotten.
    pub conversation: Option<ConversationId>,
}

impl Letter {
    /// Without the job's content: it may hold what people wrote.
    pub fn view(&self) -> Value {
        let (letter, job) = (&self.letter, &self.letter.job);
        let mut view = json!({
            "id": letter.id, "at": time(letter.at), "queue": letter.queue, "work": job.work.kind(),
            "reason": letter.reason, "attempts": letter.attempts, "connection": job.connection, "thread": job.thread,
            "job": job.id, "accepted_at": time(job.accepted_at),
        });
        if let Some(conversation) = &self.conversation {
            view["conversation"] = json!(conversation);
        }
        view
    }
}

/// The dead letters of one connection or of all, oldest first.
pub async fn list(app: &App, connection: Option<&ConnectionId>) -> Result<Vec<Letter>, Refusal> {
    let letters = of(app, connection).await?;
    let mut known = BTreeMap::new();
    let mut all = Vec::with_capacity(letters.len());
    for letter in letters {
        let key = (letter.job.connection.clone(), letter.job.thread.clone());
        if !known.contains_key(&key) {
            let found = app.store.glance(&key.0, &key.1).await?;
            known.insert(key.clone(), found.map(|found| found.conversation.id));
        }
        let conversation = known.get(&key).cloned().flatten();
        all.push(Letter { letter, conversation });
    }
    Ok(all)
}

/// How many there are.
pub async fn count(app: &App, connection: Option<&ConnectionId>) -> Result<usize, Refusal> {
    Ok(of(app, connection).await?.len())
}

/// Sends one again, at the end of its conversation.
pub async fn replay(app: &App, connection: Option<&ConnectionId>, id: &str) -> Result<(), Refusal> {
    expect(app, connection, id).await?;
    done(app.queue.replay(id).await?)
}

/// Forgets one for good.
pub async fn discard(app: &App, connection: Option<&ConnectionId>, id: &str) -> Result<(), Refusal> {
    expect(app, connection, id).await?;
    done(app.queue.discard(id).await?)
}

async fn of(app: &App, connection: Option<&ConnectionId>) -> Result<Vec<DeadLetter>, Refusal> {
    let mut letters = app.queue.dead_letters().await?;
    letters.retain(|letter| connection.is_none_or(|connection| *connection == letter.job.connection));
    Ok(letters)
}

/// Another connection's are none of this operator's business.
async fn expect(app: &App, connection: Option<&ConnectionId>, id: &str) -> Result<(), Refusal> {
    if connection.is_none() {
        return Ok(());
    }
    done(of(app, connection).await?.iter().any(|letter| letter.id == id))
}

fn done(found: bool) -> Result<(), Refusal> {
    if found {
        Ok(())
    } else {
        Err(Refusal::UnknownDeadLetter)
    }
}
