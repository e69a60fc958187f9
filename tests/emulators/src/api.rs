//! AWS's JSON protocol without its SDK, which only one crate may name.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::REGION;

/// One client for all emulators: plain HTTP to this machine.
pub(crate) fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .no_proxy()
            // A runtime ends with its test, and takes its open connections along.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(30))
            .tls_certs_only([])
            .build()
            .expect("a client without system resources")
    })
}

/// Calls `operation` (`DynamoDB_20120810.CreateTable`); an error is what the emulator said.
pub(crate) async fn call(url: &str, operation: &str, body: &Value) -> Result<Value, String> {
    let version = if operation.starts_with("DynamoDB") {
        "1.0"
    } else {
        "1.1"
    };
    let scope = format!("test/20260101/{REGION}/{}/aws4_request", service(operation));
    let request = client()
        .post(url)
        .header("x-amz-target", operation)
        .header("x-amz-date", "20260101T000000Z")
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=0"),
        )
        .body(body.to_string());
    let answer = request
        .send()
        .await
        .map_err(|error| format!("{operation}: {error}"))?;
    let status = answer.status();
    let text = answer
        .text()
        .await
        .map_err(|error| format!("{operation}: {error}"))?;
    if !status.is_success() {
        return Err(format!("{operation}: {status}: {text}"));
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The same where anything but success fails the test.
pub(crate) async fn must(url: &str, operation: &str, body: &Value) -> Value {
    call(url, operation, body)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

fn service(operation: &str) -> &'static str {
    match operation.split(['_', '.']).next() {
        Some("DynamoDB") => "dynamodb",
        Some("AmazonSSM") => "ssm",
        _ => "sqs",
    }
}
