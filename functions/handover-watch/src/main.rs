//! Once a minute: sends somebody to look after each handover whose time has come.

use handover_aws::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    handover_aws::watch().await
}
