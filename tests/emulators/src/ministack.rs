//! SQS, SSM and S3.

use std::process::Command;

use serde_json::{Value, json};

use crate::process::Program;
use crate::tools::{Tools, unavailable};
use crate::{REGION, api};

/// A running `ministack`.
#[derive(Debug)]
pub struct Ministack {
    program: Program,
    url: String,
}

impl Ministack {
    pub async fn start() -> Option<Self> {
        let tools = match Tools::python() {
            Ok(tools) => tools,
            Err(error) => return unavailable("ministack (SQS, SSM)", error),
        };
        let command = |port: u16| {
            let mut command = Command::new(tools.path("bin/ministack"));
            command
                .env("GATEWAY_PORT", port.to_string())
                .env("BIND_HOST", "127.0.0.1")
                .env("MINISTACK_REGION", REGION)
                .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
                // It would listen on another port, on all interfaces.
                .env("IOT_MTLS_ENABLED", "0")
                .env("LOG_LEVEL", "WARNING");
            command
        };
        match Program::start("ministack", command).await {
            Ok(program) => Some(Self {
                url: program.url(),
                program,
            }),
            Err(error) => unavailable("ministack (SQS, SSM)", error),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn port(&self) -> u16 {
        self.program.port
    }

    /// Stores or replaces a `SecureString` of SSM.
    pub async fn put_parameter(&self, name: &str, value: &str) {
        let parameter = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
        self.call("AmazonSSM.PutParameter", &parameter).await;
    }

    pub async fn delete_parameter(&self, name: &str) {
        self.call("AmazonSSM.DeleteParameter", &json!({"Name": name}))
            .await;
    }

    /// An empty bucket of S3.
    pub async fn create_bucket(&self, name: &str) {
        let made = api::client().put(format!("{}/{name}", self.url)).send().await;
        let made = made.expect("the emulator answers");
        assert!(made.status().is_success(), "no bucket: {}", made.status());
    }

    /// Any operation (`AmazonSQS.GetQueueAttributes`); it must succeed.
    pub async fn call(&self, operation: &str, body: &Value) -> Value {
        api::must(&self.url, operation, body).await
    }
}
