//! What the outside must offer. Few, small, named after the need; used as `Arc<dyn …>`.

mod bot;
mod clock;
mod contents;
mod files;
mod metrics;
mod queue;
mod ringcx;
mod store;

pub use bot::{Address, Answered, BotError, BotPlatform, BotSays, Delivery, Ping, Probed, Told};
pub use clock::Clock;
pub use contents::{Content, Contents, ContentsPage, DeliveryStatus, Person, Reply, Upload};
pub use files::{Fetch, FetchError, Fetched, FileFetcher, FileStore, FileStoreError, NoFiles, OpenedFile};
pub use metrics::{Api, Measured, Metrics, NoMetrics, Side};
pub use queue::{DeadLetter, JobQueue, QueueError, Receipt, Received};
pub use ringcx::{Agents, CustomerMessage, Identity, Intervention, RingCx, RingCxError, Thread, Urgency};
pub use store::{
    Claim, ClaimKey, Commit, ConversationSummary, Expected, KEPT_FOR, KEPT_MESSAGES, NEWS_KNOWN_FOR,
    NEWS_TAKEN_FOR, Recorded, Store, StoreError, ToLookAfter, Versioned,
};

/// An error and what caused it, in one line: a log may show no more of an error than that.
pub fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
