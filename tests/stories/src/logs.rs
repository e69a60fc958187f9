//! What was logged, at every level.
//!
//! One subscriber serves the whole test binary: with one for each story, a line whose place in the code is reached for the
//! first time while another story's subscriber comes or goes could be lost.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

type Written = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static CAPTURED: RefCell<Option<Written>> = const { RefCell::new(None) };
}

/// Collects the log of this thread until it is dropped.
pub struct Logs(Written);

impl Logs {
    pub fn capture() -> Self {
        static SUBSCRIBED: Once = Once::new();
        SUBSCRIBED.call_once(|| {
            let layer = fmt::layer().with_ansi(false).with_writer(ThisThread);
            let captures = dynamic_filter_fn(|_, _| captured().is_some());
            tracing_subscriber::registry()
                .with(layer.with_filter(captures))
                .init();
        });
        let written = Written::default();
        CAPTURED.set(Some(Arc::clone(&written)));
        Self(written)
    }

    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        CAPTURED.set(None);
    }
}

fn captured() -> Option<Written> {
    CAPTURED.with_borrow(Clone::clone)
}

/// Writes to where this thread's log is collected.
struct ThisThread;

struct Writer(Option<Written>);

impl<'a> MakeWriter<'a> for ThisThread {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        Writer(captured())
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(written) = &self.0 {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
