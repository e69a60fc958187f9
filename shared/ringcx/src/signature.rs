//! The signature that both directions of the Source SDK and Send API carry (Source SDK,
//! request/response page): HMAC-SHA512 over the exact body bytes, keyed with the text of the
//! source's API access token, as 128 hexadecimal digits.
//!
//! There is no timestamp and no nonce in it; repeats are dealt with by ids further in.

use bytes::Bytes;
use handover_core::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use subtle::{Choice, ConstantTimeEq as _};

use crate::verified::{SourceSdk, Verified};

/// The header, in both directions; names of headers know no case.
pub const SIGNATURE_HEADER: &str = "x-smccsdk-signature";

/// The query parameter for paths on which a proxy strips unknown headers.
const SIGNATURE_PARAMETER: &str = "signature";

/// The parameter's name in older official code.
const OLD_SIGNATURE_PARAMETER: &str = "SMCCSDK_SIGNATURE";

const SIGNATURE_BYTES: usize = 64;

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("no signature in header {SIGNATURE_HEADER} nor in query parameter `signature`")]
    Missing,
    #[error("the signature is not that of this body under any of the connection's realtime access tokens")]
    Wrong,
}

/// The signature of `body`: 128 lower-case hexadecimal digits.
pub fn sign(token: &Secret, body: &[u8]) -> String {
    hex::encode(mac(token, body))
}

/// Checks the signature of a request to our channel.
///
/// A header that is not empty decides; only without one does the query parameter. Every token is
/// tried and the comparison takes the same time wherever the bytes differ.
pub fn verify(
    tokens: &[Secret],
    header: Option<&[u8]>,
    query: Option<&str>,
    body: Bytes,
) -> Result<Verified<SourceSdk>, SignatureError> {
    let decoded = given(header, query)?;
    let matches = tokens.iter().fold(Choice::from(0), |found, token| {
        found | mac(token, &body).ct_eq(&decoded)
    });
    if matches.into() {
        Ok(Verified::new(body))
    } else {
        Err(SignatureError::Wrong)
    }
}

/// The token whose holder asks, which signs the answer: while a token is being changed, only the caller knows which one it
/// has, and takes no other signature. The first, if it is none of them.
pub fn token_of_caller<'a>(
    tokens: &'a [Secret],
    header: Option<&[u8]>,
    query: Option<&str>,
    body: &[u8],
) -> Option<&'a Secret> {
    let (first, others) = tokens.split_first()?;
    if others.is_empty() {
        return Some(first);
    }
    let Ok(decoded) = given(header, query) else {
        return Some(first);
    };
    // All are compared, so that the time taken does not tell which one it is.
    Some(tokens.iter().fold(first, |found, token| {
        let matches: bool = mac(token, body).ct_eq(&decoded).into();
        if matches { token } else { found }
    }))
}

/// The signature that a request carries, decoded.
fn given(header: Option<&[u8]>, query: Option<&str>) -> Result<[u8; SIGNATURE_BYTES], SignatureError> {
    let given = match header.filter(|header| !header.is_empty()) {
        Some(header) => header.to_vec(),
        None => signature_parameter(query)
            .ok_or(SignatureError::Missing)?
            .into_bytes(),
    };
    let mut decoded = [0; SIGNATURE_BYTES];
    hex::decode_to_slice(&given, &mut decoded).map_err(|_| SignatureError::Wrong)?;
    Ok(decoded)
}

/// The value of the query parameter `signature`, percent-decoded; the name `SMCCSDK_SIGNATURE` of
/// older official code is accepted too. An empty value counts as none.
pub fn signature_parameter(query: Option<&str>) -> Option<String> {
    let query = query?.as_bytes();
    [SIGNATURE_PARAMETER, OLD_SIGNATURE_PARAMETER]
        .into_iter()
        .find_map(|wanted| {
            form_urlencoded::parse(query)
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        })
}

fn mac(token: &Secret, body: &[u8]) -> [u8; SIGNATURE_BYTES] {
    let mut mac =
        Hmac::<Sha512>::new_from_slice(token.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
