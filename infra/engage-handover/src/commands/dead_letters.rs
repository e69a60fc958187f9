use handover_core::ports::DeadLetter;
use serde_json::{Value, json};

use super::Failure;
use super::place::Place;
use crate::cli::{DeadLetters, Where};
use crate::output;

/// Looks at dead letters, sends them again, or forgets them.
pub(crate) async fn run(command: DeadLetters) -> Result<(), Failure> {
    match command {
        DeadLetters::List { at } => list(&at).await,
        DeadLetters::Show { id, at } => show(&at, &id).await,
        DeadLetters::Replay { id, at, .. } => replay(&at, id).await,
        DeadLetters::Discard { id, at } => {
            let place = Place::open(&at).await?;
            found(&id, place.app.queue.discard(&id).await?)?;
            done(&at, "discarded", &[id])
        }
    }
}

async fn list(at: &Where) -> Result<(), Failure> {
    let place = Place::open(at).await?;
    let letters = place.app.queue.dead_letters().await?;
    if at.json {
        return super::json(&letters.iter().map(view).collect::<Vec<_>>());
    }
    if letters.is_empty() {
        output::line("There are no dead letters.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = letters.iter().map(row).collect();
    output::table(&["AT", "ID", "WORK", "ATTEMPTS", "CONVERSATION", "REASON"], &rows);
    output::line("\nTry again with: engage-handover dead-letters replay ID --config FILE --data DIR");
    Ok(())
}

async fn show(at: &Where, id: &str) -> Result<(), Failure> {
    let place = Place::open(at).await?;
    let letter = place
        .app
        .queue
        .dead_letters()
        .await?
        .into_iter()
        .find(|letter| letter.id == id);
    let letter = letter.ok_or_else(|| unknown(id))?;
    super::json(&view(&letter))
}

async fn replay(at: &Where, id: Option<String>) -> Result<(), Failure> {
    let place = Place::open(at).await?;
    let ids = match id {
        Some(id) => vec![id],
        None => all(&place).await?,
    };
    for id in &ids {
        found(id, place.app.queue.replay(id).await?)?;
    }
    done(at, "replayed", &ids)
}

async fn all(place: &Place) -> Result<Vec<String>, Failure> {
    Ok(place
        .app
        .queue
        .dead_letters()
        .await?
        .into_iter()
        .map(|letter| letter.id)
        .collect())
}

fn found(id: &str, found: bool) -> Result<(), Failure> {
    if found { Ok(()) } else { Err(unknown(id)) }
}

fn unknown(id: &str) -> Failure {
    Failure::Theirs(format!(
        "there is no dead letter {id:?}; see: engage-handover dead-letters list"
    ))
}

fn done(at: &Where, what: &str, ids: &[String]) -> Result<(), Failure> {
    if at.json {
        return super::json(&json!({ what: ids }));
    }
    output::line(&format!("{} {what}.", ids.len()));
    Ok(())
}

fn row(letter: &DeadLetter) -> Vec<String> {
    let job = &letter.job;
    vec![
        format!("{:.0}", letter.at),
        letter.id.clone(),
        job.work.kind().to_owned(),
        letter.attempts.to_string(),
        format!("{}/{}", job.connection, job.thread),
        letter.reason.clone(),
    ]
}

/// Without the job's content: it may hold what people wrote.
fn view(letter: &DeadLetter) -> Value {
    let job = &letter.job;
    json!({
        "id": letter.id, "at": letter.at, "queue": letter.queue, "work": job.work.kind(), "reason": letter.reason,
        "attempts": letter.attempts, "connection": job.connection, "thread": job.thread, "job": job.id,
        "accepted_at": job.accepted_at,
    })
}
