//! Works off *to-ringcx*: messages by the Send API, categories by REST, in order.

use handover_aws::{Error, QueueName, sqs, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sqs::run(start::app()?, QueueName::ToRingcx).await
}
