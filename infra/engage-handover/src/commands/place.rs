//! The bridge that an operating command looks at, wherever it runs.

use std::path::Path;
use std::sync::Arc;

use handover_core::settings::Connection;
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_machine::SystemClock;

use super::{Failure, read_config};
use crate::cli::Where;

/// An opened bridge. It may be running; what is written here is seen there.
pub(crate) struct Place {
    pub(crate) connections: Vec<Connection>,
    pub(crate) app: App,
}

impl Place {
    pub(crate) async fn open(at: &Where) -> Result<Self, Failure> {
        match at {
            Where {
                stage: Some(stage), ..
            } => on_aws(stage).await,
            Where {
                config: Some(config),
                data: Some(data),
                ..
            } => on_this_machine(config, data),
            _ => Err(Failure::Theirs(
                "say which bridge: --config FILE and --data DIR, or --stage NAME".to_owned(),
            )),
        }
    }
}

fn on_this_machine(config: &Path, data: &Path) -> Result<Place, Failure> {
    let connections = read_config(config)?;
    let embedded = Embedded::open_existing(data, Arc::new(SystemClock)).map_err(|error| {
        Failure::Theirs(format!(
            "cannot open the data directory {}: {error}",
            data.display()
        ))
    })?;
    let app = local_stage::app(connections.clone(), data, &embedded);
    Ok(Place { connections, app })
}

#[cfg(feature = "aws")]
async fn on_aws(stage: &str) -> Result<Place, Failure> {
    use handover_aws::operator::{self, NotOpened};

    let opened = Box::pin(operator::open(stage))
        .await
        .map_err(|error| match error {
            NotOpened::Failed(_) => Failure::Ours(error.into()),
            _ => Failure::Theirs(error.to_string()),
        })?;
    for trouble in &opened.unusable {
        crate::output::complain(&format!("this connection is left out: {trouble}"));
    }
    Ok(Place {
        connections: opened.connections,
        app: opened.app,
    })
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the one that knows AWS waits for it")]
async fn on_aws(_: &str) -> Result<Place, Failure> {
    Err(Failure::Theirs(
        "this engage-handover was built without AWS, so it knows no --stage; build one that does: \
         cargo build --release -p engage-handover --no-default-features --features aws"
            .to_owned(),
    ))
}
