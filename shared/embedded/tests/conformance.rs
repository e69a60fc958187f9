//! The suites that every store and every queue must pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use handover_conformance::{Subject, TestClock};
use handover_embedded::Embedded;

async fn subject() -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let embedded = Embedded::open(dir.path(), Arc::new(clock.clone())).unwrap();
    Subject::new(Arc::new(embedded.clone()), Arc::new(embedded), Arc::new(clock)).with_guard(dir)
}

handover_conformance::store_conformance!(subject);
handover_conformance::queue_conformance!(subject);
