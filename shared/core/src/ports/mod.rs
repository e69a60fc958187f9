//! What the outside must offer. Few, small, named after the need; used as `Arc<dyn …>`.

mod bot;
mod clock;
mod metrics;
mod queue;
mod ringcx;
mod store;

pub use bot::{BotError, BotPlatform, Delivery, Told};
pub use clock::Clock;
pub use metrics::{Measured, Metrics, NoMetrics};
pub use queue::{DeadLetter, JobQueue, QueueError, Receipt, Received};
pub use ringcx::{CustomerMessage, Identity, Intervention, RingCx, RingCxError, Thread};
pub use store::{
    Claim, ClaimKey, Commit, ConversationSummary, Expected, KEPT_FOR, KEPT_MESSAGES, Recorded, Store,
    StoreError, Versioned,
};
