//! What the disk alone takes meanwhile, without which no durable answer can be given.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::figures::Durations;

const EVERY: Duration = Duration::from_millis(50);

/// Appends a page to a file of its own and waits until the disk has it, again and again.
pub(crate) struct Probe {
    stop: Sender<()>,
    thread: JoinHandle<io::Result<Durations>>,
}

impl Probe {
    pub(crate) fn start(dir: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(dir)?;
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut durations = Durations::default();
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                durations.add(sync(&file)?);
            }
            Ok(durations)
        });
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) -> anyhow::Result<Durations> {
        drop(self.stop);
        Ok(self
            .thread
            .join()
            .map_err(|_| anyhow!("the disk's probe panicked"))??)
    }
}

fn sync(mut file: &File) -> io::Result<Duration> {
    let started = Instant::now();
    file.write_all(&[0; 4_096])?;
    file.sync_data()?;
    Ok(started.elapsed())
}
