//! Secrets: never shown, compared in constant time.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A secret text. `Debug` shows none of it; there is no `Display` and no serialisation.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one line that signs or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret. The time taken tells nothing about where they differ,
    /// nor (because digests are compared) about the secret's length.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let ours = Sha256::digest(self.0.as_bytes());
        let theirs = Sha256::digest(candidate);
        ours.as_slice().ct_eq(theirs.as_slice()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether `candidate` is one of `secrets`. All are compared, so that the time taken does not tell
/// which one matched; an empty list matches nothing.
pub fn any_matches(secrets: &[Secret], candidate: &[u8]) -> bool {
    secrets
        .iter()
        .fold(false, |found, secret| found | secret.matches(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(
            format!("{:?}", Secret::new("hunter2-hunter2-hunter2")),
            "Secret(…)"
        );
    }

    #[test]
    fn each_of_several_secrets_is_valid_during_a_rotation() {
        let secrets = [Secret::new("new-secret"), Secret::new("old-secret")];
        assert!(any_matches(&secrets, b"new-secret"));
        assert!(any_matches(&secrets, b"old-secret"));
        assert!(!any_matches(&secrets, b"old-secre"));
        assert!(!any_matches(&secrets, b""));
        assert!(!any_matches(&[], b""));
    }
}
