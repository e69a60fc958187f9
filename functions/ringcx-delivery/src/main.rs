//! Works off *to-ringcx*: messages by the Send API, categories by REST, in order.

use handover_aws::{Error, QueueName};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::work_off(QueueName::ToRingcx).await
}
