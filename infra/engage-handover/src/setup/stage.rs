//! A stage on AWS: the connection's settings and the record are parameters of it.

use std::sync::Arc;

use async_trait::async_trait;
use handover_aws::operator::{NotOpened, Shelves, StoredText};
use handover_core::Timestamp;

use super::shelf::{Home, Shelf};
use crate::commands::Failure;

/// Finds a stage; what its connection's settings and record are kept in.
pub(super) async fn open(
    stage: &str,
    connection: &str,
) -> Result<(Home, Arc<dyn Shelf>, Arc<dyn Shelf>), Failure> {
    let shelves = Box::pin(Shelves::of(stage)).await.map_err(|error| match error {
        NotOpened::Failed(_) => Failure::Ours(error.into()),
        _ => Failure::Theirs(error.to_string()),
    })?;
    let home = Home::Stage {
        name: stage.to_owned(),
        public_url: shelves.public_url().to_owned(),
    };
    let settings = ParameterShelf(shelves.settings(connection));
    let record = ParameterShelf(shelves.record(connection));
    Ok((home, Arc::new(settings), Arc::new(record)))
}

struct ParameterShelf(StoredText);

#[async_trait]
impl Shelf for ParameterShelf {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    async fn read(&self) -> Result<Option<String>, Failure> {
        Ok(self.0.read().await?)
    }

    async fn replace(&self, text: &str) -> anyhow::Result<()> {
        Ok(self.0.replace(text).await?)
    }

    /// SSM keeps what was there by itself.
    async fn keep(&self, _: &str, _: Timestamp) -> anyhow::Result<String> {
        Ok(format!("version {} of {}", self.0.version(), self.0.name()))
    }

    /// With all versions.
    async fn remove(&self) -> anyhow::Result<()> {
        Ok(self.0.remove().await?)
    }
}
