//! The one-machine stage.

use std::io;
use std::net::SocketAddr;

use handover_handlers::config::{self, Lookup};
use local_stage::StageOptions;
use tempfile::TempDir;

use crate::world::{Stage, World};

/// All functions in one process: this one.
pub struct LocalStage {
    world: World,
    stage: Option<local_stage::Stage>,
    address: SocketAddr,
    data: TempDir,
}

impl LocalStage {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With these timers of the connection.
    pub async fn start_with(timers: &'static str) -> Self {
        Self::start_in(World::start(timers, false).await).await
    }

    /// On a channel of RCE's own.
    pub async fn start_native(timers: &'static str) -> Self {
        Self::start_in(World::start(timers, true).await).await
    }

    async fn start_in(mut world: World) -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let stage = start(&world, &data, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let address = stage.address();
        world.connect(&format!("http://{address}")).await;
        Self {
            world,
            stage: Some(stage),
            address,
            data,
        }
    }
}

async fn start(world: &World, data: &TempDir, listen: SocketAddr) -> local_stage::Stage {
    let connections = config::parse(&world.toml(), &NoLookup).expect("settings");
    let options = StageOptions {
        connections,
        data: data.path().to_owned(),
        listen,
        monitoring: local_stage::Monitoring::default(),
    };
    local_stage::Stage::start(options)
        .await
        .expect("the stage starts")
}

impl Stage for LocalStage {
    fn world(&self) -> &World {
        &self.world
    }

    /// It looks after handovers by itself, each second.
    async fn tick(&self) {}

    async fn restart(&mut self) {
        if let Some(stage) = self.stage.take() {
            stage.shutdown().await;
        }
        self.stage = Some(start(&self.world, &self.data, self.address).await);
    }

    async fn finish(mut self) {
        if let Some(stage) = self.stage.take() {
            stage.shutdown().await;
        }
        self.world.check(false);
    }
}

/// Nothing is looked up: all secrets of a story are literals.
struct NoLookup;

impl Lookup for NoLookup {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, io::Error> {
        Err(io::ErrorKind::NotFound.into())
    }
}
