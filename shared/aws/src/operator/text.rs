//! A text that an operator's machine keeps in SSM: a connection's settings, or what set-up has to remember.

use std::io::{Read as _, Write as _};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::fault::{self, Fault, Thing};

/// Bytes of a parameter of the standard tier, which costs nothing.
const STANDARD: usize = 4096;
/// Bytes of a parameter of the advanced tier.
const ADVANCED: usize = 8192;
/// What begins so is packed.
const PACKED: &str = "gzip:";
/// How often SSM is asked that allows few changes a second, and one at a time; a pause after each.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_secs(1);
/// Words of SSM's that quote nothing of what was sent. Those of a validation error do.
const QUOTES_NOTHING: [&str; 4] = [
    "InvalidKeyId",
    "ParameterLimitExceeded",
    "ParameterMaxVersionLimitExceeded",
    "TooManyUpdates",
];

/// Why a parameter was not read or written. No value is in it.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("{0}")]
    Failed(String),
    #[error(
        "the parameter {0} was changed by somebody else meanwhile, and stays as it is. Run the same command again, \
         which reads it anew"
    )]
    Changed(String),
    #[error("the parameter {name} would have {bytes} bytes; SSM takes {ADVANCED}")]
    TooLarge { name: String, bytes: usize },
}

/// What is in the parameter.
#[derive(Clone, Debug)]
enum Kind {
    /// A `SecureString`, with this key or the account's own.
    Secrets { key: Option<String> },
    /// A `String` without secrets, packed where it is long.
    Notes,
}

/// One parameter.
pub struct StoredText {
    client: Client,
    name: String,
    kind: Kind,
    /// The version that was read or written last; 0 is none.
    version: Mutex<i64>,
}

impl StoredText {
    /// A connection's settings, encrypted with this key or the account's own.
    pub fn secrets(client: Client, name: String, key: Option<String>) -> Self {
        Self::new(client, name, Kind::Secrets { key })
    }

    /// What has no secrets and may be long.
    pub fn notes(client: Client, name: String) -> Self {
        Self::new(client, name, Kind::Notes)
    }

    fn new(client: Client, name: String, kind: Kind) -> Self {
        Self {
            client,
            name,
            kind,
            version: Mutex::new(0),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that was read or written last; 0 is none.
    pub fn version(&self) -> i64 {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_at(&self, version: i64) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    /// `None`: there is no such parameter.
    pub async fn read(&self) -> Result<Option<String>, TextError> {
        let Some((text, version)) = self.look().await? else {
            self.is_at(0);
            return Ok(None);
        };
        self.is_at(version);
        unpacked(&text)
            .map(Some)
            .ok_or_else(|| TextError::Failed(format!("the parameter {} cannot be unpacked", self.name)))
    }

    /// Writes it, unless somebody else did so since it was read. A repeat is harmless.
    pub async fn replace(&self, text: &str) -> Result<(), TextError> {
        let value = match self.kind {
            Kind::Notes if text.len() > STANDARD => packed(text).map_err(|error| {
                TextError::Failed(format!("the parameter {} cannot be packed: {error}", self.name))
            })?,
            _ => text.to_owned(),
        };
        if value.len() > ADVANCED {
            return Err(TextError::TooLarge {
                name: self.name.clone(),
                bytes: value.len(),
            });
        }
        let known = self.version();
        // What SSM shows may be older than what we wrote a moment ago, never newer, unless others write.
        match self.look().await? {
            Some((now, version)) if now == value => {
                self.is_at(version);
                return Ok(());
            }
            Some((_, version)) if version > known => return Err(TextError::Changed(self.name.clone())),
            _ => {}
        }
        let mut tier = (value.len() > STANDARD).then_some(ParameterTier::Advanced);
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let Err(error) = self.put(&value, known > 0, tier.clone()).await else {
                return Ok(());
            };
            match fault::code(&error) {
                // Ours, if only the answer was lost.
                "ParameterAlreadyExists" => {
                    return match self.look().await? {
                        Some((now, version)) if now == value => {
                            self.is_at(version);
                            Ok(())
                        }
                        _ => Err(TextError::Changed(self.name.clone())),
                    };
                }
                "TooManyUpdates" | "ThrottlingException" if left > 0 => pause().await,
                // Once advanced, always advanced, however short it has become.
                "ValidationException" if tier.is_none() && known > 0 && left > 0 => {
                    tier = Some(ParameterTier::Advanced);
                }
                _ => return Err(self.failed("ssm:PutParameter", &error)),
            }
        }
    }

    async fn put(
        &self,
        value: &str,
        overwrite: bool,
        tier: Option<ParameterTier>,
    ) -> Result<(), SdkError<aws_sdk_ssm::operation::put_parameter::PutParameterError>> {
        let (kind, key, what) = match &self.kind {
            Kind::Secrets { key } => (
                ParameterType::SecureString,
                key.clone(),
                "A connection of engage-handover.",
            ),
            Kind::Notes => (
                ParameterType::String,
                None,
                "What engage-handover setup did, to be gone on with or undone.",
            ),
        };
        let put = self
            .client
            .put_parameter()
            .name(&self.name)
            .description(what)
            .value(value)
            .r#type(kind)
            .set_key_id(key)
            .set_tier(tier)
            .overwrite(overwrite);
        self.is_at(put.send().await?.version());
        Ok(())
    }

    /// Deletes it with all its versions. One that is not there is deleted.
    pub async fn remove(&self) -> Result<(), TextError> {
        match self.client.delete_parameter().name(&self.name).send().await {
            Err(error) if fault::code(&error) != "ParameterNotFound" => {
                Err(self.failed("ssm:DeleteParameter", &error))
            }
            _ => {
                self.is_at(0);
                Ok(())
            }
        }
    }

    async fn look(&self) -> Result<Option<(String, i64)>, TextError> {
        let asked = self.client.get_parameter().name(&self.name).with_decryption(true);
        match asked.send().await {
            Ok(answer) => Ok(answer.parameter.map(|found| {
                let version = found.version();
                (found.value.unwrap_or_default(), version)
            })),
            Err(error) if fault::code(&error) == "ParameterNotFound" => Ok(None),
            Err(error) => Err(self.failed("ssm:GetParameter", &error)),
        }
    }

    /// Never in words that may quote a value.
    fn failed<E, R>(&self, action: &'static str, error: &SdkError<E, R>) -> TextError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let fault = Fault::of(action, Thing::Parameter(self.name.clone()), error);
        let code = fault::code(error);
        let tells_nothing = !matches!(error, SdkError::ServiceError(_)) || QUOTES_NOTHING.contains(&code);
        TextError::Failed(match fault {
            Fault::Failed { .. } if !tells_nothing => {
                format!("{action} on the parameter {} failed: {code}", self.name)
            }
            fault => fault.to_string(),
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person at a terminal waits; nothing is lost if the process dies here"
)]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

fn packed(text: &str) -> std::io::Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes())?;
    Ok(format!("{PACKED}{}", BASE64_STANDARD.encode(gzip.finish()?)))
}

fn unpacked(value: &str) -> Option<String> {
    let Some(packed) = value.strip_prefix(PACKED) else {
        return Some(value.to_owned());
    };
    let bytes = BASE64_STANDARD.decode(packed).ok()?;
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).ok()?;
    Some(text)
}
