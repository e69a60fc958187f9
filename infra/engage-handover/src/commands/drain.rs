use std::time::Duration;

use handover_core::ids::ConnectionId;
use handover_core::settings::Connection;
use handover_handlers::operator::drain::{self, Progress};
use serde_json::json;

use super::place::Place;
use super::{Failure, refused};
use crate::cli::Drain;
use crate::output;

/// How often somebody looks whether all is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often in a row nothing must be found: queues are counted one after the other, on AWS about.
const EMPTY_LOOKS: u32 = 2;

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
        let patience = async {
            match self.options.timeout {
                Some(seconds) => wait(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        let left = tokio::select! {
            // At least one look, however short the time is.
            biased;
            done = self.look_until_empty() => return done,
            interrupted = tokio::signal::ctrl_c() => { interrupted?; "Stopped watching" }
            () = patience => "It is not over in time",
        };
        let at = self.options.at.arguments();
        Err(Failure::Ours(anyhow::anyhow!(
            "{left}: {}. Draining stays on. Watch again with `engage-handover drain {at}`, let handovers begin again with \
             `engage-handover drain --off {at}`",
            handovers(&progress(self.place, &self.chosen).await?)
        )))
    }

    async fn look_until_empty(&self) -> Result<(), Failure> {
        let mut said = String::new();
        let mut empty_looks = 0;
        loop {
            let found = progress(self.place, &self.chosen).await?;
            let is_empty = found.open_handovers == 0 && (found.jobs() == 0 || !self.jobs_count);
            empty_looks = if is_empty { empty_looks + 1 } else { 0 };
            if empty_looks >= EMPTY_LOOKS {
                return self.done(&found);
            }
            let line = format!("{}; {}", handovers(&found), jobs(&found));
            if line != said && !self.options.at.json {
                output::line(&line);
            }
            said = line;
            wait(LOOK_EVERY).await;
        }
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
