//! Suites that every store and every queue of the bridge must pass.
//!
//! An implementation offers a function that makes an empty [`Subject`], and runs everything with two
//! lines; each story is a test of its own:
//!
//! ```text
//! async fn subject() -> handover_conformance::Subject { … }
//!
//! handover_conformance::store_conformance!(subject);
//! handover_conformance::queue_conformance!(subject);
//! ```
//!
//! Stories never sleep: [`TimeTravel`] lets time pass, at once where the clock is ours, really where it is
//! the service's own.

pub mod queue;
pub mod samples;
pub mod store;
mod subject;
mod time;

pub use subject::Subject;
pub use time::{TestClock, TimeTravel};

/// Generates one test per story. The factory's name must be in scope.
#[doc(hidden)]
#[macro_export]
macro_rules! stories {
    ($suite:ident, $factory:ident, $module:ident :: { $($story:ident),+ $(,)? }) => {
        mod $suite {
            use super::$factory;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    $crate::$module::$story(&$factory().await).await;
                }
            )+
        }
    };
}
