//! Works off *queue-updates*: a new place in the queue to everybody who asked, besides the bot.

use handover_aws::{Error, QueueName};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::work_off(QueueName::QueueUpdates).await
}
