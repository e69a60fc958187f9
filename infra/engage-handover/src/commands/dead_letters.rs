use handover_core::Timestamp;
use handover_handlers::operator::Refusal;
use handover_handlers::operator::dead_letters::{self, Letter};
use serde_json::json;

use super::place::Place;
use super::{Failure, refused};
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
            let discarded = dead_letters::discard(&place.app, None, &id).await;
            discarded.map_err(|refusal| unless_unknown(refusal, &id, &at))?;
            done(&at, "discarded", &[id])
        }
    }
}

async fn all(at: &Where) -> Result<(Place, Vec<Letter>), Failure> {
    let place = Place::open(at).await?;
    let letters = dead_letters::list(&place.app, None).await.map_err(refused)?;
    Ok((place, letters))
}

async fn list(at: &Where) -> Result<(), Failure> {
    let (place, letters) = all(at).await?;
    if at.json {
        return super::json(&letters.iter().map(Letter::view).collect::<Vec<_>>());
    }
    if letters.is_empty() {
        output::line("There are no dead letters.");
        return Ok(());
    }
    let now = place.app.now();
    let rows: Vec<Vec<String>> = letters.iter().map(|letter| row(letter, now)).collect();
    output::table(
        &["GIVEN UP", "ID", "WORK", "ATTEMPTS", "CONVERSATION", "REASON"],
        &rows,
    );
    output::line(&format!(
        "\nTry again with: engage-handover dead-letters replay ID {}",
        at.arguments()
    ));
    Ok(())
}

async fn show(at: &Where, id: &str) -> Result<(), Failure> {
    let (_, letters) = all(at).await?;
    let letter = letters.iter().find(|letter| letter.letter.id == id);
    let view = letter.ok_or_else(|| unknown(id, at))?.view();
    if at.json {
        return super::json(&view);
    }
    for (name, value) in view.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output::line(&format!("{name:<13}{}", output::of_others(&value)));
    }
    Ok(())
}

async fn replay(at: &Where, id: Option<String>) -> Result<(), Failure> {
    let place = Place::open(at).await?;
    let ids = if let Some(id) = id {
        vec![id]
    } else {
        let letters = place.app.queue.dead_letters().await?;
        letters.into_iter().map(|letter| letter.id).collect()
    };
    for id in &ids {
        let replayed = dead_letters::replay(&place.app, None, id).await;
        replayed.map_err(|refusal| unless_unknown(refusal, id, at))?;
    }
    done(at, "replayed", &ids)
}

fn unless_unknown(refusal: Refusal, id: &str, at: &Where) -> Failure {
    match refusal {
        Refusal::UnknownDeadLetter => unknown(id, at),
        other => refused(other),
    }
}

fn unknown(id: &str, at: &Where) -> Failure {
    Failure::Theirs(format!(
        "there is no dead letter {id:?}; see: engage-handover dead-letters list {}",
        at.arguments()
    ))
}

fn done(at: &Where, what: &str, ids: &[String]) -> Result<(), Failure> {
    if at.json {
        return super::json(&json!({ what: ids }));
    }
    output::line(&format!("{} {what}.", ids.len()));
    Ok(())
}

fn row(letter: &Letter, now: Timestamp) -> Vec<String> {
    let conversation = letter.conversation.as_ref().map(ToString::to_string);
    let letter = &letter.letter;
    let job = &letter.job;
    vec![
        output::ago(now, letter.at),
        letter.id.clone(),
        job.work.kind().to_owned(),
        letter.attempts.to_string(),
        format!(
            "{}/{}",
            job.connection,
            conversation.unwrap_or_else(|| job.thread.to_string())
        ),
        letter.reason.clone(),
    ]
}
