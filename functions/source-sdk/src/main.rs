//! RCE's Source SDK calls: capabilities, agent messages, queue updates. Also mounts the shared URL.

use handover_aws::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::serve().await
}
