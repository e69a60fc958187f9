//! Expected signatures were computed with `openssl dgst -sha512 -hmac`.

use super::*;

const TOKEN: &str = "ringcx-test-token-of-our-own";
const OF_EMPTY_OBJECT: &str = "c1698df9bfe73f7631ea6fb9d48c8c3b5112a57bf1f4513b59c534811557d8466b6f1ab0bf9390e4311fc47d04d19e146255eaabde5d6d61218dda32ddc87eab";

const DOCUMENTED_TOKEN: &str = "3YJZzqMJ5Ec7i2JGvnt8TgvleD7dtpwpmag4S6MuRA2GQdfvV4STIsxDRJ4fEjO8";
const DOCUMENTED_SIGNATURE: &str = "826b61e7939505b2e773ef43a2aad53ec0385dd9d783fbd1c8fea00d0e2a3e2fb0ae0a5b2eb342356b61c41b5f19baec4c1f7e7e37a5b486fe9b593942017ff9";

fn check(header: Option<&str>, query: Option<&str>) -> Result<(), SignatureError> {
    let tokens = [Secret::new("the-token-of-tomorrow"), Secret::new(TOKEN)];
    let body = Bytes::from_static(b"{}");
    verify(&tokens, header.map(str::as_bytes), query, body).map(drop)
}

#[test]
fn br_001_the_exact_bytes_are_signed() {
    let cases: [(&str, &[u8], &str); 5] = [
        (TOKEN, b"{}", OF_EMPTY_OBJECT),
        (
            TOKEN,
            b"",
            "37c2f1e472360f0c3f6bc818e7f807383950d06d47e0a88bb162b818bdc06f7ec665585bbc870c77f1f9a1dd8be14a41f3257e9d0a2a0b338b489b16072e6884",
        ),
        (
            TOKEN,
            b"{}\n",
            "15cfc9765537902e53bcb3a59337282d456e2d40dac38c6789c317a19077b11ab4abdbb2dc3d9093b0bb807059d27ac556ac9884da58dbf3031fb1ddf949082e",
        ),
        (
            TOKEN,
            "{\"body\":\"Où ? 注文 🚚\"}".as_bytes(),
            "fd2948ce22fc63c3f05aa8344699f034187afa17cc5e5a8ca5207d9fb85e001781d6bb09bc6e2012191e6af82aeabb3a1c4b2498babe25b4f60ac8ba9b86010f",
        ),
        (
            TOKEN,
            br#"{"body":"O\u00f9 ? \u6ce8\u6587 \ud83d\ude9a"}"#,
            "bc4181071b9b621d7345e516b96ebe28312b1487ae08215d8485f7c996a48a7776ab04454a6d84d82012cbb26df590758f2c65140bab2ac2ab56f54fd2bcca0b",
        ),
    ];
    for (token, body, expected) in cases {
        assert_eq!(sign(&Secret::new(token), body), expected, "{token}");
    }
}

#[test]
fn br_008_the_token_is_used_as_text_and_as_it_is() {
    let cases: [(&str, &[u8], &str); 3] = [
        (
            " ringcx-test-token-of-our-own ",
            b"{}",
            "812cdc71b8d556d7506a017291000fbe8d7558a328ae038d84b0d776420a7119815ed758a9c2fa44d48c4da97e4c952dea07d7d79f5b5f85d9abaf9361eb7f66",
        ),
        (
            "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff",
            b"{}",
            "fc7dacf5e1303ed1bb2b2d2b74308b3f400a524c9279725e59002bf7306f207ab941003ae91da8f7daa884a1bb237d77fc9676f1bfdd1519b4c03b37e3d53d38",
        ),
        (
            &"p".repeat(129),
            b"{}",
            "020a7327dc02229481430bf694ab460c2c947f094658c58ba6445c53b6d0c16b12097b0064ef3a605ba1f0f63ca2e27266b5b50869c4b81fe81d54e8aaafddce",
        ),
    ];
    for (token, body, expected) in cases {
        assert_eq!(sign(&Secret::new(token), body), expected, "{token}");
    }
}

#[test]
fn br_002_the_documented_example_verifies_in_compact_form_only() {
    let tokens = [Secret::new(DOCUMENTED_TOKEN)];
    let verify = |body: &'static str| {
        verify(
            &tokens,
            Some(DOCUMENTED_SIGNATURE.as_bytes()),
            None,
            Bytes::from(body),
        )
    };
    let compact = r#"{"action":"implementation.info","time":"2012-10-01T17:18:40Z"}"#;
    assert_eq!(verify(compact).unwrap().bytes(), compact.as_bytes());
    let printed = r#"{ "action": "implementation.info", "time": "2012-10-01T17:18:40Z" }"#;
    assert_eq!(verify(printed), Err(SignatureError::Wrong));
}

#[test]
fn br_004_upper_case_is_read_and_lower_case_is_written() {
    assert_eq!(check(Some(&OF_EMPTY_OBJECT.to_uppercase()), None), Ok(()));
    let written = sign(&Secret::new(TOKEN), b"{}");
    assert_eq!(written, written.to_lowercase());
}

#[test]
fn br_005_the_query_decides_only_without_a_header() {
    let query = format!("hub=1&signature={OF_EMPTY_OBJECT}");
    let wrong = "0".repeat(128);
    assert_eq!(check(None, Some(&query)), Ok(()));
    assert_eq!(check(Some(""), Some(&query)), Ok(()));
    assert_eq!(check(Some(&wrong), Some(&query)), Err(SignatureError::Wrong));
    let wrong_query = format!("signature={wrong}");
    assert_eq!(check(Some(OF_EMPTY_OBJECT), Some(&wrong_query)), Ok(()));
    assert_eq!(check(None, Some(&wrong_query)), Err(SignatureError::Wrong));
    for nothing in [None, Some(""), Some("signature="), Some("a=b")] {
        assert_eq!(check(None, nothing), Err(SignatureError::Missing));
    }
}

#[test]
fn the_parameter_is_decoded_and_its_old_name_is_known() {
    let read = |query| signature_parameter(Some(query));
    assert_eq!(read("x=1&signature=a%62c").as_deref(), Some("abc"));
    assert_eq!(read("SMCCSDK_SIGNATURE=abc").as_deref(), Some("abc"));
    assert_eq!(
        read("SMCCSDK_SIGNATURE=old&signature=new").as_deref(),
        Some("new")
    );
    assert_eq!(signature_parameter(None), None);
}

#[test]
fn br_007_anything_but_the_hex_of_the_mac_is_refused() {
    let prefixed = format!("sha512={OF_EMPTY_OBJECT}");
    let longer = format!("{OF_EMPTY_OBJECT}00");
    let shorter = &OF_EMPTY_OBJECT[..127];
    let other_last_digit = format!("{shorter}c");
    for wrong in [
        &prefixed,
        &longer,
        shorter,
        &other_last_digit,
        "wWmN+b/nP3Yx6m+51IyMO1ES==",
        "c1698df9",
        "é",
    ] {
        assert_eq!(check(Some(wrong), None), Err(SignatureError::Wrong), "{wrong}");
    }
}

#[test]
fn br_083_every_token_of_a_rotation_verifies_and_without_tokens_nothing_does() {
    assert_eq!(check(Some(OF_EMPTY_OBJECT), None), Ok(()));
    let header = Some(OF_EMPTY_OBJECT.as_bytes());
    assert_eq!(
        verify(&[], header, None, Bytes::from_static(b"{}")),
        Err(SignatureError::Wrong)
    );
}

#[test]
fn verified_bytes_are_not_shown() {
    let tokens = [Secret::new(TOKEN)];
    let verified = verify(
        &tokens,
        Some(OF_EMPTY_OBJECT.as_bytes()),
        None,
        Bytes::from_static(b"{}"),
    );
    assert_eq!(format!("{:?}", verified.unwrap()), "Verified(2 bytes)");
}
