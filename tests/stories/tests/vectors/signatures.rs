//! Signatures: the vectors, and who is let in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use handover_core::secret::Secret;
use handover_ringcx::signature::{sign, verify};
use handover_stories::canned::CannedRce;

use crate::{bench, entries, id, named, text, vectors};

#[test]
fn every_signature_is_computed_and_verified() {
    let Some(vectors) = vectors() else { return };
    let all = &vectors["signature"]["vectors"];
    for vector in entries(all, 23) {
        let name = id(vector);
        let body = Bytes::from(STANDARD.decode(text(&vector["body_base64"])).unwrap());
        assert_eq!(body, text(&vector["body_utf8"]).as_bytes(), "{name}");
        assert_eq!(
            body.len() as u64,
            vector["body_bytes"].as_u64().unwrap(),
            "{name}"
        );
        let secret = Secret::new(text(&vector["secret_utf8"]));
        let signature = text(&vector["signature_hex"]);
        assert_eq!(sign(&secret, &body), signature, "{name}");
        assert!(
            verify(&[secret], Some(signature.as_bytes()), None, body).is_ok(),
            "{name}"
        );
        for other in vector["relation"]["must_differ_from"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_ne!(
                text(&named(all, text(other))["signature_hex"]),
                signature,
                "{name}"
            );
        }
        assert_ne!(
            text(&vector["wrong_signature_if_secret_is_hex_decoded"]),
            signature,
            "{name}"
        );
    }
    let documented = &vectors["signature"]["documented_example_check"];
    let first = named(all, "sig-01-doc-compact");
    let secret = Secret::new(text(&first["secret_utf8"]));
    let of = |body: &str| sign(&secret, text(&documented[body]).as_bytes());
    let printed = text(&documented["documented_signature_hex"]);
    assert_eq!(
        of("compact_body") == printed,
        documented["matches_compact_body"].as_bool().unwrap()
    );
    assert_eq!(
        of("documented_body_as_printed") == printed,
        documented["matches_printed_body"].as_bool().unwrap()
    );
}

#[tokio::test]
async fn every_case_of_who_is_let_in_is_decided_right() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let bench = bench(vectors, &canned).await;
    for case in entries(&vectors["signature"]["verification_cases"], 14) {
        let name = id(case);
        assert_eq!(
            text(&case["secret_utf8"]),
            "tEsT-source-token-0001-NOT-A-REAL-KEY"
        );
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(case["query_signature"].as_str().map(|value| ("signature", value)))
            .finish();
        let header = case["header_X_SMCCSDK_SIGNATURE"].as_str();
        let headers: Vec<(&str, &str)> = header
            .into_iter()
            .map(|value| ("x-smccsdk-signature", value))
            .collect();
        let path = format!("/acme/handover/rce/source?{query}");
        let reply = bench
            .request("POST", &path, &headers, text(&case["body_utf8"]).to_owned())
            .await;
        let accepted = match text(&case["expect"]) {
            "accept" => true,
            // One case is left to the implementation: a wrong header is not made up for by the query.
            "reject" | "implementation_choice" => false,
            other => panic!("{other}"),
        };
        // The body `{}` names no action: who is let in hears so.
        assert_eq!(
            reply.status,
            if accepted { 400 } else { 401 },
            "{name}: {}",
            text(&case["why"])
        );
        bench.is_signed(&reply);
    }
    bench.finish().await;
}
