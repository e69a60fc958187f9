//! What the template tells a function.

use handover_core::secret::Secret;
use handover_handlers::config::Lookup;

use crate::client::Account;

/// A function's environment, read and checked once.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) stage: String,
    pub(crate) table: String,
    pub(crate) to_bot_queue_url: String,
    pub(crate) to_ringcx_queue_url: String,
    pub(crate) queue_updates_queue_url: String,
    /// Where a worker puts records that it cannot read.
    pub(crate) dead_letters_url: Option<String>,
    pub(crate) connections_path: String,
    /// Where files are kept.
    pub(crate) files_bucket: String,
    /// Where the stage is reached from outside.
    pub(crate) public_url: String,
    /// `AWS_ENDPOINT_URL_S3`.
    pub(crate) s3_endpoint: Option<String>,
    pub(crate) log: String,
    pub(crate) ca_bundle: Option<String>,
    pub(crate) account: Account,
}

/// Everything that is missing or wrong, at once.
#[derive(Debug, thiserror::Error)]
#[error("the function's environment is incomplete, deploy it with infra/template.yaml: {}", .0.join("; "))]
pub(crate) struct Incomplete(Vec<String>);

impl Settings {
    pub(crate) fn read(environment: &dyn Lookup) -> Result<Self, Incomplete> {
        let mut variables = Variables::of(environment);
        let settings = Self {
            stage: variables.need("HANDOVER_STAGE"),
            table: variables.need("HANDOVER_TABLE"),
            to_bot_queue_url: variables.need("HANDOVER_TO_BOT_QUEUE_URL"),
            to_ringcx_queue_url: variables.need("HANDOVER_TO_RINGCX_QUEUE_URL"),
            queue_updates_queue_url: variables.need("HANDOVER_QUEUE_UPDATES_QUEUE_URL"),
            dead_letters_url: variables.optional("HANDOVER_DEAD_LETTERS_URL"),
            connections_path: variables.need("HANDOVER_SETTINGS_PATH"),
            files_bucket: variables.need("HANDOVER_FILES_BUCKET"),
            public_url: variables.need("HANDOVER_PUBLIC_URL"),
            s3_endpoint: variables.optional(S3_ENDPOINT),
            log: variables
                .optional("HANDOVER_LOG")
                .unwrap_or_else(|| "info".to_owned()),
            ca_bundle: variables.optional(CA_BUNDLE),
            account: variables.account("AWS_REGION"),
        };
        if variables.missing.is_empty() {
            Ok(settings)
        } else {
            Err(Incomplete(variables.missing))
        }
    }
}

/// `AWS_ENDPOINT_URL` for S3 alone.
pub(crate) const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";
/// The SDKs' own variable for a company's proxy.
pub(crate) const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// Reads variables and remembers which are missing. One that is empty is not set.
pub(crate) struct Variables<'a> {
    environment: &'a dyn Lookup,
    pub(crate) missing: Vec<String>,
}

impl<'a> Variables<'a> {
    pub(crate) fn of(environment: &'a dyn Lookup) -> Self {
        Self {
            environment,
            missing: Vec::new(),
        }
    }

    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        self.environment.env(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn need(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.missing.push(format!("{name} is not set"));
            String::new()
        })
    }

    /// Where AWS is and who asks; `region` is the variable that has the region.
    pub(crate) fn account(&mut self, region: &str) -> Account {
        Account {
            region: self.need(region),
            access_key_id: self.need("AWS_ACCESS_KEY_ID"),
            secret_access_key: Secret::new(self.need("AWS_SECRET_ACCESS_KEY")),
            session_token: self.optional("AWS_SESSION_TOKEN").map(Secret::new),
            endpoint: self.optional("AWS_ENDPOINT_URL"),
            dynamodb_endpoint: self.optional("AWS_ENDPOINT_URL_DYNAMODB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Few(&'static [(&'static str, &'static str)]);

    impl Lookup for Few {
        fn env(&self, name: &str) -> Option<String> {
            let found = self.0.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }

        fn file(&self, _: &str) -> Result<String, std::io::Error> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let few = Few(&[("HANDOVER_STAGE", "dev"), ("HANDOVER_TABLE", "")]);
        let error = Settings::read(&few).unwrap_err().to_string();
        for name in [
            "HANDOVER_TABLE",
            "HANDOVER_TO_BOT_QUEUE_URL",
            "HANDOVER_TO_RINGCX_QUEUE_URL",
            "HANDOVER_QUEUE_UPDATES_QUEUE_URL",
            "HANDOVER_SETTINGS_PATH",
            "HANDOVER_FILES_BUCKET",
            "HANDOVER_PUBLIC_URL",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name} in: {error}");
        }
        assert!(!error.contains("HANDOVER_STAGE"), "{error}");
    }
}
