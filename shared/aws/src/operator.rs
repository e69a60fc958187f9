//! A stage as an operator's machine opens it, with the operator's own permissions.
//!
//! The template writes down in one parameter where everything of the stage is. Region and credentials come from the
//! same variables that a function has; profiles, single sign-on and roles are the AWS CLI's business, which exports
//! what they give.

mod text;

use std::sync::Arc;

use aws_sdk_ssm::types::Parameter;
use handover_core::ports::NoMetrics;
use handover_core::settings::Connection;
use handover_handlers::App;
use handover_handlers::config::Lookup;
use handover_machine::Environment;
use serde::Deserialize;

use crate::client::Aws;
use crate::environment::{CA_BUNDLE, S3_ENDPOINT, Settings, Variables};
use crate::fault::{self, Fault, Thing};
use crate::start;

pub use text::{StoredText, TextError};

/// An opened stage.
pub struct Stage {
    pub app: App,
    /// The connections that can be used.
    pub connections: Vec<Connection>,
    /// What is wrong with the others; no secret is in it.
    pub unusable: Vec<String>,
}

/// Why a stage was not opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    #[error(
        "{}. Say which account and region: `export AWS_REGION=…`, and credentials by \
         `eval \"$(aws configure export-credentials --format env)\"`, with `--profile NAME` for another profile",
        .0.join("; ")
    )]
    NoAccount(Vec<String>),
    #[error("{0:?} is no name of a stage: a lower-case letter, then letters, digits and hyphens, 16 at most")]
    NoName(String),
    #[error(
        "there is no stage {stage} here: the parameter {parameter} does not exist in {region} in the account of these \
         credentials. Check AWS_REGION and the account, or deploy the stage with infra/template.yaml of this version"
    )]
    NoStage {
        stage: String,
        parameter: String,
        region: String,
    },
    #[error(
        "the parameter {parameter} is of another version: {detail}. Deploy the stage and this command from one version"
    )]
    AnotherVersion { parameter: String, detail: String },
    /// AWS refused, or did not answer.
    #[error("{0}")]
    Failed(String),
}

impl From<Fault> for NotOpened {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.to_string())
    }
}

/// Where everything of a stage is, as infra/template.yaml writes it down. The names are those of the functions'
/// variables.
#[derive(Deserialize)]
struct Described {
    table: String,
    to_bot_queue_url: String,
    to_ringcx_queue_url: String,
    queue_updates_queue_url: String,
    settings_path: String,
    files_bucket: String,
    public_url: String,
    /// The key that encrypts connections' settings, or `none`.
    #[serde(default)]
    settings_key: Option<String>,
}

/// A stage as set-up needs it: where it is reached, and where it keeps what connections are.
pub struct Shelves {
    stage: String,
    described: Described,
    ssm: aws_sdk_ssm::Client,
}

impl Shelves {
    /// Finds a stage by its name.
    pub async fn of(stage: &str) -> Result<Self, NotOpened> {
        let (_, described, ssm) = find(stage).await?;
        Ok(Self {
            stage: stage.to_owned(),
            described,
            ssm,
        })
    }

    /// Where the stage is reached from outside, without a slash at its end.
    pub fn public_url(&self) -> &str {
        self.described.public_url.trim_end_matches('/')
    }

    /// The settings of a connection.
    pub fn settings(&self, connection: &str) -> StoredText {
        let path = self.described.settings_path.trim_end_matches('/');
        let key = self.described.settings_key.clone();
        let key = key.filter(|key| !key.is_empty() && key != "none");
        StoredText::secrets(self.ssm.clone(), format!("{path}/{connection}"), key)
    }

    /// What set-up remembers of a connection. Functions do not read it.
    pub fn record(&self, connection: &str) -> StoredText {
        let stage = &self.stage;
        let name = format!("/engage-handover/{stage}/setup/{connection}");
        StoredText::notes(self.ssm.clone(), name)
    }
}

async fn find(stage: &str) -> Result<(Settings, Described, aws_sdk_ssm::Client), NotOpened> {
    if !can_be_stage(stage) {
        return Err(NotOpened::NoName(stage.to_owned()));
    }
    let settings = from_here(stage, &Environment)?;
    let (described, ssm) = read(&settings).await?;
    Ok((settings, described, ssm))
}

/// Opens a stage by its name.
pub async fn open(stage: &str) -> Result<Stage, NotOpened> {
    let (mut settings, described, _) = find(stage).await?;
    settings.table = described.table;
    settings.to_bot_queue_url = described.to_bot_queue_url;
    settings.to_ringcx_queue_url = described.to_ringcx_queue_url;
    settings.queue_updates_queue_url = described.queue_updates_queue_url;
    settings.connections_path = described.settings_path;
    settings.files_bucket = described.files_bucket;
    settings.public_url = described.public_url;
    let ports =
        start::ports(&settings, Arc::new(NoMetrics)).map_err(|error| NotOpened::Failed(error.to_string()))?;
    let (mut connections, mut unusable) = (Vec::new(), Vec::new());
    for read in ports.connections.all().await? {
        match read {
            Ok(connection) => connections.push(connection),
            Err(error) => unusable.push(error),
        }
    }
    Ok(Stage {
        app: ports.app,
        connections,
        unusable,
    })
}

/// What this machine knows: who asks, and how.
fn from_here(stage: &str, environment: &dyn Lookup) -> Result<Settings, NotOpened> {
    let mut variables = Variables::of(environment);
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let region = region.into_iter().find(|name| variables.optional(name).is_some());
    let account = variables.account(region.unwrap_or("AWS_REGION"));
    if !variables.missing.is_empty() {
        return Err(NotOpened::NoAccount(variables.missing));
    }
    Ok(Settings {
        stage: stage.to_owned(),
        table: String::new(),
        to_bot_queue_url: String::new(),
        to_ringcx_queue_url: String::new(),
        queue_updates_queue_url: String::new(),
        dead_letters_url: None,
        connections_path: String::new(),
        files_bucket: String::new(),
        public_url: String::new(),
        s3_endpoint: variables.optional(S3_ENDPOINT),
        log: String::new(),
        ca_bundle: variables.optional(CA_BUNDLE),
        account,
    })
}

async fn read(settings: &Settings) -> Result<(Described, aws_sdk_ssm::Client), NotOpened> {
    let authorities = start::authorities(settings.ca_bundle.as_deref())
        .map_err(|error| NotOpened::Failed(error.to_string()))?;
    let http = handover_ringcx::http::client_trusting(authorities);
    let ssm = Aws::new(settings.account.clone(), http).ssm();
    let parameter = format!("/engage-handover/{}/stage", settings.stage);
    let answer = match ssm.get_parameter().name(&parameter).send().await {
        Ok(answer) => answer,
        Err(error) if fault::code(&error) == "ParameterNotFound" => {
            return Err(NotOpened::NoStage {
                stage: settings.stage.clone(),
                parameter,
                region: settings.account.region.clone(),
            });
        }
        Err(error) => return Err(Fault::of("ssm:GetParameter", Thing::Parameter(parameter), &error).into()),
    };
    let text = answer.parameter().and_then(Parameter::value).unwrap_or_default();
    let described = serde_json::from_str(text).map_err(|error| NotOpened::AnotherVersion {
        parameter,
        detail: error.to_string(),
    })?;
    Ok((described, ssm))
}

/// As the template's parameter `Stage` has it.
fn can_be_stage(name: &str) -> bool {
    (2..=16).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Lookup for Nothing {
        fn env(&self, _: &str) -> Option<String> {
            None
        }

        fn file(&self, _: &str) -> Result<String, std::io::Error> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn who_has_no_credentials_is_told_how_to_get_them() {
        let error = from_here("prod", &Nothing).unwrap_err().to_string();
        for words in [
            "AWS_REGION is not set",
            "AWS_ACCESS_KEY_ID is not set",
            "aws configure export-credentials --format env",
        ] {
            assert!(error.contains(words), "{words} in: {error}");
        }
    }

    #[test]
    fn a_name_that_reaches_for_another_parameter_is_refused() {
        for name in ["prod", "dev-2", "ab"] {
            assert!(can_be_stage(name), "{name}");
        }
        for name in [
            "",
            "a",
            "Prod",
            "../x",
            "prod/connections",
            "-prod",
            "abcdefghijklmnopq",
        ] {
            assert!(!can_be_stage(name), "{name}");
        }
    }
}
