//! Store and queue of the one-machine stage, in one SQLite file.
//!
//! [`Embedded`] implements both [`Store`](handover_core::ports::Store) and
//! [`JobQueue`](handover_core::ports::JobQueue). A commit and its jobs are one transaction, so there is
//! no moment at which one exists without the other.
//!
//! Everything that must be right is right inside transactions of the file and not in memory: a command
//! line tool may open the same file while the server runs.
//!
//! | module | owns |
//! |---|---|
//! | `open` | opening, the server's lock, the handle itself |
//! | `schema` | tables and how older files become newer ones |
//! | `writer` | one thread, many requests per disk sync |
//! | `readers` | reading beside the writer |
//! | `wake` | telling idle workers that there may be something to do |
//! | `commit` | one change of the store, whole or not at all |
//! | `store`, `queue` | the ports |
//! | `jobs` | ordered groups in SQL |
//! | `dead` | jobs that were put aside |
//! | `standing` | how many of what there is, for whoever watches |
//! | `sweep` | removing what has expired |

mod commit;
mod dead;
mod erase;
mod error;
mod jobs;
mod open;
mod queue;
mod readers;
mod release;
mod schema;
mod standing;
mod store;
mod sweep;
mod threads;
mod wake;
mod writer;

pub use error::OpenError;
pub use open::{Embedded, ServeLock};
pub use standing::{QueueStanding, Standing};
