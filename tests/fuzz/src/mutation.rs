//! How a seed is bent. Small and printable, so that a failing input can be read.

use bolero::TypeGenerator;

/// What is done to a seed.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Mutation {
    /// Values inside a JSON seed are replaced.
    Values { seed: u8, edits: Edits<ValueEdit> },
    /// Bytes of a seed are changed.
    Bytes { seed: u8, edits: Edits<ByteEdit> },
    /// No seed at all.
    Noise(Vec<u8>),
}

/// Up to four changes, each at some place: more leave nothing of the seed.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Edits<T>(pub [Option<(u16, T)>; 4])
where
    T: 'static;

impl<T> Edits<T> {
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0
            .iter()
            .flatten()
            .map(|(place, edit)| (usize::from(*place), edit))
    }
}

/// A change inside a JSON value.
#[derive(Clone, Debug, TypeGenerator)]
pub enum ValueEdit {
    Remove,
    Null,
    Bool(bool),
    Number(i64),
    /// Quarters, which are read back exactly.
    Fraction(i16),
    /// Something that stands in some seed, or is known to make trouble.
    Word(u16),
    /// A time: very early, very late, close to others.
    Time(u8),
    Text(String),
    /// Inside this many lists.
    Nest(u8),
    /// As often as this in a list.
    Repeat(u8),
    /// One more member of an object, called and being some word.
    Member(u16, u16),
}

/// A change of bytes.
#[derive(Clone, Debug, TypeGenerator)]
pub enum ByteEdit {
    Replace(u8),
    Insert(u8),
    Remove,
    Truncate,
    /// The rest once more.
    Repeat,
    /// Some word in between.
    Word(u16),
}
