//! RCE's webhooks: validates the subscription, authenticates, queues.

use handover_aws::{Error, http, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run(start::app()?).await
}
