//! Taking up the work of a process that is gone.

use handover_core::job::QueueName;
use handover_core::ports::QueueError;
use rusqlite::params;

use crate::open::{Embedded, ServeLock};
use crate::writer::Durability::Relaxed;

impl Embedded {
    /// Makes every job receivable at once. Whoever holds the lock knows that no other server has any of
    /// them in hand, so nobody has to wait for visibility timeouts of a dead process.
    pub async fn release_in_flight(&self, _lock: &ServeLock) -> Result<(), QueueError> {
        let now = self.now_ms();
        let released = self.writer().run(Relaxed, move |conn, wakes| {
            let mut release = conn.prepare_cached(
                "UPDATE jobs SET visible_at = ?1, turn = turn + 1 WHERE ready = 1 AND visible_at > ?1",
            )?;
            if release.execute(params![now])? > 0 {
                for queue in QueueName::ALL {
                    wakes.add(queue);
                }
            }
            Ok(())
        });
        Ok(released.await?)
    }
}
