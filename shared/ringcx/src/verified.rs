//! Proof, in the type, that a sender was checked before their bytes are parsed.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;

/// Sent by RCE's Source SDK, proved by the source's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceSdk {}

/// Sent by one of RCE's webhooks, proved by the webhook's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {}

/// Bytes whose sender proved to be who they claim. Only this crate can make one; parsers insist on it, and on
/// the kind of proof: a webhook's secret makes nobody a caller of the Source SDK.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<By>(Bytes, PhantomData<By>);

impl<By> Verified<By> {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes, PhantomData)
    }

    /// The exact bytes that were checked.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Shows the length only: the bytes are somebody's message.
impl<By> fmt::Debug for Verified<By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes)", self.0.len())
    }
}
