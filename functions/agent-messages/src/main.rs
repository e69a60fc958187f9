//! Works off *to-bot*: agent messages and status changes, in order.

use handover_aws::{Error, QueueName};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::work_off(QueueName::ToBot).await
}
