//! The description of the bot API is true: it is valid OpenAPI 3.1, it lists every address that there is, its
//! examples are examples of what it says, and real answers and events are what it says.

mod answers;
mod bot;
mod document;
mod events;
mod host;
mod operator;
mod refusals;
mod schemas;
