use std::any::Any;
use std::sync::Arc;

use handover_core::ports::{JobQueue, Store};

use crate::time::TimeTravel;

/// A store and the queue that its commits send to, both empty and used by nobody else.
pub struct Subject {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn JobQueue>,
    pub time: Arc<dyn TimeTravel>,
    guard: Box<dyn Any + Send + Sync>,
}

impl Subject {
    pub fn new(store: Arc<dyn Store>, queue: Arc<dyn JobQueue>, time: Arc<dyn TimeTravel>) -> Self {
        Self {
            store,
            queue,
            time,
            guard: Box::new(()),
        }
    }

    /// Keeps something alive (a directory, a server) until the story is over.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Box::new(guard);
        self
    }
}
