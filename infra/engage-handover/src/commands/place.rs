//! The bridge that an operating command looks at, wherever it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use handover_core::ids::{ConversationId, ForeignThreadId};
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

impl Place {
    /// The connection of this name, or all of them.
    pub(crate) fn chosen(&self, name: Option<&str>) -> Result<Vec<&Connection>, Failure> {
        let all = self.connections.iter();
        let Some(name) = name else {
            return Ok(all.collect());
        };
        let found: Vec<_> = all.filter(|connection| connection.id.as_str() == name).collect();
        if found.is_empty() {
            let known: Vec<&str> = self.connections.iter().map(|known| known.id.as_str()).collect();
            return Err(Failure::Theirs(format!(
                "there is no connection {name:?}; there are: {}",
                known.join(", ")
            )));
        }
        Ok(found)
    }

    /// Whose conversation it is. The same id may be known on several connections.
    pub(crate) async fn owner(
        &self,
        id: &ConversationId,
        connection: Option<&str>,
    ) -> Result<&Connection, Failure> {
        let thread = ForeignThreadId::of(id);
        let mut owners = Vec::new();
        for connection in self.chosen(connection)? {
            let found = self.app.store.conversation(&connection.id, &thread).await?;
            owners.extend(found.map(|_| connection));
        }
        match owners[..] {
            [owner] => Ok(owner),
            [] => Err(Failure::Theirs(format!(
                "there is no conversation {:?}; see: engage-handover conversations",
                id.as_str()
            ))),
            _ => {
                let names: Vec<&str> = owners.iter().map(|owner| owner.id.as_str()).collect();
                Err(Failure::Theirs(format!(
                    "there is a conversation {:?} on each of {}; say which with --connection",
                    id.as_str(),
                    names.join(", ")
                )))
            }
        }
    }
}

impl Where {
    /// The arguments that lead here, for hints.
    pub(crate) fn arguments(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match &self.stage {
            Some(stage) => format!("--stage {stage}"),
            None => format!(
                "--config {} --data {}",
                path(&self.config).unwrap_or_default(),
                path(&self.data).unwrap_or_default()
            ),
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
    Err(Failure::Theirs(super::WITHOUT_AWS.to_owned()))
}
