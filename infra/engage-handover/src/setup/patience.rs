//! Waiting with somebody who watches.

use std::time::{Duration, Instant};

use handover_ringcx::console::ConsoleError;

use super::terminal::Terminal;

/// How often something is tried that RCE is in trouble with. With the pauses below: about two minutes.
const ATTEMPTS: u32 = 8;
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether somebody has done something.
const LOOK: Duration = Duration::from_secs(2);

/// Waits, and says what for.
pub(crate) struct Patience<'a> {
    pub(crate) terminal: &'a Terminal,
    /// How long for people; `None` is for ever.
    pub(crate) for_people: Option<Duration>,
}

/// How waiting for a person ended.
pub(crate) enum Waited<T> {
    Seen(T),
    /// They say that it is done; nobody can see it.
    Said,
    TooLong,
}

impl Patience<'_> {
    /// Does it until RCE takes it, refuses it, or was in trouble for too long. What is done must be harmless to repeat;
    /// it is told which attempt this is.
    pub(crate) async fn insist<T>(
        &self,
        mut attempt: impl AsyncFnMut(u32) -> Result<T, ConsoleError>,
    ) -> Result<T, ConsoleError> {
        let mut count = 0;
        loop {
            match attempt(count).await {
                Err(error) if error.is_passing() && count + 1 < ATTEMPTS => {
                    count += 1;
                    let wait = Duration::from_secs(1 << count.min(5)).min(PAUSE_MAX);
                    self.terminal.say(&format!(
                        "  {error}; I look and try again in {} s",
                        wait.as_secs()
                    ));
                    pause(wait).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// The same for what only looks.
    pub(crate) async fn read<T>(
        &self,
        read: impl AsyncFn() -> Result<T, ConsoleError>,
    ) -> Result<T, ConsoleError> {
        self.insist(async |_| read().await).await
    }

    /// `None`: the token's account may not look.
    pub(crate) async fn maybe<T>(
        &self,
        read: impl AsyncFn() -> Result<T, ConsoleError>,
    ) -> Result<Option<T>, ConsoleError> {
        match self.read(read).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_forbidden() || error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn progress(&self, text: &str) {
        self.terminal.pass(&format!("  … {text}"));
    }

    /// Looks every two seconds. With a terminal the person may press Enter instead, if `may_say` and it cannot be seen.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        may_say: bool,
        mut look: impl AsyncFnMut() -> Result<Option<T>, ConsoleError>,
    ) -> Result<Waited<T>, ConsoleError> {
        let started = Instant::now();
        if may_say {
            // Nor is one that was pressed before there was anything to say.
            self.terminal.forget_typed().await;
        }
        loop {
            match look().await {
                Ok(Some(seen)) => {
                    // An Enter that was pressed while we looked is no answer to the next question.
                    self.terminal.forget_typed().await;
                    return Ok(Waited::Seen(seen));
                }
                Ok(None) => {}
                Err(error) if error.is_passing() => self.terminal.say(&format!("  {error}; I keep looking")),
                Err(error) => return Err(error),
            }
            let waited = started.elapsed();
            if self.for_people.is_some_and(|most| waited >= most) {
                return Ok(Waited::TooLong);
            }
            self.progress(&format!(
                "{what} ({} s; Ctrl-C stops, the same command goes on)",
                waited.as_secs()
            ));
            if may_say && self.terminal.asks() {
                tokio::select! {
                    typed = self.terminal.typed() => return Ok(match typed {
                        Some(_) => Waited::Said,
                        None => Waited::TooLong,
                    }),
                    () = pause(LOOK) => {}
                }
            } else {
                pause(LOOK).await;
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person at a terminal waits; nothing is lost if the process dies here"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
