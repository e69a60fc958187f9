use std::io;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use crate::error::Fault;

/// Threads of our own that work through a channel, so that the runtime's threads never block on the disk.
///
/// Dropping it lets them finish what they were given and waits for them.
pub(crate) struct Threads<M> {
    inbox: Option<Sender<M>>,
    handles: Vec<JoinHandle<()>>,
}

impl<M: Send + 'static> Threads<M> {
    pub(crate) fn new(inbox: Sender<M>) -> Self {
        Self {
            inbox: Some(inbox),
            handles: Vec::new(),
        }
    }

    pub(crate) fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let handle = thread::Builder::new().name(name.to_owned()).spawn(body)?;
        self.handles.push(handle);
        Ok(())
    }

    pub(crate) fn give(&self, message: M) -> Result<(), Fault> {
        self.inbox
            .as_ref()
            .and_then(|inbox| inbox.send(message).ok())
            .ok_or(Fault::Stopped)
    }
}

impl<M> Drop for Threads<M> {
    fn drop(&mut self) {
        self.inbox = None;
        for handle in self.handles.drain(..) {
            if handle.join().is_err() {
                tracing::warn!("a database thread had panicked");
            }
        }
    }
}
