//! The signature of the Source SDK and of the Send API: the HMAC-SHA512 of the exact body bytes, keyed with the
//! text of the source token, in lower-case hexadecimal.
//!
//! Written from the documentation and shared with nobody, so that a mistake in the bridge is not repeated here.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

/// The header that carries the signature, in both directions.
pub const SIGNATURE_HEADER: &str = "X-SMCCSDK-SIGNATURE";

/// Signs `body` with the text of a source token.
pub fn sign(token: &str, body: &[u8]) -> String {
    hex::encode(keyed(token, body).finalize().into_bytes())
}

/// Whether `signature` is the one of exactly these bytes.
pub fn is_signed(token: &str, body: &[u8], signature: &str) -> bool {
    hex::decode(signature).is_ok_and(|raw| keyed(token, body).verify_slice(&raw).is_ok())
}

fn keyed(token: &str, body: &[u8]) -> Hmac<Sha512> {
    let mut mac = Hmac::<Sha512>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "3YJZzqMJ5Ec7i2JGvnt8TgvleD7dtpwpmag4S6MuRA2GQdfvV4STIsxDRJ4fEjO8";
    const DOCUMENTED: &str = "826b61e7939505b2e773ef43a2aad53ec0385dd9d783fbd1c8fea00d0e2a3e2fb0ae0a5b2eb342356b61c41b5f19baec4c1f7e7e37a5b486fe9b593942017ff9";

    #[test]
    fn the_documented_example_is_right_for_the_compact_body_only() {
        let compact = br#"{"action":"implementation.info","time":"2012-10-01T17:18:40Z"}"#;
        let printed = br#"{ "action": "implementation.info", "time": "2012-10-01T17:18:40Z" }"#;
        assert_eq!(sign(TOKEN, compact), DOCUMENTED);
        assert!(is_signed(TOKEN, compact, &DOCUMENTED.to_uppercase()));
        assert!(!is_signed(TOKEN, printed, DOCUMENTED));
        assert!(!is_signed(TOKEN, compact, ""));
        assert!(!is_signed(TOKEN, compact, "not hex"));
    }
}
