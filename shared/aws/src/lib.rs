//! The Lambda shells around the handlers: the only crate that knows Lambda and AWS.
//!
//! A shell turns a Lambda event into what a handler takes and back, touching no byte of a body on the way.
//! What is not here yet is the store over DynamoDB and the queues over SQS: until then [`start`] opens the
//! embedded store, so that the functions can be tried on one machine, and refuses to start without it.
//!
//! | module | owns |
//! |---|---|
//! | [`http`] | API Gateway request ↔ plain request |
//! | [`sqs`] | SQS batch → jobs, one by one, in order within a group |
//! | [`start`] | logging, settings and ports, once per cold start |

pub mod http;
pub mod sqs;
pub mod start;

pub use handover_core::job::QueueName;
pub use lambda_http::Error;
