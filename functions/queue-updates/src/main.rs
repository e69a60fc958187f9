//! Works off *queue-updates*: the newest place in the queue to everybody who asked.

use handover_aws::{Error, QueueName, sqs, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sqs::run(start::app()?, QueueName::QueueUpdates).await
}
