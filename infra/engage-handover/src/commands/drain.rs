use std::time::Duration;

use handover_core::ids::ConnectionId;
use handover_core::settings::Connection;
use handover_handlers::operator::drain::{self, Progress};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::place::Place;
use super::{Failure, refused};
use crate::cli::Drain;
use crate::output;

/// How often somebody looks whether all is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Lets a bridge run empty.
pub(crate) async fn run(options: &Drain) -> Result<(), Failure> {
    let place = Place::open(&options.at).await?;
    let chosen = place.chosen(options.connection.as_deref())?;
    if options.show {
        return show(options, &place, &chosen).await;
    }
    for connection in &chosen {
        drain::switch(&place.app, &connection.id, !options.off)
            .await
            .map_err(refused)?;
    }
    if options.off {
        if options.at.json {
            let progress = progress(&place, &chosen).await?;
            return super::json(
                &Progress {
                    since: None,
                    ..progress
                }
                .view(),
            );
        }
        output::line("Handovers may begin again.");
        return Ok(());
    }
    let watch = Watch {
        options,
        place: &place,
        // Jobs are not counted by connection, and those of the others may never be none.
        jobs_count: chosen.len() == place.connections.len(),
        chosen,
    };
    watch.until_empty().await
}

async fn show(options: &Drain, place: &Place, chosen: &[&Connection]) -> Result<(), Failure> {
    let mut all = Vec::with_capacity(chosen.len());
    for connection in chosen {
        let found = drain::progress(&place.app, &[&connection.id])
            .await
            .map_err(refused)?;
        all.push((&connection.id, found));
    }
    if options.at.json {
        let view = |(id, found): &(&ConnectionId, Progress)| {
            let mut view = found.view();
            view["connection"] = json!(id);
            view
        };
        return super::json(&all.iter().map(view).collect::<Vec<_>>());
    }
    let now = place.app.now();
    for (id, found) in &all {
        let since = found.since.map_or_else(
            || "handovers may begin".to_owned(),
            |since| format!("drained, begun {}", output::ago(now, since)),
        );
        output::line(&format!("{id}: {since}; {}", handovers(found)));
    }
    if let Some((_, found)) = all.first() {
        output::line(&jobs(found));
    }
    Ok(())
}

async fn progress(place: &Place, chosen: &[&Connection]) -> Result<Progress, Failure> {
    let ids: Vec<&ConnectionId> = chosen.iter().map(|connection| &connection.id).collect();
    drain::progress(&place.app, &ids).await.map_err(refused)
}

fn handovers(found: &Progress) -> String {
    match found.open_handovers {
        0 => "no handover is open".to_owned(),
        1 => "1 handover is open".to_owned(),
        open => format!("{open} handovers are open"),
    }
}

fn jobs(found: &Progress) -> String {
    let queues = found.waiting.iter();
    let queues: Vec<_> = queues
        .map(|(queue, jobs)| format!("{} {jobs}", queue.as_str()))
        .collect();
    format!("jobs waiting: {}", queues.join(", "))
}

struct Watch<'a> {
    options: &'a Drain,
    place: &'a Place,
    chosen: Vec<&'a Connection>,
    /// Whether it is waited for jobs, too.
    jobs_count: bool,
}

impl Watch<'_> {
    async fn until_empty(&self) -> Result<(), Failure> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut said = String::new();
        // At least one look, however short the time is.
        if let Some(found) = self.look(&mut said).await? {
            return self.done(&found);
        }
        let looking = async {
            loop {
                wait(LOOK_EVERY).await;
                if let Some(found) = self.look(&mut said).await? {
                    return self.done(&found);
                }
            }
        };
        let patience = async {
            match self.options.timeout {
                Some(seconds) => wait(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        let left = tokio::select! {
            done = looking => return done,
            _ = interrupted.recv() => "Stopped watching",
            () = patience => "It is not over in time",
        };
        let found = progress(self.place, &self.chosen).await?;
        let at = self.options.at.arguments();
        Err(Failure::Ours(anyhow::anyhow!(
            "{left}: {}; {}. Draining stays on. Watch again with `engage-handover drain {at}`, let handovers begin again \
             with `engage-handover drain --off {at}`",
            handovers(&found),
            jobs(&found)
        )))
    }

    /// Says how far it is, if that is news. `Some`: all is over.
    async fn look(&self, said: &mut String) -> Result<Option<Progress>, Failure> {
        let mut found = progress(self.place, &self.chosen).await?;
        if self.is_empty(&found) {
            // Queues are counted one after the other, and a job may have led to one on a queue counted before.
            found = progress(self.place, &self.chosen).await?;
            if self.is_empty(&found) {
                return Ok(Some(found));
            }
        }
        let line = format!("{}; {}", handovers(&found), jobs(&found));
        if line != *said && !self.options.at.json {
            output::line(&line);
        }
        *said = line;
        Ok(None)
    }

    fn is_empty(&self, found: &Progress) -> bool {
        found.open_handovers == 0 && (found.jobs() == 0 || !self.jobs_count)
    }

    fn done(&self, found: &Progress) -> Result<(), Failure> {
        if self.options.at.json {
            return super::json(&found.view());
        }
        output::line(if self.jobs_count {
            "Nothing is open and nothing waits."
        } else {
            "Nothing is open. Jobs are counted for all connections together, so it was not waited for them."
        });
        output::line(&format!(
            "No handover begins until: engage-handover drain --off {}",
            self.options.at.arguments()
        ));
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "somebody watches; nothing is lost if the process dies here"
)]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
