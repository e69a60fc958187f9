//! A simulated RingCentral Engage Digital for the demo and the tests.
//!
//! It serves what a bridge calls (Send API and REST API), calls what a bridge serves (Source SDK and webhooks), has
//! channels of its own on which customers write, and a desk at which agents answer, by HTTP for a page and as methods
//! for a test. It is written from the
//! documentation and shares no code with the bridge, so that it really checks it. Everything is in memory, and
//! everything that a person sees says that it is simulated.

mod aftermath;
mod attachments;
mod cases;
mod chaos;
mod config;
mod console;
mod content;
mod desk;
mod error;
mod event_names;
mod events;
mod exports;
mod faults;
mod folder;
mod hub;
mod imports;
mod log;
mod model;
mod native;
mod queue;
mod rest;
mod routing;
mod send_api;
mod server;
mod signature;
mod simulated;
mod source_sdk;
mod state;
mod structured;
mod switches;
mod time;
mod validate;
mod webhooks;

pub use cases::Reply;
pub use chaos::{Chaos, ChaosCounts};
pub use config::{
    AgentStatus, Channel, IndexLag, Rights, SimulatedAgent, SimulatedConfig, WebhookBehaviour, WebhookCounts,
};
pub use console::ROLE_RIGHTS;
pub use error::{DeskError, SendError};
pub use event_names::{FURTHER_EVENTS, NATIVE_EVENTS, RECOMMENDED_EVENTS};
pub use faults::{Fault, FaultTarget, ScriptedFault};
pub use log::{Delivery, DeliveryKind, LoggedRequest, RequestKind, Violation};
pub use model::{
    Agent, AuthorKind, Comment, Content, Holiday, Identity, Intervention, SyncStatus, Task, TaskQueue,
    Thread, TimeSheet, Typing, Webhook, WebhookState,
};
pub use native::{
    AttachmentsLevel, FailExports, NativeKind, NativeMessage, NativeSource, Privacy, Seen, Speaker, Which,
};
pub use signature::{SIGNATURE_HEADER, is_signed, sign};
pub use simulated::{BridgeCheck, SimulatedRingcx};
pub use source_sdk::BridgeAnswer;
pub use state::State;
