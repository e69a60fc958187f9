//! AWS in miniature around the seven real functions, and stories that run on both stages.
//!
//! ```text
//!  bot, RCE ──▶ gateway ──▶ function (a real bootstrap) ──▶ proxy ──▶ DynamoDB, SQS, SSM (emulators)
//!                               ▲                                          │
//!                               ├──────────────── event source ◀───────────╯
//!                               ╰──────────────── tick
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`function`] | Lambda: a bootstrap behind a Runtime API of ours, or behind the official emulator of it |
//! | [`gateway`] | API Gateway: HTTP to payload 2.0 and back, by the template's routes |
//! | [`event_source`] | Lambda's event source mapping: SQS to batches |
//! | [`proxy`] | sees every call of a function to AWS: counts it, or lets it fail |
//! | [`aws`] | all of it together: [`AwsStage`] |
//! | [`local`] | the one-machine stage: [`LocalStage`] |
//! | [`world`] | the bridge's neighbours, and what they say to it |
//! | [`story`] | the stories that both stages must tell |
//!
//! # How to run
//!
//! ```text
//! cargo build -p agent-messages -p handover-requests -p handover-watch -p queue-updates -p ringcx-delivery \
//!     -p source-sdk -p webhook-intake
//! cargo build -p engage-handover --features aws
//! cargo test -p handover-aws-stage
//! ```
//!
//! These are debug binaries. For what is deployed, build with `cargo lambda build --release` and set
//! `HANDOVER_BOOTSTRAPS=target/lambda` (a directory with `NAME/bootstrap`). The emulators are installed at their
//! first use, see `handover-emulators`. Everything a stage prints is in `target/emulators/`.
//!
//! A stage's schedule does nothing by itself: a story says when a minute is over, with [`Stage::tick`].
//!
//! What a stage cannot tell: anything about permissions, cold starts of a micro-VM, or the service's own limits.
#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

pub mod aws;
pub mod event_source;
pub mod function;
pub mod gateway;
pub mod local;
pub mod proxy;
pub mod story;
pub mod world;

pub use aws::{AwsStage, Setup};
pub use local::LocalStage;
pub use world::{Stage, World, eventually};
