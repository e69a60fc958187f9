//! The inputs that mutations start from.

use std::path::Path;

use serde_json::Value;

use crate::json;
use crate::mutation::{ByteEdit, Edits, Mutation};

/// What parsers like to trip over.
const TROUBLE: &str = r#"["", " ", "\u0000", "\ud7ff", "🙂", "ﷺ", "\r\n", "<", "%", "null", "..", "/", "whsec_", "env:HOME",
    "1970-01-01T00:00:00.000000001Z",
    0, -1, 0.5, 1e308, -1e308, 1e-320, 4294967296, 18446744073709551615, -9223372036854775808,
    true, false, null, [], {}, [[]], {"": {}}]"#;

/// The seeds of one target.
pub struct Seeds {
    files: Vec<Vec<u8>>,
    words: Vec<Value>,
}

impl Seeds {
    /// Reads the files of `seeds/<target>`.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn of(target: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut paths: Vec<_> = std::fs::read_dir(&dir)
            .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
            .map(|entry| entry.expect("a directory can be listed").path())
            .collect();
        paths.sort();
        let files: Vec<Vec<u8>> = paths
            .iter()
            .map(|path| std::fs::read(path).expect("a seed can be read"))
            .collect();
        assert!(!files.is_empty(), "{} has no seeds", dir.display());
        let mut words = Vec::new();
        for file in &files {
            if let Ok(value) = serde_json::from_slice(file) {
                json::words(&value, &mut words);
            }
        }
        words.extend(serde_json::from_str::<Vec<Value>>(TROUBLE).expect("trouble is JSON"));
        Self { files, words }
    }

    /// The bytes that a mutation makes.
    pub fn grow(&self, mutation: &Mutation) -> Vec<u8> {
        match mutation {
            Mutation::Values { seed, edits } => {
                let seed = self.seed(*seed);
                match serde_json::from_slice(seed) {
                    Ok(value) => json::edit(value, edits, &self.words).to_string().into_bytes(),
                    Err(_) => seed.to_vec(),
                }
            }
            Mutation::Bytes { seed, edits } => self.edit_bytes(self.seed(*seed).to_vec(), edits),
            Mutation::Noise(bytes) => bytes.clone(),
        }
    }

    /// The same as text.
    pub fn grow_text(&self, mutation: &Mutation) -> String {
        String::from_utf8_lossy(&self.grow(mutation)).into_owned()
    }

    fn seed(&self, number: u8) -> &[u8] {
        &self.files[usize::from(number) % self.files.len()]
    }

    fn edit_bytes(&self, mut bytes: Vec<u8>, edits: &Edits<ByteEdit>) -> Vec<u8> {
        for (place, edit) in edits.iter() {
            let place = place % (bytes.len() + 1);
            match edit {
                ByteEdit::Replace(byte) => bytes[place..].iter_mut().take(1).for_each(|b| *b = *byte),
                ByteEdit::Insert(byte) => bytes.insert(place, *byte),
                ByteEdit::Remove => drop(bytes.drain(place..bytes.len().min(place + 1))),
                ByteEdit::Truncate => bytes.truncate(place),
                ByteEdit::Repeat => bytes.extend_from_within(place..),
                ByteEdit::Word(word) => {
                    let word = match json::word(&self.words, *word) {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    bytes.splice(place..place, word.into_bytes());
                }
            }
        }
        bytes
    }
}
