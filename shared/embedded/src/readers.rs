use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::Fault;
use crate::threads::Threads;

type Look = Box<dyn FnOnce(&Connection) + Send>;

/// Threads that read. They see every commit that was answered, and never wait for the writer.
pub(crate) struct Readers {
    threads: Threads<Look>,
}

impl Readers {
    pub(crate) fn start(conns: impl IntoIterator<Item = Connection>) -> io::Result<Self> {
        let (inbox, looks) = mpsc::channel();
        let looks = Arc::new(Mutex::new(looks));
        let mut threads = Threads::new(inbox);
        for conn in conns {
            let looks = Arc::clone(&looks);
            threads.spawn("bridge-reader", move || serve(&conn, &looks))?;
        }
        Ok(Self { threads })
    }

    pub(crate) async fn run<T, F>(&self, look: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.threads.give(Box::new(move |conn: &Connection| {
            let result = catch_unwind(AssertUnwindSafe(|| look(conn)));
            // Whoever does not wait any more does not want to know.
            let _ = reply.send(result.unwrap_or(Err(Fault::Panicked)));
        }))?;
        answer.await.unwrap_or(Err(Fault::Stopped))
    }
}

fn serve(conn: &Connection, looks: &Mutex<Receiver<Look>>) {
    loop {
        // The lock is held while waiting: one waits at the channel, the others at the lock.
        let look = looks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match look {
            Ok(look) => look(conn),
            Err(_) => return,
        }
    }
}
