//! Files that pass through the bridge: fetched from strangers within limits, kept until they expire.
//!
//! | module | owns |
//! |---|---|
//! | [`fetch`] | a file from an address that a stranger gave: how long, how much, from where |
//! | `guard` | which addresses may be called |
//! | [`directory`] | files in a directory of this machine |

pub mod directory;
pub mod fetch;
mod guard;

pub use directory::FileDirectory;
pub use fetch::HttpFetcher;
