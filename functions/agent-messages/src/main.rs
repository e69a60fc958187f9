//! Works off *to-bot*: agent messages and status changes, in order.

use handover_aws::{Error, QueueName, sqs, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sqs::run(start::app()?, QueueName::ToBot).await
}
