//! The bot API.

use handover_aws::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::serve().await
}
