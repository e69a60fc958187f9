//! Secrets: those that somebody gives, and those that are invented here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use handover_core::secret::Secret;
use handover_handlers::config::Lookup;

/// Random bytes of a secret.
const BYTES: usize = 32;

/// A secret, and how the configuration refers to it.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) value: Secret,
    /// `env:NAME`, `file:PATH` (absolute), or the secret itself.
    pub(crate) written: Secret,
}

impl Given {
    /// Written down as the secret itself.
    pub(crate) fn into_literal(self) -> Self {
        Self {
            written: self.value.clone(),
            ..self
        }
    }
}

/// Reads `env:NAME`, `file:PATH`, `-` (a line of standard input), or takes the text as the secret itself.
pub(crate) fn given(what: &str, text: &str, lookup: &dyn Lookup) -> Result<Given, String> {
    let text = text.trim();
    let (value, written) = if let Some(name) = text.strip_prefix("env:") {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let value = lookup.env(name).filter(|_| is_name).ok_or_else(|| {
            let shown = if is_name { name } else { "with an impossible name" };
            format!("{what}: the environment variable {shown} is not set")
        })?;
        (value, text.to_owned())
    } else if let Some(path) = text.strip_prefix("file:") {
        // `serve` may run in another directory.
        let path = std::path::absolute(path).map_err(|error| format!("{what}: {error}"))?;
        let value = lookup
            .file(&path.to_string_lossy())
            .map_err(|error| format!("{what}: cannot read {}: {error}", path.display()))?;
        (value, format!("file:{}", path.display()))
    } else if text == "-" {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|error| format!("{what}: cannot read standard input: {error}"))?;
        (line.clone(), line.trim().to_owned())
    } else {
        (text.to_owned(), text.to_owned())
    };
    let value = value.trim().to_owned();
    if value.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) || !value.is_ascii() {
        return Err(format!(
            "{what} has spaces or characters that no token has; copy it again"
        ));
    }
    Ok(Given {
        value: Secret::new(value),
        written: Secret::new(written),
    })
}

/// 32 random bytes in letters, digits, `-` and `_`.
pub(crate) fn invent() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}

/// A key of Standard Webhooks.
pub(crate) fn invent_signing_secret() -> anyhow::Result<String> {
    Ok(format!("whsec_{}", STANDARD.encode(random()?)))
}

fn random() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the operating system gives no random bytes: {error}"))?;
    Ok(bytes)
}
