//! The demo's page in a real browser; see `tests/demo`.
//!
//! It wants `chromedriver` and `chromium` on the `PATH`. Without them it says so and passes, except
//! where `CI` is set. Pictures of what the browser showed go to `artifacts/`.
