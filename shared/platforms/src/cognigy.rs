//! Cognigy.AI.
//!
//! Forms are JSON in an output's `data._cognigy` (Cognigy documentation, "AI Default Channel Formats"): `_default`, which
//! Cognigy converts for every channel; `_webchat`, Messenger-like, as its web chat shows it; `_ringCentralEngage.json`,
//! which flows for the RCE endpoint send, with a `command`, a `body` and a `structuredContent` in RCE's own words. The REST
//! endpoint nests the same in `data._data`.

mod adaptive;
mod input;
mod output;
mod read;
mod write;

pub use input::{CognigyInput, customer_to_cognigy};
pub use output::{Command, Output, output_from_cognigy, outputs_of_answer, request, wish};
pub use read::{from_cognigy, person_from_cognigy};
pub use write::{CognigyOutput, TEXT_MAX, text_for_cognigy, to_cognigy};
