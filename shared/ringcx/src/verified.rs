//! Proof, in the type, that a sender was checked before their bytes are parsed.

use std::fmt;

use bytes::Bytes;

/// Bytes whose sender proved to be who they claim. Only this crate can make one; parsers insist on it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T = Bytes>(T);

impl Verified {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The exact bytes that were checked.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Shows the length only: the bytes are somebody's message.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes)", self.0.len())
    }
}
