//! The bridge on AWS: the only crate that knows Lambda, DynamoDB, SQS and SSM.
//!
//! A shell turns a Lambda event into what a handler takes and back, touching no byte of a body on the way. The
//! ports are DynamoDB, SQS and SSM; all calls go through the HTTP client that also talks to RCE and to bots.
//!
//! | module | owns |
//! |---|---|
//! | [`http`] | API Gateway request ↔ plain request |
//! | [`sqs`] | SQS batch → jobs: groups side by side, one by one within a group |
//! | `watch` | a schedule's tick → somebody is sent to each handover whose time has come |
//! | [`dynamodb`] | the store in one table |
//! | [`queue`] | the queues in SQS FIFO |
//! | [`budget`] | one REST budget for all instances |
//! | [`settings`] | connections from SSM |
//! | [`s3`] | files in S3 |
//! | [`records`] | what a worker asks of SQS besides |
//! | [`operator`] | a stage as an operator's machine opens it |
//! | [`metrics`] | what is counted, as lines for CloudWatch |
//! | [`client`] | the SDK over our HTTP client |
//! | `fault` | why a call to AWS failed, in words that name the thing |
//! | `environment`, `start` | what the template tells a function; everything made once per cold start |

pub mod budget;
pub mod client;
pub mod dynamodb;
mod environment;
mod fault;
pub mod http;
pub mod metrics;
pub mod operator;
pub mod queue;
pub mod records;
pub mod s3;
pub mod settings;
pub mod sqs;
mod start;
mod watch;

pub use handover_core::job::QueueName;
pub use lambda_http::Error;

use start::Neighbours;

/// Runs a function that answers HTTP.
pub async fn serve() -> Result<(), Error> {
    let function = Box::pin(start::function(Neighbours {
        queues: true,
        ..Neighbours::default()
    }))
    .await?;
    http::run(function.app, function.metrics).await
}

/// Runs the function that works off one queue.
pub async fn work_off(queue: QueueName) -> Result<(), Error> {
    let neighbours = match queue {
        // To end a handover, a job of this queue moves the thread back first.
        QueueName::ToBot => Neighbours {
            ringcx: true,
            bots: true,
            ..Neighbours::default()
        },
        QueueName::ToRingcx => Neighbours {
            ringcx: true,
            ..Neighbours::default()
        },
        QueueName::QueueUpdates => Neighbours {
            queues: true,
            ..Neighbours::default()
        },
    };
    let function = Box::pin(start::function(neighbours)).await?;
    let worker = function.worker(queue)?;
    sqs::run(worker, function.metrics).await
}

/// Runs the function that a schedule invokes, to look after handovers.
pub async fn watch() -> Result<(), Error> {
    let function = Box::pin(start::function(Neighbours {
        queues: true,
        ..Neighbours::default()
    }))
    .await?;
    watch::run(function.app, function.metrics).await
}
