//! The description of the bot API, OpenAPI 3.1. A test holds it to the routes and to real answers.

/// The document, as served at `/openapi.json`.
pub const DOCUMENT: &str = include_str!("openapi.json");
